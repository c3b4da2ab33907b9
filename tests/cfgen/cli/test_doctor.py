"""``cfgen doctor`` as a process: without credentials, without a stack, and with one."""

import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cfgen.report.doctor import DoctorDocument
from tests.conftest import Run, Terminal

SOURCE = "AppSource=https://git.example.com/bot.git@4b825dc642cb6eb9a060e54bf8d69288fbee4904"
OFFLINE = ("--prices", "offline")
STACK = "looked-at"


def document(result: "subprocess.CompletedProcess[str]") -> DoctorDocument:
    """The document, which is of its schema: no field more, none less."""
    found = msgspec.json.decode(result.stdout, type=DoctorDocument)
    assert json.loads(msgspec.json.encode(found)) == json.loads(result.stdout)
    return found


def codes(found: DoctorDocument) -> dict[str, str | None]:
    """The last code of each check."""
    return {one.check: one.code for one in found.checks}


def test_without_credentials_what_is_here_is_looked_at(cfgen: Run) -> None:
    result = cfgen("doctor")
    assert result.returncode == 8
    assert "problem  credentials    no usable AWS credentials" in result.stdout
    assert "warning  plugin" in result.stdout
    assert "\nStack\n" not in result.stdout
    assert result.stdout.endswith("To put it right:\n  aws configure\n")
    assert "1 problem" in result.stderr


def test_json_is_of_its_schema(cfgen: Run) -> None:
    result = cfgen("doctor", "--json")
    assert result.returncode == 8
    found = document(result)
    assert (found.schema_version, found.problems, found.stack) == (1, 1, "trading-bot")
    assert [one.check for one in found.checks] == ["configuration", "credentials", "plugin"]
    assert found.commands == ("aws configure",)
    schema = msgspec.json.schema(DoctorDocument)["$defs"]["DoctorDocument"]
    assert schema["required"] == list(json.loads(result.stdout))


def test_a_profile_that_there_is_not_is_usage(cfgen: Run) -> None:
    result = cfgen("doctor", "--profile", "nobody")
    assert result.returncode == 2
    assert "--profile" in result.stderr
    assert result.stdout == ""


def test_a_configuration_that_is_wrong_is_usage(cfgen: Run, folder: Path) -> None:
    (folder / "cfgen.toml").write_text("[bot]\nmood = 'real'\n")
    assert cfgen("doctor").returncode == 2


@pytest.fixture
def expired(environment: dict[str, str]) -> dict[str, str]:
    """A profile whose sign-in with IAM Identity Center is long over."""
    home = Path(environment["HOME"], ".aws")
    home.mkdir()
    (home / "config").write_text(
        "[profile work]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = dev\n"
        "[sso-session s]\nsso_start_url = https://example.com/start\nsso_region = us-east-1\n"
    )
    return {}


@pytest.mark.usefixtures("expired")
def test_a_sign_in_that_is_over_names_its_profile(cfgen: Run) -> None:
    result = cfgen("doctor", "--profile", "work")
    assert result.returncode == 8
    assert "aws sso login --profile work" in result.stdout.splitlines()[-1]


def test_the_broker_is_not_asked_unasked(cfgen: Run) -> None:
    result = cfgen("doctor", "--live")
    assert result.returncode == 5
    assert "one token" in result.stderr
    assert "--yes" in result.stderr
    assert result.stdout == ""


def test_a_person_may_decline(terminal: Any) -> None:
    one: Terminal = terminal("doctor", "--live")
    one.wait_for("Ask for a token? [y/N]")
    one.type("\n")
    assert one.end() == 6


def test_another_account_is_asked_nothing(
    cfgen: Run, folder: Path, memory_aws: dict[str, str]
) -> None:
    (folder / "cfgen.toml").write_text('[stack]\nallowed_accounts = ["210987654321"]\n')
    result = cfgen("doctor", "--json", extra=memory_aws)
    assert result.returncode == 8
    found = document(result)
    assert codes(found)["credentials"] == "account-not-allowed"
    assert "stack" not in codes(found)


def test_without_a_stack_the_deploy_is_named_with_the_options_given(
    cfgen: Run, memory_aws: dict[str, str]
) -> None:
    result = cfgen("doctor", "--region", "eu-west-1", extra=memory_aws)
    assert result.returncode == 8
    assert "there is no stack trading-bot in eu-west-1" in result.stdout
    assert "  cfgen deploy --region eu-west-1" in result.stdout.splitlines()


def test_a_stack_is_looked_at_from_end_to_end(
    cfgen: Run, folder: Path, memory_aws: dict[str, str]
) -> None:
    config = f'[stack]\nname = "{STACK}"\n[monitoring]\nemail = "me@example.com"\n'
    (folder / "cfgen.toml").write_text(config)
    cfgen("recommend", *OFFLINE, "--write")
    deployed = cfgen("deploy", "--yes", *OFFLINE, "--parameter", SOURCE, extra=memory_aws)
    assert deployed.returncode == 0, deployed.stderr
    result = cfgen("doctor", "--json", extra=memory_aws)
    found = document(result)
    levels = {one.check: one.level for one in found.checks}
    assert levels["credentials"] == levels["stack"] == "ok"
    assert levels["image"] == "ok"
    # moto's secret is not there, and its agent sends nothing.
    assert codes(found)["keys"] == "secret-absent"
    assert result.returncode == 8
