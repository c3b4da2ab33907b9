"""When the jobs run next, and how their last runs ended."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from cfgen.bot.logs import Line, read_lines
from cfgen.config.jobs import early_of, jobs_of, timings_of, unit_of
from cfgen.config.schema import Config, Job
from cfgen.host.market import trading_sessions

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

LOOK_AHEAD = 30
"""Days among which the next run is looked for: Korea's longest holidays are a week."""

LOOK_BACK = timedelta(days=4)
"""How far back a last run is looked for: over a weekend and a holiday."""

ENDED, FAILED = "run-ended:", "ERROR trading-bot"
"""How lines of the log begin that tell of a run's end (``units/trading-bot.service``) and of a unit
that failed for good (``scripts/report-failure``)."""

SKIPPED = "exec-condition"
"""systemd's result where the market gate skipped the run."""


STOPPED = "stopped"
"""In place of "success" where a run was ended in order, by a shutdown or a Spot notice."""


class Run(msgspec.Struct, frozen=True):
    """A run that ended. ``result`` is systemd's, such as success, exit-code or timeout, or STOPPED.

    ``reason`` is what the host said of a failure, empty where it was not the last try.
    """

    ended: datetime
    result: str
    reason: str = ""


class JobRuns(msgspec.Struct, frozen=True):
    """A job's next run and its last: ``None`` where there is none within the days looked at."""

    name: str
    next_run: datetime | None
    last_run: Run | None


def runs_of(config: Config, after: datetime | None, lines: Iterable[Line]) -> tuple[JobRuns, ...]:
    """Each job with its runs: the next after a moment, ``None`` while none begins.

    ``lines`` are those of :func:`read_run_lines`.
    """
    told = sorted(lines, key=lambda line: line.time)
    return tuple(
        JobRuns(job.name, after and next_run_of(config, job, after), _last_run(job, told))
        for job in jobs_of(config)
    )


def read_run_lines(client: "CloudWatchLogsClient", group: str, now: datetime) -> tuple[Line, ...]:
    """Lines that tell of runs and of errors, of the last days. Raises botocore's errors."""
    return tuple(read_lines(client, group, now - LOOK_BACK, f'?"{ENDED}" ?ERROR'))


def _last_run(job: Job, told: list[Line]) -> Run | None:
    last: Run | None = None
    for line in told:
        words = line.text.split()
        if line.text.startswith(ENDED) and words[1:2] == [job.name]:
            result = words[2] if words[2:] else "unknown"
            if result == "success" and words[3:4] in (["TERM"], ["143"]):
                result = STOPPED
            last = last if result == SKIPPED else Run(line.time, result)
        elif line.text.startswith(f"ERROR {unit_of(job)}.service failed") and last:
            last = Run(last.ended, last.result, line.text.partition(" ")[2])
    return last


def next_run(config: Config, now: datetime) -> datetime | None:
    """When the first of the jobs runs next."""
    moments = [next_run_of(config, job, now) for job in jobs_of(config)]
    return min((moment for moment in moments if moment), default=None)


def next_run_of(config: Config, job: Job, now: datetime) -> datetime | None:
    """When a job's timer starts it next and the market gate lets it."""
    first = now.date() - timedelta(days=2)
    sessions = trading_sessions(config, first, LOOK_AHEAD + 4) if job.market else []
    early = timedelta(minutes=early_of(config, job))
    found = []
    for timing in timings_of(config, job):
        here = now.astimezone(ZoneInfo(timing.zone))
        moments = (
            datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=here.tzinfo)
            for ahead in range(LOOK_AHEAD)
            for day in [here.date() + timedelta(days=ahead)]
            if day.weekday() in timing.days
            for minute in timing.minutes
        )
        found += [
            next(
                (
                    moment
                    for moment in moments
                    if moment > now
                    and (not job.market or any(a - early <= moment <= b for a, b in sessions))
                ),
                None,
            )
        ]
    return min((moment for moment in found if moment), default=None)
