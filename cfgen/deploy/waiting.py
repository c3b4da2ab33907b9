"""How cfgen waits for AWS: no waiters of the SDK's, which poll slowly and lie about success."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from cfgen.aws import FAILURES, brief, is_expired, is_transient
from cfgen.errors import StillRunning

T = TypeVar("T")

FIRST_POLL, SLOWEST_POLL = 2.0, 10.0
"""Seconds between polls: the shortest and the longest."""

SILENT = 3
"""Looks without an answer after which it is told."""

SHARE = 20
"""A pause is at most this part of the time waited so far, once that allows the first: what takes
longer than 40 s is seen to end within 5% of it."""


class Waiting(msgspec.Struct, frozen=True):
    """How to wait: ``clock`` and ``sleep`` in seconds, and for how many seconds at the most.

    ``jitter`` takes a pause and gives one that is not longer, so that many do not poll at once.
    ``command`` writes a command of cfgen's for the same stack; ``watching`` is the one that goes
    on watching. ``config`` is the file of the stack's configuration, for hints.
    """

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    limit: float
    jitter: Callable[[float], float] = lambda pause: pause
    command: Callable[[str], str] = "cfgen {}".format
    watching: str = "deploy --attach"
    config: str = "cfgen.toml"

    @property
    def resume(self) -> str:
        """The command that goes on watching."""
        return self.command(self.watching)


def wait_until(
    what: str,
    probe: Callable[[], T | None],
    waiting: Waiting,
    renew: Callable[[], bool] = lambda: False,
    tell: Callable[[str], None] = lambda _: None,
) -> T:
    """Call ``probe`` until it gives something.

    Throttling and a cut connection do not end it; neither do expired credentials, where ``renew``
    finds others. ``tell`` hears of it when AWS cannot be heard for a while. Raises
    :class:`StillRunning` for credentials that cannot be renewed, and when the time is up.
    """
    begun = waiting.clock()
    silent = 0
    while True:
        result = None
        try:
            result = probe()
            silent = 0
        except FAILURES as error:
            if is_expired(error) and not renew():
                raise StillRunning(
                    f"the credentials expired while waiting for {what}",
                    f"renew them, then {waiting.resume} goes on watching",
                ) from error
            if not (is_expired(error) or is_transient(error)):
                raise
            silent += 1
            if silent == SILENT:
                tell(f"no answer about {what} ({brief(error)}): still trying")
        if result is not None:
            return result
        waited = waiting.clock() - begun
        if waited >= waiting.limit:
            raise StillRunning(
                f"gave up waiting for {what} after {waiting.limit:.0f} s; it goes on in AWS",
                f"{waiting.resume} goes on watching",
            )
        pause = min(max(FIRST_POLL, waited / SHARE), SLOWEST_POLL)
        waiting.sleep(waiting.jitter(pause))
