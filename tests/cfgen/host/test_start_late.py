"""A Spot host that comes up after the bot's time."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.cfgen.host.conftest import Script, Stands

START = "systemctl start --no-block trading-bot.service"


def run(script: Script, tmp_path: Path, **settings: str) -> str:
    usual = {"BOT_KIND": "daily", "RUN_AT": "00:00", "RUN_DAYS": "1234567"}
    result = script("start-late", **{**usual, "DATA": str(tmp_path), **settings})
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def bot(stands: Stands) -> Stands:
    stands.add("systemctl")
    return stands


def ran(tmp_path: Path, *, days_ago: int) -> None:
    mark = tmp_path / "last-run"
    mark.touch()
    moment = (datetime.now(ZoneInfo("Asia/Seoul")) - timedelta(days=days_ago)).timestamp()
    os.utime(mark, (moment, moment))


def test_a_missed_run_is_made_up_for(script: Script, tmp_path: Path, bot: Stands) -> None:
    assert "starts now" in run(script, tmp_path)
    assert bot.calls == [START]


def test_yesterdays_run_does_not_count(script: Script, tmp_path: Path, bot: Stands) -> None:
    ran(tmp_path, days_ago=1)
    run(script, tmp_path)
    assert bot.calls == [START]


def test_a_run_that_began_today_is_not_repeated(
    script: Script, tmp_path: Path, bot: Stands
) -> None:
    ran(tmp_path, days_ago=0)
    assert "already" in run(script, tmp_path)
    assert bot.calls == []


@pytest.mark.parametrize(
    "settings", [{"RUN_AT": "24:00"}, {"BOT_KIND": "service"}, {"RUN_DAYS": ""}]
)
def test_there_is_nothing_to_make_up_for(
    script: Script, tmp_path: Path, bot: Stands, settings: dict[str, str]
) -> None:
    assert "nothing to make up for" in run(script, tmp_path, **settings)
    assert bot.calls == []
