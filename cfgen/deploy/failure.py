"""A failed operation, told: its causes, what to do next, and the exit code."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from cfgen.aws import FAILURES, Clients, brief
from cfgen.bot.report import Report, read_reports
from cfgen.deploy.causes import causes, is_nested, stuck
from cfgen.deploy.events import Event
from cfgen.deploy.following import Followed
from cfgen.deploy.redact import printable
from cfgen.deploy.remedies import HOST_LOG_GROUP, HOSTS, console_link, remedy
from cfgen.deploy.stack import Stack
from cfgen.deploy.states import ROLLED_BACK, SUCCEEDED, repair
from cfgen.errors import DeployFailed, NeedsRepair

LAST_LINES = 15
"""Lines of the bootstrap's log that are shown: its step's command and what it said."""

DEPTH = 5
"""Nested stacks within nested stacks that are looked into."""


class Notes(Protocol):
    """What telling needs of a watcher."""

    def note(self, text: str) -> None:
        """Something worth knowing."""


def judge(stack: Stack, arn: str, followed: Followed, clients: Clients, watcher: Notes) -> None:
    """Raise :class:`DeployFailed` or :class:`NeedsRepair` unless the operation succeeded."""
    events, status = followed.events, followed.status
    if status in SUCCEEDED:
        return
    if followed.cancelled and (status in ROLLED_BACK or status == "DELETE_COMPLETE"):
        raise DeployFailed(f"cancelled, as you asked: stack {stack.name} is in {status}")
    found = tuple(find_causes(stack, arn, events, watcher))
    _show_bootstrap(stack, arn, found, events[0].time, clients, watcher)
    why = "\n  ".join(map(told, found)) or "no event says why"
    cause = found[0] if found else None
    if status in ROLLED_BACK:
        ended = "was rolled back"
    elif status == "DELETE_COMPLETE":
        ended = "its stack was deleted"
    else:
        held = "".join(f"\n  {told(event)}" for event in stuck(events) if event not in found)
        first = remedy(cause, stack.command, "mend the cause")
        raise NeedsRepair(
            f"the deploy failed and left the stack in {status}: {why}{held}",
            f"{first}; then {repair(status, stack.command)}\n  {console_link(arn)}",
        )
    raise DeployFailed(
        f"the deploy failed and {ended} ({status}): {why}",
        f"{remedy(cause, stack.command)}\n  {console_link(arn)}",
    )


def find_causes(stack: Stack, arn: str, events: Sequence[Event], watcher: Notes) -> Iterator[Event]:
    """The earliest real cause for each resource, those of nested stacks in place of their echo."""
    listed = stack.failures(arn, events[0].time)
    if isinstance(listed, str):
        watcher.note(f"{listed}; the cause is read from the stack's events")
        listed = []
    # Neither list is sure to hold what the other holds; hooks come before what they fail.
    known = {event.id for event in events}
    both = [*events, *(event for event in listed if event.id not in known)]
    for cause in causes(sorted(both, key=lambda event: event.time)):
        yield from _inside(stack, arn, cause, events[0].time, DEPTH)


def _inside(stack: Stack, arn: str, cause: Event, since: datetime, depth: int) -> Iterator[Event]:
    """The causes within a nested stack; the cause itself where there are none."""
    inner: tuple[Event, ...] = ()
    if depth and is_nested(cause, arn):
        try:
            # What it went through before is no cause of this.
            events = stack.events(cause.physical_id)
            inner = causes(event for event in events if event.time >= since)
        except FAILURES:
            inner = ()
    if not inner:
        yield cause
    for one in inner:
        named = msgspec.structs.replace(one, logical_id=f"{cause.logical_id}/{one.logical_id}")
        yield from _inside(stack, cause.physical_id, named, since, depth - 1)


def told(event: Event) -> str:
    """A failure in a line."""
    hook = f", Hook {event.hook}" if event.hook else ""
    return f"{event.logical_id} ({event.resource_type}{hook}): {event.reason or event.status}"


def _show_bootstrap(
    stack: Stack,
    arn: str,
    found: Sequence[Event],
    since: datetime,
    clients: Clients,
    watcher: Notes,
) -> None:
    """Show why the bootstrap failed, where it is the bootstrap that failed.

    The host's own report says it best; before there is one, its log; before that, its console.
    """
    failed = [one for one in found if one.logical_id in HOSTS and "signal" in one.reason.lower()]
    if not failed:
        return
    try:
        group = next(
            (one.physical_id for one in stack.contents(arn) if one.logical_id == HOST_LOG_GROUP), ""
        )
    except FAILURES:
        group = ""
    shown = bool(group) and _show_log(group, since, clients, watcher)
    instance = next((one.physical_id for one in failed if one.physical_id.startswith("i-")), "")
    if not shown and instance:
        _show_console(instance, clients, watcher)


def _show_log(group: str, since: datetime, clients: Clients, watcher: Notes) -> bool:
    """Show the host's report of its failure and the end of its log; whether there was any."""
    tail = f"aws logs tail {group} --region {clients.region} --since 1h"
    try:
        streams = clients.logs.describe_log_streams(
            logGroupName=group, orderBy="LastEventTime", descending=True, limit=10
        )["logStreams"]
        names = [one["logStreamName"] for one in streams]
        told = _last_failure(names, group, since, clients)
        if told:
            step = f"step {told.step} of the bootstrap" if told.step else "the bootstrap"
            watcher.note(f"the host says: {step} failed: {printable(told.reason)}")
        stream = next((name for name in names if name.endswith("/bootstrap")), None)
        if stream is None:
            if told is None:
                watcher.note("the host has logged nothing of its bootstrap: it did not get so far")
            return told is not None
        lines = clients.logs.get_log_events(
            logGroupName=group, logStreamName=stream, limit=LAST_LINES, startFromHead=False
        )["events"]
    except FAILURES:
        watcher.note(f"the bootstrap's log could not be read; try: {tail}")
        return False
    watcher.note(f"the end of the bootstrap's log ({stream}); all of it: {tail}")
    for line in lines:
        watcher.note(f"  {printable(line['message'].rstrip())}")
    return True


def _last_failure(
    streams: Sequence[str], group: str, since: datetime, clients: Clients
) -> Report | None:
    """What the host that spoke last says of its failure, if it does."""
    name = next((one for one in streams if one.endswith("/report")), "")
    if not name:
        return None
    reports = read_reports(clients.logs, group, name.removesuffix("/report"), since)
    return next((one for one in reversed(reports) if one.event == "failed"), None)


def _show_console(instance: str, clients: Clients, watcher: Notes) -> None:
    """Show the end of what the instance wrote on its console, which EC2 keeps for an hour."""
    command = (
        f"aws ec2 get-console-output --region {clients.region} --instance-id {instance} "
        "--latest --output text"
    )
    try:
        text = clients.ec2.get_console_output(InstanceId=instance, Latest=True).get("Output", "")
    except FAILURES as error:
        watcher.note(f"its console could not be read ({brief(error)}); try: {command}")
        return
    lines = [line for line in text.splitlines() if line.strip()][-LAST_LINES:]
    if not lines:
        watcher.note(f"nothing is on its console yet; try in some minutes: {command}")
        return
    watcher.note(f"the end of its console; all of it: {command}")
    for line in lines:
        watcher.note(f"  {printable(line.rstrip())}")
