"""Calendar events of jobs, read by systemd itself."""

import subprocess
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cfgen.config.jobs import jobs_of, timings_of
from cfgen.config.load import make_config
from cfgen.host.timers import calendar_events


def events(market: dict[str, Any], zone: str, **keys: Any) -> list[str]:
    job = {"name": "bot", "entrypoint": "a.py", **keys}
    config = make_config({"bot": {"jobs": [job], "timezone": zone}, "market": market}, "test")
    return [
        event
        for timing in timings_of(config, jobs_of(config)[0])
        for event in calendar_events(timing)
    ]


def elapses(event: str, base: datetime, count: int) -> list[datetime]:
    """The next moments of an event, as systemd reckons them."""
    command = ["systemd-analyze", "calendar", f"--base-time={base:%Y-%m-%d %H:%M:%S} UTC"]
    shown = subprocess.run(
        [*command, f"--iterations={count}", event],
        env={"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line.partition(": ")[2].strip() for line in shown.splitlines()]
    moments = [line for line in lines if line.endswith(" UTC")]
    return [datetime.strptime(line, "%a %Y-%m-%d %H:%M:%S UTC") for line in dict.fromkeys(moments)]  # noqa: DTZ007


SEOUL: dict[str, Any] = {}
NEW_YORK = {"calendar": "XNYS", "session": "09:30-16:00"}


@pytest.mark.parametrize(
    ("market", "keys", "written"),
    [
        (SEOUL, {"at": ["09:00"]}, ["Mon..Fri 09:00:00 Asia/Seoul"]),
        (
            SEOUL,
            {"at": ["09:05", "15:20"]},
            ["Mon..Fri 09:05:00 Asia/Seoul", "Mon..Fri 15:20:00 Asia/Seoul"],
        ),
        (
            SEOUL,
            {"every": "5min", "days": "Mon,Wed"},
            ["Mon,Wed 09..14:00/5:00 Asia/Seoul", "Mon,Wed 15:00,05,10,15,20,25:00 Asia/Seoul"],
        ),
        (
            NEW_YORK,
            {"every": "15min"},
            [
                "Mon..Fri 09:30/15:00 America/New_York",
                "Mon..Fri 10..15:00/15:00 America/New_York",
            ],
        ),
        (
            NEW_YORK,
            {"at": ["23:35", "04:45"]},
            ["Mon..Fri 23:35:00 Asia/Seoul", "Tue..Sat 04:45:00 Asia/Seoul"],
        ),
    ],
)
def test_times_are_written_shortly(
    market: dict[str, Any], keys: dict[str, Any], written: list[str]
) -> None:
    assert events(market, "Asia/Seoul", **keys) == written


@pytest.mark.parametrize("every", ["1min", "5min", "7min", "10min", "45min", "1h", "90min", "4h"])
@pytest.mark.parametrize(
    ("market", "zone"), [(SEOUL, "Asia/Seoul"), (NEW_YORK, "America/New_York")]
)
def test_systemd_starts_a_job_at_each_of_its_times_and_no_other(
    market: dict[str, Any], zone: str, every: str
) -> None:
    """Over the nights on which New York changes its clocks, reckoned by the clock on the wall."""
    minutes = {"min": 1, "h": 60}[every.lstrip("0123456789")] * int(every.rstrip("minh"))
    start, end = (9 * 60 + 30, 16 * 60) if market else (9 * 60, 15 * 60 + 30)
    for base in (datetime(2026, 3, 6), datetime(2026, 10, 30)):  # noqa: DTZ001
        wanted = []
        for ahead in range(-1, 5):
            day = base.date() + timedelta(days=ahead)
            for minute in range(start, end, minutes) if day.weekday() < 5 else ():
                here = datetime(
                    day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZoneInfo(zone)
                )
                wanted.append(here.astimezone(ZoneInfo("UTC")).replace(tzinfo=None))
        wanted = [moment for moment in wanted if moment > base]
        found = sorted(
            moment
            for event in events(market, "Asia/Seoul", every=every)
            for moment in elapses(event, base, len(wanted))
        )
        assert found[: len(wanted)] == wanted[: len(found)]
        assert set(wanted) <= set(found)
