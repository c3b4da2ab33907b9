"""What a pause, a resume or a run by hand did, for people and programs."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime

from cfgen.bot.brake import Brake, Change, Push, Start
from cfgen.config.schema import Config
from cfgen.errors import CfgenError, Refused

SCHEMA_VERSION = 1

NextRuns = dict[str, datetime | None]
"""Each job's next run; ``None`` while there is none, or none in the days looked at."""


def paused_text(change: Change, config: Config, next_runs: NextRuns, again: str) -> str:
    """A line a fact. ``again`` is the command that ends the pause."""
    was = "" if change.changed else "it was so already: "
    return "\n".join(
        [
            f"{was}stack {config.stack.name} is {change.brake.value}: no job begins",
            *_stopped(change.push),
            "open orders and positions at the broker stay as they are",
            *(["the dashboard stays up, and can place orders"] if config.dashboard.enabled else []),
            *_when(change.brake, next_runs, again),
            "",
        ]
    )


def _stopped(push: Push) -> Iterator[str]:
    if push.unreached:
        yield (
            f"the host was not told to stop anything: {push.unreached}; the pause holds from its "
            "next start, and on a host that runs within ten minutes, for runs that begin after that"
        )
        return
    yield f"stopped: {', '.join(push.stopped)}" if push.stopped else "nothing was at work to stop"
    if push.at_work:
        yield f"still at work, until it ends: {', '.join(push.at_work)}"


def _when(brake: Brake, next_runs: NextRuns, again: str) -> Iterator[str]:
    if brake.until is None:
        yield f"runs go on after {again}"
        return
    yield from _runs(next_runs)
    yield f"{again} ends the pause before that"


def resumed_text(change: Change, config: Config, next_runs: NextRuns) -> str:
    """A line a fact."""
    was = "jobs of" if change.changed else "nothing was paused: jobs of"
    lines = [f"{was} stack {config.stack.name} run again"]
    if change.push.unreached:
        lines.append(
            f"the host was not told: {change.push.unreached}; one that runs reads it within ten "
            "minutes, another from its start"
        )
    if change.push.started:
        lines.append(f"started, if the exchange is open: {', '.join(change.push.started)}")
    lines += [*_runs(next_runs), "daily runs that were left out meanwhile are not made up for", ""]
    return "\n".join(lines)


def _runs(next_runs: NextRuns) -> Iterator[str]:
    for name, moment in next_runs.items():
        when = f"{moment:%a %Y-%m-%d %H:%M} {moment.tzinfo}" if moment else "none in 30 days"
        yield f"next run of {name}: {when}"


def change_json(change: Change, next_runs: NextRuns) -> str:
    """One line; units without ``.service`` are none of ours, so they stay as systemd has them."""
    brake, push = change.brake, change.push
    fields = {
        "schema_version": SCHEMA_VERSION,
        "brake": {
            "state": "paused" if brake.paused else "running",
            "until": brake.until.isoformat() if brake.until else None,
        },
        "changed": change.changed,
        "host": {
            "reached": not push.unreached,
            "reason": push.unreached or None,
            "stopped": list(push.stopped),
            "at_work": list(push.at_work),
            "started": list(push.started),
        },
        "jobs": [
            {"name": name, "next_run": moment.isoformat() if moment else None}
            for name, moment in next_runs.items()
        ],
    }
    return json.dumps(fields, ensure_ascii=False) + "\n"


SAID = {
    "began": "began, and is at work",
    "ended": "began, and has ended well",
    "running": "is at work already: nothing was started",
    "skipped": "was left out by its gate",
    "failed": "failed",
    "retrying": "failed, and is tried again in a minute",
    "waiting": "did not begin, and will not: what it waits for was not ready in time",
}
"""What became of a run that was asked for."""


def start_text(start: Start, shown: Callable[[str], str] = str) -> str:
    """What became of the run, and what it wrote meanwhile; ``shown`` makes a line printable."""
    lines = [f"  {shown(line)}" for line in start.lines]
    return "\n".join([f"job {start.job} {_said(start)}", *lines, ""])


def _said(start: Start) -> str:
    return SAID.get(start.outcome, f"is in an unknown state: {start.outcome}")


def start_json(start: Start) -> str:
    """One line."""
    fields = {
        "schema_version": SCHEMA_VERSION,
        "job": start.job,
        "outcome": start.outcome,
        "lines": list(start.lines),
    }
    return json.dumps(fields, ensure_ascii=False) + "\n"


def start_error(start: Start, command: Callable[[str], str]) -> CfgenError | None:
    """What the program ends with, ``None`` where the run began. ``command`` writes a command."""
    if start.outcome in ("began", "ended"):
        return None
    last = f": {start.lines[-1]}" if start.lines else ""
    error = Refused if start.outcome in ("running", "skipped") else CfgenError
    hint = f"{command(f'logs --job {start.job}')} shows more"
    return error(f"job {start.job} {_said(start)}{last}", hint)
