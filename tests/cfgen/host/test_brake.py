"""The brake on the host, for real: what it lets run, what it reads, and what it stops."""

import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cfgen.config.load import make_config
from cfgen.host.render import host_files
from tests.cfgen.host.conftest import SCRIPTS, Script, Stands, set_brake
from tests.trees import plan

SERVICES = "trading-bot.service trading-bot-stream.service"
TODAY = datetime.now(UTC).astimezone(ZoneInfo("Asia/Seoul")).date()
# Midnight may come while the tests run.
YESTERDAY, LATER = (f"{TODAY + timedelta(days):%F}" for days in (-1, 2))


def answers(stands: Stands, value: str, exit_code: int = 0) -> None:
    stands.add("aws", f"echo '{value}'; exit {exit_code}")


class TestDecision:
    @pytest.mark.parametrize(
        ("value", "code", "said"),
        [
            ("running", 0, ""),
            ("paused", 1, "brake: paused\n"),
            (f"paused until {LATER}", 1, f"brake: paused until {LATER}\n"),
            # On that day runs begin again.
            (f"paused until {YESTERDAY}", 0, ""),
        ],
    )
    def test_a_value_decides(
        self, script: Script, tmp_path: Path, value: str, code: int, said: str
    ) -> None:
        result = script("brake", "bot", **set_brake(tmp_path, value))
        assert (result.returncode, result.stdout, result.stderr) == (code, said, "")
        assert (tmp_path / "last-pause-bot").exists() == (code == 1)

    def test_the_day_is_the_bots(self, script: Script, tmp_path: Path) -> None:
        """Of two zones that are never on the same day, each has its own."""
        settings = set_brake(tmp_path, "")
        days = {}
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
            day = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
            (tmp_path / "stack.env").write_text(f'BRAKE="x"\nTIMEZONE="{zone}"\nSERVICES=""\n')
            for ahead in (0, 1):
                (tmp_path / "brake/value").write_text(f"paused until {day + timedelta(ahead)}\n")
                days[zone, ahead] = script("brake", **settings).returncode
        assert list(days.values()) == [0, 1, 0, 1]

    def test_asked_without_a_job_it_leaves_no_mark(self, script: Script, tmp_path: Path) -> None:
        assert script("brake", **set_brake(tmp_path, "paused")).returncode == 1
        assert not list(tmp_path.glob("last-pause-*"))

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ("", "ERROR brake: parameter CFN-Brake-1 could not be read since this host started"),
            ("puased", "ERROR brake: parameter CFN-Brake-1 holds 'puased': set it by cfgen"),
        ],
    )
    def test_what_cannot_be_told_is_no_skip_but_a_failure(
        self, script: Script, tmp_path: Path, value: str, said: str
    ) -> None:
        result = script("brake", "bot", **set_brake(tmp_path, value))
        assert result.returncode == 255
        assert result.stdout.startswith(said)

    def test_without_its_settings_it_fails(self, script: Script, tmp_path: Path) -> None:
        assert script("brake", "bot", SETTINGS=str(tmp_path)).returncode == 255


class TestReading:
    ASKED = (
        "aws ssm get-parameter --region ap-northeast-2 --cli-connect-timeout 3 "
        "--cli-read-timeout 5 --name CFN-Brake-1 --query Parameter.Value --output text"
    )

    def age(self, settings: dict[str, str], seconds: int) -> None:
        moment = time.time() - seconds
        os.utime(settings["KEPT"], (moment, moment))

    def test_the_value_is_kept(self, script: Script, stands: Stands, tmp_path: Path) -> None:
        settings = set_brake(tmp_path, "")
        (tmp_path / "brake").rmdir()
        answers(stands, "paused")
        result = script("brake", "read", "0", **settings)
        assert (result.returncode, result.stdout) == (0, "brake: paused\n")
        assert stands.calls == [self.ASKED]
        assert Path(settings["KEPT"]).read_text() == "paused\n"
        assert [one.name for one in (tmp_path / "brake").iterdir()] == ["value"]

    @pytest.mark.parametrize(("age", "calls"), [(600, 0), (700, 1)])
    def test_a_fresh_value_costs_no_call(
        self, script: Script, stands: Stands, tmp_path: Path, age: int, calls: int
    ) -> None:
        settings = set_brake(tmp_path, "running")
        self.age(settings, age)
        answers(stands, "running")
        assert script("brake", "read", "660", **settings).returncode == 0
        assert len(stands.calls) == calls
        # And counts as read now.
        assert script("brake", "read", "660", **settings).returncode == 0
        assert len(stands.calls) == calls

    def test_the_last_value_counts_while_it_cannot_be_read(
        self, script: Script, stands: Stands, tmp_path: Path
    ) -> None:
        settings = set_brake(tmp_path, "paused")
        self.age(settings, 90000)
        answers(stands, "", 255)
        result = script("brake", "read", "660", **settings)
        assert result.returncode == 0
        assert "cannot read parameter CFN-Brake-1; its last value counts: paused" in result.stdout
        assert script("brake", **settings).returncode == 1
        # It is asked for again before the next run.
        script("brake", "read", "660", **settings)
        assert len(stands.calls) == 2

    def test_a_value_that_was_never_known(
        self, script: Script, stands: Stands, tmp_path: Path
    ) -> None:
        settings = set_brake(tmp_path, "")
        answers(stands, "", 255)
        assert script("brake", "read", "0", **settings).returncode == 1
        assert script("brake", **settings).returncode == 255

    def test_a_call_that_hangs_is_given_up(
        self, script: Script, stands: Stands, tmp_path: Path
    ) -> None:
        # The stand-in ends with its child, as the CLI does by the signal.
        stands.add("aws", "exec sleep 60")
        begun = time.monotonic()
        assert script("brake", "read", "0", **set_brake(tmp_path, "running")).returncode == 0
        assert 9 < time.monotonic() - begun < 20

    def test_what_was_read_before_does_not_replace_what_cfgen_wrote_since(
        self, script: Script, stands: Stands, tmp_path: Path
    ) -> None:
        settings = set_brake(tmp_path, "running")
        answered = tmp_path / "answered"
        stands.add("aws", f"touch {answered}; sleep 1; echo running")
        command = ["bash", str(SCRIPTS / "brake")]
        environment = {"PATH": f"{stands.folder}:/usr/bin:/bin", **settings}
        with subprocess.Popen([*command, "read", "0"], env=environment) as reading:
            while not answered.exists():
                time.sleep(0.01)
            result = script("brake", "write", "paused", **settings)
            assert reading.wait() == 0
        assert result.returncode == 0
        assert Path(settings["KEPT"]).read_text() == "paused\n"


class TestServices:
    @pytest.mark.parametrize("how", ["read", "write"])
    @pytest.mark.parametrize(
        ("before", "value", "call"),
        [
            ("running", "paused", f"systemctl stop {SERVICES}"),
            ("running", f"paused until {LATER}", f"systemctl stop {SERVICES}"),
            # Whoever started it by hand meanwhile.
            ("paused", "paused", f"systemctl stop {SERVICES}"),
            # A host that has just started: it was started by its own boot.
            ("", "running", None),
            ("running", "running", None),
            ("paused", "running", f"systemctl start --no-block {SERVICES}"),
            (f"paused until {LATER}", "running", f"systemctl start --no-block {SERVICES}"),
            # It comes back at its timer's next time, and not every ten minutes.
            (f"paused until {YESTERDAY}", f"paused until {YESTERDAY}", None),
            ("running", "puased", f"systemctl stop {SERVICES}"),
        ],
    )
    def test_what_stays_up_goes_and_comes_with_the_brake(
        self, script: Script, stands: Stands, tmp_path: Path,
        how: str, before: str, value: str, call: str | None,
    ) -> None:  # fmt: skip
        settings = set_brake(tmp_path, before, SERVICES)
        answers(stands, value)
        stands.add("systemctl")
        argument = "0" if how == "read" else value
        assert script("brake", how, argument, **settings).returncode == 0
        assert [one for one in stands.calls if not one.startswith("aws")] == (
            [call] if call else []
        )

    def test_daily_runs_at_work_are_left_alone(
        self, script: Script, stands: Stands, tmp_path: Path
    ) -> None:
        stands.add("systemctl")
        script("brake", "write", "paused", **set_brake(tmp_path, "running"))
        assert stands.calls == []


class TestUnits:
    def test_every_job_asks_the_brake_before_the_market(self) -> None:
        jobs = [{"name": name, "entrypoint": "a.py"} for name in ("bot", "report")]
        jobs[1]["market"] = False  # type: ignore[assignment]
        config = make_config({"bot": {"jobs": jobs}}, "test")
        texts = {Path(one.path).name: one.text for one in host_files(config, plan(), 2026)}
        for name, unit in (("bot", "trading-bot"), ("report", "trading-bot-report")):
            lines = texts[f"{unit}.service"].splitlines()
            conditions = [line for line in lines if line.startswith("ExecCondition=")]
            assert conditions[0] == f"ExecCondition=/usr/local/lib/trading-bot/brake {name}"
            assert "Wants=trading-brake@660.service" in lines
            assert "After=trading-brake@660.service" in lines

    def test_a_value_is_fresh_at_every_full_five_minutes(self) -> None:
        """By systemd's own calendar: the timer's period is less than the age that counts."""
        texts = {
            Path(one.path).name: one.text
            for one in host_files(make_config({}, "test"), plan(), 2026)
        }
        timer = texts["trading-brake.timer"].splitlines()
        event = next(line for line in timer if line.startswith("OnCalendar=")).partition("=")[2]
        said = subprocess.run(
            ["systemd-analyze", "calendar", "--iterations=4", event],
            capture_output=True, text=True, check=True, env={**os.environ, "TZ": "UTC"},
        ).stdout  # fmt: skip
        minutes = [
            line.split(":")[-2]
            for line in said.splitlines()
            if ": " in line and line.endswith(":00 UTC")
        ][-4:]
        assert len(minutes) == 4
        assert {int(minute) % 10 for minute in minutes} == {4}
        assert "Unit=trading-brake@0.service" in timer
