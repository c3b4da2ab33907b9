"""The look whether jobs ran, and the making up for those that missed their time, for real."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cfgen.config.load import make_config
from cfgen.config.schema import Config
from cfgen.host.jobs import jobs_json
from cfgen.host.market import market_json
from tests.cfgen.host.conftest import Script, Stands, set_brake

SEOUL = ZoneInfo("Asia/Seoul")
START = "systemctl start --no-block trading-bot.service"
# A Wednesday on which the Korea Exchange trades, and the day of rest after it.
WEDNESDAY, HOLIDAY = "2026-12-23", "2026-12-25"


def seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=SEOUL).timestamp())


class Host:
    """A host's settings, and what its systemd says of every unit."""

    def __init__(self, script: Script, stands: Stands, folder: Path) -> None:
        self._script = script
        self.stands = stands
        self.folder = folder
        self.brake = "running"
        self.is_in("dead")
        self.configure({})
        (folder / "env").touch()

    def configure(self, raw: dict[str, Any]) -> Config:
        config = make_config(raw, "test")
        (self.folder / "jobs.json").write_text(jobs_json(config))
        (self.folder / "market.json").write_text(market_json(config, 2026))
        return config

    def is_in(
        self, state: str, began: str = "", ended: str = "", result: str = "success", code: int = 0
    ) -> None:
        times = {"Start": began, "Exit": ended}
        shown = [f"SubState={state}", f"Result={result}", f"ExecMainStatus={code}"] + [
            f"ExecMain{which}Timestamp={f'@{seconds(moment)}' if moment else ''}"
            for which, moment in times.items()
        ]
        lines = "\n".join(f"echo {line}" for line in shown)
        lines = f"[ $1 = show ] || exit 0\n{lines}"
        self.stands.add("systemctl", lines)

    def mark(self, which: str, moment: str, text: str = "") -> None:
        """What a run left behind, on this host or the one before it."""
        path = self.folder / f"last-{which}-bot"
        path.write_text(text)
        os.utime(path, (seconds(moment), seconds(moment)))

    def run(self, action: str, moment: str) -> tuple[int, str]:
        folder = str(self.folder)
        program = {"check": "check-run", "late": "start-late"}[action]
        places = {"SETTINGS": folder, "DATA": folder, "KEYS": folder, "GRACE_SECONDS": "0"}
        places |= set_brake(self.folder, self.brake)
        result = self._script(program, f"{moment}+09:00", **places)
        assert not result.stderr
        return result.returncode, result.stdout


@pytest.fixture
def host(script: Script, stands: Stands, tmp_path: Path) -> Host:
    return Host(script, stands, tmp_path)


def two_times(**more: Any) -> dict[str, Any]:
    job = {"name": "bot", "entrypoint": "a.py", "at": ["09:05", "15:20"], **more}
    return {"bot": {"jobs": [job]}}


class TestCheck:
    @pytest.mark.parametrize(
        ("state", "began", "ended", "said"),
        [
            ("start", f"{WEDNESDAY}T09:00", "", "it is running"),
            ("dead", f"{WEDNESDAY}T09:00", f"{WEDNESDAY}T09:01", "it ran at 09:00:00"),
        ],
    )
    def test_a_run_is_accounted_for(
        self, host: Host, state: str, began: str, ended: str, said: str
    ) -> None:
        host.is_in(state, began, ended)
        assert host.run("check", f"{WEDNESDAY}T09:05") == (0, f"check-run: ok: bot: {said}\n")

    @pytest.mark.parametrize("code", [15, 143])
    def test_an_orderly_stop_is_said(self, host: Host, code: int) -> None:
        host.is_in("dead", f"{WEDNESDAY}T09:00", f"{WEDNESDAY}T09:01", code=code)
        assert host.run("check", f"{WEDNESDAY}T09:05")[1].endswith("at 09:00:00, and was stopped\n")

    def test_a_run_before_a_reboot_counts(self, host: Host) -> None:
        host.mark("run", f"{WEDNESDAY}T09:00")
        host.mark("end", f"{WEDNESDAY}T09:01", "run-ended: bot success 0\n")
        assert host.run("check", f"{WEDNESDAY}T09:05")[0] == 0

    @pytest.mark.parametrize(
        ("ended", "said"),
        [
            ("2026-12-22T09:01", "was cut short with its host: see whether it sent an order"),
            (f"{WEDNESDAY}T09:01", "failed (exit-code)"),
        ],
    )
    def test_a_run_that_its_host_did_not_survive_is_an_error(
        self, host: Host, ended: str, said: str
    ) -> None:
        host.mark("run", f"{WEDNESDAY}T09:00")
        host.mark("end", ended, "run-ended: bot exit-code 1\n")
        code, line = host.run("check", f"{WEDNESDAY}T09:05")
        assert code == 1
        assert f"the run of 09:00 {said}" in line

    def test_missing_keys_are_named(self, host: Host) -> None:
        (host.folder / "env").unlink()
        assert (
            "no keys are loaded: cfgen secret check" in host.run("check", f"{WEDNESDAY}T09:05")[1]
        )

    def test_a_bot_that_stays_up_was_started_days_ago(self, host: Host) -> None:
        host.configure({"bot": {"kind": "service"}})
        host.is_in("running", "2026-12-01T09:00")
        assert host.run("check", f"{WEDNESDAY}T09:05")[0] == 0

    @pytest.mark.parametrize(
        ("state", "began", "ended", "result", "said"),
        [
            ("dead", "", "", "success", "did not begin"),
            ("dead", "2026-12-22T09:00", "2026-12-22T09:01", "success", "did not begin"),
            # A bot that hung yesterday, and one that crashes again and again.
            ("start", "2026-12-22T09:00", "", "success", "did not begin"),
            ("auto-restart", f"{WEDNESDAY}T09:01", f"{WEDNESDAY}T09:02", "exit-code", "failed"),
            ("failed", f"{WEDNESDAY}T09:00", f"{WEDNESDAY}T09:01", "timeout", "failed (timeout)"),
        ],
    )
    def test_a_missing_run_is_an_error(
        self, host: Host, state: str, began: str, ended: str, result: str, said: str
    ) -> None:
        host.is_in(state, began, ended, result)
        code, line = host.run("check", f"{WEDNESDAY}T09:05")
        assert code == 1
        assert line.startswith(f"ERROR check-run: bot: the run of 09:00 {said}")

    def test_a_day_without_trading_is_accounted_for(self, host: Host) -> None:
        code, line = host.run("check", f"{HOLIDAY}T09:05")
        assert (code, line) == (
            0,
            f"check-run: ok: bot: closed today: {HOLIDAY} is a holiday\n",
        )

    def test_a_weekday_on_which_no_run_is_wanted(self, host: Host) -> None:
        host.configure({"bot": {"days": "Mon"}})
        assert host.run("check", f"{WEDNESDAY}T09:05") == (
            0,
            "check-run: ok: bot: no run was due\n",
        )

    def test_a_calendar_that_cannot_be_read_is_an_error(self, host: Host) -> None:
        (host.folder / "market.json").write_text("{}")
        code, line = host.run("check", f"{WEDNESDAY}T09:05")
        assert code == 1
        assert line.startswith("ERROR check-run: bot: ERROR cannot tell")

    def test_it_is_the_last_time_that_counts(self, host: Host) -> None:
        host.configure(two_times())
        host.is_in("dead", f"{WEDNESDAY}T09:05", f"{WEDNESDAY}T09:06")
        assert host.run("check", f"{WEDNESDAY}T09:10")[0] == 0
        code, line = host.run("check", f"{WEDNESDAY}T15:25")
        assert code == 1
        assert "the run of 15:20 did not begin" in line

    def test_each_job_is_told_of(self, host: Host) -> None:
        jobs = [
            {"name": "buy", "entrypoint": "a.py", "at": ["09:05"]},
            {"name": "report", "entrypoint": "b.py", "at": ["18:00"], "market": False},
        ]
        host.configure({"bot": {"jobs": jobs}})
        host.is_in("dead", f"{WEDNESDAY}T09:05", f"{WEDNESDAY}T09:06")
        code, said = host.run("check", f"{WEDNESDAY}T18:05")
        assert code == 1
        # It was looked at after its own time.
        assert said.splitlines()[0] == "check-run: ok: buy: no run was due"
        assert said.splitlines()[1].startswith("ERROR check-run: report: the run of 18:00")

    def test_a_run_just_before_midnight_is_looked_for_after_it(self, host: Host) -> None:
        host.configure(two_times(at=["23:57"], market=False))
        host.is_in("dead", f"{WEDNESDAY}T23:57", f"{WEDNESDAY}T23:58")
        assert host.run("check", "2026-12-24T00:02")[0] == 0

    def test_a_job_that_is_repeated(self, host: Host) -> None:
        job = {"name": "bot", "entrypoint": "a.py", "every": "5min"}
        host.configure({"bot": {"jobs": [job]}})
        host.is_in("dead", f"{WEDNESDAY}T10:25", f"{WEDNESDAY}T10:26")
        assert host.run("check", f"{WEDNESDAY}T10:30")[0] == 0
        assert host.run("check", f"{WEDNESDAY}T10:40")[0] == 1

    def test_a_paused_day_is_accounted_for(self, host: Host) -> None:
        host.brake = "paused until 2999-01-01"
        said = "check-run: ok: bot: paused until 2999-01-01\n"
        assert host.run("check", f"{WEDNESDAY}T09:05") == (0, said)
        host.brake = "paused until 2020-01-01"
        assert host.run("check", f"{WEDNESDAY}T09:05")[0] == 1

    def test_a_pause_does_not_hide_a_run_that_began(self, host: Host) -> None:
        host.brake = "paused"
        host.is_in("start", f"{WEDNESDAY}T09:00")
        assert "it is running" in host.run("check", f"{WEDNESDAY}T09:05")[1]

    @pytest.mark.parametrize(("skipped", "code"), [(WEDNESDAY, 0), ("2026-12-22", 1)])
    def test_a_run_that_was_left_out_stays_so_after_a_resume(
        self, host: Host, skipped: str, code: int
    ) -> None:
        host.mark("pause", f"{skipped}T09:00")
        assert host.run("check", f"{WEDNESDAY}T09:05")[0] == code

    def test_a_value_that_was_never_known_is_no_pause(self, host: Host) -> None:
        host.brake = ""
        code, line = host.run("check", f"{WEDNESDAY}T09:05")
        assert code == 1
        assert line.startswith("ERROR check-run: bot: the run of 09:00 did not begin")

    def test_a_host_that_has_just_booted_is_not_asked_for_yesterdays_runs(self, host: Host) -> None:
        host.configure(two_times(at=["15:20"]))
        code, line = host.run("check", "2026-12-24T09:10")
        assert (code, line) == (0, "check-run: ok: bot: no run was due\n")


def started(host: Host) -> list[str]:
    return [call for call in host.stands.calls if "start" in call]


class TestLate:
    def test_a_run_that_was_left_out_is_not_made_up_for(self, host: Host) -> None:
        host.mark("pause", f"{WEDNESDAY}T09:00")
        assert "it was paused then" in host.run("late", f"{WEDNESDAY}T09:30")[1]
        assert started(host) == []

    def test_a_missed_run_is_made_up_for_and_looked_at(self, host: Host) -> None:
        said = host.run("late", f"{WEDNESDAY}T09:30")[1].splitlines()
        assert started(host) == [START]
        assert said[0] == "start-late: bot: it missed 09:00, and starts now"
        # The stand-in of systemd started nothing.
        assert said[1].startswith("ERROR check-run: bot: the run of 09:00 did not begin")

    def test_a_run_that_was_made_up_for_is_the_days_run(self, host: Host) -> None:
        host.is_in("dead", f"{WEDNESDAY}T09:31", f"{WEDNESDAY}T09:32")
        said = host.run("late", f"{WEDNESDAY}T09:30")[1].splitlines()
        assert said[1:] == ["check-run: ok: bot: it ran at 09:31:00"]

    def test_yesterdays_run_does_not_count(self, host: Host) -> None:
        host.mark("run", "2026-12-22T09:00")
        host.run("late", f"{WEDNESDAY}T09:30")
        assert started(host) == [START]

    def test_a_run_that_ended_is_not_repeated(self, host: Host) -> None:
        host.mark("run", f"{WEDNESDAY}T09:00")
        host.mark("end", f"{WEDNESDAY}T09:01", "run-ended: bot success TERM\n")
        said = host.run("late", f"{WEDNESDAY}T09:30")[1]
        assert "already" in said
        # The host before this one may have gone before it could say so.
        assert "check-run: ok: bot: it ran at 09:00:00" in said
        assert started(host) == []

    def test_a_run_that_is_at_work_is_not_repeated(self, host: Host) -> None:
        host.mark("run", f"{WEDNESDAY}T09:00")
        host.is_in("start", f"{WEDNESDAY}T09:00")
        assert "check-run: ok: bot: it is running" in host.run("late", f"{WEDNESDAY}T09:00:10")[1]
        assert started(host) == []

    @pytest.mark.parametrize(("mode", "again"), [("demo", [START]), ("real", [])])
    def test_a_run_that_a_power_cut_ended_has_failed(
        self, host: Host, mode: str, again: list[str]
    ) -> None:
        """Tried again as a failed run is: never with real money, where it may have ordered."""
        host.configure({"bot": {"mode": mode}})
        host.mark("end", "2026-12-22T09:01", "run-ended: bot success 0\n")
        host.mark("run", f"{WEDNESDAY}T09:00")
        said = host.run("late", f"{WEDNESDAY}T09:10")[1]
        assert started(host) == again
        assert "ERROR check-run: bot: the run of 09:00 was cut short" in said

    def test_the_morning_does_not_stand_for_the_afternoon(self, host: Host) -> None:
        host.configure(two_times())
        host.mark("run", f"{WEDNESDAY}T09:05")
        assert "it missed 15:20" in host.run("late", f"{WEDNESDAY}T15:25")[1]

    @pytest.mark.parametrize("moment", [f"{WEDNESDAY}T16:00", f"{HOLIDAY}T09:30"])
    def test_outside_the_session_nothing_is_late(self, host: Host, moment: str) -> None:
        assert host.run("late", moment) == (0, "")
        assert started(host) == []

    def test_yesterdays_close_is_no_time_of_todays_session(self, host: Host) -> None:
        host.configure(two_times(at=["15:20"]))
        assert host.run("late", f"{WEDNESDAY}T10:00") == (0, "")
        assert started(host) == []

    @pytest.mark.parametrize(
        "raw",
        [
            {"bot": {"days": "Mon"}},
            {"bot": {"jobs": [{"name": "bot", "entrypoint": "a.py", "every": "5min"}]}},
        ],
    )
    def test_there_is_nothing_to_make_up_for(self, host: Host, raw: dict[str, Any]) -> None:
        host.configure(raw)
        assert host.run("late", f"{WEDNESDAY}T09:30") == (0, "")
        assert started(host) == []

    @pytest.mark.parametrize(("state", "said"), [("running", "ok"), ("dead", "ERROR")])
    def test_a_bot_that_stays_up_is_looked_at_only(self, host: Host, state: str, said: str) -> None:
        host.configure({"bot": {"kind": "service"}})
        host.is_in(state, f"{WEDNESDAY}T09:20" if state == "running" else "")
        assert said in host.run("late", f"{WEDNESDAY}T09:30")[1]
        assert started(host) == []


def test_what_the_script_reads_has_a_job_a_line() -> None:
    jobs = [{"name": name, "entrypoint": "a.py"} for name in ("a", "b")]
    text = jobs_json(make_config({"bot": {"jobs": jobs}}, "test"))
    assert [json.loads(line.strip("[],"))["name"] for line in text.splitlines()] == ["a", "b"]
