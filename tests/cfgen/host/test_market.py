"""The market gate, run for real against the calendar that the host gets."""

import json
import subprocess
import sys
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgen.config.load import make_config
from cfgen.errors import ConfigError
from cfgen.host.market import market_json

GATE = Path(str(resources.files("cfgen.host").joinpath("scripts/market-gate")))
SKIPPED, FAILED = 1, 255


def gate(
    tmp_path: Path, moment: str, *, text: str | None = None, early: int = 0, **sections: Any
) -> "subprocess.CompletedProcess[str]":
    path = tmp_path / "market.json"
    path.write_text(text if text is not None else market_json(make_config(sections, "test"), 2026))
    options = ["--early", str(early)] if early else []
    line = [sys.executable, str(GATE), *options, str(path), moment]
    return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("moment", "code", "words"),
    [
        ("2026-11-23T09:00:00+09:00", 0, "open"),
        ("2026-11-23T15:30:00+09:00", 0, "open"),
        ("2026-11-23T00:00:01+00:00", 0, "open"),
        ("2026-11-23T08:59:59+09:00", SKIPPED, "closed now: 08:59 is not from 09:00 to 15:30"),
        # The timer takes a second: a run at the close belongs to it.
        ("2026-11-23T15:30:59+09:00", 0, "open"),
        ("2026-11-23T15:31:00+09:00", SKIPPED, "15:31 is not from"),
        ("2026-11-23T09:00:00+00:00", SKIPPED, "18:00 is not from"),
        ("2026-11-21T10:00:00+09:00", SKIPPED, "closed today: 2026-11-2"),
        ("2026-11-22T10:00:00+09:00", SKIPPED, "weekend"),
        # The New Year's days by the moon, elections, Constitution Day and the year's last day.
        ("2026-02-17T10:00:00+09:00", SKIPPED, "holiday"),
        ("2026-06-03T10:00:00+09:00", SKIPPED, "holiday"),
        ("2026-07-17T10:00:00+09:00", SKIPPED, "holiday"),
        ("2026-12-31T10:00:00+09:00", SKIPPED, "holiday"),
        ("2027-02-09T10:00:00+09:00", SKIPPED, "holiday"),
        ("2028-10-05T10:00:00+09:00", SKIPPED, "holiday"),
        ("2028-12-28T10:00:00+09:00", 0, "open"),
        ("2029-01-02T10:00:00+09:00", FAILED, "does not know 2029-01-02"),
        ("2025-12-30T10:00:00+09:00", FAILED, "does not know 2025-12-30"),
    ],
)
def test_a_table_of_moments(tmp_path: Path, moment: str, code: int, words: str) -> None:
    result = gate(tmp_path, moment)
    assert result.returncode == code
    assert words in result.stdout
    # What needs somebody's eye rings the alarm on errors.
    assert result.stdout.startswith("ERROR market-gate: " if code == FAILED else "market-gate: ")
    assert result.stderr == ""


def test_the_owner_adds_and_takes_away_days(tmp_path: Path) -> None:
    market = {"closed": ["2026-11-23"], "open": ["2026-11-21", "2026-12-31"]}
    assert gate(tmp_path, "2026-11-23T10:00:00+09:00", market=market).returncode == SKIPPED
    assert gate(tmp_path, "2026-11-21T10:00:00+09:00", market=market).returncode == 0
    assert gate(tmp_path, "2026-12-31T10:00:00+09:00", market=market).returncode == 0


def test_a_job_may_start_before_the_opening(tmp_path: Path) -> None:
    late = {"session": "10:00-11:30,12:30-16:00"}
    bot = {"run_at": "10:00"}
    for moment, early, code in (
        ("2026-11-19T09:30:00+09:00", 0, SKIPPED),
        ("2026-11-19T09:30:00+09:00", 30, 0),
        ("2026-11-19T09:29:59+09:00", 30, SKIPPED),
        # Not before the second session of a day.
        ("2026-11-19T12:15:00+09:00", 30, SKIPPED),
    ):
        assert gate(tmp_path, moment, early=early, market=late, bot=bot).returncode == code, moment
    result = gate(tmp_path, "2026-11-19T12:00:00+09:00", market=late, bot=bot)
    assert "12:00 is not from 10:00 to 11:30 or from 12:30 to 16:00" in result.stdout


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", '{"timezone": "Mars/Olympus"}',
     '{"timezone": "Asia/Seoul", "from": "x", "to": "y"}'],
)  # fmt: skip
def test_a_broken_calendar_fails_and_says_so(tmp_path: Path, text: str) -> None:
    result = gate(tmp_path, "2026-11-23T10:00:00+09:00", text=text)
    assert result.returncode == FAILED
    assert "market-gate: cannot tell: " in result.stdout
    assert result.stderr == ""


def test_no_calendar_fails_and_says_so(tmp_path: Path) -> None:
    line = [sys.executable, str(GATE), str(tmp_path / "none.json")]
    result = subprocess.run(line, capture_output=True, text=True, check=False)
    assert result.returncode == FAILED
    assert "cannot tell: FileNotFoundError" in result.stdout


def test_it_decides_for_now_without_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "market.json"
    path.write_text(market_json(make_config({}, "test"), date.today().year))  # noqa: DTZ011
    line = [sys.executable, str(GATE), str(path)]
    assert subprocess.run(line, capture_output=True, check=False).returncode in (0, SKIPPED)


def test_three_years_of_weekdays_are_known() -> None:
    known = json.loads(market_json(make_config({}, "test"), 2026))
    days = [
        date.fromisoformat(f"{year}-{day}")
        for year, text in known["holidays"].items()
        for day in text.split()
    ]
    assert {day.year for day in days} == {2026, 2027, 2028}
    assert all(day.weekday() < 5 for day in days)
    assert 40 < len(days) < 70


@settings(max_examples=25, deadline=None)
@given(st.integers(2024, 2040))
def test_any_year_gives_the_same_calendar_twice(year: int) -> None:
    config = make_config({}, "test")
    assert market_json(config, year) == market_json(config, year)


@pytest.mark.parametrize(
    ("sections", "where"),
    [
        ({"market": {"closed": ["soon"]}}, "market.closed"),
        ({"market": {"open": ["2026-02-30"]}}, "market.open"),
        ({"market": {"closed": ["2026-11-23"], "open": ["2026-11-23"]}}, "market.closed"),
        ({"bot": {"run_at": "15:31"}}, "bot.run_at"),
    ],
)
def test_a_calendar_that_makes_no_sense(sections: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError, match=where):
        make_config(sections, "test")
