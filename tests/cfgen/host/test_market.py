"""The market gate, run for real against the calendar that the host gets."""

import importlib.util
import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from holidays import financial_holidays
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgen.config.exchanges import ZONES
from cfgen.config.load import make_config
from cfgen.config.schema import Config
from cfgen.errors import ConfigError
from cfgen.host.market import holidays, market_json, trading_sessions

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


NEW_YORK: dict[str, Any] = {
    "market": {
        "calendar": "XNYS",
        "session": "09:30-16:00",
        "half_days": {"2026-11-27": "09:30-13:00"},
    },
    "bot": {"run_at": "23:35"},
}
NIGHT: dict[str, Any] = {"market": {"calendar": "weekdays", "session": "22:30-05:00"}}
NIGHT["bot"] = {"run_at": "22:30"}
ALWAYS: dict[str, Any] = {"market": {"calendar": "always", "closed": ["2026-11-24"]}}
RIYADH: dict[str, Any] = {"market": {"calendar": "XSAU", "session": "10:00-15:00"}}
RIYADH["bot"] = {"run_at": "16:30"}


@pytest.mark.parametrize(
    ("sections", "moment", "code", "words"),
    [
        # New York in winter, and on both sides of the nights on which it changes its clocks.
        (NEW_YORK, "2026-11-23T23:29:59+09:00", SKIPPED, "09:29 is not from 09:30 to 16:00"),
        (NEW_YORK, "2026-11-23T23:30:00+09:00", 0, "open"),
        (NEW_YORK, "2026-11-24T06:00:00+09:00", 0, "open"),
        (NEW_YORK, "2026-03-06T14:29:00+00:00", SKIPPED, "09:29 is not"),
        (NEW_YORK, "2026-03-06T14:30:00+00:00", 0, "open"),
        (NEW_YORK, "2026-03-09T13:29:00+00:00", SKIPPED, "09:29 is not"),
        (NEW_YORK, "2026-03-09T13:30:00+00:00", 0, "open"),
        (NEW_YORK, "2026-10-30T13:30:00+00:00", 0, "open"),
        (NEW_YORK, "2026-11-02T13:30:00+00:00", SKIPPED, "08:30 is not"),
        # Saturday morning in Seoul is Friday in New York.
        (NEW_YORK, "2026-11-21T05:00:00+09:00", 0, "open"),
        (NEW_YORK, "2026-11-24T05:00:00+09:00", 0, "open"),
        (NEW_YORK, "2026-11-23T05:00:00+09:00", SKIPPED, "2026-11-22 is a weekend"),
        # Thanksgiving and the day after it.
        (NEW_YORK, "2026-11-27T01:00:00+09:00", SKIPPED, "2026-11-26 is a holiday"),
        (NEW_YORK, "2026-11-28T03:00:00+09:00", 0, "open"),
        (NEW_YORK, "2026-11-28T03:01:00+09:00", SKIPPED, "13:01 is not from 09:30 to 13:00"),
        # Over midnight, the day on which a session starts is the trading day.
        (NIGHT, "2026-11-20T22:30:00+09:00", 0, "open"),
        (NIGHT, "2026-11-21T05:00:00+09:00", 0, "open"),
        (NIGHT, "2026-11-21T05:01:00+09:00", SKIPPED, "2026-11-21 is a weekend"),
        (NIGHT, "2026-11-21T22:30:00+09:00", SKIPPED, "2026-11-21 is a weekend"),
        (NIGHT, "2026-11-23T03:00:00+09:00", SKIPPED, "2026-11-22 is a weekend"),
        (NIGHT, "2026-11-24T12:00:00+09:00", SKIPPED, "12:00 is not from 22:30 to 05:00"),
        (NIGHT, "2096-01-02T23:00:00+09:00", 0, "open"),
        (ALWAYS, "2026-11-22T03:00:00+09:00", 0, "open"),
        (ALWAYS, "2026-11-23T23:59:59+09:00", 0, "open"),
        (ALWAYS, "2026-11-24T00:00:00+09:00", SKIPPED, "2026-11-24 is no trading day"),
        (ALWAYS, "2026-11-24T23:59:59+09:00", SKIPPED, "2026-11-24 is no trading day"),
        (ALWAYS, "2026-11-25T00:00:00+09:00", 0, "open"),
        (RIYADH, "2026-11-22T10:00:00+03:00", 0, "open"),
        (RIYADH, "2026-11-20T10:00:00+03:00", SKIPPED, "2026-11-20 is a weekend"),
        (RIYADH, "2026-11-21T10:00:00+03:00", SKIPPED, "2026-11-21 is a weekend"),
    ],
)  # fmt: skip
def test_a_table_of_moments_elsewhere(
    tmp_path: Path, sections: dict[str, Any], moment: str, code: int, words: str
) -> None:
    result = gate(tmp_path, moment, **sections)
    assert (result.returncode, result.stderr) == (code, "")
    assert words in result.stdout


def test_half_days_may_open_late_and_make_a_trading_day(tmp_path: Path) -> None:
    market = {"half_days": {"2026-11-19": "10:00-16:30", "2026-11-22": "18:00-19:00,20:00-21:00"}}
    for moment, code in (
        ("2026-11-19T09:30:00+09:00", SKIPPED),
        ("2026-11-19T16:30:00+09:00", 0),
        ("2026-11-20T16:30:00+09:00", SKIPPED),
        ("2026-11-22T18:30:00+09:00", 0),
        ("2026-11-22T19:30:00+09:00", SKIPPED),
        ("2026-11-22T20:30:00+09:00", 0),
    ):
        assert gate(tmp_path, moment, market=market).returncode == code, moment


def test_the_early_minutes_may_lie_on_the_day_before(tmp_path: Path) -> None:
    market = {"calendar": "weekdays", "session": "00:30-05:00"}
    bot = {"run_at": "00:30"}
    for moment, code in (
        ("2026-11-22T23:45:00+09:00", 0),
        ("2026-11-22T23:44:00+09:00", SKIPPED),
        ("2026-11-20T23:45:00+09:00", SKIPPED),
    ):
        result = gate(tmp_path, moment, early=45, market=market, bot=bot)
        assert result.returncode == code, moment


def gate_module() -> ModuleType:
    """The script itself, for thousands of moments."""
    loader = SourceFileLoader("market_gate", str(GATE))
    spec = importlib.util.spec_from_loader("market_gate", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


MODULE = gate_module()
MARKETS = {
    "XKRX": ("09:00-15:30",),
    "XNYS": ("09:30-16:00",),
    "XLON": ("08:00-16:30",),
    "XJPX": ("09:00-11:30", "12:30-15:30"),
    "XSAU": ("10:00-15:00",),
    "XCME": ("17:00-16:00",),
    "weekdays": ("08:30-16:00", "22:30-05:00"),
}


@cache
def known_to_be_closed(calendar: str) -> Any:
    return financial_holidays(calendar, years=range(2026, 2029)) if calendar[0] == "X" else {}


def by_hand(calendar: str, local: datetime) -> bool:
    """Whether it is open, by the hands of a clock on the wall there."""
    for text in MARKETS[calendar]:
        start, end = text.split("-")
        now, over = f"{local:%H:%M}", end < start
        if (start <= now <= end) if not over else (now >= start or now <= end):
            day = local.date() - timedelta(days=over and now <= end)
            weekend = {4, 5} if calendar == "XSAU" else {5, 6}
            if day.weekday() not in weekend and day not in known_to_be_closed(calendar):
                return True
    return False


def moments_from(first: datetime, days: int) -> st.SearchStrategy[datetime]:
    minutes = st.integers(0, days * 24 * 60)
    return minutes.map(lambda minute: first + timedelta(minutes=minute))


MOMENTS = moments_from(datetime(2026, 1, 3, tzinfo=UTC), 3 * 365 - 6)
# Nights on which New York, Chicago and London change their clocks.
NIGHTS = st.one_of(
    [
        moments_from(datetime(2026, month, day, tzinfo=UTC), 3)
        for month, day in ((3, 7), (3, 28), (10, 24), (10, 31))
    ]
)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(sorted(MARKETS)), st.one_of(MOMENTS, NIGHTS))
def test_the_gate_is_open_when_the_clock_on_the_wall_says_so(calendar: str, utc: datetime) -> None:
    config = market_of(calendar)
    market = json.loads(market_json(config, 2026))
    local = utc.astimezone(ZoneInfo(market["timezone"]))
    expected = by_hand(calendar, local)
    reason = MODULE.closed(market, local, 0)
    assert (reason == "") is expected, (local, reason)
    around = trading_sessions(config, local.date() - timedelta(days=1), 2)
    assert any(start <= local <= end for start, end in around) is expected


@cache
def market_of(calendar: str) -> Config:
    session = ",".join(MARKETS[calendar])
    raw = {"calendar": calendar, "session": session, "session_timezone": ""}
    start = datetime.fromisoformat(f"2026-01-15T{session[:5]}")
    zone = ZoneInfo(ZONES.get(calendar, "Asia/Seoul"))
    at = start.replace(tzinfo=zone).astimezone(ZoneInfo("Asia/Seoul"))
    return make_config({"market": raw, "bot": {"run_at": f"{at:%H:%M}"}}, "test")


def test_sessions_of_some_days() -> None:
    market = NEW_YORK["market"] | {"closed": ["2026-11-24"], "open": ["2026-11-28"]}
    config = make_config(NEW_YORK | {"market": market}, "test")
    found = trading_sessions(config, date(2026, 11, 23), 7)
    assert [f"{start:%F %H:%M %z} {end:%H:%M}" for start, end in found] == [
        "2026-11-23 09:30 -0500 16:00",
        "2026-11-25 09:30 -0500 16:00",
        "2026-11-27 09:30 -0500 13:00",
        "2026-11-28 09:30 -0500 16:00",
    ]
    always = trading_sessions(make_config(ALWAYS, "test"), date(2026, 11, 23), 3)
    assert [f"{start:%F %H:%M}/{end:%F %H:%M}" for start, end in always] == [
        "2026-11-23 00:00/2026-11-24 00:00",
        "2026-11-25 00:00/2026-11-26 00:00",
    ]
    # Friday's runs into Saturday.
    [*_, (start, end)] = trading_sessions(make_config(NIGHT, "test"), date(2026, 11, 16), 7)
    assert (f"{start:%F %H:%M}", f"{end:%F %H:%M}") == ("2026-11-20 22:30", "2026-11-21 05:00")


def test_an_exchange_that_an_older_library_does_not_know_is_told() -> None:
    with pytest.raises(ConfigError, match=r"market.calendar: .* does not know XABC") as caught:
        holidays(range(2026, 2027), "XABC")
    assert caught.value.hint == "pip install --upgrade holidays"


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
