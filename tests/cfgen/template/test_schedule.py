"""The host's hours and days, for exchanges in other time zones and sessions over midnight."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cfgen.config.load import make_config
from cfgen.host.market import trading_sessions
from tests.trees import only, resources, spot, tree

HOURS = {"hours": "market", "window": "22:00-06:30"}
NEW_YORK: dict[str, Any] = {
    "market": {"calendar": "XNYS", "session": "09:30-16:00"},
    "bot": {"run_at": "23:35"},
    "workload": HOURS,
}
AFTER_MIDNIGHT = NEW_YORK | {"bot": {"run_at": "04:00"}}
SYDNEY: dict[str, Any] = {
    "market": {"calendar": "XASX", "session": "10:00-16:00"},
    "bot": {"timezone": "America/New_York", "run_at": "20:30"},
    "workload": {"hours": "market", "window": "17:30-03:00"},
}
RIYADH: dict[str, Any] = {
    "market": {"calendar": "XSAU", "session": "10:00-15:00"},
    "bot": {"timezone": "Asia/Riyadh", "run_at": "10:05", "days": "Sun,Mon..Thu"},
    "workload": {"hours": "market", "window": "09:00-16:00"},
}
WALL_STREET: dict[str, Any] = {
    "market": {"calendar": "XNYS", "session": "09:30-16:00"},
    "bot": {"timezone": "America/New_York", "run_at": "09:35"},
    "workload": {"hours": "market", "window": "09:00-16:30"},
}
PLACES = {
    "wall-street": WALL_STREET,
    "new-york": NEW_YORK,
    "late": AFTER_MIDNIGHT,
    "sydney": SYDNEY,
    "riyadh": RIYADH,
}


@pytest.mark.parametrize(
    ("place", "start", "stop", "off"),
    [
        ("new-york", "0 22 ? * MON-FRI", "30 6 ? * TUE-SAT", "35 23 ? * SAT,SUN"),
        # The run of Monday's session is on Tuesday: no run is wanted on Monday at that time.
        ("late", "0 22 ? * MON-FRI", "30 6 ? * TUE-SAT", "0 4 ? * MON,SUN"),
        ("sydney", "30 17 ? * SUN-THU", "0 3 ? * MON-FRI", "30 20 ? * FRI,SAT"),
        ("riyadh", "0 9 ? * SUN-THU", "0 16 ? * SUN-THU", "5 10 ? * FRI,SAT"),
    ],
)
def test_an_instance_starts_and_stops_about_the_sessions(
    place: str, start: str, stop: str, off: str
) -> None:
    schedules = resources(tree("market", **PLACES[place]), "AWS::Scheduler::Schedule")
    assert {name: one["ScheduleExpression"] for name, one in schedules.items()} == {
        "StartSchedule": f"cron({start} *)",
        "StopSchedule": f"cron({stop} *)",
        "DaysOffSchedule": f"cron({off} *)",
    }
    zones = {one["ScheduleExpressionTimezone"] for one in schedules.values()}
    assert zones == {make_config(PLACES[place], "test").bot.timezone}


@pytest.mark.parametrize(
    ("place", "start", "stop"),
    [
        ("new-york", "0 22 * * 1-5", "30 6 * * 2-6"),
        ("sydney", "30 17 * * 0-4", "0 3 * * 1-5"),
        ("riyadh", "0 9 * * 0-4", "0 16 * * 0-4"),
    ],
)
def test_a_group_grows_and_shrinks_about_the_sessions(place: str, start: str, stop: str) -> None:
    template = tree(locked=spot("market"), **PLACES[place])
    actions = resources(template, "AWS::AutoScaling::ScheduledAction")
    assert {name: one["Recurrence"] for name, one in actions.items()} == {
        "StartAction": start,
        "StopAction": stop,
    }


def days_of(expression: str) -> tuple[int, int, set[int]]:
    """Minute, hour and days of a schedule's expression, Sunday as 0."""
    names = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
    minute, hour, _, _, days, _ = expression.removeprefix("cron(").rstrip(")").split()
    found: set[int] = set()
    for part in days.split(","):
        first, _, last = part.partition("-")
        found |= set(range(names.index(first), names.index(last or first) + 1))
    return int(minute), int(hour), found


def moments(expression: str, zone: str) -> list[datetime]:
    """When a schedule acts in a year."""
    minute, hour, days = days_of(expression)
    first = datetime(2026, 1, 1, hour, minute, tzinfo=ZoneInfo(zone))
    year = (first + timedelta(days=day) for day in range(365))
    return [moment for moment in year if moment.isoweekday() % 7 in days]


@pytest.mark.parametrize("place", PLACES)
def test_the_host_is_up_for_every_session_of_a_year_and_down_at_weekends(place: str) -> None:
    config = make_config(PLACES[place], "test")
    zone = config.bot.timezone
    template = tree("market", **PLACES[place])
    starts, stops, _ = (
        moments(template["Resources"][name]["Properties"]["ScheduleExpression"], zone)
        for name in ("StartSchedule", "StopSchedule", "DaysOffSchedule")
    )
    up = [
        (start.timestamp(), min(stop.timestamp() for stop in stops if stop > start))
        for start in starts
        if start < stops[-1]
    ]
    sessions = trading_sessions(config, date(2026, 1, 5), 350)
    assert len(sessions) > 230
    for start, end in sessions:
        assert any(one <= start.timestamp() and end.timestamp() <= two for one, two in up), start
    # Five starts a week, for the bill counts so many.
    assert 260 <= len(starts) <= 262


@pytest.mark.parametrize("place", PLACES)
def test_runs_and_days_off_are_never_further_apart_than_the_alarm_waits(place: str) -> None:
    config = make_config(PLACES[place], "test")
    template = tree("market", **PLACES[place])
    expression = only_days_off(template)
    minute, hour, off = days_of(expression)
    assert f"{hour:02d}:{minute:02d}" == config.bot.run_at
    zone = ZoneInfo(config.bot.timezone)
    first = datetime(2026, 1, 1, hour, minute, tzinfo=zone)
    days = [first + timedelta(days=day) for day in range(365)]
    # check-run looks five minutes after the bot's time, where the host is up.
    spoken = [
        (day if day.isoweekday() % 7 in off else day + timedelta(minutes=5)).timestamp()
        for day in days
    ]
    silent = template["Resources"]["NoRunAlarm"]["Properties"]["EvaluationPeriods"]
    # The alarm counts whole hours without a word.
    heard = [moment // 3600 for moment in spoken]
    # Even of a run that comes an hour late, on the day of 25 hours.
    late = 1
    assert max(after + late - before - 1 for before, after in pairwise(heard)) < silent
    run_days = {(day + 1) % 7 for day in range(7)} - off
    assert len(run_days) == 5


def only_days_off(template: dict[str, Any]) -> str:
    expression = template["Resources"]["DaysOffSchedule"]["Properties"]["ScheduleExpression"]
    assert isinstance(expression, str)
    return expression


def test_a_spot_host_needs_its_minutes_also_before_a_run_after_midnight() -> None:
    template = tree(locked=spot("market"), **AFTER_MIDNIGHT)
    assert only(template, "AWS::AutoScaling::AutoScalingGroup")
