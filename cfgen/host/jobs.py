"""What the jobs of a configuration look like on the host: units, and what scripts read. Pure."""

import json
from collections.abc import Iterator

from cfgen.config.jobs import (
    THE_BOT,
    Timing,
    early_of,
    jobs_of,
    lanes_of,
    timeout_of,
    timings_of,
    unit_of,
)
from cfgen.config.schema import Config, Job
from cfgen.config.weekdays import shifted
from cfgen.host.quoting import quote_argument
from cfgen.host.timers import calendar_events
from pricing.calendar import DAY, clock

GATE = "/usr/local/lib/trading-bot/market-gate"
TAKE_TURN = "/usr/local/lib/trading-bot/take-turn"

CHECK_DELAY = 5
"""Minutes from a job's time to the look whether it ran; ``scripts/check-run`` knows the same."""

RESTART_DELAY = 60
LONGEST_LIMIT = 20 * 3600
"""Seconds: what failed yesterday must not count against today's start."""

KEY_LEAD = 5
"""Minutes before a job's time at which the keys are loaded: several tries fit in."""

JOBS_MEMORY = 65
"""Percent of the host's memory for all jobs that run at once: a run that takes more is killed."""


def unit_settings(config: Config, job: Job) -> dict[str, str]:
    """What the units of a job have for themselves."""
    daily = job.kind == "daily"
    gate = GATE + (f" --early {early}" if (early := early_of(config, job)) else "")
    mode = [config.bot.mode_argument, config.bot.mode] if config.bot.mode_argument else []
    seconds, starts = _start_limit(config, job)
    return {
        "JOB": job.name,
        "JOB_TITLE": "" if job.name == THE_BOT else f": {job.name}",
        "JOB_TYPE": "oneshot" if daily else "simple",
        "JOB_ENTRYPOINT": quote_argument(job.entrypoint),
        "JOB_ARGUMENTS": " ".join(map(quote_argument, [*mode, *job.arguments])),
        "JOB_LOG": log_of(job),
        "JOB_TIMES": "\n".join(
            f"OnCalendar={event}"
            for timing in timings_of(config, job)
            for event in calendar_events(timing)
        ),
        "MARKET_GATE": f'\nEnvironment="MARKET_GATE={gate}"'
        if job.exclusive and job.market
        else "",
        "EXEC_CONDITION": f"\nExecCondition={gate}" if job.market else "",
        "TAKE_TURN": f"{TAKE_TURN} {job.exclusive} " if job.exclusive else "",
        "TURNS": "\nRuntimeDirectory=trading-turns\nRuntimeDirectoryPreserve=yes"
        if job.exclusive
        else "",
        "RESTART": "on-failure" if retries_of(config, job) else "no",
        "TIMEOUT": f"TimeoutStartSec={longest_run(config, job)}\n" if daily else "",
        "LIMIT_SECONDS": str(seconds),
        "LIMIT_STARTS": str(starts),
        "MEMORY_MAX": str(JOBS_MEMORY // lanes_of(config)),
    }


def log_of(job: Job) -> str:
    """The name of a job's log without ``.log``, and of its stream in CloudWatch."""
    return unit_of(job).removeprefix("trading-")


def longest_run(config: Config, job: Job) -> int:
    """Seconds from a daily job's start to its end at the latest, the wait for its turn included."""
    others = [
        timeout_of(config, other)
        for other in jobs_of(config)
        if job.exclusive and other.exclusive == job.exclusive and other.name != job.name
    ]
    return timeout_of(config, job) + max(others, default=0)


def retries_of(config: Config, job: Job) -> int:
    """How often a run is tried again: fewer than wished where that would reach the next time.

    systemd counts starts in a span of time: of two times in one span, the first would use up the
    second's, or be tried more often than it may.
    """
    if job.kind == "service":
        return job.retries
    gap = _smallest_gap(config, job)
    if gap == DAY * 60:
        return job.retries
    fitting = (gap - RESTART_DELAY) // (longest_run(config, job) + RESTART_DELAY) - 1
    return max(min(job.retries, fitting), 0)


def _smallest_gap(config: Config, job: Job) -> int:
    """Seconds between the two closest times of a job, over midnight, too."""
    times = sorted(minute for timing in timings_of(config, job) for minute in timing.minutes)
    following = (*times[1:], times[0] + DAY)
    return min(after - time for time, after in zip(times, following, strict=True)) * 60


def _start_limit(config: Config, job: Job) -> tuple[int, int]:
    """Seconds, and how many starts are allowed in them. Without retries there is no limit, 0."""
    retries = retries_of(config, job)
    if not retries:
        return 0, 1
    if job.kind == "service":
        return 15 * 60, retries + 1
    seconds = (retries + 1) * (longest_run(config, job) + RESTART_DELAY)
    return min(seconds, LONGEST_LIMIT), retries + 1


def units_of(config: Config, kind: str) -> list[str]:
    """Services of the jobs of a kind."""
    return [f"{unit_of(job)}.service" for job in jobs_of(config) if job.kind == kind]


def jobs_json(config: Config) -> str:
    """What ``scripts/check-run`` reads: a job a line; days as ISO has them, Monday is 1."""
    lines = [
        json.dumps(
            {
                "name": job.name,
                "unit": f"{unit_of(job)}.service",
                "kind": job.kind,
                "market": job.market,
                "early": early_of(config, job),
                "every": bool(job.every),
                "retries": retries_of(config, job),
                "when": [
                    [
                        "".join(str(day + 1) for day in sorted(timing.days)),
                        timing.zone,
                        [clock(minute) for minute in timing.minutes],
                    ]
                    for timing in timings_of(config, job)
                ],
            }
        )
        for job in jobs_of(config)
    ]
    return "[" + ",\n".join(lines) + "]\n"


def check_times(config: Config) -> Iterator[str]:
    """After each time of a job; of one that is repeated, after the first and the last."""
    times = {
        (timing.zone, (minute + CHECK_DELAY) % DAY)
        for job in jobs_of(config)
        for timing in timings_of(config, job)
        for minute in (
            timing.minutes[:: len(timing.minutes) - 1 or 1] if job.every else timing.minutes
        )
    }
    for zone, minute in sorted(times):
        yield f"OnCalendar=*-*-* {clock(minute)}:00 {zone}"


def key_times(config: Config) -> Iterator[str]:
    """Before each time of a job; of one that is repeated, before the first of its day."""
    early = {
        Timing(
            shifted(timing.days, (minute - KEY_LEAD) // DAY),
            ((minute - KEY_LEAD) % DAY,),
            timing.zone,
        )
        for job in jobs_of(config)
        for timing in timings_of(config, job)
        for minute in (timing.minutes[:1] if job.every else timing.minutes)
    }
    events = {event for timing in early for event in calendar_events(timing)}
    yield from (f"OnCalendar={event}" for event in sorted(events))


def log_settings(job: Job) -> str:
    """The agent's entry for the log of a job that is not the bot, whose file is always there."""
    if job.name == THE_BOT:
        return ""
    name = log_of(job)
    return f"""
    {{
      "file_path": "/var/log/trading-bot/{name}.log",
      "log_group_name": "${{BotLogGroup}}",
      "log_stream_name": "{{instance_id}}/{name}"
    }},"""
