"""Why an operation failed. Pure."""

from collections.abc import Iterable

from cfgen.deploy.events import Event

STACK = "AWS::CloudFormation::Stack"
HOSTS, HOST_LOG_GROUP = ("Host", "HostGroup"), "HostLogGroup"
CANCELLED = (
    "Resource creation cancelled",
    "Resource update cancelled",
    "Resource deletion cancelled",
)


def first_cause(events: Iterable[Event]) -> Event | None:
    """The earliest failure that is not a consequence of another one.

    Events of stacks only repeat what their resources said, so they count where no resource said
    anything; and CloudFormation cancels whatever else was under way. ``events`` are in order of
    time.
    """
    failed = [event for event in events if event.reason and _failed(event)]
    own = (event for event in failed if event.resource_type != STACK)
    return next(own, None) or next(iter(failed), None)


def _failed(event: Event) -> bool:
    if event.reason.startswith(CANCELLED):
        return False
    # A stack that begins to roll back may be the only one to say why.
    rolling_back = event.resource_type == STACK and "ROLLBACK_IN_PROGRESS" in event.status
    return event.status.endswith("_FAILED") or rolling_back


def remedy(cause: Event | None, events: Iterable[Event], region: str) -> str:
    """What to do next about a cause."""
    logs = [event.physical_id for event in events if event.logical_id == HOST_LOG_GROUP]
    if cause and cause.logical_id in HOSTS and logs and logs[-1]:
        return (
            "see which step of the bootstrap failed: "
            f"aws logs tail {logs[-1]} --region {region} --since 1h"
        )
    return "mend the cause, then deploy again"
