"""Why an operation failed. Pure."""

from collections.abc import Iterable

from cfgen.deploy.events import Event

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
