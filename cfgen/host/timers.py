"""Timings of jobs as systemd's calendar events. Pure."""

from collections.abc import Iterator

from cfgen.config.jobs import Timing
from cfgen.config.weekdays import days_text


def calendar_events(timing: Timing) -> Iterator[str]:
    """Values of ``OnCalendar=``: one for all hours that have the same minutes.

    systemd.time(7), "CALENDAR EVENTS": ``Mon..Fri 09..14:00/5:00 Asia/Seoul``. Without the zone it
    would be UTC, the host's own zone notwithstanding where a bot's is another.
    """
    hours: dict[int, list[int]] = {}
    for minute in timing.minutes:
        hours.setdefault(minute // 60, []).append(minute % 60)
    alike: dict[tuple[int, ...], list[int]] = {}
    for hour, minutes in hours.items():
        alike.setdefault(tuple(minutes), []).append(hour)
    days = days_text(timing.days)
    for within, at in alike.items():
        yield f"{days} {_hours(at)}:{_minutes(within)}:00 {timing.zone}"


def _hours(hours: list[int]) -> str:
    in_a_row = hours == list(range(hours[0], hours[-1] + 1))
    if len(hours) > 2 and in_a_row:
        return f"{hours[0]:02d}..{hours[-1]:02d}"
    return ",".join(f"{hour:02d}" for hour in hours)


def _minutes(minutes: tuple[int, ...]) -> str:
    """A repetition where they are one up to the hour's end: ``00/5``."""
    step = minutes[1] - minutes[0] if len(minutes) > 1 else 0
    if step and minutes == tuple(range(minutes[0], 60, step)):
        return f"{minutes[0]:02d}/{step}"
    return ",".join(f"{minute:02d}" for minute in minutes)
