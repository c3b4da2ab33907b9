"""Scripts that cfgen sends to the host, run as they are sent; systemd is a stand-in."""

import subprocess
from pathlib import Path

import pytest

from cfgen.bot.command import remote_script
from tests.cfgen.host.conftest import SCRIPTS, set_brake
from tests.systemctl import Systemctl

BOT, STREAM = "trading-bot.service", "trading-bot-stream.service"
AT_WORK = {"ActiveState": "activating"}


class Host:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.systemctl = Systemctl(folder / "programs")
        self.environment = set_brake(folder, "running", STREAM)
        with (folder / "stack.env").open("a") as file:
            file.write(f'DAILY="{BOT}"\n')
        self.environment |= {
            "PATH": f"{self.systemctl.programs}:/usr/bin:/bin",
            "LIB": str(SCRIPTS),
            "LOGS": str(folder),
            "PAUSE": "0",
            "LOOKS": "8",
        }

    def run(self, *script: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["sh", "-c", "\n".join(remote_script(*script))],
            env=self.environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    @property
    def value(self) -> str:
        return Path(self.environment["KEPT"]).read_text().strip()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


class TestPause:
    def test_what_is_at_work_is_stopped_and_told(self, host: Host) -> None:
        host.systemctl.is_in(BOT, **AT_WORK)
        host.systemctl.is_in(STREAM, ActiveState="active")
        result = host.run("pause", "paused until 2999-01-01", "stop")
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout == f"stopped {BOT}\nstopped {STREAM}\n"
        assert host.value == "paused until 2999-01-01"
        # The value first, then the stops: a timer that fires meanwhile finds the brake on.
        assert host.systemctl.calls == [f"systemctl stop {STREAM}", f"systemctl stop {BOT}"]

    def test_daily_runs_may_finish_but_nothing_stays_up(self, host: Host) -> None:
        host.systemctl.is_in(BOT, **AT_WORK)
        host.systemctl.is_in(STREAM, ActiveState="active")
        result = host.run("pause", "paused", "let-finish")
        assert result.stdout == f"at-work {BOT}\nstopped {STREAM}\n"

    def test_nothing_at_work(self, host: Host) -> None:
        host.systemctl.is_in(BOT, ActiveState="failed")
        result = host.run("pause", "paused", "stop")
        assert (result.returncode, result.stdout) == (0, "")
        # A start that is queued is taken back all the same.
        assert f"systemctl stop {BOT}" in host.systemctl.calls

    def test_what_does_not_stop_is_told(self, host: Host) -> None:
        host.systemctl.is_in(BOT, **AT_WORK)
        host.systemctl.stays(BOT)
        assert host.run("pause", "paused", "stop").stdout == f"at-work {BOT}\n"

    @pytest.mark.parametrize("script", [("pause", "paused", "stop"), ("resume",)])
    def test_a_host_from_before_the_brake_says_so(
        self, host: Host, tmp_path: Path, script: tuple[str, ...]
    ) -> None:
        host.environment["LIB"] = str(tmp_path / "empty")
        result = host.run(*script)
        assert result.returncode == 3
        assert "the host has not taken up the change" in result.stderr
        assert host.systemctl.calls == []


class TestResume:
    def test_what_stays_up_is_started(self, host: Host) -> None:
        host.run("pause", "paused", "stop")
        result = host.run("resume")
        assert (result.returncode, result.stdout) == (0, f"started {STREAM}\n")
        assert host.value == "running"
        assert host.systemctl.calls[-1] == f"systemctl start --no-block {STREAM}"
        assert f"systemctl start --no-block {BOT}" not in host.systemctl.calls


class TestRun:
    @pytest.fixture
    def log(self, tmp_path: Path) -> Path:
        log = tmp_path / "bot.log"
        log.write_text("yesterday's line\n")
        return log

    def outcome(self, host: Host) -> list[str]:
        result = host.run("run", BOT, "bot")
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout.splitlines()

    @pytest.mark.parametrize(
        ("properties", "outcome"),
        [
            ({"SubState": "start"}, "began"),
            ({"SubState": "running"}, "began"),
            ({"SubState": "dead", "Result": "success"}, "ended"),
            ({"SubState": "dead", "Result": "exec-condition"}, "skipped"),
            ({"SubState": "failed", "Result": "exit-code"}, "failed"),
            ({"SubState": "auto-restart", "Result": "exit-code"}, "retrying"),
            ({"SubState": "dead", "Result": "timeout"}, "failed"),
        ],
    )
    def test_what_becomes_of_it_is_told_with_its_lines(
        self, host: Host, log: Path, properties: dict[str, str], outcome: str
    ) -> None:
        host.systemctl.starts(
            BOT, f"echo 'market-gate: open' >>{log}", InvocationID="2", **properties
        )
        assert self.outcome(host) == [outcome, "market-gate: open"]
        assert host.systemctl.calls == [
            f"systemctl reset-failed {BOT}",
            f"systemctl start --no-block {BOT}",
        ]

    @pytest.mark.parametrize("state", ["active", "activating", "deactivating"])
    def test_one_at_work_is_left_alone(self, host: Host, log: Path, state: str) -> None:
        del log
        host.systemctl.is_in(BOT, ActiveState=state)
        assert self.outcome(host) == ["running"]
        assert host.systemctl.calls == []

    def test_what_never_begins_is_taken_back(self, host: Host, log: Path) -> None:
        del log
        host.systemctl.starts(BOT, SubState="dead", Job="77")
        assert self.outcome(host) == ["waiting"]
        assert host.systemctl.calls[-1] == f"systemctl stop {BOT}"

    def test_what_its_units_require_has_failed(self, host: Host, log: Path) -> None:
        del log
        host.systemctl.starts(BOT, SubState="dead", Result="success")
        assert self.outcome(host) == ["failed"]

    def test_a_start_that_systemd_refuses(self, host: Host, log: Path) -> None:
        del log
        host.systemctl.starts(BOT)
        host.systemctl.refuses(BOT)
        assert host.run("run", BOT, "bot").returncode == 5

    def test_a_job_that_has_never_run_has_no_log_yet(self, host: Host) -> None:
        host.systemctl.starts(BOT, InvocationID="2", SubState="start")
        assert self.outcome(host) == ["began"]

    def test_the_last_lines_are_told(self, host: Host, log: Path) -> None:
        host.systemctl.starts(
            BOT, f"seq 30 >>{log}", InvocationID="2", SubState="failed", Result="exit-code"
        )
        assert self.outcome(host) == ["failed", *map(str, range(11, 31))]
