"""A change is done when the host has it: the wait, by a clock that only sleeping moves."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from cfgen.aws import Clients
from cfgen.deploy.arriving import await_host, look_at_host
from cfgen.deploy.stack import Stack
from cfgen.deploy.waiting import Waiting
from cfgen.errors import HostFailed, StillRunning
from tests.cloudformation.server import FakeCloudFormation
from tests.cloudformation.template import KEY
from tests.fake_aws import Fault
from tests.recorded import Person, Time

V1, V2 = "0123456789ab", "ba9876543210"
BODY = json.dumps(
    {
        "Metadata": {"cfgen": {"HostVersion": V2}},
        "Parameters": {"AppSource": {"Type": "String", "Default": "git@v2"}},
        "Resources": {
            "HostLogGroup": {"Type": "AWS::Logs::LogGroup"},
            "Host": {"Type": "AWS::EC2::Instance"},
        },
    }
)
BEGUN = datetime.fromisoformat("2026-11-24T09:00:00+00:00")


@pytest.fixture
def aws() -> Iterator[FakeCloudFormation]:
    with FakeCloudFormation() as server:
        yield server


class Scene:
    """A stack that is up, its host, and somebody who waits for it."""

    def __init__(self, aws: FakeCloudFormation) -> None:
        self.aws, self.person, self.time = aws, Person(), Time()
        self.later: list[Callable[[], None]] = []
        self.stack = aws.put("bot", "UPDATE_COMPLETE", BODY)
        self.clients = Clients("ap-northeast-2", endpoint_url=aws.url, credentials=(KEY, "x"))
        waiting = Waiting(lambda: self.time.now, self.sleep, 600)
        self.watched = Stack(self.clients, "bot", waiting)
        self.tell(-60, "done", version=V1, source="git@v1")

    def sleep(self, seconds: float) -> None:
        self.time.sleep(seconds)
        if self.later:
            self.later.pop(0)()

    def tell(self, minute: int, event: str, **fields: Any) -> None:
        told = {"event": event, "version": V2, "source": "git@v2", **fields}
        self.aws.reports.append((BEGUN + timedelta(minutes=minute), told))

    def soon(self, minute: int, event: str, **fields: Any) -> None:
        """The host tells it after the next look."""
        self.later.append(lambda: self.tell(minute, event, **fields))

    def wait(self) -> str:
        return await_host(self.watched, self.stack.arn, BEGUN, self.clients, self.person)


@pytest.fixture
def scene(aws: FakeCloudFormation) -> Scene:
    return Scene(aws)


def test_the_steps_are_shown_until_the_host_has_it(scene: Scene) -> None:
    for minute, step in enumerate(("packages", "app", "units")):
        scene.soon(minute, "step", step=step)
    scene.soon(3, "done", commit="c0ffee")
    assert scene.wait() == "there"
    note, *told = scene.person.seen
    assert "now its host takes the change up" in note
    assert told == ["host step packages", "host step app", "host step units", "host done"]
    assert scene.person.warnings == []


def test_what_is_there_already_is_not_waited_for(scene: Scene) -> None:
    scene.tell(-1, "done")
    assert scene.wait() == "there"
    assert (scene.person.seen, scene.time.pauses) == ([], [])


def test_a_failure_of_the_host_is_one_of_the_deploy(scene: Scene) -> None:
    # That of an earlier try is none.
    scene.tell(-5, "failed", step="app", reason="long ago")
    scene.soon(1, "step", step="app")
    scene.soon(2, "failed", step="app", reason="cannot fetch v2")
    with pytest.raises(HostFailed, match="step app failed: cannot fetch v2") as caught:
        scene.wait()
    assert caught.value.exit_code == 1
    assert "the stack is as wanted" in str(caught.value)
    assert "cfgen logs --boot" in caught.value.hint


def test_a_job_at_work_is_said_with_its_end(scene: Scene) -> None:
    until = "2026-11-24T10:00:00+00:00"
    scene.soon(1, "waiting", reason="at work: trading-bot.service", until=until)
    scene.soon(40, "done")
    assert scene.wait() == "there"
    assert scene.person.seen[1] == "host waiting at work: trading-bot.service"


def test_the_wait_has_an_end(scene: Scene) -> None:
    with pytest.raises(StillRunning, match="the stack is as wanted, but gave up waiting") as caught:
        scene.wait()
    assert caught.value.exit_code == 7
    assert "deploy --attach" in caught.value.hint
    assert "cfgen status" in caught.value.hint
    assert 600 <= scene.time.now < 620


def test_an_interrupt_says_that_the_stack_is_done(scene: Scene) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    scene.later.append(interrupt)
    with pytest.raises(KeyboardInterrupt):
        scene.wait()
    assert scene.person.warnings == [
        "the stack is as wanted; whether its host is, too, shows cfgen status"
    ]


def test_a_host_that_does_not_run_is_not_waited_for(scene: Scene) -> None:
    scene.aws.instance["State"] = {"Name": "stopped"}
    assert scene.wait() == "stopped"
    assert "takes the change up when it starts" in scene.person.seen[0]
    assert scene.aws.count("FilterLogEvents") == 0


def test_a_host_that_stops_meanwhile_ends_the_wait(scene: Scene) -> None:
    scene.later.append(lambda: scene.aws.instance.update(State={"Name": "stopping"}))
    assert scene.wait() == "stopped"
    assert "has stopped" in scene.person.seen[-1]


def test_a_stack_without_a_host_has_none_to_wait_for(scene: Scene) -> None:
    del scene.stack.resources["Host"]
    assert scene.wait() == "none"


def test_a_new_host_has_signalled_that_it_is_up(scene: Scene) -> None:
    """And without a report of it, nobody waits for one."""
    scene.aws.instance["LaunchTime"] = BEGUN + timedelta(seconds=30)
    assert scene.wait() == "unknown"
    scene.tell(4, "done")
    assert scene.wait() == "there"
    assert scene.person.seen == ["host done"]
    assert scene.time.pauses == []


def test_the_host_of_a_new_stack_has_signalled_too(scene: Scene) -> None:
    found = await_host(scene.watched, scene.stack.arn, BEGUN, scene.clients, scene.person,
                       created=True)  # fmt: skip
    assert (found, scene.time.pauses) == ("unknown", [])


def test_a_template_of_somebody_elses_wants_nothing_on_a_host(aws: FakeCloudFormation) -> None:
    scene = Scene(aws)
    other = aws.put("other", "UPDATE_COMPLETE")
    assert await_host(scene.watched, other.arn, BEGUN, scene.clients, scene.person) == ""
    assert aws.count("DescribeInstances") == 0


@pytest.mark.parametrize("operation", ["FilterLogEvents", "DescribeInstances", "GetTemplate"])
def test_what_may_not_be_seen_fails_nothing(scene: Scene, operation: str) -> None:
    scene.aws.interfere[operation] = lambda _: Fault("AccessDenied", 403, "no")
    found = scene.wait()
    assert found in ("unknown", "")
    if operation != "GetTemplate":
        assert "could not be seen" in scene.person.warnings[0]


def test_where_nothing_changed_one_look_says_what_is_wrong(scene: Scene) -> None:
    def look() -> str:
        return look_at_host(scene.watched, scene.stack.arn, scene.clients, scene.person)

    scene.tell(1, "failed", step="packages", reason="Error: no match")
    assert look() == "late"
    [warning] = scene.person.warnings
    assert "step packages failed: Error: no match" in warning
    scene.tell(2, "done")
    assert look() == "there"
    assert scene.time.pauses == []
