"""The brake, and how each job's last run ended. Pure."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from cfgen.bot.runs import LOOK_BACK, JobRuns
from cfgen.config.schema import Config
from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok
from cfgen.host.market import trading_sessions

PAUSED = re.compile(r"paused(?: until (\d{4}-\d\d-\d\d))?")
RUNNING = "running"


def judge_brake(value: str, config: Config, now: datetime) -> Iterator[Finding]:
    """``value`` is the parameter's, as the host reads it."""
    match = PAUSED.fullmatch(value)
    try:
        until = date.fromisoformat(match[1]) if match and match[1] else None
    except ValueError:
        match = until = None
    if value == RUNNING:
        yield ok("brake", "off: jobs start")
    elif match is None:
        yield found("brake-odd", value=value)
    elif until and now.astimezone(ZoneInfo(config.bot.timezone)).date() >= until:
        yield ok("brake", f"off again: it was {value}")
    else:
        yield found("brake-on", value=value)


def judge_runs(
    jobs: Sequence[JobRuns], config: Config, made: datetime, now: datetime
) -> Iterator[Finding]:
    """``made`` is when the stack was: before that nothing ran."""
    since = max(now - LOOK_BACK, made)
    days = (now - since).days + 1
    closed = [end for _, end in trading_sessions(config, since.date(), days) if since < end < now]
    for job in jobs:
        run = job.last_run
        if run is not None and run.result == "success":
            yield ok("runs", f"job {job.name}: success at {run.ended:%Y-%m-%d %H:%M} UTC")
        elif run is not None:
            reason = f": {run.reason}" if run.reason else ""
            time = f"{run.ended:%Y-%m-%d %H:%M}"
            facts = {"job": job.name, "result": run.result, "time": time, "reason": reason}
            yield found("run-failed", **facts)
        elif len(closed) > 1 and since == now - LOOK_BACK:
            yield found("run-missing", job=job.name, days=LOOK_BACK.days)
        else:
            yield ok("runs", f"job {job.name}: {_first(job)}")


def _first(job: JobRuns) -> str:
    when = job.next_run and f"{job.next_run:%Y-%m-%d %H:%M %Z}"
    return f"no run has ended yet, the next is at {when}" if when else "no run is due"
