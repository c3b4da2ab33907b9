"""Following an operation to its end, whatever comes in between."""

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from cfgen.aws import FAILURES, brief
from cfgen.deploy.events import Event
from cfgen.deploy.stack import Stack
from cfgen.errors import StillRunning

Answer = Literal["detach", "cancel", "watch"]

CANCELS = {
    "UPDATE_IN_PROGRESS": "cancel the update and roll it back",
    "CREATE_IN_PROGRESS": "cancel: delete the stack that is being created",
}
"""What can be cancelled, by the state of the stack (CancelUpdateStack takes updates only)."""


class Running(msgspec.Struct, frozen=True):
    """An operation that was started; ``seen`` are the ids of the events before it.

    ``deletes`` says that its failure deletes the stack, whose other ends are then no ends.
    """

    stack_arn: str
    seen: set[str]
    token: str
    deletes: bool = False


class Onlooker(Protocol):
    """What following needs of a watcher."""

    def event(self, event: Event) -> None:
        """A stack event."""

    def interrupted(self, cancel: str) -> Answer:
        """Ctrl-C came; ``cancel`` says what cancelling would do, empty where it cannot be done.

        Raises ``KeyboardInterrupt`` where it came again or nobody can be asked.
        """
        ...

    def warning(self, text: str) -> None:
        """Something that is wrong and does not stop the operation."""


class Followed(msgspec.Struct, frozen=True):
    """All events of an operation, the last of which ended it; whether a person cancelled it."""

    events: list[Event]
    cancelled: bool = False

    @property
    def status(self) -> str:
        """The state in which the stack ended."""
        return self.events[-1].status


def follow(stack: Stack, running: Running, watcher: Onlooker) -> Followed:
    """Follow to the end.

    Nothing that goes wrong here is a failed operation, for it goes on in AWS without us: raises
    :class:`StillRunning` then and for a person who wants to look away, ``KeyboardInterrupt`` for
    one who will not answer.
    """
    arn = running.stack_arn
    events: list[Event] = []
    ends: Callable[[Event], bool] = _ends(arn, deletes=running.deletes)
    cancelled = False
    while True:
        try:
            stack.follow(arn, running.seen, events, watcher.event, ends)
        except KeyboardInterrupt:
            status = _status(arn, events)
            try:
                answer = watcher.interrupted(CANCELS.get(status, ""))
            except KeyboardInterrupt:
                watcher.warning(goes_on(stack, arn))
                raise
            if answer == "detach":
                raise StillRunning(
                    f"detached from stack {stack.name}", goes_on(stack, arn)
                ) from None
            if answer == "cancel" and _cancel(stack, arn, status, running.token, watcher):
                cancelled = True
                if status == "CREATE_IN_PROGRESS":
                    ends = _goes(arn)
        except FAILURES as error:
            raise StillRunning(
                f"lost sight of stack {stack.name}: {brief(error)}", goes_on(stack, arn)
            ) from error
        else:
            return Followed(events, cancelled)


def goes_on(stack: Stack, arn: str) -> str:
    """How to look at an operation that goes on without us."""
    region = arn.split(":")[3]
    return (
        f"the operation goes on in AWS; watch it with: {stack.resume}, or "
        f"aws cloudformation describe-stack-events --region {region} --stack-name {arn}"
    )


def _ends(arn: str, *, deletes: bool) -> Callable[[Event], bool]:
    if not deletes:
        return lambda event: event.ends(arn)
    done = ("CREATE_COMPLETE", "DELETE_COMPLETE", "DELETE_FAILED")
    return lambda event: event.is_own(arn) and event.status in done


def _status(arn: str, events: list[Event]) -> str:
    return next((event.status for event in reversed(events) if event.is_own(arn)), "")


def _goes(arn: str) -> Callable[[Event], bool]:
    return lambda event: event.is_own(arn) and event.status in ("DELETE_COMPLETE", "DELETE_FAILED")


def _cancel(stack: Stack, arn: str, status: str, token: str, watcher: Onlooker) -> bool:
    """Ask AWS to stop it, and say whether it will: it may have got too far in the meantime."""
    try:
        found = stack.find(arn)
        if found and found.status != status:
            watcher.warning(f"it was not cancelled: stack {stack.name} is in {found.status} by now")
            return False
        if status == "CREATE_IN_PROGRESS":
            stack.delete(arn, f"{token}-cancel")
        else:
            stack.cancel_update(arn, f"{token}-cancel")
    except FAILURES as error:
        watcher.warning(f"it could not be cancelled: {brief(error)}")
        return False
    return True
