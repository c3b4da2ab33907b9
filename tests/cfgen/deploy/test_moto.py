"""``cfgen deploy`` as a process, against a moto server."""

import signal
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from mypy_boto3_cloudformation import CloudFormationClient

import templates_out.generate as generate
from tests.conftest import Run, Terminal

SOURCE = ("--parameter", "AppSource=https://git.example.com/bot.git@v1")


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
    # moto cannot protect a stack, and answers with a page that no SDK can read.
    assert "warning: termination protection could not be set on" in first.stderr
    assert "t4g.micro/on-demand/always" in (folder / "cfgen.lock").read_text()

    again = cfgen("deploy", "--yes", extra=memory_aws)
    assert again.returncode == 0, again.stderr
    assert "nothing to change" in again.stderr
    assert "kept by cfgen.lock" in again.stderr
    assert cfgen("deploy", "--yes", "--fail-on-empty", extra=memory_aws).returncode == 8

    config("[monitoring]\nlog_retention_days = 7\n")
    changed = cfgen("deploy", "--yes", extra=memory_aws)
    assert changed.returncode == 0, changed.stderr
    modified = [
        line.split()[1] for line in changed.stderr.splitlines() if line.startswith("Modify")
    ]
    assert set(modified) == {"BotLogGroup", "HostLogGroup"}


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
    assert ("uploaded s3://" in result.stderr) == (not shape.startswith("on-demand"))
    assert list(folder.iterdir()) == []


def test_a_rehearsal_of_what_would_be_built(cfgen: Run, folder: Path) -> None:
    result = cfgen("deploy", "--rehearse", "--yes", "--hours", "market")
    assert result.returncode == 0, result.stderr
    assert "found nothing to change" in result.stdout
    assert list(folder.iterdir()) == []


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
    assert person.end() == 130
    assert "Traceback" not in person.read
    assert not exists(cloudformation, stack)
