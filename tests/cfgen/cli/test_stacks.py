"""Two stacks in one folder: demo and real, each with a configuration and a lock of its own."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloudformation.server import FakeCloudFormation
from tests.conftest import Run

REAL = """\
[stack]
name = "trading-bot-real"
[bot]
mode = "real"
[workload]
hours = "market"
"""
DEMO = ("--config", "demo.toml")
SOURCE = (
    "--parameter",
    "AppSource=https://git.example.com/bot.git@0123456789abcdef0123456789abcdef01234567",
)
OFFLINE = ("--prices", "offline")


@pytest.fixture
def aws() -> Iterator[FakeCloudFormation]:
    with FakeCloudFormation() as server:
        server.steps_per_poll = 20
        yield server


def done(result: "subprocess.CompletedProcess[str]") -> "subprocess.CompletedProcess[str]":
    assert result.returncode == 0, result.stderr
    return result


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_second_configuration_changes_nothing_of_the_first(
    cfgen: Run, folder: Path, environment: dict[str, str]
) -> None:
    home = Path(environment["HOME"])
    (folder / "cfgen.toml").write_text(REAL)
    done(cfgen("recommend", *OFFLINE, "--write"))
    first = done(cfgen("build", "--no-lint", *OFFLINE)).stdout
    done(cfgen("deploy", "--rehearse", "--no-lint", *OFFLINE))
    before = contents(folder) | contents(home)
    assert {"cfgen.toml", "cfgen.lock"} <= before.keys()

    (folder / "demo.toml").write_text('[stack]\nname = "trading-bot-demo"\n')
    written = done(cfgen("recommend", *OFFLINE, *DEMO, "--write"))
    assert "wrote demo.lock: t4g.micro/on-demand/always" in written.stderr
    done(cfgen("build", *OFFLINE, *DEMO, "--refresh", "-o", "demo.yaml"))
    done(cfgen("deploy", "--rehearse", "--no-lint", *OFFLINE, *DEMO, "--refresh"))

    after = contents(folder) | contents(home)
    assert {name: after[name] for name in before} == before
    assert {"demo.toml", "demo.lock", "demo.yaml"} <= after.keys() - before.keys()
    assert done(cfgen("build", "--no-lint", *OFFLINE)).stdout == first
    stacks = {name: json.loads((folder / name).read_text())["stack"] for name in
              ("cfgen.lock", "demo.lock")}  # fmt: skip
    assert stacks == {"cfgen.lock": "trading-bot-real", "demo.lock": "trading-bot-demo"}


def test_a_template_does_not_depend_on_what_its_configuration_is_called(
    cfgen: Run, folder: Path
) -> None:
    for name in ("cfgen.toml", "real.toml", "sub/any"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(REAL)
    built = {
        done(cfgen("build", "--no-lint", *OFFLINE, *options)).stdout
        for options in ((), ("--config", "real.toml"), ("--config", "sub/any"))
    }
    assert len(built) == 1


@pytest.mark.parametrize(
    ("write", "look", "said"),
    [
        (("--hours", "always"), ("--hours", "market"), "leaves the host alone"),
        (("--type", "t4g.small"), ("--type", "t4g.*"), "stops and starts the host"),
        (("--type", "t3.micro"), ("--type", "t*.micro"), "replaces the host (ImageId)"),
        (
            (),
            ("--max-interruption", "any", "--type", "t4g.micro"),
            "replaces the host (HostGroup in place of Host)",
        ),
    ],
)
def test_a_switch_says_what_it_does_to_the_host_and_how_it_is_made(
    cfgen: Run, write: tuple[str, ...], look: tuple[str, ...], said: str
) -> None:
    done(cfgen("recommend", *OFFLINE, *write, "--write"))
    seen = done(cfgen("recommend", *OFFLINE, *look)).stderr
    assert "cfgen.lock keeps " in seen
    assert " would save $" in seen
    assert f": a deploy {said}" in seen
    # The command that is shown makes that very switch.
    command = seen.partition("; cfgen ")[2].partition(" switches to it")[0]
    made = done(cfgen(*command.replace("'", "").split(), *OFFLINE)).stderr
    assert " instead of " in made
    assert f": a deploy {said}" in made


def test_refresh_says_what_it_leaves_and_what_that_does(cfgen: Run) -> None:
    done(cfgen("recommend", *OFFLINE, "--type", "t3.micro", "--write"))
    seen = done(cfgen("build", "--no-lint", *OFFLINE, "--refresh")).stderr
    left = "note: instead of t3.micro/on-demand/always, which cfgen.lock keeps"
    assert f"{left}: a deploy replaces the host (ImageId)" in seen


def test_what_a_switch_would_do_to_a_plan_that_cannot_be_built_is_not_said(
    cfgen: Run, folder: Path
) -> None:
    # A new Spot host needs half an hour before the bot.
    late = '[workload]\nhours = "market"\nwindow = "08:50-16:00"\n'
    (folder / "demo.toml").write_text(late)
    done(cfgen("recommend", *OFFLINE, *DEMO, "--write"))
    spot = ("--max-interruption", "any")
    seen = done(cfgen("recommend", *OFFLINE, *DEMO, *spot)).stderr
    assert "would save" in seen
    assert "a deploy" not in seen
    done(cfgen("recommend", *OFFLINE, *DEMO, *spot, "--write"))
    (folder / "demo.toml").write_text(f'{late}max_interruption = "any"\n')
    refused = cfgen("build", *OFFLINE, *DEMO)
    assert refused.returncode == 2
    assert "demo.toml: workload.window: 08:50-16:00 leaves a new Spot host" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("init", "--non-interactive", "--force"), "next: cfgen recommend --config demo.toml"),
        (("recommend", "--type", "t4g.micro"), "demo.lock keeps t3.micro/on-demand/always"),
        (("build", "--no-lint", "--type", "t4g.micro"), "demo.lock: keeps t3.micro"),
        (("build", "--no-lint"), "kept by demo.lock"),
        (("lint", "--region", "us-east-1"), "cfgen recommend --write --config demo.toml --region"),
        (("build", "--hours", "market"), "these options would choose t4g.micro"),
    ],
)
def test_hints_name_what_was_given(
    cfgen: Run, folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    (folder / "demo.toml").write_text('[workload]\ninstance_types = ["t3.micro", "t4g.micro"]\n')
    done(cfgen("recommend", *OFFLINE, *DEMO, "--type", "t3.micro", "--write"))
    prices = () if arguments[0] == "init" else OFFLINE
    seen = cfgen(*arguments, *prices, *DEMO).stderr
    assert said in seen
    assert "cfgen.toml" not in seen
    assert "cfgen.lock" not in seen


def test_hints_of_a_deploy_name_what_was_given(
    cfgen: Run, folder: Path, aws: FakeCloudFormation
) -> None:
    (folder / "demo.toml").write_text(
        '[stack]\nname = "demo"\nallowed_accounts = ["210987654321"]\n'
    )
    wrong = cfgen("deploy", "--yes", "--no-lint", *OFFLINE, *DEMO, extra=aws.environment)
    assert wrong.returncode == 5
    assert "add the account to it in demo.toml" in wrong.stderr
    for arguments in (("secret", "check"), ("destroy", "--yes")):
        assert "in demo.toml" in cfgen(*arguments, *DEMO, extra=aws.environment).stderr
    (folder / "demo.toml").write_text('[stack]\nname = "demo"\n')
    unset = cfgen("deploy", "--yes", "--no-lint", *OFFLINE, *DEMO, extra=aws.environment)
    assert unset.returncode == 2
    assert "or set bot.source in demo.toml" in unset.stderr
    unknown = cfgen("deploy", "--changeset", "x", *DEMO, extra=aws.environment)
    assert "cfgen deploy --no-execute --config demo.toml gives it" in unknown.stderr


def test_two_configurations_of_one_stack_are_warned_of(cfgen: Run, folder: Path) -> None:
    done(cfgen("recommend", *OFFLINE, "--write"))
    (folder / "demo.toml").write_text("")
    warned = "warning: cfgen.lock is for stack trading-bot, too"
    assert warned in done(cfgen("recommend", *OFFLINE, *DEMO, "--write")).stderr
    (folder / "demo.toml").write_text('[stack]\nname = "demo"\n')
    assert warned not in done(cfgen("recommend", *OFFLINE, *DEMO, "--write")).stderr


def test_a_stack_that_moves_to_another_account_of_the_broker_is_told_aloud(
    cfgen: Run, folder: Path, aws: FakeCloudFormation
) -> None:
    def deploy() -> str:
        arguments = ("--yes", "--no-lint", "--no-wait-host", *OFFLINE, *SOURCE)
        return done(cfgen("deploy", *arguments, extra=aws.environment)).stderr

    moves = "warning: this stack runs the bot on a demo account until now, and on a real one"
    assert moves not in deploy()
    # The scripted CloudFormation sees no change of what lies on the host.
    seen = '[bot]\nmode = "real"\n[monitoring]\nlog_retention_days = 7\n'
    (folder / "cfgen.toml").write_text(seen)
    assert moves in deploy()
    assert moves not in deploy()


def test_a_lock_that_is_none_does_not_hide_how_the_bot_is(
    cfgen: Run, folder: Path, aws: FakeCloudFormation
) -> None:
    (folder / "cfgen.lock").write_text("<<<<<<< HEAD\n")
    seen = cfgen("status", extra=aws.environment).stderr
    assert "warning: what it costs is not known: cfgen.lock: git could not merge it" in seen
    assert "there is no stack trading-bot" in seen
