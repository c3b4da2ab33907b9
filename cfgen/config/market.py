"""Limits of ``[market]`` that more than one key has a part in. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cfgen.config.exchanges import ALWAYS, KOREA, SESSIONS, WEEKDAYS, ZONES
from cfgen.config.schema import DEFAULT_SESSION, Config
from cfgen.config.sessions import (
    EARLIEST,
    REFERENCE_YEAR,
    parse_sessions,
    reaches_market,
    session_zone,
    sessions_of,
)

Problem = tuple[str, str]


def market_problems(config: Config) -> Iterator[Problem]:
    """What does not go together: pairs of a key's path and what is allowed there."""
    market = config.market
    for other, days in (("open", market.open), ("half_days", market.half_days)):
        for day in sorted(set(market.closed) & set(days)):
            yield "market.closed", f"{day} is in market.{other}, too"
    if market.calendar == ALWAYS:
        yield from _never_closes(config)
    elif market.calendar != WEEKDAYS:
        yield from _exchange(config)


def _never_closes(config: Config) -> Iterator[Problem]:
    market = config.market
    if market.session != DEFAULT_SESSION:
        yield (
            "market.session",
            'is not used with calendar = "always", which has no close; leave out',
        )
    if market.half_days:
        yield "market.half_days", 'are not used with calendar = "always"; leave them out'
    if config.workload.hours == "market":
        yield "workload.hours", 'is "market", and the market never closes; allowed is "always"'


def _exchange(config: Config) -> Iterator[Problem]:
    market = config.market
    code = market.calendar
    if not market.session_timezone and code not in ZONES:
        yield "market.session_timezone", f"is missing: name the time zone of {code}"
    elif market.session == DEFAULT_SESSION and code != KOREA:
        example = f", such as {SESSIONS[code]}" if code in SESSIONS else ""
        yield (
            "market.session",
            f"{DEFAULT_SESSION} is the Korea Exchange's; name {code}'s own{example}, "
            f"in {session_zone(config)}",
        )
    elif not _on_its_day(config):
        yield (
            "market.session_timezone",
            f"in {market.session_timezone} the session {market.session} begins on another day than "
            f"in {ZONES[code]}, whose holidays count; leave it empty, and name the session as it "
            f"is in {ZONES[code]}",
        )


def _on_its_day(config: Config) -> bool:
    """Whether the sessions begin on the exchange's own day, the year over."""
    here = ZoneInfo(session_zone(config))
    there = ZoneInfo(ZONES.get(config.market.calendar, here.key))
    starts = [
        datetime(REFERENCE_YEAR, month, 15, tzinfo=here) + timedelta(minutes=session.start)
        for month in range(1, 13)
        for session in sessions_of(config)
    ]
    return all(start.date() == start.astimezone(there).date() for start in starts)


def time_problem(config: Config, clock: str) -> str:
    """Why a job at this time in ``bot.timezone`` would never find the exchange open, or nothing."""
    if reaches_market(config, clock):
        return ""
    zone = session_zone(config)
    where = (
        "" if zone == config.bot.timezone else f" in {zone} (times are in {config.bot.timezone})"
    )
    return (
        f"{clock} is neither within the session {config.market.session}{where}, nor up to "
        f"{EARLIEST // 60} hours before it"
    )


def sessions_problem(value: object) -> str:
    """What is wrong with a trading day's sessions, or nothing."""
    try:
        parse_sessions(str(value))
    except ValueError as error:
        return str(error)
    return ""
