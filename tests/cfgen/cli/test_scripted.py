"""The program as a process, against a CloudFormation of our own that plays what moto cannot."""

import json
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cloudformation.operations import Move
from tests.cloudformation.server import FakeCloudFormation
from tests.cloudformation.template import Call, FakeStack
from tests.conftest import Run, Terminal, clean_environment, command
from tests.fake_aws import Fault

BODY = """\
Parameters:
  Name: {Type: String, Default: first}
  Token: {Type: String, Default: "", NoEcho: true}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref Name}}
  Address: {Type: AWS::EC2::EIP}
Outputs:
  Where: {Description: The address, Value: !Ref Address}
"""
CHANGED = BODY.replace("Default: first", "Default: second")
STACK = "trading-bot"


@pytest.fixture
def aws() -> Iterator[FakeCloudFormation]:
    with FakeCloudFormation() as server:
        # An operation is over at the first look, unless a test slows it down.
        server.steps_per_poll = 20
        yield server


@pytest.fixture
def deploy(cfgen: Run, aws: FakeCloudFormation) -> Callable[..., Any]:
    def run(*arguments: str, body: str = BODY) -> Any:
        return cfgen(
            "deploy", "-", "--yes", "--no-lint", *arguments, stdin=body, extra=aws.environment
        )

    return run


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def waiting(stack: FakeStack) -> list[str]:
    """Names of change sets that could be executed."""
    return [one.name for one in stack.change_sets.values() if one.execution_status == "AVAILABLE"]


def slow(aws: FakeCloudFormation) -> None:
    """Make operations take many looks."""
    aws.steps_per_poll, aws.extra_steps = 1, 40


# What is shown and guarded


def test_a_first_deploy_protects_what_it_made(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    result = deploy()
    assert result.returncode == 0, result.stderr
    assert "stack policy: no update may replace or delete Address" in result.stderr
    assert result.stdout == f"Where: The address\n  {STACK}-Address-1\n"
    stack = aws.stack(STACK)
    assert stack
    assert stack.protected
    again = deploy()
    assert "nothing to change" in again.stderr
    assert "stack policy" not in again.stderr
    # What somebody took off is put back, though nothing else changes.
    stack.protected, stack.policy = False, None
    assert deploy().returncode == 0
    assert stack.protected
    assert stack.policy
    assert waiting(stack) == []


def test_a_change_set_by_lines_of_json(deploy: Callable[..., Any]) -> None:
    assert deploy("--parameter", "Token=hush-hush-42").returncode == 0
    secret = BODY.replace("!Ref Name", "!Sub 'x-${Token}-${Name}'")
    result = deploy("--json", "--parameter", "Token=hush-hush-43", body=secret)
    assert result.returncode == 0, result.stderr
    assert "hush-hush-43" not in result.stdout + result.stderr
    [change_set] = [line for line in lines(result.stdout) if line["type"] == "changeset"]
    assert (change_set["account"], change_set["region"]) == ("123456789012", "ap-northeast-2")
    assert change_set["parameters"] == [{"name": "Token", "before": "****", "after": "****"}]
    [change] = change_set["changes"]
    assert (change["logical_id"], change["action"], change["replacement"]) == (
        "Topic",
        "Modify",
        "False",
    )
    assert "****" in change["properties"][0]["after"]
    assert lines(result.stdout)[-1]["changed"] is True


def test_all_six_actions(deploy: Callable[..., Any], aws: FakeCloudFormation) -> None:
    assert deploy().returncode == 0
    actions = ["Add", "Modify", "Remove", "Import", "Dynamic", "SyncWithActual"]
    aws.changes = [
        {"Action": action, "LogicalResourceId": f"R{action}", "ResourceType": "AWS::SNS::Topic"}
        for action in actions
    ]
    aws.page_size = 2
    result = deploy("--no-execute", body=CHANGED)
    assert result.returncode == 0, result.stderr
    for action in actions:
        assert f"{action} " in result.stderr
    stack = aws.stack(STACK)
    assert stack
    [kept] = waiting(stack)
    assert kept.startswith("kept-")


def test_a_replacement_needs_its_name_and_the_policy_lets_it_through(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    assert deploy().returncode == 0
    moved = CHANGED.replace("AWS::EC2::EIP}", "AWS::EC2::EIP, Properties: {Domain: vpc}}")
    refused = deploy(body=moved)
    assert refused.returncode == 5
    assert "--allow-replace Address" in refused.stderr
    allowed = deploy("--allow-replace", "Address", body=moved)
    assert allowed.returncode == 0, allowed.stderr
    stack = aws.stack(STACK)
    assert stack
    assert stack.resources["Address"].physical_id == f"{STACK}-Address-2"
    assert stack.policy
    assert "LogicalResourceId/Address" in stack.policy
    # Where it fails, what was loosened is tightened, too.
    aws.failures = {"Topic": "no"}
    back = moved.replace("Domain: vpc", "Domain: standard").replace("second", "third")
    assert deploy("--allow-replace", "Address", body=back).returncode == 3
    assert "LogicalResourceId/Address" in stack.policy


def test_the_root_user_is_warned(deploy: Callable[..., Any], aws: FakeCloudFormation) -> None:
    aws.arn = "arn:aws:iam::123456789012:root"
    assert "warning: this is the account's root user" in deploy().stderr


PROBLEM = {
    "EventType": "VALIDATION_ERROR",
    "ValidationName": "NAME_CONFLICT_VALIDATION",
    "ValidationStatusReason": "the queue is there already",
    "ValidationPath": "/Resources/Topic",
    "LogicalResourceId": "Topic",
    "ResourceType": "AWS::SNS::Topic",
}


def test_a_failed_validation_stops_before_anything_is_done(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    aws.validations = [PROBLEM | {"ValidationFailureMode": "FAIL"}]
    result = deploy()
    assert result.returncode == 5
    assert "/Resources/Topic (AWS::SNS::Topic): the queue is there already" in result.stderr
    assert aws.stack(STACK) is None


def test_a_validation_that_warns_is_shown_and_goes_on(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    aws.validations = [PROBLEM | {"ValidationFailureMode": "WARN"}]
    result = deploy()
    assert result.returncode == 0
    shown, _, executed = result.stderr.partition("CREATE_IN_PROGRESS")
    assert "validation (WARN): /Resources/Topic" in shown
    assert executed


def test_without_leave_to_read_them_it_says_so(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    aws.interfere["DescribeEvents"] = lambda _: Fault("AccessDenied", 403, "no")
    aws.failures = {"Address": "The maximum number of addresses has been reached."}
    result = deploy()
    assert result.returncode == 3
    assert "validation found could not be read: cloudformation:DescribeEvents is denied" in (
        result.stderr
    )
    assert "the cause is read from the stack's events" in result.stderr
    assert "Address (AWS::EC2::EIP): The maximum number" in result.stderr


# How it fails


def test_a_failure_says_why_and_what_next(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    aws.failures = {"Address": "The maximum number of addresses has been reached."}
    result = deploy("--json")
    assert result.returncode == 3
    end = lines(result.stdout)[-1]
    assert end["type"] == "result"
    assert end["exit_code"] == 3
    assert "rolled back (ROLLBACK_COMPLETE): Address (AWS::EC2::EIP)" in end["error"]
    assert "network.elastic_ip = false" in end["next"]
    assert "L-0263D0A3" in end["next"]
    assert "console.aws.amazon.com/cloudformation/home" in end["next"]
    # Never a dead end: what never came up is deleted first.
    aws.failures = {}
    again = deploy()
    assert again.returncode == 0, again.stderr
    assert "it never came up" in again.stderr


def test_a_nested_stack_is_looked_into(deploy: Callable[..., Any], aws: FakeCloudFormation) -> None:
    aws.nested = {"Inner": "the queue has too long a name"}
    body = BODY.replace("Resources:\n", "Resources:\n  Inner: {Type: AWS::CloudFormation::Stack}\n")
    result = deploy(body=body)
    assert result.returncode == 3
    assert "Inner/Inner (AWS::SQS::Queue): the queue has too long a name" in result.stderr
    assert "error: the deploy failed" in result.stderr
    assert "was not successfully created" not in result.stderr.partition("error: ")[2]


def test_a_hook_is_named(deploy: Callable[..., Any], aws: FakeCloudFormation) -> None:
    aws.hook_failures = {"Topic": ("Guard::Tags::Hook", "it has no tags")}
    result = deploy()
    assert result.returncode == 3
    assert "Topic (AWS::SNS::Topic, Hook Guard::Tags::Hook): it has no tags" in result.stderr


HOSTED = """\
Metadata: {cfgen: {HostVersion: ba9876543210}}
Parameters:
  AppSource: {Type: String, Default: git@v1}
Resources:
  HostLogGroup: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain}
  Host: {Type: AWS::EC2::Instance, Properties: {Monitoring: !Ref AppSource}}
"""


def told(aws: FakeCloudFormation, event: str, source: str = "git@v2", **fields: str) -> None:
    """Let the host tell something, at the fake's own time."""
    report = {"event": event, "version": "ba9876543210", "source": source, **fields}
    aws.reports.append((aws.now(), report))


def test_a_bootstrap_that_fails_shows_why_and_the_end_of_its_log(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    aws.failures = {"Host": "Received 1 FAILURE signal(s) out of 1"}
    aws.log_lines = ["step 4-packages: pip install", "no matching distribution"]
    aws.after = lambda call: (
        told(aws, "failed", step="packages", reason="Error: no match")
        if call.operation == "ExecuteChangeSet"
        else None
    )
    result = deploy(body=HOSTED)
    assert result.returncode == 3
    assert "the host says: step packages of the bootstrap failed: Error: no match" in result.stderr
    assert "  no matching distribution\n" in result.stderr
    assert "aws logs tail trading-bot-HostLogGroup-1 --region ap-northeast-2" in result.stderr


@pytest.mark.parametrize("console", ["cfn-init failed before the first step: no way out\n\n", ""])
def test_a_bootstrap_that_never_began_shows_its_console(
    deploy: Callable[..., Any], aws: FakeCloudFormation, console: str
) -> None:
    aws.failures = {"Host": "Received 1 FAILURE signal(s) out of 1"}
    aws.console = console
    result = deploy(body=HOSTED)
    assert result.returncode == 3
    assert "it did not get so far" in result.stderr
    if console:
        assert "the end of its console" in result.stderr
        assert "  cfn-init failed before the first step: no way out\n" in result.stderr
    else:
        assert "nothing is on its console yet" in result.stderr


def test_a_console_that_may_not_be_read_is_named(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    aws.failures = {"Host": "Received 1 FAILURE signal(s) out of 1"}
    aws.interfere["GetConsoleOutput"] = denied
    result = deploy(body=HOSTED)
    assert "its console could not be read" in result.stderr
    assert "aws ec2 get-console-output --region ap-northeast-2 --instance-id i-0" in result.stderr


# The host


@pytest.fixture
def running(deploy: Callable[..., Any], aws: FakeCloudFormation) -> FakeCloudFormation:
    """A stack that is up, with a host that has what it says."""
    told(aws, "done", "git@v1")
    assert deploy(body=HOSTED).returncode == 0
    return aws


MOVED = ("--parameter", "AppSource=git@v2")


def answering(aws: FakeCloudFormation, *events: dict[str, str]) -> None:
    """The host tells one thing more after each look at its reports."""
    left = list(events)

    def after(call: Call) -> None:
        asked = call.operation == "FilterLogEvents" and "logStreamNames" in call.parameters
        if asked and left:
            told(aws, **left.pop(0))

    aws.after = after


def test_a_deploy_waits_for_the_host(
    deploy: Callable[..., Any], running: FakeCloudFormation
) -> None:
    answering(running, {"event": "step", "step": "app"}, {"event": "done", "commit": "c0ffee"})
    result = deploy(*MOVED, body=HOSTED)
    assert result.returncode == 0, result.stderr
    _, _, told_then = result.stderr.partition("UPDATE_COMPLETE")
    assert "now its host takes the change up" in told_then
    assert "host: app\nhost: done after 0 s, the app is at c0ffee\n" in told_then


def test_the_wait_by_lines_of_json(deploy: Callable[..., Any], running: FakeCloudFormation) -> None:
    answering(running, {"event": "step", "step": "app"}, {"event": "done", "commit": "c0ffee"})
    result = deploy(*MOVED, "--json", body=HOSTED)
    step, done = (line for line in lines(result.stdout) if line["type"] == "host")
    assert (step["event"], step["step"], step["version"]) == ("step", "app", "ba9876543210")
    assert (done["event"], done["commit"], done["reason"]) == ("done", "c0ffee", None)
    end = lines(result.stdout)[-1]
    assert (end["type"], end["changed"], end["host"]) == ("result", True, "there")


def test_a_host_that_fails_fails_the_deploy_and_attach(
    deploy: Callable[..., Any], cfgen: Run, running: FakeCloudFormation
) -> None:
    answering(running, {"event": "failed", "step": "app", "reason": "cannot fetch v2"})
    result = deploy(*MOVED, body=HOSTED)
    assert result.returncode == 1
    assert "its host could not take the change up: step app failed: cannot fetch v2" in (
        result.stderr
    )
    again = deploy(*MOVED, body=HOSTED)
    assert again.returncode == 0
    assert "warning: the host has not taken up what the stack says" in again.stderr
    told(running, "done")
    attached = cfgen("deploy", "--attach", extra=running.environment)
    assert attached.returncode == 0, attached.stderr


def test_nobody_has_to_wait_for_the_host(
    deploy: Callable[..., Any], running: FakeCloudFormation
) -> None:
    before = running.count("FilterLogEvents")
    result = deploy(*MOVED, "--no-wait-host", body=HOSTED)
    assert result.returncode == 0, result.stderr
    assert running.count("FilterLogEvents") == before


@pytest.mark.usefixtures("running")
def test_a_host_is_not_replaced_while_the_exchange_is_open(
    deploy: Callable[..., Any], folder: Path
) -> None:
    (folder / "cfgen.toml").write_text('[market]\ncalendar = "always"\n')
    moved = HOSTED.replace("Monitoring", "ImageId: ami-1, Monitoring")
    refused = deploy("--allow-replace", "Host", body=moved)
    assert refused.returncode == 5
    assert "the exchange is open" in refused.stderr
    assert "--in-session" in refused.stderr
    allowed = deploy("--allow-replace", "Host", "--in-session", "--no-wait-host", body=moved)
    assert allowed.returncode == 0, allowed.stderr
    assert "warning: the exchange is open" in allowed.stderr


def test_a_rollback_that_fails_is_mended(
    deploy: Callable[..., Any], cfgen: Run, aws: FakeCloudFormation
) -> None:
    assert deploy().returncode == 0
    aws.failures, aws.rollback_failures = {"Topic": "no"}, {"Topic": "still no"}
    failed = deploy(body=CHANGED)
    assert failed.returncode == 4
    assert "cfgen rollback" in failed.stderr
    stuck = cfgen("rollback", "--yes", extra=aws.environment)
    assert stuck.returncode == 4
    assert "cfgen rollback --skip Topic" in stuck.stderr
    done = cfgen("rollback", "--yes", "--skip", "Topic", extra=aws.environment)
    assert done.returncode == 0, done.stderr
    assert "UPDATE_ROLLBACK_COMPLETE" in done.stderr


# --on-failure, --retry, --express, --revert-drift


def test_a_failure_that_is_kept_can_be_gone_on_with(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    aws.failures = {"Address": "no"}
    kept = deploy("--on-failure", "keep")
    assert kept.returncode == 4
    assert "left the stack in CREATE_FAILED" in kept.stderr
    assert "cfgen deploy --retry" in kept.stderr
    assert deploy().returncode == 4
    aws.failures = {}
    done = deploy("--retry", body=CHANGED)
    assert done.returncode == 0, done.stderr
    stack = aws.stack(STACK)
    assert stack
    assert stack.status == "UPDATE_COMPLETE"
    assert stack.resources["Topic"].physical_id == f"{STACK}-Topic-1"


def test_a_new_stack_that_fails_can_go(deploy: Callable[..., Any], aws: FakeCloudFormation) -> None:
    aws.failures = {"Address": "no"}
    gone = deploy("--on-failure", "delete")
    assert gone.returncode == 3
    assert "its stack was deleted (DELETE_COMPLETE): Address" in gone.stderr
    assert aws.stack(STACK) is None
    aws.failures = {}
    assert deploy().returncode == 0
    refused = deploy("--on-failure", "delete", body=CHANGED)
    assert refused.returncode == 5
    assert "must not delete it" in refused.stderr


def test_what_keeps_a_failure_replaces_nothing(deploy: Callable[..., Any]) -> None:
    assert deploy().returncode == 0
    moved = BODY.replace("AWS::EC2::EIP}", "AWS::EC2::EIP, Properties: {Domain: vpc}}")
    for option in ("--express", "--on-failure=keep"):
        refused = deploy(option, "--allow-replace", "Address", body=moved)
        assert refused.returncode == 5
        assert "while rollback is off" in refused.stderr


def test_special_ways_are_asked_of_cloudformation(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    assert deploy("--express", "--import-existing-resources").returncode == 0
    [first] = [call.parameters for call in aws.calls if call.operation == "CreateChangeSet"]
    assert first["DeploymentConfig"] == {"Mode": "EXPRESS", "DisableRollback": True}
    assert first["ImportExistingResources"] is True
    result = deploy("--revert-drift", body=CHANGED)
    assert result.returncode == 0, result.stderr
    last = [call.parameters for call in aws.calls if call.operation == "CreateChangeSet"][-1]
    assert last["DeploymentMode"] == "REVERT_DRIFT"
    assert "DeploymentConfig" not in last


@pytest.mark.parametrize("option", ["--express", "--retry"])
def test_options_that_contradict_each_other(deploy: Callable[..., Any], option: str) -> None:
    result = deploy(option, "--on-failure", "rollback")
    assert result.returncode == 2
    assert "do not go together" in result.stderr


# What comes in between


@pytest.mark.parametrize("what", ["cut", "drop", "garbage", "throttled", "unavailable"])
def test_nothing_on_the_way_makes_a_deploy_fail(
    deploy: Callable[..., Any], aws: FakeCloudFormation, what: str
) -> None:
    faults = {
        "throttled": Fault("Throttling", 400, "Rate exceeded"),
        "unavailable": Fault("ServiceUnavailable", 503, "later"),
    }
    # The first is the look at what was before; then twice, which is as often as the SDK tries.
    aws.interfere["DescribeStackEvents"] = lambda before: (
        faults.get(what, what) if before in (1, 2) else None
    )
    result = deploy()
    assert result.returncode == 0, result.stderr
    assert aws.count("DescribeStackEvents") > 3


@pytest.mark.parametrize("operation", ["CreateChangeSet", "ExecuteChangeSet", "DeleteChangeSet"])
def test_a_lost_answer_changes_nothing_twice(
    deploy: Callable[..., Any], aws: FakeCloudFormation, operation: str
) -> None:
    aws.interfere[operation] = lambda before: "drop" if before == 0 else None
    result = deploy()
    assert result.returncode == 0, result.stderr
    stack = aws.stack(STACK)
    assert stack
    assert stack.resources["Topic"].physical_id == f"{STACK}-Topic-1"
    assert len(aws.stacks) == 1


def test_expired_credentials_end_with_the_way_to_go_on(
    deploy: Callable[..., Any], cfgen: Run, aws: FakeCloudFormation
) -> None:
    aws.interfere["DescribeStackEvents"] = lambda before: (
        Fault("ExpiredToken", 403, "expired") if before else None
    )
    result = deploy("--region", "ap-northeast-2")
    assert result.returncode == 7
    assert "credentials expired" in result.stderr
    assert "cfgen deploy --attach --region ap-northeast-2" in result.stderr
    del aws.interfere["DescribeStackEvents"]
    attached = cfgen("deploy", "--attach", extra=aws.environment)
    assert attached.returncode == 0, attached.stderr


def test_credentials_that_somebody_renewed_are_taken(
    cfgen: Run, aws: FakeCloudFormation, environment: dict[str, str]
) -> None:
    file = Path(environment["HOME"]) / "credentials"

    def write(key: str) -> None:
        file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = x\n")

    def expire(call: Call) -> None:
        if call.operation == "ExecuteChangeSet":
            aws.expire_after = len(aws.calls)
            write("AKIDRENEWED")

    write("AKIDEXAMPLE")
    aws.before = expire
    own = {"AWS_ENDPOINT_URL": aws.url, "AWS_SHARED_CREDENTIALS_FILE": str(file)}
    result = cfgen("deploy", "-", "--yes", "--no-lint", stdin=BODY, extra=own)
    assert result.returncode == 0, result.stderr
    stack = aws.stack(STACK)
    assert stack
    assert stack.status == "CREATE_COMPLETE"


def denied(_: int) -> Fault:
    return Fault("AccessDenied", 403, "no")


# What is left where it does not go to its end


@pytest.mark.parametrize("what", ["drop", "cut"])
@pytest.mark.parametrize("verb", ["deploy", "diff"])
def test_a_change_set_whose_answer_is_lost_is_taken_back(
    cfgen: Run, aws: FakeCloudFormation, what: str, verb: str
) -> None:
    aws.interfere["CreateChangeSet"] = lambda _: what
    yes = ("--yes",) if verb == "deploy" else ()
    result = cfgen(verb, "-", "--no-lint", *yes, stdin=BODY, extra=aws.environment)
    assert result.returncode == 1
    assert aws.count("CreateChangeSet")
    assert aws.stack(STACK) is None


def test_what_a_crash_left_behind_goes_in_time_and_what_was_kept_stays(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    stack = aws.put(STACK, "CREATE_COMPLETE", template=BODY)
    kept = deploy("--no-execute", body=CHANGED).stdout.strip()
    aws.interfere["DescribeChangeSet"] = denied
    aws.interfere["DeleteChangeSet"] = denied
    assert deploy(body=CHANGED).returncode == 1
    aws.interfere.clear()
    assert len(waiting(stack)) == 2
    aws.clock += timedelta(days=2)
    assert "nothing to change" in deploy().stderr
    assert [
        one.arn for one in stack.change_sets.values() if one.execution_status == "AVAILABLE"
    ] == [kept]


def test_a_refused_execution_leaves_the_policy_strict(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    assert deploy().returncode == 0
    aws.interfere["ExecuteChangeSet"] = denied
    result = deploy("--allow-replace", "Address", body=CHANGED)
    assert result.returncode == 1
    stack = aws.stack(STACK)
    assert stack
    assert stack.policy
    assert "LogicalResourceId/Address" in stack.policy
    assert waiting(stack) == []


def test_what_protects_is_made_up_for_by_attaching(
    deploy: Callable[..., Any], cfgen: Run, aws: FakeCloudFormation
) -> None:
    aws.interfere["DescribeStackEvents"] = lambda before: (
        Fault("ExpiredToken", 403, "expired") if before else None
    )
    assert deploy().returncode == 7
    aws.interfere.clear()
    attached = cfgen("deploy", "--attach", extra=aws.environment)
    assert attached.returncode == 0
    stack = aws.stack(STACK)
    assert stack
    assert stack.protected
    assert stack.policy
    assert "as the template says" not in attached.stderr


def test_a_last_look_that_fails_fails_no_attaching(cfgen: Run, aws: FakeCloudFormation) -> None:
    aws.put(STACK, "UPDATE_IN_PROGRESS", operation=[[], [Move("UPDATE_COMPLETE")]])
    aws.steps_per_poll = 1
    aws.interfere["DescribeStacks"] = lambda before: (
        Fault("ServiceUnavailable", 503, "later") if before else None
    )
    result = cfgen("deploy", "--attach", extra=aws.environment)
    assert result.returncode == 0, result.stderr
    assert "warning: the outputs could not be read" in result.stderr


def test_an_operation_that_ends_under_the_first_look_is_seen(
    cfgen: Run, aws: FakeCloudFormation
) -> None:
    aws.put(STACK, "UPDATE_IN_PROGRESS", operation=[[], [Move("UPDATE_COMPLETE")]])
    aws.steps_per_poll = 1
    result = cfgen("deploy", "--attach", "--timeout", "1", extra=aws.environment)
    assert result.returncode == 0, result.stderr


def test_a_policy_of_somebody_else_stays(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    assert deploy().returncode == 0
    stack = aws.stack(STACK)
    assert stack
    denial = {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    theirs = json.dumps({"Statement": [denial]})
    stack.policy = theirs
    result = deploy()
    assert result.returncode == 0
    assert "not of cfgen's making" in result.stderr
    assert stack.policy == theirs


def heard_for_three_lines(
    aws: FakeCloudFormation, folder: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    """A deploy whose lines of JSON somebody reads, and leaves after three."""
    (folder / "own.yaml").write_text(BODY)
    program = shlex.join(command(["deploy", "own.yaml", "--yes", "--no-lint", "--json"]))
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {program} | head -n 3"],
        cwd=folder,
        env=environment | aws.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_listener_who_leaves_does_not_stop_a_deploy(
    aws: FakeCloudFormation, folder: Path, environment: dict[str, str]
) -> None:
    result = heard_for_three_lines(aws, folder, environment)
    assert result.returncode == 1
    assert "closed before the result was written" in result.stderr
    stack = aws.stack(STACK)
    assert stack
    assert stack.status == "CREATE_COMPLETE"
    assert stack.protected


def test_a_listener_who_leaves_does_not_hide_a_failure(
    aws: FakeCloudFormation, folder: Path, environment: dict[str, str]
) -> None:
    aws.failures = {"Topic": "no such topic"}
    result = heard_for_three_lines(aws, folder, environment)
    assert result.returncode == 3
    assert "no such topic" in result.stderr


def test_a_kept_choice_is_locked(cfgen: Run, aws: FakeCloudFormation, folder: Path) -> None:
    source = (
        "--parameter",
        "AppSource=https://git.example.com/bot.git@4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    )
    kept = cfgen("deploy", "--no-execute", "--no-lint", *source, "--prices", "offline",
                 extra=aws.environment)  # fmt: skip
    assert kept.returncode == 0, kept.stderr
    assert (folder / "cfgen.lock").exists()
    arn = kept.stdout.strip()
    refused = cfgen("deploy", "--changeset", arn, "--on-failure", "delete", extra=aws.environment)
    assert refused.returncode == 2
    done = cfgen("deploy", "--changeset", arn, "--yes", extra=aws.environment)
    assert done.returncode == 0, done.stderr
    assert "capabilities: CAPABILITY_IAM" in done.stderr


# What is shown of what AWS says


def test_nothing_that_aws_says_steers_the_terminal(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    aws.failures = {"Topic": "no\u009b2J\n05:00:00 CREATE_COMPLETE forged\u202e"}
    result = deploy()
    assert result.returncode == 3
    assert not {"\u009b", "\u202e", "\x1b"} & set(result.stderr)
    assert not any(line.startswith("05:00:00") for line in result.stderr.splitlines())


def test_what_is_called_a_key_is_masked_though_the_template_does_not_say_so(
    deploy: Callable[..., Any], aws: FakeCloudFormation
) -> None:
    body = BODY.replace("  Token: {", '  DbPassword: {Type: String, Default: ""}\n  Token: {')
    body = body.replace("!Ref Name", "!Sub '${Name} ${DbPassword}'")
    assert deploy("--parameter", "DbPassword=hunter2-old", body=body).returncode == 0
    aws.failures = {"Topic": "hunter2-new is no good name"}
    result = deploy("--parameter", "DbPassword=hunter2-new", "--json", body=body)
    assert result.returncode == 3
    assert "hunter2" not in result.stdout + result.stderr


def test_hints_speak_of_the_same_stack(cfgen: Run, aws: FakeCloudFormation) -> None:
    aws.put(STACK, "UPDATE_ROLLBACK_FAILED")
    region = ("--region", "ap-northeast-2")
    stuck = cfgen("deploy", "-", "--yes", "--no-lint", *region, stdin=BODY, extra=aws.environment)
    assert stuck.returncode == 4
    assert "cfgen rollback --region ap-northeast-2" in stuck.stderr


# Ctrl-C


def interrupt(
    terminal: Callable[..., Terminal], aws: FakeCloudFormation, folder: Path, body: str
) -> Terminal:
    """A deploy at whose question after the first events somebody sits."""
    (folder / "own.yaml").write_text(body)
    slow(aws)
    person = terminal("deploy", "own.yaml", "--yes", "--no-lint", extra=aws.environment)
    person.wait_for("Topic (AWS::SNS::Topic)")
    person.process.send_signal(signal.SIGINT)
    person.wait_for("  d  detach")
    person.wait_for("? ")
    return person


def hurry_after_cancelling(aws: FakeCloudFormation) -> None:
    def after(call: Call) -> None:
        if call.operation in ("DeleteStack", "CancelUpdateStack"):
            aws.steps_per_poll = 100

    aws.after = after


def test_ctrl_c_and_watching_on(
    terminal: Callable[..., Terminal], aws: FakeCloudFormation, folder: Path
) -> None:
    person = interrupt(terminal, aws, folder, BODY)
    aws.steps_per_poll = 100
    person.type("w\n")
    assert person.end() == 0, person.read
    assert "CREATE_COMPLETE" in person.read


def test_ctrl_c_and_detaching(
    terminal: Callable[..., Terminal], cfgen: Run, aws: FakeCloudFormation, folder: Path
) -> None:
    person = interrupt(terminal, aws, folder, BODY)
    person.type("d\n")
    assert person.end() == 7, person.read
    assert "detached from stack" in person.read
    assert not aws.count("DeleteStack")
    aws.steps_per_poll = 100
    assert cfgen("deploy", "--attach", extra=aws.environment).returncode == 0


def test_ctrl_c_twice_detaches(
    terminal: Callable[..., Terminal], aws: FakeCloudFormation, folder: Path
) -> None:
    person = interrupt(terminal, aws, folder, BODY)
    person.process.send_signal(signal.SIGINT)
    person.type("\n")
    assert person.end() == 130, person.read
    assert "cfgen deploy --attach" in person.read
    assert not aws.count("DeleteStack")


def test_ctrl_c_and_cancelling_a_new_stack(
    terminal: Callable[..., Terminal], aws: FakeCloudFormation, folder: Path
) -> None:
    person = interrupt(terminal, aws, folder, BODY)
    hurry_after_cancelling(aws)
    person.type("c\n")
    assert person.end() == 3, person.read
    assert aws.stack(STACK) is None


def test_ctrl_c_and_cancelling_an_update(
    deploy: Callable[..., Any],
    terminal: Callable[..., Terminal],
    aws: FakeCloudFormation,
    folder: Path,
) -> None:
    assert deploy().returncode == 0
    person = interrupt(terminal, aws, folder, CHANGED)
    assert "cancel the update and roll it back" in person.read
    hurry_after_cancelling(aws)
    person.type("c\n")
    assert person.end() == 3, person.read
    stack = aws.stack(STACK)
    assert stack
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"


def test_the_end_of_a_job_detaches_unasked(
    terminal: Callable[..., Terminal], aws: FakeCloudFormation, folder: Path
) -> None:
    (folder / "own.yaml").write_text(BODY)
    slow(aws)
    person = terminal("deploy", "own.yaml", "--yes", "--no-lint", extra=aws.environment)
    person.wait_for("Topic (AWS::SNS::Topic)")
    person.process.send_signal(signal.SIGTERM)
    assert person.end() == 130, person.read
    assert "the operation goes on in AWS" in person.read


# kill -9


def killed_at(step: int, home: Path, body: str) -> tuple[str, FakeCloudFormation]:
    """Deploy, be killed after the effect of a call and before its answer, and deploy again.

    Gives the name of the call, empty where there are not so many, and the AWS afterwards.
    """
    home.mkdir(parents=True)
    (home / "own.yaml").write_text(body)
    arguments = command(["deploy", "own.yaml", "--yes", "--no-lint"])
    with FakeCloudFormation() as aws:
        aws.steps_per_poll = 20
        if body is CHANGED:
            aws.put(STACK, "CREATE_COMPLETE", template=BODY)
        environment = clean_environment(home) | aws.environment
        victim: list[subprocess.Popen[bytes]] = []
        name = ""

        def kill(call: Call) -> None:
            nonlocal name
            if len(aws.calls) == step:
                name = call.operation
                victim[0].kill()
                victim[0].wait()

        aws.after = kill
        victim.append(
            subprocess.Popen(arguments, cwd=home, env=environment, stderr=subprocess.DEVNULL)
        )
        victim[0].wait(60)
        aws.after = None

        def again(attempt: list[str]) -> int:
            done = subprocess.run(
                attempt, cwd=home, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode in (0, 5), f"after {name}: {done.stderr}"
            return done.returncode

        if again(arguments) == 5:
            # Something is under way still: that is followed, and then comes the rest.
            assert again(command(["deploy", "--attach"])) == 0
            assert again(arguments) == 0
    return name, aws


@pytest.mark.parametrize("body", [BODY, CHANGED], ids=["create", "update"])
def test_killed_at_any_step_and_run_again_nothing_is_lost_and_nothing_twice(
    tmp_path: Path, body: str
) -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = pool.map(lambda step: killed_at(step, tmp_path / str(step), body), range(1, 18))
        reached = []
        for name, aws in runs:
            if not name:
                continue
            reached.append(name)
            stack = aws.stack(STACK)
            assert stack, name
            assert len(aws.stacks) == 1, name
            assert stack.status.endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE")), name
            ids = {one.physical_id for one in stack.resources.values()}
            assert ids == {f"{STACK}-Topic-1", f"{STACK}-Address-1"}, name
            assert stack.protected, name
            assert stack.policy, name
            assert stack.parameters["Name"] == ("first" if body is BODY else "second"), name
    assert {"CreateChangeSet", "ExecuteChangeSet", "DescribeStackEvents", "SetStackPolicy"} <= set(
        reached
    )
