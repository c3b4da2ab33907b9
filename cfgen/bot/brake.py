"""The brake: a parameter of the stack that the host asks before each run.

The parameter decides: it outlives the host and is read by the next one. What is sent to a host that
runs only makes it take hold at once, and not within the ten minutes after which the host reads it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
from botocore.exceptions import ClientError

from cfgen.aws import FAILURES, brief
from cfgen.bot.command import remote_script, run_on_host
from cfgen.bot.host import Host, find_host, resource_ids
from cfgen.config.jobs import unit_of
from cfgen.config.schema import Job
from cfgen.deploy.waiting import Waiting
from cfgen.errors import CfgenError, ConfigError, Refused
from cfgen.host.jobs import log_of
from cfgen.host.render import BRAKE, BRAKE_DESCRIPTION

if TYPE_CHECKING:
    from cfgen.aws import Clients

UNTIL = "paused until "
PUSH_SECONDS = 120.0
"""How long a host may take: a job that is stopped has 45 s to put itself in order."""


class Brake(msgspec.Struct, frozen=True):
    """Whether jobs may run. On the day ``until``, in the bot's time zone, runs begin again."""

    paused: bool
    until: date | None = None

    @property
    def value(self) -> str:
        """As the parameter has it, and ``scripts/brake`` reads it."""
        if not self.paused:
            return "running"
        return f"{UNTIL}{self.until:%F}" if self.until else "paused"

    def holds(self, now: datetime, zone: str) -> bool:
        """Whether no run begins at this moment."""
        today = now.astimezone(ZoneInfo(zone)).date()
        return self.paused and (self.until is None or today < self.until)

    def free_from(self, now: datetime, zone: str) -> datetime | None:
        """The moment after which runs begin: ``now``, the end of a pause, ``None`` without one."""
        if not self.holds(now, zone):
            return now
        if self.until is None:
            return None
        # A run at midnight belongs to that day.
        return datetime.combine(self.until, time.min, ZoneInfo(zone)) - timedelta(seconds=1)


class Push(msgspec.Struct, frozen=True):
    """What became of the host: ``unreached`` is why nothing could be sent, empty where it was.

    Units that were ``stopped``, that are still ``at_work``, that were ``started``.
    """

    unreached: str = ""
    stopped: tuple[str, ...] = ()
    at_work: tuple[str, ...] = ()
    started: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True):
    """What a pause or a resume did; without ``changed`` the parameter had the value already."""

    brake: Brake
    changed: bool
    push: Push


class Start(msgspec.Struct, frozen=True):
    """What became of a run that was asked for, and what it wrote in its first seconds.

    ``outcome`` is ``began``, ``ended`` (well, already), ``skipped``, ``failed``, ``retrying``,
    ``running`` (it was at work before) or ``waiting`` (it did not begin, and will not).
    """

    job: str
    outcome: str
    lines: tuple[str, ...]


def parse_brake(text: str) -> Brake:
    """Read a parameter's value. Raises :class:`ConfigError` for one that is none of ours."""
    if text in ("running", "paused"):
        return Brake(text == "paused")
    try:
        if text.startswith(UNTIL):
            return Brake(True, date.fromisoformat(text.removeprefix(UNTIL)))
    except ValueError:
        pass
    raise ConfigError(
        f"the brake's parameter holds {text!r}, which is neither running nor paused: no job runs",
        "cfgen pause or cfgen resume sets it",
    )


def until_of(text: str, now: datetime, zone: str) -> date:
    """Read ``--until``. Raises :class:`ConfigError` for what is no day after today."""
    today = now.astimezone(ZoneInfo(zone)).date()
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--until: {text!r} is no date such as {today + timedelta(1)}") from error
    if day <= today:
        raise ConfigError(
            f"--until: {day} is not after today, {today} in {zone}",
            "runs begin again on that day, so tomorrow is the first that is allowed",
        )
    return day


def parameter_of(ids: Mapping[str, str], stack: str, command: Callable[[str], str]) -> str:
    """The parameter's name by the stack's resources. Raises :class:`Refused` without one."""
    if BRAKE not in ids:
        raise Refused(
            f"stack {stack} has no brake: it was made by an earlier cfgen, or is not up yet",
            f"deploy first: {command('deploy')}",
        )
    return ids[BRAKE]


def read_brake(clients: "Clients", name: str) -> Brake:
    """Ask for the value. Raises :class:`ConfigError` for a strange one, and botocore's errors."""
    return parse_brake(clients.ssm.get_parameter(Name=name)["Parameter"]["Value"])


def set_brake(
    clients: "Clients", stack: str, brake: Brake, waiting: Waiting, script: Sequence[str]
) -> Change:
    """Set the parameter, and send a script of ``cfgen/host/remote`` to the host that runs.

    Asks nothing of the stack but its resources, so it works whatever state that is in. A host that
    cannot be reached is no error. Raises :class:`Refused` where the stack has no brake,
    :class:`ConfigError` where there is no stack, and botocore's errors of the parameter.
    """
    name = parameter_of(resource_ids(clients, stack), stack, waiting.command)
    changed = _value(clients, name) != brake.value
    if changed:
        clients.ssm.put_parameter(
            Name=name,
            Value=brake.value,
            Type="String",
            Description=BRAKE_DESCRIPTION,
            Overwrite=True,
        )
    return Change(brake, changed, _push(clients, stack, waiting, script))


def _value(clients: "Clients", name: str) -> str | None:
    try:
        return clients.ssm.get_parameter(Name=name)["Parameter"].get("Value")
    except ClientError:
        # Whoever may not read it may still be allowed to set it.
        return None


def _push(clients: "Clients", stack: str, waiting: Waiting, script: Sequence[str]) -> Push:
    try:
        host = find_host(clients, stack)
        if host is None:
            return Push("there is no host at the moment")
        if host.state != "running":
            return Push(f"host {host.instance_id} is {host.state}")
        if host.online is False:
            return Push(f"Systems Manager does not reach host {host.instance_id}")
        said = run_on_host(clients, host, remote_script(*script), waiting, PUSH_SECONDS)
    except CfgenError as error:
        return Push(str(error))
    except FAILURES as error:
        return Push(brief(error))
    if said.exit_code:
        return Push(said.stderr.strip() or f"the command ended with {said.status}")
    words = [line.split() for line in said.stdout.splitlines()]
    stopped, at_work, started = (
        tuple(line[1] for line in words if line[0] == which and line[1:])
        for which in ("stopped", "at-work", "started")
    )
    return Push("", stopped, at_work, started)


def start_job(
    clients: "Clients", stack: str, host: Host, job: Job, now: datetime, zone: str, waiting: Waiting
) -> Start:
    """Start a job through its own gates, and see how its first seconds go.

    Raises :class:`Refused` while the stack is paused or without a brake, and botocore's errors.
    """
    brake = read_brake(clients, parameter_of(resource_ids(clients, stack), stack, waiting.command))
    if brake.holds(now, zone):
        raise Refused(
            f"stack {stack} is {brake.value}: no job runs",
            f"{waiting.command('resume')} first",
        )
    script = remote_script("run", f"{unit_of(job)}.service", log_of(job))
    said = run_on_host(clients, host, script, waiting, PUSH_SECONDS)
    outcome, *lines = said.stdout.splitlines() or [""]
    if said.exit_code or not outcome:
        wrong = said.stderr.strip() or said.status
        raise CfgenError(f"job {job.name} could not be started on host {host.instance_id}: {wrong}")
    return Start(job.name, outcome, tuple(lines))
