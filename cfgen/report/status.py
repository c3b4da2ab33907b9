"""The bot's status, for people and programs."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import RenderableType
from rich.text import Text

from cfgen.bot.host import Host
from cfgen.bot.runs import LOOK_BACK, STOPPED, Run
from cfgen.bot.status import Operation, Status, Version
from cfgen.deploy.redact import printable
from cfgen.lock import LockedPlan
from cfgen.report.numbers import usd
from cfgen.report.paper import Paper
from cfgen.times import timestamp

OPERATIONS = {
    "create_stack": "creation",
    "update_stack": "update",
    "delete_stack": "deletion",
    "continue_rollback": "continued rollback",
    "rollback": "rollback",
}
"""Words for the operations on a stack (OperationType in the CloudFormation API Reference)."""

CLEAR = "\x1b[H\x1b[2J"
"""Goes to the first line and clears the screen (ECMA-48: CUP, ED)."""


def redrawn(text: str, paper: Paper) -> str:
    """A text in the place of the one before, where the paper is a terminal."""
    return f"{CLEAR}{text}" if paper.terminal else text


def status_text(
    status: Status,
    kept: LockedPlan | None,
    now: datetime,
    paper: Paper,
    command: Callable[[str], str] = "cfgen {}".format,
) -> str:
    """A few lines: stack, last operation, host, alarms, next run, cost.

    ``command`` writes a command of cfgen's for the same stack.
    """
    lines: list[RenderableType] = [_stack(status), *_brake(status, command)]
    if status.operation:
        lines.append(f"last operation: {_operation(status.operation)}")
    lines.append(_host(status.host, command) if status.host else "host: none at the moment")
    lines += _machine(status, command)
    ringing = [alarm for alarm in status.alarms if alarm.state == "ALARM"]
    silent = len(status.alarms) - len(ringing)
    lines.append(
        f"alarms: {len(ringing)} ringing" + (f", {silent} without data yet" if silent else "")
    )
    lines += [Text(f"  {alarm.name}: {alarm.text}", style="bold red") for alarm in ringing]
    lines.append(f"next run: {_next_run(status.next_run, now, _stands(status))}")
    lines += _jobs(status, now)
    if status.error:
        lines.append(
            Text(f"last error: {_moment(status.error.time)}: {printable(status.error.text)}")
        )
    if kept:
        lines.append(f"plan: {kept.id}, {usd(kept.monthly_usd)} a month when it was locked")
    return paper.render(lines).rstrip("\n") + "\n"


ARRIVALS = {
    "there": "the host has it",
    "failed": "NOT taken up by the host",
    "waiting": "waits on the host",
    "coming": "on its way to the host",
    "unknown": "not known whether the host has it",
}


def _machine(status: Status, command: Callable[[str], str]) -> Iterator[Text]:
    """What the host has of what the stack wants, and how the machine does."""
    if status.version:
        styles = {"there": "", "failed": "bold red"}
        said = printable(_version(status.version, command))
        yield Text(said, style=styles.get(status.version.arrival, "yellow"))
    if status.use.unknown:
        yield Text(f"memory and disk: could not be asked: {status.use.unknown}", style="yellow")
    elif status.use.memory is not None or status.use.disk is not None:
        yield Text(f"memory {_percent(status.use.memory)} used, disk {_percent(status.use.disk)}")
    if status.reboot_due:
        yield Text(f"reboot due since {_moment(status.reboot_due)}", style="yellow")


def _version(version: Version, command: Callable[[str], str]) -> str:
    there, now = version.there, version.now
    text = f"version: {version.wanted or 'unknown'} wanted, {ARRIVALS[version.arrival]}"
    if version.arrival == "there":
        return text + (f" (app at {there.commit[:12]})" if there and there.commit else "")
    if now:
        step = f"step {now.step}" if now.step else ""
        when = f"{now.reason} ({_moment(now.time)})" if now.reason else ""
        text += ": " + ": ".join(filter(None, (step, when)))
    elif version.why:
        text += f": {version.why}"
    if there:
        text += f"; it has {there.version}, {there.source}"
    return text + (f"; see {command('logs --boot')}" if version.arrival == "failed" else "")


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f}%"


def _moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _jobs(status: Status, now: datetime) -> Iterator[Text]:
    """How the last run ended; of several jobs, each with its next run."""
    several = len(status.jobs) > 1
    for job in status.jobs:
        last = _last_run(job.last_run) if not status.runs_unknown else ""
        text = Text(
            f"  {job.name}: next {_next_run(job.next_run, now, _stands(status))}" if several else ""
        )
        if last:
            bad = job.last_run is not None and job.last_run.result not in ("success", STOPPED)
            text.append("; " if several else "", "")
            text.append(f"last run: {last}", "bold red" if bad else "")
        if text:
            yield text
    if status.runs_unknown:
        yield Text(f"last runs: the log could not be read: {status.runs_unknown}", style="yellow")


def _last_run(run: Run | None) -> str:
    if run is None:
        return f"none that ended in the last {LOOK_BACK.days} days"
    return f"{run.result} at {run.ended:%Y-%m-%d %H:%M} UTC" + (
        f": {run.reason}" if run.reason else ""
    )


def _stands(status: Status) -> bool:
    """Whether no run begins until somebody lets it."""
    return status.brake is not None and status.paused and status.brake.until is None


def _brake(status: Status, command: Callable[[str], str]) -> Iterator[Text]:
    """Nothing where jobs run as ever."""
    if status.brake_unknown:
        yield Text(f"brake: not known: {status.brake_unknown}", style="yellow")
    elif status.brake and status.paused:
        value = status.brake.value.replace("paused", "PAUSED")
        yield Text(f"{value}: no job runs; {command('resume')} ends it", style="bold red")


def _stack(status: Status) -> Text:
    bad = "FAILED" in status.status or "ROLLBACK" in status.status
    text = Text(f"stack: {status.stack} ")
    text.append(status.status, style="bold red" if bad else "green")
    text.append(f" since {status.updated:%Y-%m-%d %H:%M} UTC")
    text.append(", protected" if status.protected else ", not protected from deletion")
    if status.drift not in ("NOT_CHECKED", "IN_SYNC"):
        text.append(f", {status.drift.lower()}", style="yellow")
    if status.drift_checked:
        same = ", in sync" if status.drift == "IN_SYNC" else ""
        text.append(f"{same} (checked {status.drift_checked:%Y-%m-%d %H:%M} UTC)")
    if status.reason:
        text.append(f": {status.reason}")
    return text


def _operation(operation: Operation) -> str:
    word = OPERATIONS.get(operation.kind, operation.kind)
    return word + (f" of {operation.time:%Y-%m-%d %H:%M} UTC" if operation.time else "")


def _host(host: Host, command: Callable[[str], str]) -> Text:
    good = host.state == "running" and host.checks == "ok" and host.online is not False
    reached = {
        True: "reached by Session Manager",
        False: "not reached by Session Manager",
        None: "Session Manager could not be asked",
    }[host.online]
    checks = f", checks {host.checks}" if host.checks else ""
    waiting = f", still bootstrapping (see {command('logs --boot')})" if host.bootstrapping else ""
    return Text(
        f"host: {host.instance_id} ({host.instance_type}) {host.state}{checks}{waiting}, {reached}",
        style="" if good else "yellow",
    )


def _next_run(moment: datetime | None, now: datetime, paused: bool) -> str:
    if moment is None:
        return "none while it is paused" if paused else "none in the next 30 days"
    hours = int((moment - now).total_seconds() // 3600)
    when = f"in {hours} h" if hours < 48 else f"in {hours // 24} days"
    return f"{moment:%a %Y-%m-%d %H:%M} {moment.tzinfo}, {when}"


def status_json(status: Status, kept: LockedPlan | None) -> str:
    """One line."""
    host = status.host
    cost: Decimal | None = kept.monthly_usd if kept else None
    fields = {
        "stack": status.stack,
        "status": status.status,
        "reason": status.reason or None,
        "updated": timestamp(status.updated),
        "protected": status.protected,
        "last_operation": status.operation.kind if status.operation else None,
        "drift": status.drift,
        "drift_checked": timestamp(status.drift_checked) if status.drift_checked else None,
        "host": host and {name: getattr(host, name) for name in host.__struct_fields__},
        "alarms": [
            {"name": one.name, "state": one.state, "text": one.text} for one in status.alarms
        ],
        "brake": status.brake
        and {
            "state": "paused" if status.paused else "running",
            "until": status.brake.until.isoformat()
            if status.paused and status.brake.until
            else None,
        },
        "brake_unknown": status.brake_unknown or None,
        "next_run": status.next_run.isoformat() if status.next_run else None,
        "jobs": [
            {
                "name": job.name,
                "next_run": job.next_run.isoformat() if job.next_run else None,
                "last_run": job.last_run
                and {
                    "ended": timestamp(job.last_run.ended),
                    "result": job.last_run.result,
                    "reason": job.last_run.reason or None,
                },
            }
            for job in status.jobs
        ],
        "version": status.version and _version_data(status.version),
        "last_error": status.error
        and {"time": timestamp(status.error.time), "text": status.error.text},
        "reboot_due": timestamp(status.reboot_due) if status.reboot_due else None,
        "memory_used_percent": status.use.memory,
        "disk_used_percent": status.use.disk,
        "plan": kept.id if kept else None,
        "monthly_usd": None if cost is None else f"{cost:f}",
    }
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _version_data(version: Version) -> dict[str, object]:
    now, there = version.now, version.there
    return {
        "wanted": version.wanted or None,
        "source": version.source or None,
        "arrival": version.arrival,
        "step": now.step if now and now.step else None,
        "reason": (now.reason if now and now.reason else version.why) or None,
        "there": there and there.version,
        "there_source": there and there.source,
        "commit": there and (there.commit or None),
        "since": timestamp(there.time) if there else None,
    }
