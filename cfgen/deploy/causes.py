"""Why an operation failed. Pure."""

from collections.abc import Iterable

from cfgen.deploy.events import STACK, Event

CANCELLED = (
    "Resource creation cancelled",
    "Resource update cancelled",
    "Resource deletion cancelled",
)


def causes(events: Iterable[Event]) -> tuple[Event, ...]:
    """The earliest failure of each resource that is not a consequence of another one.

    Events of stacks only repeat what their resources said, so they count where no resource said
    anything; CloudFormation cancels whatever else was under way; and what fails in a rollback comes
    after what made it roll back. ``events`` are in order of time.
    """
    failed: list[Event] = []
    rolling_back: list[Event] = []
    back = False
    for event in events:
        # A stack that begins to roll back may be the only one to say why.
        back = back or (event.resource_type == STACK and "ROLLBACK_IN_PROGRESS" in event.status)
        if event.reason and _failed(event):
            (rolling_back if back else failed).append(event)
    first: dict[str, Event] = {}
    for event in _resources(failed) or failed[:1] or _resources(rolling_back) or rolling_back[:1]:
        first.setdefault(event.logical_id, event)
    return tuple(first.values())


def stuck(events: Iterable[Event]) -> tuple[Event, ...]:
    """What a rollback or a deletion could not undo, each once."""
    first: dict[str, Event] = {}
    back = False
    for event in events:
        back = back or (
            event.resource_type == STACK
            and ("ROLLBACK_IN_PROGRESS" in event.status or event.status == "DELETE_IN_PROGRESS")
        )
        if back and event.resource_type != STACK and _failed(event):
            first.setdefault(event.logical_id, event)
    return tuple(first.values())


def is_nested(event: Event, stack_arn: str) -> bool:
    """Whether a failure is another stack's, whose own events say more."""
    other = event.resource_type == STACK and event.physical_id != stack_arn
    return other and event.physical_id.startswith("arn:")


def _resources(events: list[Event]) -> list[Event]:
    return [event for event in events if event.resource_type != STACK]


def _failed(event: Event) -> bool:
    if event.hook:
        return event.binding and event.status in ("HOOK_COMPLETE_FAILED", "HOOK_FAILED")
    if event.reason.startswith(CANCELLED):
        return False
    rolling_back = event.resource_type == STACK and "ROLLBACK_IN_PROGRESS" in event.status
    return event.status.endswith("_FAILED") or rolling_back
