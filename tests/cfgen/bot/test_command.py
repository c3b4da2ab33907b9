"""Run Command: what is sent, how it is waited for, and how what goes wrong is told."""

import subprocess
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY

from cfgen.aws import aws_errors
from cfgen.bot.command import OUTPUT_LIMIT, Outcome, remote_script, run_on_host
from cfgen.bot.host import Host
from cfgen.deploy.waiting import Waiting
from cfgen.errors import AwsError, Refused
from tests.cfgen.bot.test_bot import INSTANCE, Aws

HOST = Host(INSTANCE, "t4g.micro", "running", "ok", True)
COMMAND = "c" * 36


class Clock:
    """A clock that only sleep moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    @property
    def waiting(self) -> Waiting:
        return Waiting(lambda: self.now, self.sleep, 0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aws() -> Aws:
    return Aws()


def sent(aws: Aws, seconds: int = 60, commands: Any = ANY) -> None:
    aws.answer(
        "ssm", "send_command", {"Command": {"CommandId": COMMAND}},
        InstanceIds=[INSTANCE], DocumentName="AWS-RunShellScript", TimeoutSeconds=seconds,
        Parameters={"commands": commands, "executionTimeout": [str(seconds)]},
    )  # fmt: skip


def invoked(aws: Aws, status: str, code: int = -1, details: str = "", out: str = "out") -> None:
    answer = {"Status": status, "StatusDetails": details or status, "ResponseCode": code,
              "StandardOutputContent": out, "StandardErrorContent": "err"}  # fmt: skip
    aws.answer("ssm", "get_command_invocation", answer, CommandId=COMMAND, InstanceId=INSTANCE)


def test_a_command_comes_back_with_its_exit_code(aws: Aws, clock: Clock) -> None:
    sent(aws, commands=["exit 3"])
    stub = aws.stubs["ssm"]
    stub.add_client_error("get_command_invocation", "InvocationDoesNotExist")
    invoked(aws, "Pending")
    # A look that is throttled does not end a command that runs.
    stub.add_client_error("get_command_invocation", "ThrottlingException", "Rate exceeded")
    invoked(aws, "InProgress")
    invoked(aws, "Failed", 3)
    outcome = run_on_host(aws.clients, HOST, ["exit 3"], clock.waiting, 60)
    assert outcome == Outcome("Failed", 3, "out", "err")
    assert clock.now == 1005
    aws.done()


@pytest.mark.parametrize(
    ("status", "details", "code"),
    [("Success", "Success", 0), ("TimedOut", "ExecutionTimedOut", 137), ("Cancelled", "", -1)],
)
def test_whatever_ends_it_is_told(
    aws: Aws, clock: Clock, status: str, details: str, code: int
) -> None:
    sent(aws)
    invoked(aws, status, code, details)
    outcome = run_on_host(aws.clients, HOST, ["true"], clock.waiting, 60)
    assert (outcome.status, outcome.exit_code, outcome.cut) == (status, code, False)


@pytest.mark.parametrize(("length", "cut"), [(OUTPUT_LIMIT - 1, False), (OUTPUT_LIMIT, True)])
def test_a_long_output_may_be_cut(aws: Aws, clock: Clock, length: int, cut: bool) -> None:
    sent(aws)
    invoked(aws, "Success", 0, out="x" * length)
    assert run_on_host(aws.clients, HOST, ["cat"], clock.waiting, 60).cut == cut


@pytest.mark.parametrize("details", ["Undeliverable", "DeliveryTimedOut", "Terminated"])
def test_a_host_that_does_not_take_it(aws: Aws, clock: Clock, details: str) -> None:
    sent(aws)
    invoked(aws, "TimedOut" if "Timed" in details else "Failed", details=details)
    with pytest.raises(Refused, match=f"does not take commands \\({details}\\)"):
        run_on_host(aws.clients, HOST, ["true"], clock.waiting, 60)


def test_a_host_that_systems_manager_does_not_know(aws: Aws, clock: Clock) -> None:
    aws.stubs["ssm"].add_client_error("send_command", "InvalidInstanceId", "not in a valid state")
    with pytest.raises(Refused, match="Systems Manager does not know it") as caught:
        run_on_host(aws.clients, HOST, ["true"], clock.waiting, 60)
    assert "a new host needs some minutes" in caught.value.hint


def test_who_may_not_send_is_told_what_to_allow(aws: Aws, clock: Clock) -> None:
    aws.stubs["ssm"].add_client_error("send_command", "AccessDeniedException", "no")
    with pytest.raises(AwsError) as caught, aws_errors():
        run_on_host(aws.clients, HOST, ["true"], clock.waiting, 60)
    assert "your identity may not call SendCommand" in caught.value.hint


def test_another_failure_of_a_look_is_raised(aws: Aws, clock: Clock) -> None:
    sent(aws)
    aws.stubs["ssm"].add_client_error("get_command_invocation", "InvalidCommandId", "no")
    with pytest.raises(ClientError):
        run_on_host(aws.clients, HOST, ["true"], clock.waiting, 60)


def test_a_command_that_does_not_end_is_cancelled(aws: Aws, clock: Clock) -> None:
    sent(aws, 30)
    for _ in range(3):
        invoked(aws, "InProgress")
    aws.answer("ssm", "cancel_command", {}, CommandId=COMMAND)
    with pytest.raises(Refused, match="did not end within 2 s, and was cancelled"):
        run_on_host(aws.clients, HOST, ["sleep 9"], clock.waiting, 2)
    aws.done()


def test_a_script_is_run_by_bash_with_its_arguments() -> None:
    """By dash, as an agent's /bin/sh may be: the script itself uses what only bash has."""
    first, *text, last = remote_script("pause", "paused until 2026-12-01", "let-finish")
    assert first == "bash -s -- 'paused until 2026-12-01' let-finish <<'CFGEN'"
    assert last == "CFGEN"
    assert text[0] == "#!/bin/bash"
    lines = [first, 'echo "$1|$2|$#|${1@Q}"', last]
    said = subprocess.run(
        ["sh", "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    ).stdout
    assert said == "paused until 2026-12-01|let-finish|2|'paused until 2026-12-01'\n"


def test_no_script_holds_what_a_document_would_fill_in() -> None:
    """Systems Manager replaces {{ names }} in a command's parameters."""
    for name in ("pause", "resume", "run"):
        assert "{{" not in "\n".join(remote_script(name))
