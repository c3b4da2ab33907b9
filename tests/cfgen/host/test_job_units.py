"""The units of several jobs, checked by systemd's own tools, and their scripts, run for real."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cfgen.config.load import make_config
from cfgen.host.render import HostFile, host_files
from cfgen.lock import LockedPlan
from tests.cfgen.host.conftest import SCRIPTS, Script, Stands, set_brake
from tests.trees import plan, spot

JOBS = [
    {
        "name": "bot",
        "entrypoint": "apps/trade.py",
        "at": ["09:05", "15:20"],
        "exclusive": "account",
    },
    {
        "name": "rebalance",
        "entrypoint": "apps/rebalance.py",
        "arguments": ["--symbols", "069500 114800"],
        "every": "5min",
        "exclusive": "account",
    },
    {"name": "stream", "entrypoint": "apps/stream.py", "kind": "service", "at": ["08:50"]},
    {"name": "report", "entrypoint": "apps/report.py", "at": ["18:00"], "market": False},
]
SERVICES = [
    "trading-bot.service",
    "trading-bot-rebalance.service",
    "trading-bot-stream.service",
    "trading-bot-report.service",
]


def files(locked: LockedPlan | None = None, **bot: Any) -> dict[str, HostFile]:
    config = make_config({"bot": {"jobs": JOBS, **bot}}, "test")
    return {
        file.path.rpartition("/")[2]: file for file in host_files(config, locked or plan(), 2026)
    }


def unit(name: str, **bot: Any) -> list[str]:
    return files(**bot)[name].text.splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All units of a Spot host with all kinds of jobs, their programs made to exist."""
    for file in files(spot(), writable=["/srv/data", "~/KIS/config"]).values():
        if file.path.startswith("/etc/systemd/system/"):
            text = re.sub(r"(?m)^(Exec[A-Z][a-z]+)=[^-\s]\S*", rf"\1={sys.executable}", file.text)
            (tmp_path / Path(file.path).name).write_text(text)
    return tmp_path


def test_systemd_accepts_every_unit(folder: Path) -> None:
    names = sorted(str(path) for path in folder.iterdir())
    assert {Path(name).name for name in names} >= set(SERVICES)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *names]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout + result.stderr == ""
    assert result.returncode == 0


@pytest.mark.parametrize("name", SERVICES)
def test_every_job_is_hardened(folder: Path, name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(folder / name)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for \S+ ([\d.]+)", result.stdout)
    assert found, result.stderr
    assert float(found[1]) <= 2.0


def test_a_unit_runs_its_own_program_at_its_own_times() -> None:
    run = "ExecStart=/usr/local/lib/trading-bot/take-turn account /opt/trading-bot/venv/bin/python"
    assert f"{run} apps/trade.py --mode demo" in "\n".join(unit("trading-bot.service"))
    arguments = 'apps/rebalance.py --mode demo --symbols "069500 114800"'
    assert f"{run} {arguments}" in unit("trading-bot-rebalance.service")
    times = [line for line in unit("trading-bot.timer") if line.startswith("OnCalendar=")]
    assert times == [
        "OnCalendar=Mon..Fri 09:05:00 Asia/Seoul",
        "OnCalendar=Mon..Fri 15:20:00 Asia/Seoul",
    ]


def test_only_jobs_of_the_market_ask_it() -> None:
    gate = "ExecCondition=/usr/local/lib/trading-bot/market-gate"
    assert gate in unit("trading-bot.service")
    assert f"{gate} --early 10" in unit("trading-bot-stream.service")
    assert "market-gate" not in files()["trading-bot-report.service"].text


def test_the_mode_is_passed_as_the_program_takes_it() -> None:
    assert "report.py --mode real" in files(mode="real")["trading-bot-report.service"].text
    assert "report.py --env demo" in files(mode_argument="--env")["trading-bot-report.service"].text
    none = [
        line
        for line in unit("trading-bot-report.service", mode_argument="")
        if "ExecStart=" in line
    ]
    assert none[0].rstrip().endswith("apps/report.py")


@pytest.mark.parametrize(
    ("name", "restart", "seconds", "starts"),
    [
        # Of three retries two fit before the next time: a run may wait an hour for its turn, and
        # take another.
        ("trading-bot.service", "on-failure", 3 * 7260, 3),
        ("trading-bot-rebalance.service", "no", 0, 1),
        ("trading-bot-stream.service", "on-failure", 900, 4),
    ],
)
def test_retries_are_bounded(name: str, restart: str, seconds: int, starts: int) -> None:
    lines = unit(name)
    assert f"Restart={restart}" in lines
    assert f"StartLimitIntervalSec={seconds}" in lines
    assert f"StartLimitBurst={starts}" in lines


def test_with_real_money_nothing_is_tried_again() -> None:
    for name in SERVICES:
        assert "Restart=no" in unit(name, mode="real")


def test_what_failed_yesterday_does_not_count_today() -> None:
    [seconds] = re.findall(
        r"StartLimitIntervalSec=(\d+)",
        {file.path: file for file in host_files(make_config({}, "t"), plan(), 2026)}[
            "/etc/systemd/system/trading-bot.service"
        ].text,
    )
    assert int(seconds) < 24 * 3600


def test_what_runs_at_once_shares_the_memory() -> None:
    """Two jobs that exclude each other have one share, each of the others its own: a third each."""
    for name in SERVICES:
        assert {"MemoryMax=21%", "MemorySwapMax=0"} <= set(unit(name))


@pytest.mark.parametrize("name", [*SERVICES, "trading-web.service"])
def test_what_needs_too_much_memory_is_killed_and_not_slowed_down(name: str) -> None:
    """With the swap full, MemoryHigh= throttled a hog for minutes, and nobody was told."""
    assert not [line for line in unit(name) if line.startswith("MemoryHigh=")]
    assert "OnFailure=trading-failure@%n.service" in unit(name)


def test_no_run_starts_the_loader_which_starts_what_stays_up() -> None:
    """The loader's success would start it, which would start the loader, and so on."""
    assert "Wants=network-online.target" in unit("trading-bot-stream.service")
    assert "Wants=network-online.target" in unit("trading-bot.service")
    started = "systemctl start --no-block trading-bot-stream.service trading-web.service"
    [once] = [line for line in unit("trading-secrets.service") if started in line]
    assert "mkdir /run/trading/started" in once
    wanted = {
        word
        for name, file in files(spot()).items()
        if name.endswith(".service") and name in started
        for line in file.text.splitlines()
        if line.startswith(("Wants=", "Requires="))
        for word in line.partition("=")[2].split()
    }
    assert "trading-secrets.service" not in wanted


def test_every_job_has_a_log_of_its_own() -> None:
    agent = json.loads(files()["agent.json"].text)
    streams = {
        Path(entry["file_path"]).name: entry["log_stream_name"]
        for entry in agent["logs"]["logs_collected"]["files"]["collect_list"]
        if entry["log_group_name"] == "${BotLogGroup}"
    }
    names = ("bot", "bot-rebalance", "bot-stream", "bot-report", "web")
    assert streams == {f"{name}.log": f"{{instance_id}}/{name}" for name in names}
    assert "StandardOutput=append:/var/log/trading-bot/bot-report.log" in unit(
        "trading-bot-report.service"
    )


def test_runs_are_looked_for_after_each_time() -> None:
    times = [line for line in unit("trading-check.timer") if line.startswith("OnCalendar=")]
    clocks = ("08:55", "09:05", "09:10", "15:25", "15:30", "18:05")
    assert times == [f"OnCalendar=*-*-* {clock}:00 Asia/Seoul" for clock in clocks]


def test_the_keys_are_loaded_before_each_time() -> None:
    """Of a job that is repeated, before the first of a day."""
    times = [line for line in unit("trading-secrets.timer") if line.startswith("OnCalendar=")]
    clocks = ("08:45", "08:55", "09:00", "15:15", "17:55")
    assert times == [f"OnCalendar=Mon..Fri {clock}:00 Asia/Seoul" for clock in clocks]


def test_the_keys_of_a_job_at_midnight_are_loaded_the_day_before() -> None:
    jobs = [{"name": "bot", "entrypoint": "a.py", "at": ["00:02"], "market": False}]
    times = [line for line in unit("trading-secrets.timer", jobs=jobs) if "OnCalendar" in line]
    assert times == ["OnCalendar=Mon..Thu,Sun 23:57:00 Asia/Seoul"]


def test_further_folders_open_and_nothing_else() -> None:
    for name in (*SERVICES, "trading-web.service"):
        lines = unit(name, writable=["/srv/data", "~/KIS/config"])
        assert [line for line in lines if "ReadWritePaths" in line] == ["ReadWritePaths=-/srv/data"]
        assert "StateDirectory=trading-bot" in lines
    settings = files(writable=["/srv/data", "~/KIS/config"])["stack.env"].text
    assert 'WRITABLE="/srv/data /var/lib/trading-bot/KIS/config"' in settings


class TestTakeTurn:
    def test_the_command_runs_as_it_is(self, script: Script, tmp_path: Path) -> None:
        result = script("take-turn", "account", "printf", "%s|", "two words", TURNS=str(tmp_path))
        assert result.stdout == "two words|"

    def test_its_exit_code_is_the_commands(self, script: Script, tmp_path: Path) -> None:
        result = script("take-turn", "account", "bash", "-c", "exit 7", TURNS=str(tmp_path))
        assert result.returncode == 7

    @pytest.mark.parametrize(
        ("brake", "gate", "code", "expected"),
        [
            ("running", "true", 0, "ran\n"),
            ("running", "false", 75, ""),
            # Paused while it waited: --let-finish is for what is at work.
            ("paused until 2999-01-01", "true", 0,
             "brake: paused until 2999-01-01\ntake-turn: left out\n"),
        ],
    )  # fmt: skip
    def test_a_job_waits_and_asks_brake_and_market_again(
        self, tmp_path: Path, brake: str, gate: str, code: int, expected: str
    ) -> None:
        environment = {"PATH": "/usr/bin:/bin", "TURNS": str(tmp_path), "MARKET_GATE": gate}
        environment |= set_brake(tmp_path, brake)

        def start(*command: str) -> "subprocess.Popen[str]":
            pipe = subprocess.PIPE
            return subprocess.Popen(
                ["bash", SCRIPTS / "take-turn", "account", *command],
                env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True,
            )  # fmt: skip

        held = start("bash", "-c", "echo held; read")
        assert held.stdout
        assert held.stdout.readline() == "held\n"
        waiting = start("echo", "ran")
        assert waiting.stdout
        assert waiting.stdout.readline() == "take-turn: waits for another job of account\n"
        held.communicate("\n")
        said, wrong = waiting.communicate()
        assert waiting.returncode == code
        assert said == expected
        assert ("the session ended meanwhile" in wrong) == bool(code)

    def test_another_group_does_not_wait(self, script: Script, tmp_path: Path) -> None:
        line = f"bash {SCRIPTS}/take-turn other echo ran"
        result = script("take-turn", "account", "bash", "-c", line, TURNS=str(tmp_path))
        assert result.stdout == "ran\n"


class TestReportFailure:
    @pytest.fixture
    def report(self, stands: Stands, tmp_path: Path) -> Any:
        lib = tmp_path / "lib"
        lib.mkdir()
        (lib / "report-failure").write_text((SCRIPTS / "report-failure").read_text())
        tell = lib / "tell"
        tell.write_text(f'#!/bin/bash\nprintf "%s|%s" "$1" "$2" >{tmp_path}/told\n')
        tell.chmod(0o755)

        def report(
            name: str, log: str = "", restart: str = "on-failure", result: str = "exit-code"
        ) -> tuple[str, str]:
            answers = f"Result) echo {result};; ExecMainStatus) echo 1;; Restart) echo {restart};;"
            stands.add("systemctl", f'case "${{2#--property=}}" in {answers} esac')
            (tmp_path / f"{name}.log").write_text(log)
            done = subprocess.run(
                ["bash", lib / "report-failure", f"trading-{name}.service"],
                env={"PATH": f"{stands.folder}:/usr/bin:/bin", "LOGS": str(tmp_path)},
                capture_output=True,
                text=True,
                check=True,
            )
            assert not done.stderr
            return done.stdout.strip(), (tmp_path / "told").read_text()

        return report

    def test_it_names_the_unit_and_how_it_ended(self, report: Any) -> None:
        said, told = report("bot-rebalance")
        assert said == "ERROR trading-bot-rebalance.service failed: exit-code, exit status 1"
        assert told == f"Trading bot: trading-bot-rebalance.service failed|{said[6:]}"

    @pytest.mark.parametrize(
        "line",
        [
            "OSError: [Errno 30] Read-only file system: '/opt/data/logs'",
            "PermissionError: [Errno 13] Permission denied: '/opt/data/logs'",
            "mkdir: cannot create directory: /opt/data/logs: Read-only file system",
        ],
    )
    def test_it_names_the_path_and_the_key(self, report: Any, line: str) -> None:
        said, told = report("bot", f"Traceback (most recent call last):\n{line}\n")
        for text in (said, told):
            assert (
                "It may not write to /opt/data/logs: name a folder for it in bot.writable" in text
            )

    def test_it_tells_of_a_call_that_the_unit_forbids(self, report: Any) -> None:
        said, _ = report("bot", "PermissionError: [Errno 1] Operation not permitted\n")
        assert "a system call that its unit forbids" in said

    def test_it_tells_of_a_run_that_was_killed_for_its_memory(self, report: Any) -> None:
        said, told = report("bot", result="oom-kill")
        for text in (said, told):
            assert 'needed more memory than its share of the host (docs/jobs.md, "Memory")' in text

    def test_it_says_where_nothing_is_tried_again(self, report: Any) -> None:
        said, _ = report("bot", restart="no")
        assert "It is not tried again (retries = 0): see first whether it sent an order" in said
        said, _ = report("web", restart="no")
        assert "retries" not in said
