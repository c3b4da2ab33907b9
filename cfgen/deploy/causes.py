"""Why an operation failed. Pure."""

from collections.abc import Iterable

from cfgen.deploy.events import Event

HOST, HOST_LOG_GROUP = "Host", "HostLogGroup"
CANCELLED = (
    "Resource creation cancelled",
    "Resource update cancelled",
    "Resource deletion cancelled",
)


def first_cause(events: Iterable[Event]) -> Event | None:
    """The earliest failure that is not a consequence of another one.

    Events of stacks only repeat what their resources said, and CloudFormation cancels whatever
    else was under way. ``events`` are in order of time.
    """
    return next(
        (
            event
            for event in events
            if event.status.endswith("_FAILED")
            and event.resource_type != "AWS::CloudFormation::Stack"
            and not event.reason.startswith(CANCELLED)
        ),
        None,
    )


def remedy(cause: Event | None, events: Iterable[Event], region: str) -> str:
    """What to do next about a cause."""
    logs = [event.physical_id for event in events if event.logical_id == HOST_LOG_GROUP]
    if cause and cause.logical_id == HOST and logs and logs[-1]:
        return (
            "see which step of the bootstrap failed: "
            f"aws logs tail {logs[-1]} --region {region} --since 1h"
        )
    return "mend the cause, then deploy again"
