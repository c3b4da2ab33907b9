"""Waiting until the host has what the stack says: only then is a change done."""

from datetime import datetime
from typing import Literal, Protocol

import msgspec

from cfgen.aws import FAILURES, Clients, brief
from cfgen.bot.host import instance_among, read_resources
from cfgen.bot.report import Report, Wanted, progress_of, read_reports, wanted_of
from cfgen.deploy.remedies import HOST_LOG_GROUP
from cfgen.deploy.stack import Stack
from cfgen.errors import HostFailed, StillRunning

Host = Literal["there", "stopped", "none", "late", "unknown", ""]
"""What became of the host: it has it; it does not run; there is none; it has it not yet; that could
not be seen; nothing was asked."""

SHOWN = ("step", "done", "waiting")


class Onlooker(Protocol):
    """What waiting needs of a watcher."""

    def host(self, report: Report) -> None:
        """The host told how far it is."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def warning(self, text: str) -> None:
        """Something that is wrong and does not undo what is done."""


class Target(msgspec.Struct, frozen=True):
    """A host, where it writes its reports, and what it is to have."""

    instance_id: str
    launched: datetime
    group: str
    wanted: Wanted


def await_host(
    stack: Stack,
    arn: str,
    begun: datetime | None,
    clients: Clients,
    watcher: Onlooker,
    *,
    created: bool = False,
) -> Host:
    """Wait until the host has what the stack says since ``begun``, and tell its steps.

    A host that was ``created`` with the stack, or launched since, has signalled that it came up, or
    the operation would have failed: then there is one look only. The stack is as wanted already:
    what cannot be seen is told only. Raises :class:`HostFailed` where the host says that it failed,
    :class:`StillRunning` when the time is up, and ``KeyboardInterrupt``.
    """
    try:
        target = _target(stack, arn, clients, watcher)
        if not isinstance(target, Target):
            return target
        if created or (begun and target.launched >= begun):
            return _came_up(target, clients, watcher)
        return _follow(stack, target, begun, clients, watcher)
    except KeyboardInterrupt:
        watcher.warning(
            f"the stack is as wanted; whether its host is, too, shows {stack.command('status')}"
        )
        raise
    except FAILURES as error:
        watcher.warning(
            f"whether the host has taken the change up could not be seen: {brief(error)}; "
            f"see {stack.command('logs --boot')}"
        )
        return "unknown"


def look_at_host(stack: Stack, arn: str, clients: Clients, watcher: Onlooker) -> Host:
    """One look, where nothing was changed: say where the host has not got what the stack says."""
    try:
        target = _target(stack, arn, clients, watcher)
        if not isinstance(target, Target):
            return target
        reports = read_reports(clients.logs, target.group, target.instance_id)
    except FAILURES as error:
        watcher.note(f"whether the host has it could not be seen: {brief(error)}")
        return "unknown"
    found = progress_of(reports, target.wanted)
    if found.arrival == "failed" and found.report:
        watcher.warning(
            f"the host has not taken up what the stack says: {_why(found.report)}; it tries again "
            f"by itself; see {stack.command('logs --boot')}"
        )
    elif found.arrival == "waiting" and found.report:
        watcher.host(found.report)
    late = found.arrival in ("failed", "waiting", "coming")
    return "there" if found.arrival == "there" else "late" if late else "unknown"


def _target(stack: Stack, arn: str, clients: Clients, watcher: Onlooker) -> Target | Host:
    """The host to look at; or why there is nothing to look at."""
    found = stack.find(arn)
    wanted = wanted_of(stack.built_for(arn), found.parameters if found else {})
    if wanted is None:
        return ""
    held = read_resources(clients, arn)
    group = held.get(HOST_LOG_GROUP)
    instance = instance_among(clients, held)
    if group is None or instance is None:
        watcher.note("there is no host at the moment: the next one starts with the change")
        return "none"
    launched = _launched(clients, instance)
    if launched is None:
        watcher.note(f"host {instance} does not run: it takes the change up when it starts")
        return "stopped"
    return Target(instance, launched, group["PhysicalResourceId"], wanted)


def _launched(clients: Clients, instance: str) -> datetime | None:
    """When an instance was launched, or started last; ``None`` where it does not run."""
    reservations = clients.ec2.describe_instances(InstanceIds=[instance])["Reservations"]
    found = [one for each in reservations for one in each["Instances"]]
    runs = found and found[0]["State"]["Name"] in ("running", "pending")
    return found[0]["LaunchTime"] if runs else None


def _came_up(target: Target, clients: Clients, watcher: Onlooker) -> Host:
    reports = read_reports(clients.logs, target.group, target.instance_id)
    done = [one for one in reports if one.event == "done" and target.wanted.is_of(one)]
    for report in done[-1:]:
        watcher.host(report)
    return "there" if done else "unknown"


def _follow(
    stack: Stack, target: Target, begun: datetime | None, clients: Clients, watcher: Onlooker
) -> Host:
    shown: set[Report] = set()
    looks = 0

    def probe() -> Host | None:
        nonlocal looks
        reports = read_reports(clients.logs, target.group, target.instance_id)
        found = progress_of(reports, target.wanted, begun)
        looks += 1
        if looks == 1 and found.arrival == "there":
            return "there"
        if looks == 1:
            watcher.note(
                "the stack is as wanted; now its host takes the change up (--no-wait-host does "
                "not wait for it)"
            )
        for report in reports:
            new = begun is None or report.time >= begun
            if new and report.event in SHOWN and report not in shown:
                shown.add(report)
                watcher.host(report)
        if found.arrival == "there":
            return "there"
        if found.arrival == "failed" and found.report:
            raise HostFailed(
                f"the stack is as wanted, but its host could not take the change up: "
                f"{_why(found.report)}",
                f"{stack.command('logs --boot')} shows more. The host goes on as it was, and tries "
                "again every ten minutes; put that right, and deploy again if it takes a change",
            )
        if _launched(clients, target.instance_id) is None:
            watcher.note(f"host {target.instance_id} has stopped: it goes on when it starts")
            return "stopped"
        return None

    try:
        return stack.until(f"the host of stack {stack.name}", probe)
    except StillRunning as error:
        raise StillRunning(
            f"the stack is as wanted, but {error}", f"{error.hint}; {stack.command('status')}"
        ) from error


def _why(report: Report) -> str:
    step = f"step {report.step} failed" if report.step else "it failed"
    return f"{step}: {report.reason}" if report.reason else step
