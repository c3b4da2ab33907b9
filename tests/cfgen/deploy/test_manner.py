"""What a way of deploying must not do by the way."""

import pytest

from cfgen.deploy.changeset import Change
from cfgen.deploy.manner import Manner, check_manner
from cfgen.errors import Refused


def brake(action: str, name: str = "Brake") -> list[Change]:
    return [Change(name, "AWS::SSM::Parameter", action)]


@pytest.mark.parametrize("action", ["Modify", "SyncWithActual"])
def test_reverting_drift_does_not_let_the_brake_go(action: str) -> None:
    with pytest.raises(Refused, match="Brake: --revert-drift would set it back to running"):
        check_manner(Manner(revert_drift=True), "UPDATE", brake(action))


@pytest.mark.parametrize(
    ("manner", "changes"),
    [
        # An ordinary update leaves a parameter's value alone.
        (Manner(), brake("Modify")),
        # A stack of an earlier version gets its first.
        (Manner(revert_drift=True), brake("Add")),
        (Manner(revert_drift=True), brake("Modify", "Other")),
    ],
)
def test_what_has_nothing_to_do_with_a_pause_goes_on(manner: Manner, changes: list[Change]) -> None:
    check_manner(manner, "UPDATE", changes)
