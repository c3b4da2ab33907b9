"""A diff leaves nothing behind."""

from typing import Any, cast

import pytest
from botocore.stub import ANY

from cfgen.deploy.diff import diff, local_diff
from cfgen.deploy.plan import Wish
from cfgen.deploy.states import Way, way_of
from cfgen.errors import AwsError, NeedsRepair, Refused
from tests.recorded import STACK, WISH, Person, Recorded, stack_states

MODIFY = {
    "Action": "Modify",
    "LogicalResourceId": "Host",
    "PhysicalResourceId": "i-1",
    "ResourceType": "AWS::EC2::Instance",
    "Replacement": "True",
    "PolicyAction": "ReplaceAndDelete",
    "Details": [
        {
            "Target": {
                "Attribute": "Properties",
                "Name": "ImageId",
                "Path": "/Properties/ImageId",
                "BeforeValue": "ami-1",
                "AfterValue": "ami-2",
                "RequiresRecreation": "Always",
            },
            "ChangeSource": source,
            "CausingEntity": "ImageId",
        }
        for source in ("ParameterReference", "DirectModification")
    ],
}


@pytest.fixture
def aws() -> Recorded:
    return Recorded()


def test_what_would_change_is_shown_with_its_values_and_taken_back(aws: Recorded) -> None:
    aws.identity()
    aws.stack("UPDATE_COMPLETE")
    aws.summary()
    aws.change_set(changes=[MODIFY], ChangeSetType="UPDATE")
    aws.discarded()
    found = aws.run(diff, WISH)
    assert found is not None
    [change] = found.changes
    [how] = change.properties
    assert (how.path, how.before, how.after) == ("/Properties/ImageId", "ami-1", "ami-2")
    assert how.cause == "ParameterReference ImageId, DirectModification ImageId"
    assert (how.recreation, change.policy) == ("Always", "ReplaceAndDelete")
    aws.done()


def test_the_stack_that_was_made_for_the_asking_goes_too(aws: Recorded) -> None:
    aws.identity()
    aws.stack(None)
    aws.summary()
    aws.change_set(changes=[MODIFY], ChangeSetType="CREATE")
    aws.vanished()
    assert aws.run(diff, WISH)
    aws.done()


def test_a_stack_under_review_that_was_there_before_stays(aws: Recorded) -> None:
    aws.identity()
    aws.stack("REVIEW_IN_PROGRESS")
    aws.summary()
    aws.change_set(changes=[MODIFY], ChangeSetType="CREATE")
    aws.discarded()
    assert aws.run(diff, WISH)
    aws.done()


def test_no_difference(aws: Recorded) -> None:
    aws.identity()
    aws.stack("CREATE_COMPLETE")
    aws.summary()
    aws.change_set("FAILED", "The submitted information didn't contain changes. Submit ...")
    aws.discarded()
    assert aws.run(diff, WISH) is None
    aws.done()


def test_what_fails_on_the_way_is_taken_back_as_well(aws: Recorded) -> None:
    aws.identity()
    aws.stack("CREATE_COMPLETE")
    aws.summary()
    aws.change_set("FAILED", "Template error: x")
    aws.discarded()
    with pytest.raises(AwsError, match="Template error"):
        aws.run(diff, WISH)
    aws.done()


@pytest.mark.parametrize("status", stack_states())
def test_every_state(aws: Recorded, status: str) -> None:
    way = way_of(status)
    aws.identity()
    aws.stack(status)
    if way in (Way.CREATE, Way.UPDATE):
        aws.summary()
        aws.change_set("FAILED", "No updates are to be performed.")
        if way is Way.CREATE and status != "REVIEW_IN_PROGRESS":
            aws.vanished()
        else:
            aws.discarded()
        assert aws.run(diff, WISH) is None
    else:
        error = NeedsRepair if way is Way.REPAIR else Refused
        with pytest.raises(error, match=status):
            aws.run(diff, WISH)
    aws.done()


# Locally


class ReadOnly:
    """CloudFormation that may only be read."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        assert name in ("describe_stacks", "get_template"), f"{name} may write"
        return getattr(self._client, name)


def test_a_local_diff_compares_what_is_meant_and_writes_nothing(aws: Recorded) -> None:
    aws.cloudformation = cast(Any, ReadOnly(aws.cloudformation))
    aws.identity()
    aws.stack("UPDATE_COMPLETE")
    before = '{"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "a"}}}}'
    asked = {"StackName": STACK, "TemplateStage": "Original"}
    aws.answer("get_template", {"TemplateBody": before}, **asked)
    after = "Resources:\n  T:\n    Properties: {DisplayName: b}\n    Type: AWS::SNS::Topic\n"
    lines = aws.run(local_diff, Wish("bot", after, "token"))
    assert [line.strip() for line in lines if line[0] in "+-"][2:] == [
        "-      DisplayName: a",
        "+      DisplayName: b",
    ]
    aws.done()


@pytest.mark.parametrize("status", [None, "REVIEW_IN_PROGRESS"])
def test_locally_all_is_new_where_nothing_was_created(aws: Recorded, status: str | None) -> None:
    aws.identity()
    aws.stack(status)
    lines = aws.run(local_diff, Wish("bot", "Resources: {}", "token"))
    assert lines[-1] == "+Resources: {}\n"
    aws.done()


def test_locally_the_same_is_no_difference(aws: Recorded) -> None:
    aws.identity()
    aws.stack("CREATE_COMPLETE")
    aws.answer("get_template", {"TemplateBody": '{"Resources": {}}'})
    assert aws.run(local_diff, Wish("bot", "Resources: {}\n", "token")) == []


def test_noecho_values_are_hidden_from_what_is_shown(aws: Recorded) -> None:
    parameter = {"ParameterKey": "Token", "NoEcho": True}
    aws.identity()
    aws.stack("CREATE_COMPLETE")
    aws.summary(parameter)
    aws.change_set(changes=[MODIFY], Parameters=ANY)
    aws.discarded()
    person = Person()
    wish = Wish("bot", "body", "token", parameters={"Token": "canary"})
    found = aws.run(diff, wish, person)
    assert found is not None
    assert found.secrets == ("canary",)
    assert person.changes == found
