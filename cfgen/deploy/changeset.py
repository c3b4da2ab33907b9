"""A change set as a value."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from cfgen.deploy.events import Validation
from cfgen.deploy.parameters import ParameterChange

Kind = Literal["CREATE", "UPDATE"]

# Either may begin the reason of a change set without changes (CreateChangeSet gives both).
NO_CHANGES = ("The submitted information didn't contain changes.", "No updates are to be performed")


class PropertyChange(msgspec.Struct, frozen=True):
    """One property of a resource that changes.

    ``before`` and ``after`` are as AWS writes them, ``None`` where there is none or it does not
    say; ``recreation`` is Never, Conditionally, Always or empty; ``cause`` is what made it change
    (ChangeSource, and the entity where there is one). ``drifted_from`` is what was deployed, where
    somebody has changed it since: then ``before`` is what is there now.
    """

    path: str
    before: str | None = None
    after: str | None = None
    recreation: str = ""
    cause: str = ""
    drifted_from: str | None = None


class Change(msgspec.Struct, frozen=True):
    """What would happen to one resource.

    ``action`` is one of Add, Modify, Remove, Import, Dynamic, SyncWithActual. ``replacement`` is
    ``True``, ``Conditional``, ``False``, or empty where the action has none. ``because`` names the
    properties and attributes that change; ``properties`` say how. ``policy`` is what becomes of
    what is replaced or removed: Delete, Retain, Snapshot and the like.
    """

    logical_id: str
    resource_type: str
    action: str
    replacement: str = ""
    because: tuple[str, ...] = ()
    properties: tuple[PropertyChange, ...] = ()
    physical_id: str = ""
    policy: str = ""

    @property
    def may_destroy(self) -> bool:
        """Whether the resource that is there now may be gone afterwards."""
        certain = self.action in ("Remove", "Dynamic")
        return certain or self.replacement in ("True", "Conditional")


class ChangeSet(msgspec.Struct, frozen=True):
    """A change set that was created and not yet executed. ``changes`` are in the API's order.

    ``validations`` are what CloudFormation's own checks found, ``capabilities`` what the template
    may do, with CloudFormation's reason. ``secrets`` are values of NoEcho parameters, which must
    not be shown wherever they occur, ``secret_names`` their names: the value of one that stays as
    it was is not known. ``created`` is when it was asked for, by AWS's clock.
    ``on_stack_failure`` and ``express`` are as CreateChangeSet was told.
    """

    arn: str
    stack_arn: str
    kind: Kind
    changes: tuple[Change, ...]
    validations: tuple[Validation, ...] = ()
    capabilities: tuple[str, ...] = ()
    capabilities_reason: str = ""
    parameters: tuple[ParameterChange, ...] = ()
    secrets: tuple[str, ...] = ()
    secret_names: tuple[str, ...] = ()
    created: datetime | None = None
    on_stack_failure: str = ""
    express: bool = False

    @property
    def region(self) -> str:
        """The region that the ARN names."""
        return self.stack_arn.split(":")[3]

    @property
    def account(self) -> str:
        """The account that the ARN names."""
        return self.stack_arn.split(":")[4]

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.stack_arn.split("/")[1]


def parse_changes(pages: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Read the pages of DescribeChangeSet."""
    return tuple(
        _change(entry["ResourceChange"])
        for page in pages
        for entry in page.get("Changes", ())
        if "ResourceChange" in entry
    )


def _change(change: Mapping[str, Any]) -> Change:
    details = change.get("Details", ())
    targets = [detail.get("Target", {}) for detail in details]
    names = [str(target.get("Name") or target.get("Attribute", "")) for target in targets]
    return Change(
        change["LogicalResourceId"],
        change["ResourceType"],
        change.get("Action", ""),
        change.get("Replacement", ""),
        tuple(sorted({name for name in names if name})),
        tuple(_properties(details)),
        change.get("PhysicalResourceId", ""),
        change.get("PolicyAction", ""),
    )


def _properties(details: Iterable[Mapping[str, Any]]) -> Iterator[PropertyChange]:
    """Each property once: AWS lists it again for each thing that made it change."""
    seen: dict[str, PropertyChange] = {}
    for detail in details:
        target = detail.get("Target", {})
        path = str(target.get("Path") or target.get("Name") or target.get("Attribute", ""))
        causes = (detail.get("ChangeSource", ""), detail.get("CausingEntity", ""))
        cause = " ".join(filter(None, causes))
        known = seen.get(path)
        if known:
            joined = ", ".join(dict.fromkeys(filter(None, (*known.cause.split(", "), cause))))
            seen[path] = msgspec.structs.replace(known, cause=joined)
        elif path:
            seen[path] = PropertyChange(
                path,
                target.get("BeforeValue"),
                target.get("AfterValue"),
                target.get("RequiresRecreation", ""),
                cause,
                target.get("Drift", {}).get("PreviousValue"),
            )
    yield from seen.values()


def says_no_changes(reason: str) -> bool:
    """Whether a failed change set only found nothing to do."""
    return reason.startswith(NO_CHANGES)
