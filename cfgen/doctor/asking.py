"""An answer of AWS's, or why there is none."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from botocore.exceptions import ClientError

from cfgen.aws import FAILURES, HINTS, brief, kind_of
from cfgen.doctor.catalog import UNASKED, found
from cfgen.doctor.findings import Finding
from cfgen.errors import CfgenError

T = TypeVar("T")

UNREADABLE = (*FAILURES, CfgenError, OSError, LookupError, ValueError)
"""What reading may end with. The last two are answers that lack what they should hold."""


AGAIN = "look again; with --debug it is told what was called"

Denied = list[str]
"""Operations that the identity may not call, as they are met."""


def look(
    check: str,
    read: Callable[[], T],
    judge: Callable[[T], Iterable[Finding]],
    denied: Denied,
) -> Iterator[Finding]:
    """Read and judge. Where reading fails the check is ``unknown``, and nothing else is stopped."""
    try:
        facts = read()
    except UNREADABLE as error:
        yield unasked(check, error, denied)
        return
    yield from judge(facts)


def unasked(check: str, error: Exception, denied: Denied) -> Finding:
    """The finding of a check that could not be asked."""
    if isinstance(error, FAILURES):
        kind = kind_of(error)
        if kind == "denied" and isinstance(error, ClientError):
            denied.append(error.operation_name)
            reason = f"the identity may not call {error.operation_name}"
        else:
            reason = brief(error)
        return found(UNASKED, check, reason=reason, hint=HINTS[kind] or AGAIN)
    hint = error.hint if isinstance(error, CfgenError) else AGAIN
    reason = str(error) if isinstance(error, CfgenError | OSError) else f"an odd answer ({error!r})"
    return found(UNASKED, check, reason=reason, hint=hint or AGAIN)
