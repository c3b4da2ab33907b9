"""Ways out of a stack that got stuck: every state has one, or says why not."""

from typing import Any, get_args

import pytest

from cfgen.deploy.rollback import WAYS, RollbackWish, Way, rollback, rollback_way
from cfgen.errors import CfgenError, ConfigError, Declined, NeedsRepair, Refused
from tests.recorded import STACK, Person, Recorded, event, stack_states

WISH = RollbackWish("bot", "token")
OLD = event(0, "CREATE_COMPLETE")
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "continue": ("continue_update_rollback", {"ResourcesToSkip": []}),
    "roll back": ("rollback_stack", {}),
    "cancel": ("cancel_update_stack", {}),
}


@pytest.fixture
def aws() -> Recorded:
    return Recorded()


def acted(aws: Recorded, status: str, *events: Any) -> None:
    method, more = CALLS[rollback_way(status)]
    aws.identity()
    aws.stack(status)
    aws.events(OLD)
    aws.answer(method, {}, StackName=STACK, ClientRequestToken="token", **more)
    aws.events(*events, OLD)


@pytest.mark.parametrize("status", stack_states())
def test_every_state(aws: Recorded, status: str) -> None:
    way = rollback_way(status)
    assert way in get_args(Way)
    if way in CALLS:
        acted(aws, status, event(1, "UPDATE_ROLLBACK_COMPLETE"))
        person = Person()
        assert aws.run(rollback, WISH, person) == "UPDATE_ROLLBACK_COMPLETE"
        assert [line for line in person.seen if line.startswith("confirm")]
        aws.done()
        return
    aws.identity()
    aws.stack(status)
    if way == "none":
        assert aws.run(rollback, WISH) == status
    else:
        expected: dict[Way, type[CfgenError]] = {"destroy": NeedsRepair}
        with pytest.raises(expected.get(way, Refused), match=status) as caught:
            aws.run(rollback, WISH)
        assert caught.value.hint
    aws.done()


def test_what_is_stuck_has_a_way_out() -> None:
    for status in stack_states():
        stuck = status.endswith("_FAILED")
        assert not stuck or WAYS.get(status, "destroy") in ("continue", "roll back", "destroy")
    assert rollback_way("SOMETHING_IN_PROGRESS") == "wait"


def test_an_absent_stack_is_a_mistake(aws: Recorded) -> None:
    aws.identity()
    aws.stack(None)
    with pytest.raises(ConfigError, match="no stack bot"):
        aws.run(rollback, WISH)


def test_a_no_changes_nothing(aws: Recorded) -> None:
    aws.identity()
    aws.stack("UPDATE_ROLLBACK_FAILED")
    with pytest.raises(Declined):
        aws.run(rollback, WISH, Person(answer=False))
    aws.done()


def test_a_rollback_that_fails_again_says_what_to_skip(aws: Recorded) -> None:
    acted(
        aws,
        "UPDATE_ROLLBACK_FAILED",
        event(2, "UPDATE_ROLLBACK_FAILED"),
        event(1, "UPDATE_FAILED", "Address", "quota"),
    )
    with pytest.raises(NeedsRepair, match=r"Address \(AWS::EC2::EIP\): quota") as caught:
        aws.run(rollback, WISH)
    assert "cfgen rollback --skip Address" in caught.value.hint


def test_skipping_is_for_a_continued_rollback(aws: Recorded) -> None:
    aws.identity()
    aws.stack("UPDATE_FAILED")
    with pytest.raises(Refused, match="--skip"):
        aws.run(rollback, RollbackWish("bot", "token", skip=("Host",)))
    aws.identity()
    aws.stack("UPDATE_ROLLBACK_FAILED")
    aws.events(OLD)
    aws.answer("continue_update_rollback", {}, StackName=STACK, ClientRequestToken="token",
               ResourcesToSkip=["Host"])  # fmt: skip
    aws.events(event(1, "UPDATE_ROLLBACK_COMPLETE"), OLD)
    assert aws.run(rollback, RollbackWish("bot", "token", skip=("Host",)))


def test_a_stack_without_a_stable_state_is_gone_afterwards(aws: Recorded) -> None:
    acted(aws, "CREATE_FAILED", event(1, "DELETE_COMPLETE"))
    assert aws.run(rollback, WISH) == "DELETE_COMPLETE"
