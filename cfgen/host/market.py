"""The exchange's calendar, as the host gets it, and the sessions that it makes."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from cfgen.config.exchanges import ALWAYS, KOREA, WEEKDAYS, weekend
from cfgen.config.schema import Config
from cfgen.config.sessions import parse_sessions, session_zone, sessions_of
from cfgen.errors import ConfigError
from pricing.calendar import DAY, Window

YEARS = 3

ALL_DAY = Window(0, DAY)


def holidays(years: range, calendar: str = KOREA) -> list[str]:
    """Days of these years on which an exchange is closed, but for weekends, as ISO dates.

    Raises :class:`ConfigError` for an exchange that the library at hand does not know.
    """
    if calendar in (WEEKDAYS, ALWAYS):
        return []
    # Here and not at the top: it takes 0.1 s, which `recommend` must not pay.
    from holidays import financial_holidays

    try:
        days = sorted(financial_holidays(calendar, years=years))
    except NotImplementedError as error:
        raise ConfigError(
            f"market.calendar: the library holidays that is installed does not know {calendar}",
            "pip install --upgrade holidays",
        ) from error
    off = weekend(calendar)
    return [day.isoformat() for day in days if day.weekday() not in off]


def market_json(config: Config, year: int) -> str:
    """What ``market-gate`` reads: the sessions, and holidays of ``year`` and the two after.

    Sessions are in minutes since the day's midnight, over midnight above a day's; their last minute
    belongs to them. ``days`` are those that are not as the calendar has them: without a session
    where the owner took them out. A calendar without holidays has no end.
    """
    market, regular = config.market, _minutes(sessions_of(config))
    days = dict.fromkeys(market.open, regular)
    days |= {day: _minutes(parse_sessions(text)) for day, text in market.half_days.items()}
    days |= {day: [] for day in market.closed}
    settings = {
        "timezone": session_zone(config),
        "session": regular,
        "days": dict(sorted(days.items())),
        "weekend": sorted(weekend(market.calendar)),
        "holidays": _by_year(holidays(range(year, year + YEARS), market.calendar)),
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in settings.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _minutes(sessions: tuple[Window, ...]) -> list[list[int]]:
    # Not the next day's first minute, on which the exchange may be closed.
    return [[one.start, one.end - 1 if one == ALL_DAY else one.end] for one in sessions]


def _by_year(days: list[str]) -> dict[str, str]:
    """``{"2026": "01-01 02-16"}``: short, for the template's size."""
    years: dict[str, list[str]] = {}
    for day in days:
        years.setdefault(day[:4], []).append(day[5:])
    return {year: " ".join(found) for year, found in years.items()}


def trading_sessions(config: Config, first: date, days: int) -> list[tuple[datetime, datetime]]:
    """Start and end of each session of the trading days from ``first`` on, in their order.

    In the session's time zone. The same days and times as ``market-gate`` has, in any year.
    """
    return list(_sessions(config, first, days))


def session_end(config: Config, now: datetime) -> datetime | None:
    """When the session ends that is on now, ``None`` where the exchange is closed."""
    first = now.date() - timedelta(days=2)
    return next((end for start, end in _sessions(config, first, 4) if start <= now <= end), None)


def _sessions(config: Config, first: date, days: int) -> Iterator[tuple[datetime, datetime]]:
    market, zone = config.market, ZoneInfo(session_zone(config))
    off, added = weekend(market.calendar), {*market.open, *market.half_days}
    years = range(first.year, (first + timedelta(days=days)).year + 1)
    closed = {*holidays(years, market.calendar)} - added | {*market.closed}
    for ahead in range(days):
        day = first + timedelta(days=ahead)
        name = day.isoformat()
        if name in closed or (day.weekday() in off and name not in added):
            continue
        other = market.half_days.get(name)
        for session in parse_sessions(other) if other else sessions_of(config):
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            # Hours are counted on the clock, not on the time that has passed: between two of one
            # time zone, datetime does the same.
            start, end = (midnight + timedelta(minutes=one) for one in (session.start, session.end))
            yield start, end
