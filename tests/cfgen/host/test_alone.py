"""Two hosts of one stack, each with a root of its own, against one moto server.

They come and go in the orders in which CloudFormation, Auto Scaling and people launch, stop and
terminate them. Never do both run jobs.
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cfgen.host.conftest import SCRIPTS, Script
from tests.cfgen.host.test_aws import REGION, Metadata, bucket, client, host, metadata, new_host

__all__ = ["bucket", "host", "metadata"]
WAITS = "no job runs on this host yet"
FREE = "no older host of this stack is alive"


class Stack:
    """The instances of one stack, and the wait of each as its unit runs it."""

    def __init__(self, name: str, ec2: Any, settings: dict[str, str], folder: Path) -> None:
        self._name = name
        self._ec2 = ec2
        self._settings = settings
        self._folder = folder
        self._running: list[tuple[subprocess.Popen[bytes], Metadata]] = []
        [self._image] = ec2.describe_images(Owners=["amazon"])["Images"][:1]

    def launch(self) -> str:
        tags = [{"Key": "aws:cloudformation:stack-name", "Value": self._name}]
        found = self._ec2.run_instances(
            ImageId=self._image["ImageId"], MinCount=1, MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )  # fmt: skip
        # EC2 writes whole seconds.
        time.sleep(1.1)
        name: str = found["Instances"][0]["InstanceId"]
        return name

    def stop(self, name: str) -> None:
        self._ec2.stop_instances(InstanceIds=[name])

    def terminate(self, name: str) -> None:
        self._ec2.terminate_instances(InstanceIds=[name])

    def boot(self, name: str, **extra: str) -> Path:
        """Start the wait on a host; returns its log."""
        service = Metadata()
        service.items["instance-id"] = name
        log = self._folder / f"{name}-{len(self._running)}.log"
        programs = self._settings["PROGRAMS"]
        environment = {
            "PATH": f"{programs}:/usr/bin:/bin", "AWS_REGION": REGION, "STACK_NAME": self._name,
            "RETRY_SECONDS": "0.2", **self._settings, "METADATA_ENDPOINT": service.endpoint,
            **extra,
        }  # fmt: skip
        with log.open("wb") as file:
            process = subprocess.Popen(
                ["python3", SCRIPTS / "wait-alone"], env=environment, stdout=file, stderr=file
            )
        self._running.append((process, service))
        return log

    def end(self) -> None:
        for process, service in self._running:
            process.kill()
            process.wait()
            service.stop()


@pytest.fixture
def stack(
    request: pytest.FixtureRequest, host: dict[str, str], moto_server: str, tmp_path: Path
) -> Iterator[Stack]:
    name = f"stack-{abs(hash(request.node.nodeid)):x}"
    one = Stack(name, client("ec2", moto_server), host, tmp_path)
    yield one
    one.end()


def says(log: Path, text: str, seconds: float = 30) -> str:
    deadline = time.monotonic() + seconds
    while text not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert text in log.read_text()
    return log.read_text()


def test_a_host_that_is_the_only_one_runs_at_once(stack: Stack) -> None:
    says(stack.boot(stack.launch()), FREE)


def test_a_replacement_waits_until_the_old_host_is_gone(stack: Stack) -> None:
    """CloudFormation creates it, waits for its signal, and deletes the old one at the end."""
    old = stack.launch()
    says(stack.boot(old), FREE)
    new = stack.launch()
    log = stack.boot(new)
    said = says(log, WAITS)
    assert f"the older host {old}" in said
    # A reboot of the old host changes nothing: it is the older one still.
    says(stack.boot(old), FREE)
    assert FREE not in log.read_text()
    stack.terminate(old)
    # It says once what it waits for.
    assert says(log, FREE).count(WAITS) == 1


def test_in_a_rollback_the_old_host_goes_on_and_the_new_one_never_began(stack: Stack) -> None:
    old, new = stack.launch(), stack.launch()
    log = stack.boot(new)
    says(log, WAITS)
    stack.terminate(new)
    says(stack.boot(old), FREE)
    # What is left of the new one cannot tell any more, and does not trade.
    says(log, "EC2 does not list this host")
    assert FREE not in log.read_text()


def test_a_group_that_launches_before_it_terminates(stack: Stack) -> None:
    """Rebalancing of zones and instance refreshes do: three hosts, of which the oldest runs."""
    first, second, third = stack.launch(), stack.launch(), stack.launch()
    logs = [stack.boot(name) for name in (third, second, first)]
    says(logs[2], FREE)
    assert f"the older host {first}" in says(logs[0], WAITS)
    says(logs[1], WAITS)
    stack.terminate(first)
    says(logs[1], FREE)
    assert FREE not in logs[0].read_text()


def test_a_host_that_is_stopped_is_not_waited_for(stack: Stack) -> None:
    old, new = stack.launch(), stack.launch()
    log = stack.boot(new)
    says(log, WAITS)
    stack.stop(old)
    says(log, FREE)


def test_another_stack_has_a_host_of_its_own(
    stack: Stack, host: dict[str, str], moto_server: str, tmp_path: Path
) -> None:
    other = Stack("another-stack", client("ec2", moto_server), host, tmp_path)
    other.launch()
    says(stack.boot(stack.launch()), FREE)


def test_a_leftover_of_a_stack_of_the_same_name_is_named_once(stack: Stack) -> None:
    old, new = stack.launch(), stack.launch()
    log = stack.boot(new, PATIENCE_SECONDS="0")
    time.sleep(2)
    said = says(log, "ERROR wait-alone:")
    assert said.count("ERROR wait-alone:") == 1
    assert f"terminate it: aws ec2 terminate-instances --instance-ids {old}" in said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "EC2 cannot be asked"),
        ({"STACK_NAME": "no-such-stack"}, "EC2 does not list this host"),
    ],
)
def test_where_it_cannot_be_told_nothing_trades(
    stack: Stack, wrong: dict[str, str], said: str
) -> None:
    log = stack.boot(stack.launch(), PATIENCE_SECONDS="0", **wrong)
    says(log, f"ERROR wait-alone: no job has run on this host for 0 minutes: {said}")
    assert FREE not in log.read_text()


def test_what_the_old_host_wrote_last_is_on_the_new_one(
    stack: Stack, script: Script, host: dict[str, str], tmp_path: Path, bucket: str
) -> None:
    """Its save comes with its shutdown, and the restore after it, as the units are ordered."""
    old, new = stack.launch(), stack.launch()
    roots = {name: new_host(tmp_path, name) for name in (old, new)}
    kept = "var/lib/trading-bot/positions.json"

    def state(name: str, verb: str) -> str:
        result = script("state", verb, **host, ROOT=str(roots[name]), STATE_BUCKET=bucket)
        assert result.returncode == 0, result.stderr
        return result.stdout

    state(old, "restore")
    (roots[old] / kept).write_text("{}")
    (roots[old] / kept).with_name("last-run-bot").touch()
    state(old, "save")
    log = stack.boot(new)
    says(log, WAITS)
    (roots[old] / kept).write_text('{"069500": 10}')
    state(old, "save")
    stack.terminate(old)
    says(log, FREE)
    assert "state: restored" in state(new, "restore")
    assert (roots[new] / kept).read_text() == '{"069500": 10}'
