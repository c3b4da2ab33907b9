"""The jobs of a configuration: what runs from the checkout, and when. Pure."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from cfgen.config.schema import Bot, Config, Job
from cfgen.config.sessions import session_zone, sessions_of
from cfgen.config.weekdays import parse_days
from pricing.calendar import DAY, Window, minute_of

THE_BOT = "bot"
"""Name of the job that the keys of ``[bot]`` describe."""

EARLIEST = 4 * 60
"""Minutes before the opening from which on a job of the market's may be started."""

UNITS_OF_TIME = {"s": 1, "min": 60, "h": 3600}

SEASONS = (date(2026, 1, 14), date(2026, 7, 15))
"""A Wednesday in each half of a year: clocks stand otherwise where they are changed at all."""


class Timing(msgspec.Struct, frozen=True):
    """Starts of a job: on weekdays, Monday is 0, at minutes of the day, in a time zone."""

    days: frozenset[int]
    minutes: tuple[int, ...]
    zone: str


class Place(msgspec.Struct, frozen=True):
    """Where a time of the day lies in the market's day.

    ``early`` are the minutes before the opening, 0 within a session; ``shift`` is how many days
    after the trading day it is, for a night's session belongs to the day on which it began.
    """

    early: int
    shift: int


def jobs_of(config: Config) -> tuple[Job, ...]:
    """``[[bot.jobs]]`` as given; without any, the one job that the keys of ``[bot]`` describe."""
    return tuple(config.bot.jobs) or (_only_job(config.bot),)


def _only_job(bot: Bot) -> Job:
    return Job(
        name=THE_BOT,
        entrypoint=bot.entrypoint,
        arguments=bot.arguments,
        kind=bot.kind,
        days=bot.days,
        at=[bot.run_at],
        retries=0 if bot.mode == "real" else 3,
        timeout="",
    )


def unit_of(job: Job) -> str:
    """The name of a job's units, without ``.service`` or ``.timer``."""
    return "trading-bot" if job.name == THE_BOT else f"trading-bot-{job.name}"


def seconds_of(text: str) -> int:
    """Seconds of ``90s``, ``5min`` or ``1h``. Raises ``ValueError`` for another form."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})(s|min|h)", text)
    if not match:
        raise ValueError(f"{text!r} is not a time such as 90s, 5min or 1h")
    return int(match[1]) * UNITS_OF_TIME[match[2]]


def timeout_of(config: Config, job: Job) -> int:
    """Seconds that a run may take; without a ``timeout``, as long as the market's day is."""
    if job.timeout:
        return seconds_of(job.timeout)
    sessions = market_day(config)
    return (sessions[-1].end - sessions[0].start) * 60


def market_day(config: Config) -> tuple[Window, ...]:
    """The sessions of a trading day; of a market that never closes, the whole day."""
    return (Window(0, DAY),) if config.market.calendar == "always" else sessions_of(config)


def timings_of(config: Config, job: Job) -> tuple[Timing, ...]:
    """When a job's timer starts it.

    Its days are trading days: of a session that goes on after midnight, what comes then is on the
    next day. A job that does not ask the market keeps to its days as they are.
    """
    starts: dict[int, list[int]] = {}
    if job.every:
        zone = session_zone(config)
        step = seconds_of(job.every) // 60
        for session in market_day(config):
            for minute in range(session.start, session.end, step):
                starts.setdefault(minute // DAY, []).append(minute % DAY)
    else:
        zone = config.bot.timezone
        for clock in job.at:
            minute = minute_of(clock)
            place = place_of(config, minute) if job.market else None
            starts.setdefault(place.shift if place else 0, []).append(minute)
    days = parse_days(job.days)
    return tuple(
        Timing(frozenset((day + shift) % 7 for day in days), tuple(sorted(set(minutes))), zone)
        for shift, minutes in sorted(starts.items())
    )


def early_of(config: Config, job: Job) -> int:
    """How many minutes before the opening the job may run, for it has a time as early as that."""
    if job.every:
        return 0
    places = [place_of(config, minute_of(clock)) for clock in job.at]
    return max((place.early for place in places if place), default=0)


def place_of(config: Config, minute: int) -> Place | None:
    """Where a minute of the day, in ``bot.timezone``, lies in the market's day.

    ``None`` where it is after the close, between two sessions, or long before the opening, however
    clocks stand in the year.
    """
    if config.market.calendar == "always":
        return Place(0, 0)
    found = [place for day in SEASONS if (place := _place_on(config, day, minute))]
    inside = [place for place in found if not place.early]
    return inside[0] if inside else max(found, key=lambda place: place.early, default=None)


def _place_on(config: Config, day: date, minute: int) -> Place | None:
    moment = _moment(day, minute, config.bot.timezone)
    zone, sessions = session_zone(config), sessions_of(config)
    places = []
    for shift in (0, 1, -1):
        trading = day - timedelta(days=shift)
        for session in sessions:
            if (
                _moment(trading, session.start, zone)
                <= moment
                < _moment(trading, session.end, zone)
            ):
                return Place(0, shift)
        wait = _moment(trading, sessions[0].start, zone) - moment
        if timedelta() < wait <= timedelta(minutes=EARLIEST):
            places.append(Place(wait // timedelta(minutes=1), shift))
    return min(places, key=lambda place: place.early, default=None)


def _moment(day: date, minute: int, zone: str) -> datetime:
    """A minute of a day by the clock on the wall there; above a day's, of the day after."""
    day += timedelta(days=minute // DAY)
    hour, minute = divmod(minute % DAY, 60)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))


def lanes_of(config: Config) -> int:
    """How many jobs may run at the same time: jobs that exclude each other count once."""
    jobs = jobs_of(config)
    groups = {job.exclusive for job in jobs if job.exclusive}
    return len(groups) + sum(not job.exclusive for job in jobs)
