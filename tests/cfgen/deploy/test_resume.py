"""What was begun can be gone on with: kept change sets, and operations under way."""

from typing import Any

import pytest

from cfgen.deploy.plan import Wish
from cfgen.deploy.run import attach, execute
from cfgen.errors import ConfigError, Declined, DeployFailed, NeedsRepair, Refused
from tests.recorded import SET, STACK, WISH, Person, Recorded, event

OLD = event(0, "CREATE_COMPLETE")


@pytest.fixture
def aws() -> Recorded:
    return Recorded()


def kept(aws: Recorded, **fields: Any) -> None:
    aws.identity()
    answer = {
        "ChangeSetId": SET,
        "StackId": STACK,
        "StackName": "bot",
        "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "AVAILABLE",
        "Changes": [],
        **fields,
    }
    aws.answer("describe_change_set", answer, ChangeSetName=SET, IncludePropertyValues=True)


def run(aws: Recorded, person: Person, wish: Wish = WISH) -> Any:
    return aws.run(lambda one, *rest: execute(SET, one, *rest), wish, person)


def test_a_kept_change_set_is_executed_as_it_was(aws: Recorded) -> None:
    kept(aws)
    aws.stack("CREATE_COMPLETE")
    aws.events(OLD)
    aws.executed()
    aws.events(event(1, "UPDATE_COMPLETE"), OLD)
    aws.stack("UPDATE_COMPLETE", EnableTerminationProtection=True)
    person = Person()
    assert run(aws, person).changed
    assert "confirm Update stack bot?" in person.seen
    aws.done()


def test_it_is_guarded_and_asked_for_like_any_other(aws: Recorded) -> None:
    removed = {"Action": "Remove", "LogicalResourceId": "Host",
               "ResourceType": "AWS::EC2::Instance"}  # fmt: skip
    changes = [{"Type": "Resource", "ResourceChange": removed}]
    kept(aws, Changes=changes)
    aws.stack("CREATE_COMPLETE")
    with pytest.raises(Refused, match="Host"):
        run(aws, Person())
    kept(aws, Changes=changes)
    aws.stack("CREATE_COMPLETE")
    with pytest.raises(Declined):
        run(aws, Person(answer=False), Wish("bot", "", "token", allow_replace=("Host",)))
    # It is still kept: nothing was deleted.
    aws.done()


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"StackName": "other"}, ConfigError, "is for stack other"),
        ({"ExecutionStatus": "OBSOLETE"}, Refused, "OBSOLETE"),
        ({"ExecutionStatus": "UNAVAILABLE", "StatusReason": "no changes"}, Refused, "no changes"),
        ({"ExecutionStatus": "EXECUTE_COMPLETE"}, Refused, "EXECUTE_COMPLETE"),
    ],
)
def test_a_change_set_that_cannot_be_executed(
    aws: Recorded, fields: dict[str, str], error: type[Exception], said: str
) -> None:
    kept(aws, **fields)
    with pytest.raises(error, match=said):
        run(aws, Person())
    aws.done()


def test_a_change_set_that_is_not_there(aws: Recorded) -> None:
    aws.identity()
    aws.fail("describe_change_set", "ChangeSetNotFound", "not found")
    with pytest.raises(ConfigError, match="no change set"):
        run(aws, Person())


def test_a_lost_answer_to_the_execution_is_followed(aws: Recorded) -> None:
    kept(aws)
    aws.stack("CREATE_COMPLETE")
    aws.events(OLD)
    aws.fail("execute_change_set", "InvalidChangeSetStatus", "it is executing")
    aws.answer("describe_change_set", {"ExecutionStatus": "EXECUTE_IN_PROGRESS"})
    aws.events(event(1, "UPDATE_COMPLETE"), OLD)
    aws.stack("UPDATE_COMPLETE", EnableTerminationProtection=True)
    assert run(aws, Person()).changed


# Attaching


@pytest.mark.parametrize(
    "status", ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"]
)
def test_what_is_under_way_is_followed_and_not_touched(aws: Recorded, status: str) -> None:
    aws.identity()
    aws.stack(status)
    aws.events(event(1, status), OLD)
    aws.events(event(2, "UPDATE_COMPLETE"), event(1, status), OLD)
    aws.stack("UPDATE_COMPLETE")
    person = Person()
    assert aws.run(attach, WISH, person).changed
    assert person.seen[1:] == [f"bot {status}", "bot UPDATE_COMPLETE"]
    aws.done()


@pytest.mark.parametrize(
    ("ended", "error"),
    [("UPDATE_ROLLBACK_COMPLETE", DeployFailed), ("UPDATE_ROLLBACK_FAILED", NeedsRepair)],
)
def test_how_it_ends_is_the_exit_code(aws: Recorded, ended: str, error: type[Exception]) -> None:
    aws.identity()
    aws.stack("UPDATE_IN_PROGRESS")
    aws.events(event(1, "UPDATE_IN_PROGRESS"), OLD)
    failure = event(2, "CREATE_FAILED", "Address", "quota")
    aws.events(event(3, ended), failure, event(1, "UPDATE_IN_PROGRESS"), OLD)
    with pytest.raises(error, match=r"Address.*quota"):
        aws.run(attach, WISH)


def test_a_deletion_ends_well(aws: Recorded) -> None:
    aws.identity()
    aws.stack("DELETE_IN_PROGRESS")
    aws.events(event(1, "DELETE_IN_PROGRESS"), OLD)
    aws.events(event(2, "DELETE_COMPLETE"), event(1, "DELETE_IN_PROGRESS"), OLD)
    assert aws.run(attach, WISH).outputs == {}
    aws.done()


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_nothing_under_way(aws: Recorded, status: str) -> None:
    aws.identity()
    aws.stack(status)
    assert not aws.run(attach, WISH).changed
    aws.done()
