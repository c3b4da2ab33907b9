"""Every state of a stack, from every command, against a CloudFormation of our own."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from cfgen.aws import Clients, aws_errors
from cfgen.bot.status import read_status
from cfgen.config.schema import Config, Stack
from cfgen.deploy.destroy import DestroyWish, destroy, destroy_way
from cfgen.deploy.destroy import Way as DestroyWay
from cfgen.deploy.diff import diff
from cfgen.deploy.events import Event
from cfgen.deploy.following import Answer
from cfgen.deploy.manner import Manner
from cfgen.deploy.plan import Wish
from cfgen.deploy.policy import policy_for
from cfgen.deploy.rollback import RollbackWish, rollback, rollback_way
from cfgen.deploy.run import Result, attach, deploy
from cfgen.deploy.states import KEPT, ROLLED_BACK, SUCCEEDED, Way, way_of
from cfgen.deploy.waiting import Waiting
from cfgen.errors import DeployFailed, NeedsRepair, Refused
from tests.cloudformation.operations import Move
from tests.cloudformation.server import FakeCloudFormation
from tests.recorded import REGION, Person, Time, stack_states

BODY = """\
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: new}}
  Address: {Type: AWS::EC2::EIP}
"""
STATES = stack_states()
SLOW_END: list[list[Move]] = [[], [], [], [Move("DELETE_COMPLETE")]]


@pytest.fixture
def aws() -> Iterator[FakeCloudFormation]:
    with FakeCloudFormation() as server:
        yield server


@pytest.fixture
def clients(aws: FakeCloudFormation) -> Clients:
    return Clients(REGION, endpoint_url=aws.url, credentials=("AKIDEXAMPLE", "made-up"))


@pytest.fixture
def waiting() -> Waiting:
    time = Time()
    return Waiting(lambda: time.now, time.sleep, 600)


def raises(error: type[Exception], action: Callable[[], object]) -> None:
    with pytest.raises(error), aws_errors():
        action()


def is_under_way(status: str) -> bool:
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("retry", [False, True])
def test_deploy(
    aws: FakeCloudFormation, clients: Clients, waiting: Waiting, status: str, retry: bool
) -> None:
    before = aws.put("bot", status)
    wish = Wish("bot", BODY, "token", manner=Manner(retry=retry))

    def run() -> object:
        return deploy(wish, clients, waiting, Person())

    refusals = {Way.WAIT: Refused, Way.REPAIR: NeedsRepair}
    way = way_of(status, retry=retry)
    if error := refusals.get(way):
        raises(error, run)
        assert before.status == status
        assert not aws.count("CreateChangeSet")
        return
    run()
    after = aws.stack("bot")
    assert after
    assert (after.arn == before.arn) == (status not in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE"))
    assert after.status == ("UPDATE_COMPLETE" if way is Way.UPDATE else "CREATE_COMPLETE")
    assert set(after.resources) == {"Topic", "Address"}
    assert after.protected
    assert after.policy
    assert "LogicalResourceId/Address" in after.policy


@pytest.mark.parametrize("status", STATES)
def test_diff(aws: FakeCloudFormation, clients: Clients, waiting: Waiting, status: str) -> None:
    before = aws.put("bot", status)

    def run() -> object:
        return diff(Wish("bot", BODY, "token"), clients, waiting, Person())

    refusals = {Way.WAIT: Refused, Way.REPAIR: NeedsRepair, Way.RECREATE: Refused}
    if error := refusals.get(way_of(status)):
        raises(error, run)
    else:
        assert run()
    assert before.status == status
    assert not before.change_sets
    assert aws.stack("bot") is (None if status == "DELETE_COMPLETE" else before)
    assert not aws.count("ExecuteChangeSet")


@pytest.mark.parametrize("status", STATES)
def test_rollback(aws: FakeCloudFormation, clients: Clients, waiting: Waiting, status: str) -> None:
    stack = aws.put("bot", status)

    def run() -> object:
        return rollback(RollbackWish("bot", "token"), clients, waiting, Person())

    way = rollback_way(status)
    if status == "DELETE_COMPLETE":
        # A name does not lead to a stack that is gone.
        with pytest.raises(Exception, match="there is no stack"):
            run()
    elif way in ("never up", "wait"):
        raises(Refused, run)
        assert stack.status == status
    elif way == "destroy":
        raises(NeedsRepair, run)
        assert stack.status == status
    elif way == "none":
        assert run() == status
    else:
        ended = "DELETE_COMPLETE" if status == "CREATE_FAILED" else "UPDATE_ROLLBACK_COMPLETE"
        assert run() == ended == stack.status


@pytest.mark.parametrize("status", STATES)
def test_destroy(aws: FakeCloudFormation, clients: Clients, waiting: Waiting, status: str) -> None:
    goes = status == "DELETE_IN_PROGRESS"
    stack = aws.put("bot", status, operation=SLOW_END if goes else None)

    def run() -> object:
        return destroy(DestroyWish("bot", "token"), clients, waiting, Person())

    way = destroy_way(status)
    if way is DestroyWay.WAIT:
        raises(Refused, run)
        assert stack.status == status
    elif way is DestroyWay.NOTHING:
        assert run() is None
    else:
        assert run() is not None
        assert stack.status == "DELETE_COMPLETE"
        assert aws.count("DeleteStack") == (way is DestroyWay.DELETE)


class NoAlarms:
    """A CloudWatch with nothing in it."""

    def get_paginator(self, _: str) -> "NoAlarms":
        return self

    def paginate(self, **_: str) -> list[dict[str, list[str]]]:
        return [{"MetricAlarms": []}]


@pytest.mark.parametrize("status", STATES)
def test_status(aws: FakeCloudFormation, clients: Clients, status: str) -> None:
    aws.put("bot", status)

    def run() -> str:
        quiet = SimpleNamespace(
            cloudformation=clients.cloudformation, cloudwatch=NoAlarms(), region=REGION
        )
        config = Config(stack=Stack(name="bot"))
        now = datetime(2026, 11, 24, tzinfo=UTC)
        return read_status(cast(Clients, quiet), config, now).status

    if status == "DELETE_COMPLETE":
        with pytest.raises(Exception, match="there is no stack"):
            run()
    else:
        assert run() == status


@pytest.mark.parametrize("status", [one for one in STATES if not is_under_way(one)])
def test_there_is_nothing_to_attach_to(
    aws: FakeCloudFormation, clients: Clients, waiting: Waiting, status: str
) -> None:
    stack = aws.put("bot", status)
    if status == "DELETE_COMPLETE":
        with pytest.raises(Exception, match="there is no stack"):
            attach(Wish("bot", "", "token"), clients, waiting, Person())
        return

    def run() -> Result:
        return attach(Wish("bot", "", "token"), clients, waiting, Person())

    if status in ROLLED_BACK:
        raises(DeployFailed, run)
    elif way_of(status) is Way.REPAIR:
        raises(NeedsRepair, run)
    else:
        assert not run().changed
        # What a deploy that nobody followed to its end left undone is made up for.
        assert stack.protected == (status in SUCCEEDED)


def test_what_came_up_while_the_question_stood_is_not_cancelled(
    aws: FakeCloudFormation, clients: Clients, waiting: Waiting
) -> None:
    class Late(Person):
        def event(self, event: Event) -> None:
            super().event(event)
            if event.logical_id == "Topic" and aws.steps_per_poll == 1:
                raise KeyboardInterrupt

        def interrupted(self, cancel: str) -> Answer:
            aws.steps_per_poll = 100
            clients.cloudformation.describe_stacks(StackName="bot")
            return super().interrupted(cancel)

    person = Late(after_interrupt="cancel")
    assert deploy(Wish("bot", BODY, "token"), clients, waiting, person).changed
    stack = aws.stack("bot")
    assert stack
    assert stack.status == "CREATE_COMPLETE"
    assert "it was not cancelled" in person.warnings[0]
    assert not aws.count("DeleteStack")


def test_a_policy_that_was_loosened_is_tightened_by_whoever_sees_the_end(
    aws: FakeCloudFormation, clients: Clients, waiting: Waiting
) -> None:
    stack = aws.put("bot", "CREATE_COMPLETE", template=BODY)
    for status in ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"):
        stack.status, stack.policy = status, policy_for([])
        if status == "UPDATE_ROLLBACK_FAILED":
            rollback(RollbackWish("bot", "token"), clients, waiting, Person())
        else:
            raises(
                DeployFailed,
                lambda: attach(Wish("bot", "", "token"), clients, waiting, Person()),
            )
        assert "LogicalResourceId/Address" in stack.policy


def test_what_is_kept_is_what_can_be_retried() -> None:
    assert {one for one in STATES if way_of(one, retry=True) is not way_of(one)} == KEPT
