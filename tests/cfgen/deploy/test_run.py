"""The deploy against recorded answers: botocore's Stubber refuses calls and fields AWS lacks."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from cfgen.deploy.body import OBJECT_LIMIT
from cfgen.deploy.events import Event
from cfgen.deploy.plan import Wish
from cfgen.deploy.run import Result
from cfgen.deploy.waiting import FIRST_POLL, SHARE, SLOWEST_POLL, Waiting, wait_until
from cfgen.errors import (
    AwsError,
    CfgenError,
    ConfigError,
    Declined,
    DeployFailed,
    NeedsRepair,
    Refused,
    StillRunning,
)
from tests.recorded import SET, STACK, START, Person, Recorded, Time, event


@pytest.fixture
def aws() -> Recorded:
    return Recorded()


OLD = event(0, "REVIEW_IN_PROGRESS")
ADD = {"Action": "Add", "LogicalResourceId": "Vpc", "ResourceType": "AWS::EC2::VPC"}
OUTPUTS = [{"OutputKey": "InstanceId", "OutputValue": "i-1", "Description": "The host"}]


def created(aws: Recorded) -> None:
    """A first deploy up to the moment when it was executed."""
    aws.identity()
    aws.stack(None)
    aws.summary()
    aws.change_set(changes=[ADD], ChangeSetType="CREATE")
    aws.events(OLD)
    aws.executed()


def test_a_first_deploy_from_end_to_end(aws: Recorded) -> None:
    created(aws)
    aws.events(event(2, "CREATE_IN_PROGRESS", "Vpc"), event(1, "CREATE_IN_PROGRESS"), OLD)
    aws.events(event(2, "CREATE_IN_PROGRESS", "Vpc"), event(1, "CREATE_IN_PROGRESS"), OLD)
    aws.events(
        event(4, "CREATE_COMPLETE"),
        event(3, "CREATE_COMPLETE", "Vpc"),
        event(2, "CREATE_IN_PROGRESS", "Vpc"),
        event(1, "CREATE_IN_PROGRESS"),
        OLD,
    )
    aws.stack("CREATE_COMPLETE", Outputs=OUTPUTS)
    aws.answer(
        "update_termination_protection",
        {"StackId": STACK},
        StackName=STACK,
        EnableTerminationProtection=True,
    )
    aws.policed()
    person = Person()
    result = aws.deploy(person=person)
    aws.done()
    assert result == Result(True, STACK, {"InstanceId": ("i-1", "The host")})
    assert person.seen == [
        "identity 123456789012",
        "preview CAPABILITY_IAM (it has roles)",
        "confirm Create stack bot?",
        "agreed",
        "bot CREATE_IN_PROGRESS",
        "Vpc CREATE_IN_PROGRESS",
        "Vpc CREATE_COMPLETE",
        "bot CREATE_COMPLETE",
    ]


def test_an_update_that_is_cleaning_up_is_not_over(aws: Recorded) -> None:
    aws.identity()
    aws.stack("UPDATE_COMPLETE")
    aws.summary()
    aws.change_set(changes=[ADD], ChangeSetType="UPDATE")
    aws.events(OLD)
    aws.executed()
    aws.events(event(1, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), OLD)
    aws.events(event(2, "UPDATE_COMPLETE"), event(1, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), OLD)
    aws.stack("UPDATE_COMPLETE")
    result = aws.deploy(Wish("bot", "body", "token", protect=False))
    aws.done()
    assert result.changed


def test_a_nested_stack_that_ends_does_not_end_the_deploy(aws: Recorded) -> None:
    created(aws)
    nested = event(1, "CREATE_COMPLETE", "Nested", ResourceType="AWS::CloudFormation::Stack")
    aws.events(nested, OLD)
    aws.events(event(2, "CREATE_COMPLETE"), nested, OLD)
    aws.stack("CREATE_COMPLETE")
    assert aws.deploy(Wish("bot", "body", "token", protect=False)).changed
    aws.done()


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information.",
        "No updates are to be performed.",
    ],
)
def test_no_changes_is_done_and_leaves_no_change_set(aws: Recorded, reason: str) -> None:
    aws.identity()
    aws.stack("CREATE_COMPLETE", Outputs=OUTPUTS)
    aws.summary()
    aws.change_set("FAILED", reason)
    aws.discarded()
    aws.stack("CREATE_COMPLETE", Outputs=OUTPUTS, EnableTerminationProtection=True)
    aws.policed()
    person = Person()
    result = aws.deploy(person=person)
    aws.done()
    assert person.warnings == []
    assert result == Result(False, STACK, {"InstanceId": ("i-1", "The host")})


def test_a_change_set_that_failed_for_a_reason_gives_it(aws: Recorded) -> None:
    aws.identity()
    aws.stack("CREATE_COMPLETE")
    aws.summary()
    aws.change_set("FAILED", "Parameter AppSource failed to satisfy constraint")
    aws.discarded()
    with pytest.raises(AwsError, match="AppSource failed to satisfy"):
        aws.deploy()
    aws.done()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (False, Declined),
        (Refused("no terminal"), Refused),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_what_is_not_agreed_to_is_taken_back_with_the_empty_stack(
    aws: Recorded, answer: Any, error: type[BaseException]
) -> None:
    aws.identity()
    aws.stack(None)
    aws.summary()
    aws.change_set(changes=[ADD])
    aws.vanished()
    with pytest.raises(error):
        aws.deploy(person=Person(answer))
    aws.done()


def test_a_stack_that_somebody_else_asks_about_as_well_stays(aws: Recorded) -> None:
    aws.identity()
    aws.stack(None)
    aws.summary()
    aws.change_set(changes=[ADD])
    aws.change_sets("arn:aws:cloudformation:r:1:changeSet/theirs/1")
    aws.answer("delete_change_set", {}, ChangeSetName=SET)
    with pytest.raises(Declined):
        aws.deploy(person=Person(False))
    aws.done()


def test_a_stack_under_review_that_was_there_before_stays(aws: Recorded) -> None:
    aws.identity()
    aws.stack("REVIEW_IN_PROGRESS")
    aws.summary()
    aws.change_set(changes=[ADD], ChangeSetType="CREATE")
    aws.discarded()
    with pytest.raises(Declined):
        aws.deploy(person=Person(False))
    aws.done()


def test_what_cannot_be_taken_back_is_told(aws: Recorded) -> None:
    aws.identity()
    aws.stack("CREATE_COMPLETE")
    aws.summary()
    aws.change_set(changes=[ADD])
    aws.change_sets()
    aws.fail("delete_change_set", "AccessDenied", "no")
    person = Person(False)
    with pytest.raises(Declined):
        aws.deploy(person=person)
    assert SET in person.warnings[0]


def test_a_replaced_host_is_refused_even_when_everything_is_agreed_to(aws: Recorded) -> None:
    replaced = {
        "Action": "Modify",
        "LogicalResourceId": "Host",
        "ResourceType": "AWS::EC2::Instance",
        "Replacement": "True",
        "Details": [{"Target": {"Attribute": "Properties", "Name": "ImageId"}}],
    }
    aws.identity()
    aws.stack("CREATE_COMPLETE")
    aws.summary()
    aws.change_set(changes=[replaced])
    aws.discarded()
    with pytest.raises(Refused, match=r"Host \(the host\) would be replaced because of ImageId"):
        aws.deploy()
    aws.done()


def test_another_account_is_refused_before_cloudformation_is_asked(aws: Recorded) -> None:
    aws.identity()
    with pytest.raises(Refused, match="123456789012"):
        aws.deploy(Wish("bot", "body", "token", allowed_accounts=("999999999999",)))
    aws.done()


def test_a_template_that_is_too_large_is_refused_before_any_call(aws: Recorded) -> None:
    body = "가" * (OBJECT_LIMIT // 3 + 1)
    with pytest.raises(ConfigError, match=f"{len(body) * 3} bytes"):
        aws.deploy(Wish("bot", body, "token"))


def test_denied_is_not_absent(aws: Recorded) -> None:
    aws.identity()
    aws.fail("describe_stacks", "AccessDenied", "not authorized to perform DescribeStacks", 403)
    with pytest.raises(AwsError, match="DescribeStacks") as caught:
        aws.deploy()
    assert "policy must allow it" in caught.value.hint


@pytest.mark.parametrize(
    ("status", "error", "hint"),
    [
        ("UPDATE_IN_PROGRESS", Refused, "wait"),
        ("DELETE_IN_PROGRESS", Refused, "wait"),
        ("CREATE_FAILED", NeedsRepair, "cfgen rollback, or cfgen destroy"),
        ("UPDATE_FAILED", NeedsRepair, "cfgen rollback"),
        ("UPDATE_ROLLBACK_FAILED", NeedsRepair, "cfgen rollback"),
        ("ROLLBACK_FAILED", NeedsRepair, "cfgen destroy"),
        ("DELETE_FAILED", NeedsRepair, "cfgen destroy"),
        ("IMPORT_ROLLBACK_FAILED", NeedsRepair, "cfgen destroy"),
    ],
)
def test_a_stack_that_cannot_be_deployed_to(
    aws: Recorded, status: str, error: type[CfgenError], hint: str
) -> None:
    aws.identity()
    aws.stack(status, StackStatusReason="because")
    with pytest.raises(error, match=status) as caught:
        aws.deploy()
    assert hint in caught.value.hint
    aws.done()


def never_came_up(aws: Recorded) -> None:
    aws.identity()
    aws.stack("ROLLBACK_COMPLETE")
    aws.summary()
    aws.answer(
        "list_stack_resources",
        {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": "KisSecret",
                    "ResourceType": "AWS::SecretsManager::Secret",
                    "LastUpdatedTimestamp": START,
                    "ResourceStatus": "DELETE_SKIPPED",
                },
                {
                    "LogicalResourceId": "Vpc",
                    "ResourceType": "AWS::EC2::VPC",
                    "LastUpdatedTimestamp": START,
                    "ResourceStatus": "DELETE_COMPLETE",
                },
            ]
        },
        StackName=STACK,
    )


def test_a_stack_that_never_came_up_is_deleted_first(aws: Recorded) -> None:
    never_came_up(aws)
    aws.answer("delete_stack", {}, StackName=STACK, ClientRequestToken="token-delete")
    aws.stack("ROLLBACK_COMPLETE")
    aws.stack("DELETE_IN_PROGRESS")
    aws.stack("DELETE_COMPLETE")
    aws.change_set(changes=[ADD], ChangeSetType="CREATE")
    aws.events(OLD)
    aws.executed()
    aws.events(event(1, "CREATE_COMPLETE"), OLD)
    aws.stack("CREATE_COMPLETE")
    person = Person()
    assert aws.deploy(Wish("bot", "body", "token", protect=False), person).changed
    aws.done()
    assert person.seen[1].endswith("left behind KisSecret")


def test_it_is_not_deleted_unasked(aws: Recorded) -> None:
    never_came_up(aws)
    with pytest.raises(Declined):
        aws.deploy(person=Person(False))
    aws.done()


def test_a_delete_that_fails_needs_repair(aws: Recorded) -> None:
    never_came_up(aws)
    aws.answer("delete_stack", {})
    aws.stack("DELETE_FAILED")
    with pytest.raises(NeedsRepair, match="DELETE_FAILED"):
        aws.deploy()


@pytest.mark.parametrize(
    ("ending", "error", "code"),
    [
        ("ROLLBACK_COMPLETE", DeployFailed, 3),
        ("UPDATE_ROLLBACK_COMPLETE", DeployFailed, 3),
        ("ROLLBACK_FAILED", NeedsRepair, 4),
        ("UPDATE_ROLLBACK_FAILED", NeedsRepair, 4),
        ("CREATE_FAILED", NeedsRepair, 4),
    ],
)
def test_a_failure_gives_its_first_cause_and_the_right_exit_code(
    aws: Recorded, ending: str, error: type[CfgenError], code: int
) -> None:
    created(aws)
    aws.events(
        event(4, ending),
        event(3, "CREATE_FAILED", "Host", "Resource creation cancelled"),
        event(2, "CREATE_FAILED", "Address", "The maximum number of addresses has been reached"),
        event(1, "CREATE_IN_PROGRESS"),
        OLD,
    )
    with pytest.raises(error, match=r"Address \(AWS::EC2::EIP\): The maximum number") as caught:
        aws.deploy()
    assert caught.value.exit_code == code
    aws.done()


def test_polling_survives_throttling_and_slows_down(aws: Recorded) -> None:
    created(aws)
    aws.fail("describe_stack_events", "Throttling", "Rate exceeded")
    for _ in range(70):
        aws.events(event(1, "CREATE_IN_PROGRESS"), OLD)
    aws.fail("describe_stack_events", "InternalFailure", "", 500)
    aws.events(event(2, "CREATE_COMPLETE"), event(1, "CREATE_IN_PROGRESS"), OLD)
    aws.stack("CREATE_COMPLETE")
    assert aws.deploy(Wish("bot", "body", "token", protect=False)).changed
    aws.done()
    pauses = aws.time.pauses
    assert pauses[0] == FIRST_POLL
    assert pauses == sorted(pauses)
    assert pauses[-1] == SLOWEST_POLL
    for count, pause in enumerate(pauses):
        assert pause <= max(FIRST_POLL, sum(pauses[:count]) / SHARE)


def test_a_cut_connection_while_polling_is_not_a_failed_deploy() -> None:
    time, cut = Time(), [ConnectionClosedError(endpoint_url="https://example.com")]

    def probe() -> str:
        if cut:
            raise cut.pop()
        return "ended"

    assert wait_until("it", probe, Waiting(lambda: time.now, time.sleep, 600)) == "ended"
    assert time.pauses == [FIRST_POLL]


def test_a_way_that_stays_cut_is_told_of_once() -> None:
    time, tries = Time(), iter(range(6))
    told: list[str] = []

    def probe() -> str:
        if next(tries) < 5:
            raise ConnectionClosedError(endpoint_url="https://example.com")
        return "ended"

    waiting = Waiting(lambda: time.now, time.sleep, 600)
    assert wait_until("stack bot", probe, waiting, tell=told.append) == "ended"
    assert len(told) == 1
    assert told[0].startswith("no answer about stack bot (Connection was closed")


def test_jitter_may_shorten_a_pause() -> None:
    time, answers = Time(), [None, "ended"]
    waiting = Waiting(lambda: time.now, time.sleep, 600, jitter=lambda pause: pause * 0.8)
    assert wait_until("it", lambda: answers.pop(0), waiting) == "ended"
    assert time.pauses == [FIRST_POLL * 0.8]


@pytest.mark.parametrize("others", [True, False])
def test_expired_credentials_are_looked_for_anew(others: bool) -> None:
    time, calls = Time(), []

    def probe() -> str:
        calls.append(1)
        if len(calls) == 1:
            raise ClientError({"Error": {"Code": "ExpiredToken"}}, "DescribeStackEvents")
        return "ended"

    waiting = Waiting(lambda: time.now, time.sleep, 600, command="cfgen {} --profile p".format)
    if others:
        assert wait_until("it", probe, waiting, lambda: True) == "ended"
    else:
        with pytest.raises(StillRunning) as caught:
            wait_until("it", probe, waiting, lambda: False)
        assert "--attach --profile p" in caught.value.hint


def test_expired_credentials_while_polling_say_that_it_goes_on(aws: Recorded) -> None:
    created(aws)
    aws.fail("describe_stack_events", "ExpiredToken", "The security token is expired")
    with pytest.raises(StillRunning, match="credentials expired") as caught:
        aws.deploy()
    assert caught.value.exit_code == 7


def test_the_wait_has_an_end(aws: Recorded) -> None:
    created(aws)
    for _ in range(150):
        aws.events(event(1, "CREATE_IN_PROGRESS"), OLD)
    with pytest.raises(StillRunning, match="600 s"):
        aws.deploy()
    assert 600 <= aws.time.now < 600 + SLOWEST_POLL


def test_whatever_goes_wrong_while_following_is_not_a_failed_deploy(aws: Recorded) -> None:
    created(aws)
    aws.fail("describe_stack_events", "AccessDenied", "no DescribeStackEvents for you", 403)
    with pytest.raises(StillRunning, match="no DescribeStackEvents for you") as caught:
        aws.deploy()
    assert STACK in caught.value.hint


def test_an_interrupt_while_following_says_how_to_look_on(aws: Recorded) -> None:
    created(aws)
    aws.events(event(1, "CREATE_IN_PROGRESS"), OLD)

    class Impatient(Person):
        def event(self, event: Event) -> None:  # noqa: ARG002
            raise KeyboardInterrupt

    person = Impatient()
    with pytest.raises(KeyboardInterrupt):
        aws.deploy(person=person)
    assert STACK in person.warnings[0]
    aws.done()


def test_last_steps_that_fail_do_not_fail_the_deploy(aws: Recorded) -> None:
    created(aws)
    aws.events(event(1, "CREATE_COMPLETE"), OLD)
    aws.stack("CREATE_COMPLETE", Outputs=OUTPUTS)
    aws.fail("update_termination_protection", "AccessDenied", "not yours")
    person = Person()
    assert aws.deploy(person=person).changed
    assert "protection could not be set on: AccessDenied: not yours" in person.warnings[0]
    aws.done()


def test_outputs_that_cannot_be_read_do_not_fail_the_deploy(aws: Recorded) -> None:
    created(aws)
    aws.events(event(1, "CREATE_COMPLETE"), OLD)
    aws.fail("describe_stacks", "Throttling", "slow down")
    person = Person()
    assert aws.deploy(person=person) == Result(True, STACK, {})
    assert "outputs could not be read" in person.warnings[0]
    aws.done()


def test_protection_that_is_not_wanted_is_taken_off(aws: Recorded) -> None:
    created(aws)
    aws.events(event(1, "CREATE_COMPLETE"), OLD)
    aws.stack("CREATE_COMPLETE", EnableTerminationProtection=True)
    aws.answer(
        "update_termination_protection",
        {"StackId": STACK},
        StackName=STACK,
        EnableTerminationProtection=False,
    )
    aws.deploy(Wish("bot", "body", "token", protect=False))
    aws.done()


@pytest.mark.parametrize(
    ("error", "status"), [("InvalidChangeSetStatus", 400), ("InternalFailure", 500)]
)
def test_a_lost_answer_to_the_execution_is_followed(aws: Recorded, error: str, status: int) -> None:
    aws.identity()
    aws.stack(None)
    aws.summary()
    aws.change_set(changes=[ADD])
    aws.events(OLD)
    aws.fail("execute_change_set", error, "", status)
    aws.answer(
        "describe_change_set",
        {"Status": "CREATE_COMPLETE", "ExecutionStatus": "EXECUTE_IN_PROGRESS"},
        ChangeSetName=SET,
    )
    aws.events(event(1, "CREATE_COMPLETE"), OLD)
    aws.stack("CREATE_COMPLETE")
    assert aws.deploy(Wish("bot", "body", "token", protect=False)).changed
    aws.done()


def test_what_comes_after_the_end_is_not_ours(aws: Recorded) -> None:
    created(aws)
    aws.events(
        event(4, "UPDATE_ROLLBACK_COMPLETE"),
        event(3, "UPDATE_IN_PROGRESS"),
        event(2, "CREATE_COMPLETE"),
        event(1, "CREATE_IN_PROGRESS"),
        OLD,
    )
    aws.stack("CREATE_COMPLETE")
    assert aws.deploy(Wish("bot", "body", "token", protect=False)).changed
    aws.done()


def test_an_execution_that_is_refused_is_taken_back(aws: Recorded) -> None:
    aws.identity()
    aws.stack(None)
    aws.summary()
    aws.change_set(changes=[ADD])
    aws.events(OLD)
    aws.fail("execute_change_set", "AccessDenied", "you may look but not touch", 403)
    aws.vanished()
    with pytest.raises(AwsError, match="you may look but not touch"):
        aws.deploy()
    aws.done()


IMAGE = {"ParameterKey": "ImageId", "DefaultValue": ""}
LATEST = {"ParameterKey": "LatestImageId", "DefaultValue": "/aws/service/newest"}


@pytest.mark.parametrize(
    ("before", "refresh", "asked", "expected"),
    [
        ("ami-of-another-architecture", False, True, {"ParameterValue": "ami-new"}),
        (None, False, True, {"ParameterValue": "ami-new"}),
        ("", False, True, {"ParameterValue": "ami-new"}),
        ("ami-old", False, False, {"UsePreviousValue": True}),
        ("ami-old", True, True, {"ParameterValue": "ami-new"}),
    ],
)
def test_the_image_is_pinned_and_moves_only_when_asked(
    aws: Recorded, before: str | None, refresh: bool, asked: bool, expected: dict[str, Any]
) -> None:
    aws.identity()
    if before is None:
        aws.stack(None)
    else:
        newest = "/aws/service/other" if "another" in before else "/aws/service/newest"
        parameters = [
            {"ParameterKey": "ImageId", "ParameterValue": before},
            {"ParameterKey": "LatestImageId", "ParameterValue": newest},
        ]
        aws.stack("CREATE_COMPLETE", Parameters=parameters)
    aws.summary(IMAGE, LATEST)
    if asked:
        aws.image("ami-new")
    aws.change_set(
        "FAILED",
        "No updates are to be performed.",
        Parameters=[
            {"ParameterKey": "ImageId", **expected},
            {"ParameterKey": "LatestImageId", "ParameterValue": "/aws/service/newest"},
        ],
    )
    if before is None:
        aws.vanished()
        with pytest.raises(DeployFailed):
            aws.deploy(Wish("bot", "body", "token", refresh_image=refresh))
    else:
        aws.discarded()
        aws.stack("CREATE_COMPLETE", EnableTerminationProtection=True)
        assert not aws.deploy(Wish("bot", "body", "token", refresh_image=refresh)).changed
    aws.done()
