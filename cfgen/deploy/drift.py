"""What was changed by hand since the last deploy: CloudFormation's drift detection.

It looks only at properties that the template sets, of types that support it ("Detect unmanaged
configuration changes to stacks and resources with drift detection" in the CloudFormation Guide).
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from botocore.exceptions import ClientError

from cfgen.aws import Clients, message_of
from cfgen.bot.host import find_stack
from cfgen.deploy.plan import Watcher, identify
from cfgen.deploy.redact import mask
from cfgen.deploy.states import Way, repair, way_of
from cfgen.deploy.waiting import Waiting, wait_until
from cfgen.errors import Refused
from cfgen.host.render import BRAKE

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

CHECKABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
    # The list of the Guide ends above; its pages on imports recommend the check after one.
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
"""States of a stack in which CloudFormation looks for drift."""


class Difference(msgspec.Struct, frozen=True):
    """One property: ``kind`` is ADD, REMOVE or NOT_EQUAL; what is not there is ``None``.

    Values come masked.
    """

    path: str
    expected: str | None
    actual: str | None
    kind: str


class Drift(msgspec.Struct, frozen=True):
    """A resource that is not as the stack says."""

    logical_id: str
    physical_id: str
    resource_type: str
    status: Literal["MODIFIED", "DELETED"]
    differences: tuple[Difference, ...]

    @property
    def pause(self) -> str:
        """The value that ``cfgen pause`` set, empty where this is something else."""
        values = [one.actual or "" for one in self.differences]
        ours = self.logical_id == BRAKE and [one.path for one in self.differences] == ["/Value"]
        return values[0] if ours and values[0].startswith("paused") else ""


def detect(
    stack: str, allowed: tuple[str, ...], clients: Clients, waiting: Waiting, watcher: Watcher
) -> tuple[Drift, ...]:
    """Have CloudFormation compare the stack with what is there, and wait for it.

    Raises :class:`ConfigError` where there is no stack, :class:`Refused` in a state that is not
    checked, :class:`StillRunning` when the time is up, and botocore's errors.
    """
    identify(clients, stack, allowed, waiting, watcher)
    found = find_stack(clients, stack)
    arn, status = found["StackId"], found["StackStatus"]
    if status not in CHECKABLE:
        raise Refused(
            f"stack {arn} is in {status}, in which CloudFormation does not look for drift",
            _way_on(status, waiting),
        )
    failure = _wait(clients, stack, _start(clients.cloudformation, arn), waiting)
    if failure is not None:
        watcher.warning(f"not every resource could be checked: {failure or 'no reason is given'}")
    return tuple(sorted(_drifts(clients.cloudformation, arn), key=lambda one: one.logical_id))


def _way_on(status: str, waiting: Waiting) -> str:
    """What to do in a state that is not checked."""
    way = way_of(status)
    if way is Way.WAIT:
        return f"{waiting.resume} follows what is under way; compare when it has ended"
    if way is Way.REPAIR:
        return repair(status, waiting.command)
    return f"it has never come up: {waiting.command('deploy')} first"


def _start(client: "CloudFormationClient", arn: str) -> str:
    """Start the detection and give its id."""
    try:
        return client.detect_stack_drift(StackName=arn)["StackDriftDetectionId"]
    except ClientError as error:
        # A stack takes one detection at a time (the Guide, "Detect drift on an entire stack").
        if "already in progress" in message_of(error):
            raise Refused(
                f"stack {arn} is being checked for drift already", "try again in a minute"
            ) from error
        raise


def _wait(clients: Clients, stack: str, detection: str, waiting: Waiting) -> str | None:
    """Wait for a detection's end; ``None`` where it is whole, else why a part is missing."""

    def probe() -> tuple[str | None] | None:
        told = clients.cloudformation.describe_stack_drift_detection_status(
            StackDriftDetectionId=detection
        )
        if told["DetectionStatus"] == "DETECTION_FAILED":
            return (told.get("DetectionStatusReason", ""),)
        return (None,) if told["DetectionStatus"] == "DETECTION_COMPLETE" else None

    again = msgspec.structs.replace(waiting, watching="diff --drift")
    (reason,) = wait_until(f"the drift of stack {stack}", probe, again, clients.renew)
    return reason


def _drifts(client: "CloudFormationClient", arn: str) -> Iterator[Drift]:
    """The drifted resources, page by page: botocore has no paginator for them."""
    token: dict[str, str] = {}
    while True:
        page = client.describe_stack_resource_drifts(
            StackName=arn,
            StackResourceDriftStatusFilters=["MODIFIED", "DELETED"],
            **token,  # type: ignore[arg-type]
        )
        yield from map(parse_drift, page["StackResourceDrifts"])
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def parse_drift(entry: Mapping[str, Any]) -> Drift:
    """Read one entry of DescribeStackResourceDrifts."""
    return Drift(
        entry["LogicalResourceId"],
        entry.get("PhysicalResourceId", ""),
        entry["ResourceType"],
        entry["StackResourceDriftStatus"],
        tuple(_difference(one) for one in entry.get("PropertyDifferences", ())),
    )


def _difference(entry: Mapping[str, Any]) -> Difference:
    path, kind = entry["PropertyPath"], entry["DifferenceType"]
    # What is not there comes as the text "null".
    expected = None if kind == "ADD" else mask(path, entry["ExpectedValue"])
    actual = None if kind == "REMOVE" else mask(path, entry["ActualValue"])
    return Difference(path, expected, actual, kind)
