"""The jobs of a configuration: what runs from the checkout, and when. Pure."""

import re

import msgspec

from cfgen.config.schema import Bot, Config, Job
from cfgen.config.sessions import early_minutes, placed_sessions, session_zone, sessions_of
from cfgen.config.weekdays import parse_days, shifted
from pricing.calendar import DAY, clock, minute_of

THE_BOT = "bot"
"""Name of the job that the keys of ``[bot]`` describe."""

UNITS_OF_TIME = {"s": 1, "min": 60, "h": 3600}


class Timing(msgspec.Struct, frozen=True):
    """Starts of a job: on weekdays, Monday is 0, at minutes of the day, in a time zone."""

    days: frozenset[int]
    minutes: tuple[int, ...]
    zone: str


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
    sessions = sessions_of(config)
    return (sessions[-1].end - sessions[0].start) * 60


def timings_of(config: Config, job: Job) -> tuple[Timing, ...]:
    """When a job's timer starts it.

    Its days are trading days: of a session that goes on after midnight, what comes then is on the
    next day. A job that does not ask the market keeps to its days as they are.
    """
    starts: dict[int, list[int]] = {}
    if job.every:
        zone = session_zone(config)
        step = seconds_of(job.every) // 60
        for session in sessions_of(config):
            for minute in range(session.start, session.end, step):
                starts.setdefault(minute // DAY, []).append(minute % DAY)
    else:
        zone = config.bot.timezone
        for time in job.at:
            shift = days_later(config, time) if job.market else 0
            starts.setdefault(shift, []).append(minute_of(time))
    days = parse_days(job.days)
    return tuple(
        Timing(shifted(days, shift), tuple(sorted(set(minutes))), zone)
        for shift, minutes in sorted(starts.items())
    )


def early_of(config: Config, job: Job) -> int:
    """How many minutes before the opening the job may run, for it has a time as early as that."""
    return 0 if job.every else max(early_minutes(config, time) for time in job.at)


def days_later(config: Config, time: str) -> int:
    """How many days after the trading day a time in ``bot.timezone`` is.

    A night's session belongs to the day on which it began.
    """
    waits = {}
    for sessions in placed_sessions(config):
        for shift in (1, 0, -1):
            minute = minute_of(time) + shift * DAY
            for session in sessions:
                if session.start <= minute <= session.end:
                    return shift
            if minute < sessions[0].start:
                waits[sessions[0].start - minute] = shift
    return waits[min(waits)]


def first_start(config: Config) -> str:
    """When the first job starts for the first time of a day, in ``bot.timezone``."""
    job = jobs_of(config)[0]
    if not job.every:
        return job.at[0]
    return clock(placed_sessions(config)[0][0].start)


def lanes_of(config: Config) -> int:
    """How many jobs may run at the same time: jobs that exclude each other count once."""
    jobs = jobs_of(config)
    groups = {job.exclusive for job in jobs if job.exclusive}
    return len(groups) + sum(not job.exclusive for job in jobs)
