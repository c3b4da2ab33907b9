"""Stack events as values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True):
    """One stack event."""

    id: str
    time: datetime
    logical_id: str
    physical_id: str
    resource_type: str
    status: str
    reason: str

    def ends(self, stack_arn: str) -> bool:
        """Whether this is the stack's own event that ends an operation."""
        return (
            self.resource_type == "AWS::CloudFormation::Stack"
            and self.physical_id == stack_arn
            and not self.status.endswith("_IN_PROGRESS")
        )


def parse_event(event: Mapping[str, Any]) -> Event:
    """Read one entry of DescribeStackEvents."""
    return Event(
        event["EventId"],
        event["Timestamp"],
        event.get("LogicalResourceId", ""),
        event.get("PhysicalResourceId", ""),
        event.get("ResourceType", ""),
        event.get("ResourceStatus", ""),
        event.get("ResourceStatusReason", ""),
    )
