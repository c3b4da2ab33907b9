"""A change set as a value."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

Kind = Literal["CREATE", "UPDATE"]

# Either may begin the reason of a change set without changes (CreateChangeSet gives both).
NO_CHANGES = ("The submitted information didn't contain changes.", "No updates are to be performed")


class Change(msgspec.Struct, frozen=True):
    """What would happen to one resource.

    ``action`` is one of Add, Modify, Remove, Import, Dynamic, SyncWithActual. ``replacement`` is
    ``True``, ``Conditional``, ``False``, or empty where the action has none. ``because`` names the
    properties and attributes that change.
    """

    logical_id: str
    resource_type: str
    action: str
    replacement: str = ""
    because: tuple[str, ...] = ()

    @property
    def may_destroy(self) -> bool:
        """Whether the resource that is there now may be gone afterwards."""
        certain = self.action in ("Remove", "Dynamic")
        return certain or self.replacement in ("True", "Conditional")


class ChangeSet(msgspec.Struct, frozen=True):
    """A change set that was created and not yet executed. ``changes`` are in the API's order."""

    arn: str
    stack_arn: str
    kind: Kind
    changes: tuple[Change, ...]


def parse_changes(pages: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Read the pages of DescribeChangeSet."""
    return tuple(
        _change(entry["ResourceChange"])
        for page in pages
        for entry in page.get("Changes", ())
        if "ResourceChange" in entry
    )


def _change(change: Mapping[str, Any]) -> Change:
    targets = [detail.get("Target", {}) for detail in change.get("Details", ())]
    names = [str(target.get("Name") or target.get("Attribute", "")) for target in targets]
    return Change(
        change["LogicalResourceId"],
        change["ResourceType"],
        change.get("Action", ""),
        change.get("Replacement", ""),
        tuple(sorted({name for name in names if name})),
    )


def says_no_changes(reason: str) -> bool:
    """Whether a failed change set only found nothing to do."""
    return reason.startswith(NO_CHANGES)
