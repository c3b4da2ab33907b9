"""The end of a stack."""

import json
from typing import Any

import pytest

from cfgen.deploy.destroy import DestroyWish, Way, destroy, destroy_way
from cfgen.errors import AwsError, CfgenError, Declined, NeedsRepair, Refused, StillRunning
from tests.recorded import STACK, START, Person, Recorded, event, stack_states

WISH = DestroyWish("bot", "token")
TEMPLATE = {
    "Resources": {
        "Host": {"Type": "AWS::EC2::Instance"},
        "KisSecret": {
            "Type": "AWS::SecretsManager::Secret",
            "DeletionPolicy": "RetainExceptOnCreate",
        },
        "BotLogGroup": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain"},
    }
}
OLD = event(0, "CREATE_COMPLETE")
GONE = {
    "Host": (False, ""),
    "KisSecret": (True, "a secret, $0.40 a month"),
    "BotLogGroup": (True, "a log group, by what it holds, until its retention empties it"),
}


@pytest.fixture
def aws() -> Recorded:
    return Recorded()


def contents(aws: Recorded, *names: str) -> None:
    resources: dict[str, Any] = TEMPLATE["Resources"]
    aws.answer(
        "list_stack_resources",
        {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": name,
                    "PhysicalResourceId": f"{name}-1",
                    "ResourceType": one["Type"],
                    "LastUpdatedTimestamp": START,
                    "ResourceStatus": "CREATE_COMPLETE",
                }
                for name, one in resources.items()
                if not names or name in names
            ]
        },
        StackName=STACK,
    )


def known(aws: Recorded, status: str = "CREATE_COMPLETE", **fields: Any) -> None:
    """Up to the question."""
    aws.identity()
    aws.stack(status, **fields)
    aws.answer("get_template", {"TemplateBody": json.dumps(TEMPLATE)})
    contents(aws)


def deleted(aws: Recorded, *events: Any, **expected: Any) -> None:
    aws.events(OLD)
    aws.answer(
        "delete_stack", {}, **{"StackName": STACK, "ClientRequestToken": "token", **expected}
    )
    aws.events(*events, OLD)


def test_it_says_what_dies_and_what_stays_and_waits_by_arn(aws: Recorded) -> None:
    known(aws)
    deleted(aws, event(2, "DELETE_COMPLETE"), event(1, "DELETE_IN_PROGRESS"))
    person = Person()
    fates = aws.run(destroy, WISH, person)
    assert fates is not None
    assert person.fate == GONE
    assert person.seen == [
        "identity 123456789012",
        "confirm Delete stack bot? bot",
        "agreed",
        "bot DELETE_IN_PROGRESS",
        "bot DELETE_COMPLETE",
    ]
    aws.done()


@pytest.mark.parametrize("status", [None, "DELETE_COMPLETE"])
def test_what_is_not_there_is_no_failure(aws: Recorded, status: str | None) -> None:
    aws.identity()
    aws.stack(status)
    assert aws.run(destroy, WISH) is None
    aws.done()


def test_a_protected_stack_is_refused_without_the_flag(aws: Recorded) -> None:
    aws.identity()
    aws.stack("CREATE_COMPLETE", EnableTerminationProtection=True)
    with pytest.raises(Refused, match="protected") as caught:
        aws.run(destroy, WISH)
    assert "--disable-protection" in caught.value.hint
    aws.done()


def test_protection_goes_only_after_the_yes(aws: Recorded) -> None:
    wish = DestroyWish("bot", "token", disable_protection=True)
    known(aws, EnableTerminationProtection=True)
    with pytest.raises(Declined):
        aws.run(destroy, wish, Person(answer=False))
    aws.done()
    known(aws, EnableTerminationProtection=True)
    aws.events(OLD)
    protection(aws, enabled=False)
    aws.answer("delete_stack", {}, StackName=STACK, ClientRequestToken="token")
    aws.events(event(1, "DELETE_COMPLETE"), OLD)
    assert aws.run(destroy, wish)
    aws.done()


def test_protection_comes_back_where_the_deletion_does_not_begin(aws: Recorded) -> None:
    known(aws, EnableTerminationProtection=True)
    aws.events(OLD)
    protection(aws, enabled=False)
    aws.fail("delete_stack", "AccessDenied", "no", 403)
    protection(aws, enabled=True)
    with pytest.raises(AwsError, match="DeleteStack"):
        aws.run(destroy, DestroyWish("bot", "token", disable_protection=True))
    aws.done()


def protection(aws: Recorded, *, enabled: bool) -> None:
    aws.answer(
        "update_termination_protection",
        {},
        StackName=STACK,
        EnableTerminationProtection=enabled,
    )


def test_another_account_is_refused_first(aws: Recorded) -> None:
    aws.identity()
    with pytest.raises(Refused, match="123456789012"):
        aws.run(destroy, DestroyWish("bot", "token", allowed_accounts=("999999999999",)))
    aws.done()


def test_a_failed_deletion_names_its_cause_and_the_way_on(aws: Recorded) -> None:
    known(aws)
    deleted(
        aws,
        event(3, "DELETE_FAILED", reason="The following resource(s) failed to delete: [Vpc]."),
        event(2, "DELETE_FAILED", "Vpc", "has dependencies and cannot be deleted"),
    )
    with pytest.raises(NeedsRepair, match=r"Vpc \(AWS::EC2::EIP\): has dependencies") as caught:
        aws.run(destroy, WISH)
    assert "cfgen destroy --retain Vpc" in caught.value.hint


def test_what_is_stuck_may_be_left_behind_after_a_failure_only(aws: Recorded) -> None:
    wish = DestroyWish("bot", "token", retain=("Host",))
    aws.identity()
    aws.stack("CREATE_COMPLETE")
    with pytest.raises(Refused, match="--retain"):
        aws.run(destroy, wish)
    known(aws, "DELETE_FAILED")
    deleted(aws, event(1, "DELETE_COMPLETE"), RetainResources=["Host"])
    person = Person()
    assert aws.run(destroy, wish, person)
    assert person.fate["Host"] == (True, "a host, by the hour")
    aws.done()


@pytest.mark.parametrize("status", ["CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"])
def test_what_never_came_up_leaves_no_secret(aws: Recorded, status: str) -> None:
    known(aws, status)
    deleted(aws, event(1, "DELETE_COMPLETE"))
    person = Person()
    aws.run(destroy, WISH, person)
    assert person.fate["KisSecret"] == (False, "")
    assert person.fate["BotLogGroup"][0]


def test_a_stack_under_review_has_no_template_to_read(aws: Recorded) -> None:
    aws.identity()
    aws.stack("REVIEW_IN_PROGRESS")
    aws.answer("list_stack_resources", {"StackResourceSummaries": []})
    deleted(aws, event(1, "DELETE_COMPLETE"))
    assert aws.run(destroy, WISH) == ()
    aws.done()


def test_a_deletion_that_is_under_way_is_followed(aws: Recorded) -> None:
    known(aws, "DELETE_IN_PROGRESS")
    aws.events(event(1, "DELETE_IN_PROGRESS"), OLD)
    aws.events(event(2, "DELETE_COMPLETE"), event(1, "DELETE_IN_PROGRESS"), OLD)
    person = Person()
    assert aws.run(destroy, WISH, person)
    assert person.seen[1:] == [
        "it is being deleted already: following that",
        "bot DELETE_IN_PROGRESS",
        "bot DELETE_COMPLETE",
    ]
    aws.done()


def test_expired_credentials_while_it_goes_are_no_failure(aws: Recorded) -> None:
    known(aws)
    aws.events(OLD)
    aws.answer("delete_stack", {})
    aws.fail("describe_stack_events", "ExpiredToken", "expired")
    with pytest.raises(StillRunning) as caught:
        aws.run(destroy, WISH)
    error: CfgenError = caught.value
    assert error.exit_code == 7


@pytest.mark.parametrize("status", stack_states())
def test_every_state_has_its_way(aws: Recorded, status: str) -> None:
    way = destroy_way(status)
    if way is Way.DELETE and status != "REVIEW_IN_PROGRESS":
        known(aws, status)
        deleted(aws, event(1, "DELETE_COMPLETE"))
        assert aws.run(destroy, WISH)
    elif way is Way.WAIT:
        aws.identity()
        aws.stack(status)
        with pytest.raises(Refused, match=status):
            aws.run(destroy, WISH)
    aws.done()
