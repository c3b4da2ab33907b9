"""Sessions in two time zones, against the clocks of zoneinfo, a year over."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgen.config.load import make_config
from cfgen.config.schema import Config
from cfgen.config.sessions import (
    early_minutes,
    host_offset,
    last_close,
    local_sessions,
    parse_sessions,
    reaches_market,
    session_zone,
    start_weekdays,
    up_weekdays,
)
from cfgen.config.weekdays import days_text, parse_days
from pricing.calendar import DAY, Window, clock

YEAR = [date(2026, 1, 1) + timedelta(days=day) for day in range(365)]
EXCHANGES = ["XNYS", "XLON", "XASX", "XSAU", "XJPX", "BVMF"]
PLACES = [
    "Asia/Seoul",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Sydney",
    "America/Los_Angeles",
]


def config(
    calendar: str = "XNYS", session: str = "09:30-16:00", zone: str = "Asia/Seoul", **more: Any
) -> Config:
    market = {"calendar": calendar, "session": session, **more.pop("market", {})}
    opening = session[:5]
    here = datetime.fromisoformat(f"2026-01-15T{opening}")
    raw = {"market": market, "bot": {"timezone": zone, "run_at": "09:00"}, **more}
    if "bot" not in more:
        there = here.replace(tzinfo=ZoneInfo(session_zone(make(market, zone))))
        raw["bot"] = {"timezone": zone, "run_at": f"{there.astimezone(ZoneInfo(zone)):%H:%M}"}
    return make_config(raw, "test")


def make(market: dict[str, Any], zone: str) -> Config:
    import msgspec

    return msgspec.convert({"market": market, "bot": {"timezone": zone}}, Config)


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("09:00-15:30", [(540, 930)]),
        ("09:00-11:30,12:30-15:30", [(540, 690), (750, 930)]),
        ("09:00-11:30, 12:30-15:30", [(540, 690), (750, 930)]),
        ("17:00-16:00", [(1020, 2400)]),
        ("08:30-16:00,17:00-03:00", [(510, 960), (1020, 1620)]),
    ],
)
def test_sessions_are_read_in_order(text: str, windows: list[tuple[int, int]]) -> None:
    assert [(one.start, one.end) for one in parse_sessions(text)] == windows


@pytest.mark.parametrize(
    "text",
    ["09:00-11:30,11:00-15:00", "12:30-15:00,09:00-11:30", "08:30-16:00,17:00-09:00", "", ",",
     "09:00-11:30,", "09:00-11:30;12:30-15:00", "09:00-09:00", "09:00-11:30,11:30-15:00"],
)  # fmt: skip
def test_what_is_no_row_of_sessions_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"window|ends when|has ended"):
        parse_sessions(text)


def test_new_york_from_seoul_is_an_hour_later_in_winter() -> None:
    found = {tuple(map(str, sessions)) for sessions in local_sessions(config())}
    assert found == {("22:30-05:00",), ("23:30-06:00",)}


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(EXCHANGES), st.sampled_from(PLACES), st.integers(0, DAY - 1))
def test_each_day_of_a_year_has_one_of_the_local_sessions(
    calendar: str, zone: str, start: int
) -> None:
    session = f"{clock(start)}-{clock(start + 300)}"
    one = config(calendar, session, zone)
    found = {(sessions[0].start, sessions[0].end) for sessions in local_sessions(one)}
    seen = set()
    for day in YEAR:
        # At noon: the nights on which clocks are changed are told in another test.
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(session_zone(one)))
        shift = noon.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - noon.replace(tzinfo=None)
        begin = (start + shift // timedelta(minutes=1)) % DAY
        seen.add((begin, begin + 300))
    assert seen == found


@pytest.mark.parametrize(
    ("at", "early"),
    [
        ("09:00", 0), ("08:50", 10), ("05:00", 240), ("15:30", 0),
    ],
)  # fmt: skip
def test_minutes_before_the_opening(at: str, early: int) -> None:
    assert early_minutes(make_config({}, "test"), at) == early


@pytest.mark.parametrize(
    ("at", "early", "reaches"),
    [
        # 22:30 in summer, 23:30 in winter.
        ("22:25", 65, True),
        ("22:35", 0, True),
        ("23:35", 0, True),
        ("05:30", 0, True),
        ("18:30", 300, True),
        ("18:29", 0, False),
        ("06:01", 0, False),
        ("12:00", 0, False),
    ],
)
def test_minutes_before_new_yorks_opening_from_seoul(at: str, early: int, reaches: bool) -> None:
    assert early_minutes(config(), at) == early
    assert reaches_market(config(), at) is reaches


def test_a_market_that_never_closes_is_always_reached() -> None:
    always = make_config({"market": {"calendar": "always"}}, "test")
    assert all(reaches_market(always, clock(minute)) for minute in range(DAY))
    assert all(early_minutes(always, clock(minute)) == 0 for minute in range(DAY))


@pytest.mark.parametrize(
    ("calendar", "session", "zone", "window", "starts", "up"),
    [
        ("XKRX", "09:00-15:30", "Asia/Seoul", "08:30-16:00", "Mon..Fri", {"09:00": "Mon..Fri"}),
        ("XNYS", "09:30-16:00", "Asia/Seoul", "22:00-06:30", "Mon..Fri",
         {"22:35": "Mon..Fri", "04:00": "Tue..Sat", "12:00": ""}),
        # Up after midnight only: the trading day of New York is over in Seoul.
        ("XNYS", "09:30-16:00", "Asia/Seoul", "03:00-06:30", "Tue..Sat", {"04:00": "Tue..Sat"}),
        ("XNYS", "09:30-16:00", "Asia/Seoul", "06:50-06:40", "Mon..Fri", {"06:00": "Tue..Sat"}),
        # Sydney's Monday is New York's Sunday evening.
        ("XASX", "10:00-16:00", "America/New_York", "17:30-03:00", "Mon..Thu,Sun",
         {"20:00": "Mon..Thu,Sun", "01:00": "Mon..Fri"}),
        ("XSAU", "10:00-15:00", "Asia/Riyadh", "09:30-15:30", "Mon..Thu,Sun",
         {"10:00": "Mon..Thu,Sun"}),
        ("XSAU", "10:00-15:00", "America/Los_Angeles", "23:30-05:30", "Mon..Wed,Sat..Sun",
         {"01:00": "Mon..Thu,Sun"}),
    ],
)  # fmt: skip
def test_days_on_which_a_host_in_market_hours_is_up(
    calendar: str, session: str, zone: str, window: str, starts: str, up: dict[str, str]
) -> None:
    one = config(calendar, session, zone, workload={"window": window})
    assert days_text(start_weekdays(one)) == starts
    assert {at: days_text(up_weekdays(one, at)) for at in up} == up


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(EXCHANGES),
    st.sampled_from(PLACES),
    st.integers(0, DAY - 1),
    st.integers(30, 8 * 60),
)
def test_a_window_about_the_sessions_is_up_for_each_of_a_year(
    calendar: str, zone: str, start: int, length: int
) -> None:
    """Minute by minute would take long: a session is up if its first and last minute are."""
    plain = config(calendar, f"{clock(start)}-{clock(start + length)}", zone)
    first = min(sessions[0].start for sessions in _around(plain))
    last = max(sessions[0].end for sessions in _around(plain))
    window = f"{clock(first - 30)}-{clock(last + 30)}"
    one = config(
        calendar, f"{clock(start)}-{clock(start + length)}", zone, workload={"window": window}
    )
    assert last_close(one) + 30 <= Window.parse(window).end
    off = {4, 5} if calendar == "XSAU" else {5, 6}
    there, here = ZoneInfo(session_zone(one)), ZoneInfo(zone)
    for day in YEAR:
        if day.weekday() in off:
            continue
        midnight = datetime(day.year, day.month, day.day, tzinfo=there)
        for minute in (start, start + length):
            moment = midnight + timedelta(minutes=minute)
            if moment.dst() != (moment + timedelta(days=1)).dst():
                continue
            local = moment.astimezone(here)
            assert local.weekday() in up_weekdays(one, f"{local:%H:%M}"), (local, window)


def _around(one: Config) -> list[tuple[Window, ...]]:
    """Local sessions next to each other, where some begin before midnight and some after."""
    found = list(local_sessions(one))
    if max(each[0].start for each in found) - min(each[0].start for each in found) > DAY // 2:
        found = [
            tuple(w.moved(DAY) for w in each) if each[0].start < DAY // 2 else each
            for each in found
        ]
    return found


def test_the_offset_of_a_host_that_starts_the_day_after() -> None:
    one = config(workload={"window": "03:00-06:30"})
    assert host_offset(one) == 1


@given(st.sets(st.integers(0, 6), min_size=1))
def test_days_that_are_written_are_read_again(days: set[int]) -> None:
    assert parse_days(days_text(days)) == days


def test_a_window_over_midnight_covers_both_of_its_days() -> None:
    window = Window.parse("22:00-06:30")
    covered = {minute for minute in range(DAY) if window.covers(clock(minute))}
    assert covered == {*range(22 * 60, DAY), *range(6 * 60 + 30)}
