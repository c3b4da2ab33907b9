"""How a change is made, beside what it is. Pure."""

from collections.abc import Collection
from typing import Any, Literal

import msgspec

from cfgen.deploy.changeset import Change, Kind
from cfgen.errors import Refused
from cfgen.host.render import BRAKE

OnFailure = Literal["rollback", "delete", "keep"]


class Manner(msgspec.Struct, frozen=True):
    """What becomes of a failure, and special ways of CloudFormation's.

    ``retry`` goes on where a failed operation was kept. ``express`` ends when things are
    configured, not when they run. ``revert_drift`` undoes what was changed by hand.
    ``import_existing`` adopts what the template names and is there already.
    """

    on_failure: OnFailure = "rollback"
    retry: bool = False
    express: bool = False
    revert_drift: bool = False
    import_existing: bool = False

    @property
    def keeps(self) -> bool:
        """Whether a failure is left as it is.

        Express mode never rolls back, and what failed can be gone on with only in this way
        (CloudFormation User Guide, "Stack failure options" and "Express mode").
        """
        return self.on_failure == "keep" or self.retry or self.express

    def is_ordinary(self, *, everything: bool) -> bool:
        """Whether it asks for nothing special of what is created; or of ``everything``."""
        return self == (Manner() if everything else Manner(self.on_failure))

    @property
    def creation(self) -> dict[str, Any]:
        """What CreateChangeSet is told of it."""
        fields: dict[str, Any] = {}
        if self.on_failure == "delete":
            fields["OnStackFailure"] = "DELETE"
        if self.express:
            fields["DeploymentConfig"] = {"Mode": "EXPRESS", "DisableRollback": True}
        if self.revert_drift:
            fields["DeploymentMode"] = "REVERT_DRIFT"
        if self.import_existing:
            fields["ImportExistingResources"] = True
        return fields

    @property
    def execution(self) -> dict[str, Any]:
        """What ExecuteChangeSet is told of it: its default is not ours.

        DisableRollback must not stand beside an OnStackFailure of the change set.
        """
        return {} if self.on_failure == "delete" else {"DisableRollback": self.keeps}


def check_manner(manner: Manner, kind: Kind, changes: Collection[Change]) -> None:
    """Raise :class:`Refused` for what CloudFormation would refuse in the middle of the change."""
    if kind == "CREATE":
        return
    brakes = [one for one in changes if one.logical_id == BRAKE and one.action != "Add"]
    if manner.revert_drift and brakes:
        raise Refused(
            f"{BRAKE}: --revert-drift would set it back to running, so that paused jobs run again",
            "cfgen resume first, if they may; or leave --revert-drift out",
        )
    if manner.on_failure == "delete":
        raise Refused(
            "--on-failure delete: the stack is up, and a failed update must not delete it",
            "leave it out: a failure is rolled back",
        )
    replaced = [change.logical_id for change in changes if change.replacement == "True"]
    if manner.keeps and replaced:
        raise Refused(
            f"{', '.join(replaced)} would be replaced, which CloudFormation does not do while "
            "rollback is off",
            "leave out --on-failure keep and --express; a failed stack wants cfgen rollback first",
        )
