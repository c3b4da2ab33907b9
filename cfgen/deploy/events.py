"""Events as values: of a stack, and of pre-deployment validation."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from cfgen.deploy.redact import printable

STACK = "AWS::CloudFormation::Stack"


class Event(msgspec.Struct, frozen=True):
    """One event of a stack. ``hook`` is the Hook's type where it tells of one.

    Then status and reason are the Hook's; ``binding`` says whether its failure fails the resource.
    """

    id: str
    time: datetime
    logical_id: str
    physical_id: str
    resource_type: str
    status: str
    reason: str
    hook: str = ""
    binding: bool = True

    def is_own(self, stack_arn: str) -> bool:
        """Whether this is the stack's own event and not one of its resources'."""
        return self.resource_type == STACK and self.physical_id == stack_arn

    def ends(self, stack_arn: str) -> bool:
        """Whether this is the stack's own event that ends an operation."""
        return self.is_own(stack_arn) and not self.status.endswith("_IN_PROGRESS")


class Validation(msgspec.Struct, frozen=True):
    """What CloudFormation found wrong before anything was done.

    ``mode`` is FAIL, which fails the change set, or WARN. ``path`` leads to it in the template.
    """

    name: str
    mode: str
    logical_id: str
    resource_type: str
    path: str
    reason: str

    def __str__(self) -> str:
        where = self.path or self.logical_id
        kind = f" ({self.resource_type})" if self.resource_type else ""
        return f"{where}{kind}: {self.reason or self.name}"


def parse_event(event: Mapping[str, Any]) -> Event:
    """Read one entry of DescribeStackEvents, or one of a resource's of DescribeEvents."""
    hook = event.get("HookType", "") if event.get("HookStatus") else ""
    return Event(
        event["EventId"],
        event["Timestamp"],
        event.get("LogicalResourceId", ""),
        event.get("PhysicalResourceId", ""),
        event.get("ResourceType", ""),
        event["HookStatus"] if hook else event.get("ResourceStatus", ""),
        _reason(event, "HookStatusReason" if hook else "ResourceStatusReason"),
        hook,
        event.get("HookFailureMode", "FAIL") == "FAIL",
    )


def _reason(event: Mapping[str, Any], key: str) -> str:
    # An operation that its validation failed has the reason there alone.
    text = str(event.get(key) or event.get("ValidationStatusReason") or "")
    # One line each, so that no reason can pass for an event.
    return printable(" ".join(text.split()))


def parse_validation(event: Mapping[str, Any]) -> Validation:
    """Read one VALIDATION_ERROR of DescribeEvents."""
    return Validation(
        event.get("ValidationName", ""),
        event.get("ValidationFailureMode", "FAIL"),
        event.get("LogicalResourceId", ""),
        event.get("ResourceType", ""),
        event.get("ValidationPath", ""),
        event.get("ValidationStatusReason", ""),
    )
