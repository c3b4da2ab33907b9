"""``cfgen deploy`` as a process, against a moto server."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from mypy_boto3_cloudformation import CloudFormationClient

import templates_out.generate as generate
from cfgen.deploy.body import fit
from tests.conftest import Run, Terminal

SOURCE = (
    "--parameter",
    "AppSource=https://git.example.com/bot.git@4b825dc642cb6eb9a060e54bf8d69288fbee4904",
)


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> str:
    """A name of this test's own, for the server is shared."""
    return "".join(part for part in request.node.name.title() if part.isalnum())[:60]


@pytest.fixture
def config(folder: Path, stack: str) -> Callable[[str], None]:
    def write(text: str = "") -> None:
        (folder / "cfgen.toml").write_text(f'[stack]\nname = "{stack}"\n{text}')

    write()
    return write


@pytest.fixture
def cloudformation(moto_server: str) -> CloudFormationClient:
    session = boto3.session.Session("testing", "testing", region_name="ap-northeast-2")
    return session.client("cloudformation", endpoint_url=moto_server)


def exists(client: CloudFormationClient, stack: str) -> bool:
    pages = client.get_paginator("list_stacks").paginate()
    return any(
        found["StackName"] == stack and found["StackStatus"] != "DELETE_COMPLETE"
        for page in pages
        for found in page["StackSummaries"]
    )


@pytest.mark.usefixtures("config")
def test_twice_the_same_and_then_a_change(
    cfgen: Run, folder: Path, memory_aws: dict[str, str], stack: str, config: Callable[[str], None]
) -> None:
    first = cfgen("deploy", "--yes", *SOURCE, extra=memory_aws)
    assert first.returncode == 0, first.stderr
    assert "account 123456789012 as arn:aws" in first.stderr
    assert f"region ap-northeast-2, stack {stack}" in first.stderr
    assert "Add     Host " in first.stderr
    assert "CREATE_COMPLETE" in first.stderr
    assert "cost: $12.37 a month\n" in first.stderr
    # moto cannot protect a stack, and answers with a page that no SDK can read.
    assert "warning: termination protection could not be set on" in first.stderr
    assert "t4g.micro/on-demand/always" in (folder / "cfgen.lock").read_text()

    again = cfgen("deploy", "--yes", extra=memory_aws)
    assert again.returncode == 0, again.stderr
    assert "nothing to change" in again.stderr
    assert "kept by cfgen.lock" in again.stderr
    assert cfgen("deploy", "--yes", "--fail-on-empty", extra=memory_aws).returncode == 8

    config("[monitoring]\nlog_retention_days = 7\n")
    # No host of moto's takes anything up.
    changed = cfgen("deploy", "--yes", "--no-wait-host", extra=memory_aws)
    assert changed.returncode == 0, changed.stderr
    modified = [
        line.split()[1] for line in changed.stderr.splitlines() if line.startswith("Modify")
    ]
    assert set(modified) == {"BotLogGroup", "HostLogGroup"}
    assert "cost: $12.37 a month now, $12.37 after: no change" in changed.stderr

    config('[network]\nelastic_ip = false\n[workload]\nhours = "market"\n')
    cheaper = cfgen("deploy", "--yes", "--refresh", "--no-lint", "--allow-replace", "Address",
                    "--no-wait-host", extra=memory_aws)  # fmt: skip
    assert "cost: $12.37 a month now, $3.64 after: $8.73 less" in cheaper.stderr


@pytest.mark.usefixtures("config")
def test_without_a_terminal_yes_is_needed_and_nothing_is_left(
    cfgen: Run, memory_aws: dict[str, str], stack: str, cloudformation: CloudFormationClient
) -> None:
    result = cfgen("deploy", *SOURCE, extra=memory_aws)
    assert result.returncode == 5
    assert "add --yes" in result.stderr
    assert not exists(cloudformation, stack)


def test_another_account_is_refused(
    cfgen: Run, memory_aws: dict[str, str], config: Callable[[str], None]
) -> None:
    config('allowed_accounts = ["999999999999"]\n')
    result = cfgen("deploy", "--yes", *SOURCE, extra=memory_aws)
    assert result.returncode == 5
    assert "account 123456789012 is not among stack.allowed_accounts" in result.stderr


@pytest.mark.usefixtures("config")
def test_the_apps_source_is_asked_for(cfgen: Run, memory_aws: dict[str, str]) -> None:
    result = cfgen("deploy", "--yes", extra=memory_aws)
    assert result.returncode == 2
    assert "--parameter AppSource=VALUE" in result.stderr


def test_a_template_of_ones_own(
    cfgen: Run, folder: Path, memory_aws: dict[str, str], config: Callable[[str], None]
) -> None:
    config("")
    template = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n"
    (folder / "own.yaml").write_text(template)
    result = cfgen("deploy", "own.yaml", "--yes", extra=memory_aws)
    assert result.returncode == 0, result.stderr
    assert not (folder / "cfgen.lock").exists()
    piped = cfgen("deploy", "-", "--yes", stdin=template, extra=memory_aws)
    assert "nothing to change" in piped.stderr


def test_a_template_with_findings_is_not_deployed(cfgen: Run, memory_aws: dict[str, str]) -> None:
    result = cfgen("deploy", "-", "--yes", stdin="Resources: 5\n", extra=memory_aws)
    assert result.returncode == 5
    assert "lint findings" in result.stderr


def test_without_credentials(cfgen: Run) -> None:
    result = cfgen("deploy", "--yes", "--no-lint", *SOURCE)
    assert result.returncode == 1
    assert "no usable AWS credentials" in result.stderr
    assert "deploy --rehearse" in result.stderr


def test_an_unknown_profile(cfgen: Run) -> None:
    result = cfgen("deploy", "--yes", "--no-lint", "--profile", "nobody")
    assert result.returncode == 2
    assert "nobody" in result.stderr


def test_an_aws_that_does_not_answer(cfgen: Run, memory_aws: dict[str, str]) -> None:
    unreachable = memory_aws | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    result = cfgen("deploy", "--yes", "--no-lint", *SOURCE, extra=unreachable)
    assert result.returncode == 1
    assert "AWS_ENDPOINT_URL" in result.stderr


@pytest.mark.parametrize("shape", generate.SHAPES)
def test_a_rehearsal_needs_nothing(cfgen: Run, folder: Path, shape: str) -> None:
    template = str(generate.HERE / f"{shape}.yaml")
    result = cfgen("deploy", template, "--no-lint", "--rehearse", "--yes")
    assert result.returncode == 0, result.stderr
    assert "nothing real is touched" in result.stderr
    assert "the same deploy again found nothing to change" in result.stdout
    exercised, _, missed = result.stdout.partition("Not exercised")
    host = "AutoScaling::AutoScalingGroup" if shape.startswith("spot") else "EC2::Instance"
    assert f"\n  AWS::{host}\n" in exercised
    assert "\n  AWS::SecretsManager::Secret\n" in missed
    # A second time, what is there already is used again.
    assert result.stderr.count("made the private bucket") <= 1
    assert result.stderr.count("uploaded s3://") <= 1
    fits = fit(generate.template(shape)).fits
    assert ("uploaded s3://" in result.stderr) == (not fits)
    assert list(folder.iterdir()) == []


def test_a_rehearsal_of_what_would_be_built(cfgen: Run, folder: Path) -> None:
    result = cfgen("deploy", "--rehearse", "--yes", "--hours", "market")
    assert result.returncode == 0, result.stderr
    assert "found nothing to change" in result.stdout
    assert list(folder.iterdir()) == []


def test_a_rehearsal_goes_on_from_the_last_one(
    cfgen: Run, config: Callable[[str], None], environment: dict[str, str]
) -> None:
    def rehearse(*more: str) -> tuple[list[str], str]:
        result = cfgen("deploy", "--rehearse", "--yes", "--no-lint", *more)
        assert result.returncode == 0, result.stderr
        assert "found nothing to change" in result.stdout
        rows = [line.split()[:2] for line in result.stderr.splitlines()]
        return [row[1] for row in rows if row and row[0] in ("Add", "Modify", "Remove")], (
            result.stderr
        )

    config("")
    assert "Host" in rehearse()[0]
    config("[monitoring]\nlog_retention_days = 7\n")
    changed, said = rehearse()
    assert sorted(changed) == ["BotLogGroup", "HostLogGroup"]
    assert "parameter" not in said
    assert "from what was rehearsed last" in said
    # From nothing, where it is asked for, and where it would be refused: a rehearsal is no guard.
    assert "Host" in rehearse("--no-cache")[0]
    config("[network]\nelastic_ip = false\n")
    changed, said = rehearse()
    assert "not from the last one, for Address (its address) would be removed" in said
    assert "Host" in changed
    # What is kept holds no value of a parameter.
    [kept] = Path(environment["HOME"]).rglob("*.yaml")
    assert "rehearsal.git" not in kept.read_text()


@pytest.mark.usefixtures("config")
def test_a_person_says_no(
    terminal: Callable[..., Terminal],
    memory_aws: dict[str, str],
    stack: str,
    cloudformation: CloudFormationClient,
) -> None:
    person = terminal("deploy", "--no-lint", *SOURCE, extra=memory_aws)
    person.wait_for(f"Create stack {stack}? [y/N]")
    person.type("n\n")
    assert person.end() == 6
    assert "declined" in person.read
    assert not exists(cloudformation, stack)


@pytest.mark.usefixtures("config")
def test_a_person_says_yes(
    terminal: Callable[..., Terminal],
    memory_aws: dict[str, str],
    stack: str,
    cloudformation: CloudFormationClient,
) -> None:
    person = terminal("deploy", "--no-lint", *SOURCE, extra=memory_aws)
    person.wait_for("[y/N]")
    person.type("y\n")
    assert person.end() == 0
    assert exists(cloudformation, stack)


@pytest.mark.usefixtures("config")
def test_ctrl_c_at_the_question_takes_everything_back(
    terminal: Callable[..., Terminal],
    memory_aws: dict[str, str],
    stack: str,
    cloudformation: CloudFormationClient,
) -> None:
    person = terminal("deploy", "--no-lint", *SOURCE, extra=memory_aws)
    person.wait_for("[y/N]")
    person.process.send_signal(signal.SIGINT)
    # Should the signal come just before the read, Python sees it when the read returns.
    person.type("\n")
    assert person.end() == 130, person.read
    assert "Traceback" not in person.read
    assert not exists(cloudformation, stack)


OWN = """\
Resources:
  Topic:
    Type: AWS::SNS::Topic
  Logs:
    Type: AWS::Logs::LogGroup
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      RetentionInDays: 7
"""
"""What moto can delete again: of the VPC it says that something depends on it."""


def lines(text: str) -> list[dict[str, Any]]:
    """Lines of JSON."""
    return [json.loads(line) for line in text.splitlines()]


def test_the_life_of_a_stack_by_lines_of_json(
    cfgen: Run,
    memory_aws: dict[str, str],
    stack: str,
    config: Callable[[str], None],
    cloudformation: CloudFormationClient,
) -> None:
    def run(*arguments: str, code: int = 0) -> list[dict[str, Any]]:
        result = cfgen(*arguments, "--json", extra=memory_aws)
        assert result.returncode == code, result.stderr
        return lines(result.stdout)

    new = run("diff", "--no-lint", *SOURCE)
    assert {change["action"] for change in new[0]["changes"]} == {"Add"}
    # Nothing is left behind.
    assert not exists(cloudformation, stack)
    first = run("deploy", "--yes", "--no-lint", *SOURCE)
    kinds = [line["type"] for line in first]
    assert kinds[0] == "info"
    assert kinds[-1] == "result"
    assert {"changeset", "event", "outputs", "info", "warning", "result"} >= set(kinds)
    assert first[-1]["changed"] is True
    [change_set] = [line for line in first if line["type"] == "changeset"]
    assert (change_set["kind"], change_set["changes"][0]["action"]) == ("CREATE", "Add")
    assert any(line.get("status") == "CREATE_COMPLETE" for line in first)

    assert run("diff", "--no-lint", "--fail") == [{"changes": []}]
    assert run("diff", "--no-lint", "--local", "--fail")[0]["lines"] == []
    config("[monitoring]\nlog_retention_days = 7\n")
    assert run("diff", "--no-lint", "--fail", code=8)[0]["changes"]
    local = cfgen("diff", "--no-lint", "--local", extra=memory_aws)
    assert local.stdout.count("+      RetentionInDays: 7\n") == 2
    assert local.stdout.count("-      RetentionInDays: 30\n") == 2


def test_a_stack_is_destroyed_by_lines_of_json(
    cfgen: Run,
    memory_aws: dict[str, str],
    config: Callable[[str], None],
    stack: str,
    cloudformation: CloudFormationClient,
) -> None:
    config("")
    assert cfgen("deploy", "-", "--yes", stdin=OWN, extra=memory_aws).returncode == 0
    result = cfgen("destroy", "--yes", "--json", extra=memory_aws)
    assert result.returncode == 0, result.stderr
    gone = lines(result.stdout)
    assert gone[-1]["type"] == "result"
    assert gone[-1]["deleted"] is True
    assert len(gone[-1]["left"]) == 1
    [fates] = [line["fates"] for line in gone if "fates" in line]
    assert {fate["logical_id"]: fate["stays"] for fate in fates} == {"Topic": False, "Logs": True}
    assert not exists(cloudformation, stack)
    again = cfgen("destroy", "--yes", "--json", extra=memory_aws)
    assert lines(again.stdout)[-1] == {"type": "result", "deleted": False, "left": []}


@pytest.mark.usefixtures("config")
def test_destroying_asks_for_the_name(
    cfgen: Run,
    terminal: Callable[..., Terminal],
    memory_aws: dict[str, str],
    stack: str,
    cloudformation: CloudFormationClient,
) -> None:
    absent = cfgen("destroy", extra=memory_aws)
    assert absent.returncode == 0
    assert "nothing to delete" in absent.stderr
    assert cfgen("deploy", "-", "--yes", stdin=OWN, extra=memory_aws).returncode == 0
    unasked = cfgen("destroy", extra=memory_aws)
    assert unasked.returncode == 5
    assert "add --yes" in unasked.stderr
    for typed, code in (("no", 6), ("", 6), (stack, 0)):
        person = terminal("destroy", extra=memory_aws)
        person.wait_for(f"Delete stack {stack}? Type its name")
        person.type(f"{typed}\n")
        assert person.end() == code, person.read
        assert exists(cloudformation, stack) == (code == 6)
    assert "left behind:" in person.read
    assert "a log group, by what it holds" in person.read


@pytest.mark.usefixtures("config")
def test_there_is_nothing_to_roll_back(cfgen: Run, memory_aws: dict[str, str]) -> None:
    missing = cfgen("rollback", "--yes", extra=memory_aws)
    assert missing.returncode == 2
    assert "there is no stack" in missing.stderr
    assert cfgen("deploy", "--yes", "--no-lint", *SOURCE, extra=memory_aws).returncode == 0
    result = cfgen("rollback", "--yes", extra=memory_aws)
    assert result.returncode == 0
    assert "nothing to roll back" in result.stderr


def test_a_change_set_is_kept_and_executed_on_another_day(
    cfgen: Run,
    memory_aws: dict[str, str],
    config: Callable[[str], None],
    stack: str,
    cloudformation: CloudFormationClient,
) -> None:
    config("")
    kept = cfgen("deploy", "-", "--no-execute", stdin=OWN, extra=memory_aws)
    assert kept.returncode == 0, kept.stderr
    arn = kept.stdout.strip()
    assert arn.startswith("arn:aws:cloudformation:")
    assert "cfgen deploy --changeset" in kept.stderr
    [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    assert found["StackStatus"] == "REVIEW_IN_PROGRESS"
    unasked = cfgen("deploy", "--changeset", arn, extra=memory_aws)
    assert unasked.returncode == 5
    done = cfgen("deploy", "--changeset", arn, "--yes", "--json", extra=memory_aws)
    assert done.returncode == 0, done.stderr
    assert lines(done.stdout)[-1]["changed"] is True
    idle = cfgen("deploy", "--attach", extra=memory_aws)
    assert idle.returncode == 0
    assert "nothing is under way" in idle.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--attach", "--rehearse"), "--attach and --rehearse do not go together"),
        (("--changeset", "x", "--no-execute"), "do not go together"),
        (("--attach", "t.yaml"), "--attach takes no template"),
        (("--attach", "--express"), "--attach takes no way of making a change"),
        (("--attach", "--allow-replace", "Host"), "--attach takes no --allow-replace"),
        (("--changeset", "x", "--retry"), "--changeset takes no way of making a change"),
        (("--changeset", "kept-x"), "kept-x is no ARN"),
        (("--changeset", "x", "--parameter", "A=b"), "--changeset takes no --parameter"),
    ],
)
def test_what_does_not_go_together(cfgen: Run, arguments: tuple[str, ...], said: str) -> None:
    result = cfgen("deploy", *arguments)
    assert result.returncode == 2
    assert said in result.stderr


@pytest.mark.usefixtures("config")
def test_nothing_to_attach_to(cfgen: Run, memory_aws: dict[str, str]) -> None:
    result = cfgen("deploy", "--attach", extra=memory_aws)
    assert result.returncode == 2
    assert "there is no stack" in result.stderr


@pytest.mark.parametrize("value", ["AppSource=bad", "AppSource=", "ImageId=xyz", "AlertEmail=no"])
def test_a_rehearsal_refuses_a_value_that_aws_would(cfgen: Run, value: str) -> None:
    template = str(generate.HERE / "on-demand-always.yaml")
    result = cfgen("deploy", template, "--no-lint", "--rehearse", "--yes", "--parameter", value)
    assert result.returncode == 2
    assert f"--parameter {value.partition('=')[0]}: does not allow that value: must be" in (
        result.stderr
    )


def test_a_rehearsal_says_what_a_deploy_will_ask_for(cfgen: Run, folder: Path) -> None:
    (folder / "t.yaml").write_text(
        "Parameters:\n  A: {Type: Number, MinValue: 5}\n  B: {Type: String, AllowedValues: [x]}\n"
        "Resources:\n  T: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Sub '${A}${B}'}}\n"
    )
    result = cfgen("deploy", "t.yaml", "--no-lint", "--rehearse", "--yes")
    assert result.returncode == 0, result.stderr
    assert "stand-ins for A, B, which a deploy asks for" in result.stderr
