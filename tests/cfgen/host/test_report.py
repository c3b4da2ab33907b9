"""What the host says of itself, and how it takes up a change of the stack: the real scripts."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cfgen.host.conftest import SCRIPTS, Script, Stands
from tests.cfgen.host.test_aws import Metadata, client, host, metadata

__all__ = ["host", "metadata"]

INSTANCE = "i-0123456789abcdef0"
SOURCE = "https://git.example.com/bot.git@v1"
ENV = """\
# Settings of the stack. Read by systemd and by bash.
AWS_REGION="ap-northeast-2"
APP_SOURCE="https://git.example.com/bot.git@v1"
TOPIC_ARN="arn:topic"
HOST_LOG_GROUP="host-log"
VERSION="0123456789ab"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for folder in ("etc/trading-bot", "etc/systemd/system", "run", "opt/trading-bot",
                   "var/log/trading-bot"):  # fmt: skip
        (root / folder).mkdir(parents=True)
    # moto's memory is one for all tests.
    env = ENV.replace("host-log", f"host-{tmp_path.name}")
    (root / "etc/trading-bot/stack.env").write_text(env)
    return root


# The report


@pytest.fixture
def told(
    script: Script, host: dict[str, str], metadata: Metadata, moto_server: str, root: Path
) -> Callable[..., list[dict[str, Any]]]:
    """Report something, and give all that the log holds then."""
    logs = client("logs", moto_server)
    group = f"host-{root.parent.name}"
    logs.create_log_group(logGroupName=group)
    metadata.items["instance-id"] = INSTANCE

    def run(*words: str) -> list[dict[str, Any]]:
        result = script("report", *words, **host, ROOT=str(root))
        assert (result.returncode, result.stdout, result.stderr) == (0, "", result.stderr)
        stream = f"{INSTANCE}/report"
        events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
        assert all(abs(one["timestamp"] / 1000 - time.time()) < 60 for one in events)
        return [json.loads(one["message"]) for one in events]

    return run


def test_a_report_makes_its_stream_and_adds_to_it(told: Callable[..., Any]) -> None:
    [first] = told("step", "step=packages")
    known = {"version": "0123456789ab", "source": SOURCE}
    assert first == {"event": "step", "step": "packages"} | known
    reason = 'Error: "quoted" and \\ and 한글 = all whole'
    *_, second = told("failed", "step=app", f"reason={reason}")
    assert second == {"event": "failed", "step": "app", "reason": reason} | known


def test_the_end_says_what_is_there_and_is_repeated(told: Callable[..., Any], root: Path) -> None:
    (root / "opt/trading-bot/commit").write_text("f" * 40 + "\n")
    (root / "run/bootstrap-began").touch()
    [done] = told("done")
    assert 0 <= done.pop("seconds") < 60
    assert done == {"event": "done", "version": "0123456789ab", "source": SOURCE,
                    "commit": "f" * 40}  # fmt: skip
    # After a boot it is what the host has, whatever the settings say that are not taken up yet.
    settings = root / "etc/trading-bot/stack.env"
    settings.write_text(settings.read_text().replace("0123", "9999"))
    *_, again = told("again")
    assert again["version"] == "0123456789ab"
    assert again["commit"] == "f" * 40
    assert again["boot"] is True


def test_others_report_by_json(told: Callable[..., Any]) -> None:
    [found] = told('{"event": "patched", "reboot_due": true}')
    assert (found["event"], found["reboot_due"]) == ("patched", True)
    assert found["version"] == "0123456789ab"


@pytest.mark.parametrize("what", ["no metadata", "no log", "no settings", "no end"])
def test_a_report_that_cannot_be_made_fails_nothing(
    script: Script, host: dict[str, str], metadata: Metadata, root: Path, what: str
) -> None:
    if what != "no metadata":
        metadata.items["instance-id"] = INSTANCE
    if what == "no settings":
        (root / "etc/trading-bot/stack.env").unlink()
    event = "again" if what == "no end" else "done"
    assert script("report", event, **host, ROOT=str(root)).returncode == 0


# Changes of the stack


class Change:
    """A host whose stack says something, and the daemon that asks it to take that up."""

    def __init__(self, script: Script, stands: Stands, root: Path, folder: Path) -> None:
        self.script, self.stands, self.root = script, stands, root
        self.lib = folder / "lib"
        self.lib.mkdir()
        self.programs = folder / "aws"
        self.programs.mkdir()
        # The programs of aws-cfn-bootstrap have fixed places.
        text = (SCRIPTS / "apply-change").read_text()
        (self.lib / "apply-change").write_text(text.replace("/opt/aws/bin", str(self.programs)))
        for name in ("report", "tell"):
            stands.add(name)
            shutil.copy(stands.folder / name, self.lib / name)
        stands.add("cfn-get-metadata", f"cat {self.root}/wanted.json")
        applied = f"{self.root}/var/lib/trading-host"
        stands.add(
            "cfn-init",
            f"""
            [ ! -e {self.root}/fails ] || {{ {self._failure()}; exit 1; }}
            mkdir -p {applied}
            printf '{{"AWS::CloudFormation::Init": %s}}' "$(cat {self.root}/wanted.json)" \
              >{applied}/applied.json""",
        )
        for name in ("cfn-get-metadata", "cfn-init"):
            shutil.copy(stands.folder / name, self.programs / name)
        stands.add(
            "systemctl",
            f"""case $1 in
            list-units) cat {self.root}/busy 2>/dev/null;;
            show) echo @1764032400;;
        esac; true""",
        )
        self.want("v1")

    def _failure(self) -> str:
        return f"cat {self.root}/fails >{self.root}/run/$(cat {self.root}/mark)"

    def fail(self, said: str = "bootstrap step app failed: no way", mark: str = "bootstrap-failed"
             ) -> None:  # fmt: skip
        (self.root / "fails").write_text(said)
        (self.root / "mark").write_text(mark)

    def want(self, version: str) -> None:
        env = ENV.replace("0123456789ab", version)
        files = {"/etc/trading-bot/stack.env": {"content": env}}
        (self.root / "wanted.json").write_text(json.dumps({"config": {"files": files}}))

    def look(self) -> int:
        path = self.lib / "apply-change"
        return self.script(str(path), "bot", "Host", "r", ROOT=str(self.root)).returncode

    def calls(self, name: str) -> list[str]:
        return [call for call in self.stands.calls if call.split()[0] == name]

    def later(self, seconds: int) -> None:
        """Let time pass, as the notes know it."""
        notes = self.root / "run/changes.json"
        held = json.loads(notes.read_text())
        notes.write_text(json.dumps(held | {"failed": held["failed"] - seconds}))

    @property
    def log(self) -> str:
        file = self.root / "var/log/trading-bot/bot.log"
        return file.read_text() if file.exists() else ""


@pytest.fixture
def change(script: Script, stands: Stands, root: Path, tmp_path: Path) -> Change:
    return Change(script, stands, root, tmp_path)


def test_a_change_is_taken_up_once(change: Change) -> None:
    """Also at a first look, which has nothing to compare with but what was applied."""
    assert [change.look(), change.look()] == [0, 0]
    assert change.calls("cfn-init") == ["cfn-init --verbose --stack bot --resource Host --region r"]
    change.want("v2")
    assert [change.look(), change.look()] == [0, 0]
    assert len(change.calls("cfn-init")) == 2
    assert change.log == ""


def test_without_cfn_inits_own_file_it_is_remembered_all_the_same(
    change: Change, stands: Stands
) -> None:
    stands.add("cfn-init")
    shutil.copy(stands.folder / "cfn-init", change.programs / "cfn-init")
    assert [change.look(), change.look()] == [0, 0]
    assert len(change.calls("cfn-init")) == 1


def test_a_failure_is_told_once_and_tried_again_every_ten_minutes(change: Change) -> None:
    change.fail()
    assert [change.look() for _ in range(3)] == [1, 1, 1]
    assert len(change.calls("cfn-init")) == 1
    change.later(601)
    assert change.look() == 1
    assert len(change.calls("cfn-init")) == 2
    assert change.log.count("ERROR") == 1
    assert change.log.endswith("ten minutes: bootstrap step app failed: no way\n")
    assert len(change.calls("tell")) == 1
    # The bootstrap itself has reported it.
    assert change.calls("report") == []
    # Another version is tried at once, and its failure told.
    change.want("v2")
    assert change.look() == 1
    assert change.log.count("ERROR") == 2
    (change.root / "fails").unlink()
    change.later(601)
    assert change.look() == 0
    assert not (change.root / "run/changes.json").exists()


def test_a_failure_before_the_first_step_is_reported_too(change: Change) -> None:
    change.fail(mark="elsewhere")
    assert change.look() == 1
    [told] = change.calls("report")
    assert told.startswith("report failed version=v1 source=https:")
    assert told.endswith("step=cfn-init reason=cfn-init failed: see /var/log/cfn-init.log")
    assert "see /var/log/cfn-init.log" in change.log


def test_a_job_at_work_is_waited_for_and_is_no_failure(change: Change) -> None:
    (change.root / "busy").write_text("trading-bot.service loaded activating start The bot\n")
    unit = change.root / "etc/systemd/system/trading-bot.service"
    unit.write_text("[Service]\nTimeoutStartSec=3600\n")
    assert [change.look(), change.look()] == [1, 1]
    [told] = change.calls("report")
    assert told.endswith("reason=at work: trading-bot.service until=2025-11-25T02:00:00+00:00")
    # Not one file was changed under it.
    assert change.calls("cfn-init") == []
    assert (change.log, change.calls("tell")) == ("", [])
    (change.root / "busy").unlink()
    assert change.look() == 0


def test_a_job_that_begins_meanwhile_is_no_failure_either(change: Change) -> None:
    change.fail("at work: trading-bot.service", "bootstrap-waiting")
    assert change.look() == 1
    assert (change.log, change.calls("tell")) == ("", [])
    (change.root / "fails").unlink()
    # It is not put off: the job may have ended by the next look.
    assert change.look() == 0


def test_the_mark_of_an_earlier_failure_counts_for_nothing(change: Change) -> None:
    (change.root / "run/bootstrap-failed").write_text("bootstrap step units failed: long ago")
    change.fail(mark="elsewhere")
    assert change.look() == 1
    assert "long ago" not in change.log


# The first boot


def user_data(tmp_path: Path, stands: Stands) -> "subprocess.CompletedProcess[str]":
    text = (SCRIPTS.parent / "etc/user-data.sh").read_text()
    for old, new in {
        "/opt/aws/bin": str(stands.folder),
        "/usr/local/lib/trading-bot": str(tmp_path / "lib"),
        "/run/": f"{tmp_path}/",
        "/var/log/": f"{tmp_path}/",
        "/etc/trading-bot/": f"{tmp_path}/",
        "${AWS::StackName}": "bot",
        "${AWS::Region}": "r",
        "@HOST@": "Host",
        "sleep 20": "sleep 0",
    }.items():
        assert old in text
        text = text.replace(old, new)
    return subprocess.run(
        ["bash", "-c", text], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.fixture
def first_boot(tmp_path: Path, stands: Stands) -> None:
    stands.add("cfn-signal")
    stands.add("report")
    stands.add("tell")
    (tmp_path / "stack.env").write_text(ENV)
    (tmp_path / "cfn-init.log").write_text("[INFO] begun\n[ERROR] no endpoint\n")


@pytest.mark.usefixtures("first_boot")
def test_a_host_that_came_up_signals_success_and_gives_no_reason(
    tmp_path: Path, stands: Stands
) -> None:
    stands.add("cfn-init")
    user_data(tmp_path, stands)
    assert stands.calls[-1] == "cfn-signal --exit-code 0 --stack bot --resource Host --region r"
    assert len(stands.calls) == 2


@pytest.mark.usefixtures("first_boot")
@pytest.mark.parametrize("there", [True, False])
def test_a_failure_before_the_first_step_reaches_the_console(
    tmp_path: Path, stands: Stands, there: bool
) -> None:
    stands.add("cfn-init", "exit 1")
    if there:
        (tmp_path / "lib").mkdir()
        for name in ("report", "tell"):
            shutil.copy(stands.folder / name, tmp_path / "lib" / name)
    result = user_data(tmp_path, stands)
    reason = "cfn-init failed before the first step: [ERROR] no endpoint"
    assert result.stdout.endswith(f"[ERROR] no endpoint\n{reason}\n")
    assert (f"report failed step=cfn-init reason={reason}" in stands.calls) == there
    said = f"tell Trading bot: a new host does not come up {reason}"
    assert (said in stands.calls) == there
    assert stands.calls[-1] == "cfn-signal --exit-code 1 --stack bot --resource Host --region r"


@pytest.mark.usefixtures("first_boot")
def test_a_step_that_failed_is_told_in_its_own_words(tmp_path: Path, stands: Stands) -> None:
    failed = "bootstrap step packages failed: Error: No match"
    stands.add("cfn-init", f"echo '{failed}' >{tmp_path}/bootstrap-failed; exit 1")
    (tmp_path / "lib").mkdir()
    for name in ("report", "tell"):
        shutil.copy(stands.folder / name, tmp_path / "lib" / name)
    assert user_data(tmp_path, stands).stdout.endswith(f"{failed}\n")
    # The bootstrap has reported it.
    assert not [call for call in stands.calls if call.startswith("report")]
    assert f"tell Trading bot: a new host does not come up {failed}" in stands.calls
