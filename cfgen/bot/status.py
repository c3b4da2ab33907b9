"""How stack, host and alarms are, and when the bot runs next."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from cfgen.aws import FAILURES, brief
from cfgen.bot.brake import Brake, read_brake
from cfgen.bot.host import Host, find_host, find_stack, resource_ids
from cfgen.bot.logs import Line
from cfgen.bot.runs import JobRuns, next_run, read_run_lines, runs_of
from cfgen.config.schema import Config
from cfgen.errors import ConfigError
from cfgen.host.render import BRAKE

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from cfgen.aws import Clients


class Alarm(msgspec.Struct, frozen=True):
    """An alarm that does not say OK."""

    name: str
    state: Literal["ALARM", "INSUFFICIENT_DATA"]
    text: str


class Operation(msgspec.Struct, frozen=True):
    """The last thing done to the stack, such as ``update_stack``.

    ``time`` is when it began, ``None`` where CloudFormation does not say.
    """

    kind: str
    time: datetime | None


class Status(msgspec.Struct, frozen=True):
    """A moment of the bot's life. Times are aware; ``host`` is ``None`` where there is none now.

    ``drift_checked`` is when CloudFormation last looked for changes by hand, ``None`` if never.
    ``runs_unknown`` is why the log could not be asked for last runs, empty where it was. Next runs
    are those after a pause. ``brake`` is ``None`` in a stack without one, and may name a day that
    is past; ``paused`` is whether it holds now. ``brake_unknown`` is why that is not known, empty
    where it is.
    """

    stack: str
    status: str
    reason: str
    updated: datetime
    protected: bool
    drift: str
    host: Host | None
    alarms: tuple[Alarm, ...]
    next_run: datetime | None
    operation: Operation | None = None
    drift_checked: datetime | None = None
    jobs: tuple[JobRuns, ...] = ()
    runs_unknown: str = ""
    brake: Brake | None = None
    paused: bool = False
    brake_unknown: str = ""


def read_status(clients: "Clients", config: Config, now: datetime) -> Status:
    """Ask CloudFormation, EC2, Systems Manager and CloudWatch.

    Raises :class:`ConfigError` where there is no stack, and botocore's errors.
    """
    name = config.stack.name
    found = find_stack(clients, name)
    drift = found.get("DriftInformation")
    came_up = found["StackStatus"] not in ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE")
    ids = resource_ids(clients, name) if came_up else {}
    lines, unknown = _run_lines(clients, ids, now)
    brake, brake_unknown = _brake(clients, ids)
    free = brake.free_from(now, config.bot.timezone) if brake else now
    return Status(
        name,
        found["StackStatus"],
        found.get("StackStatusReason", ""),
        found.get("LastUpdatedTime", found["CreationTime"]),
        found.get("EnableTerminationProtection", False),
        drift["StackDriftStatus"] if drift else "NOT_CHECKED",
        find_host(clients, name) if came_up else None,
        tuple(_alarms(clients, name)),
        next_run(config, free) if free else None,
        last_operation(found),
        drift.get("LastCheckTimestamp") if drift else None,
        runs_of(config, free, lines),
        unknown,
        brake,
        brake is not None and brake.holds(now, config.bot.timezone),
        brake_unknown,
    )


def _brake(clients: "Clients", ids: Mapping[str, str]) -> tuple[Brake | None, str]:
    """The brake, ``None`` where the stack has none; or why it is not known."""
    if BRAKE not in ids:
        return None, ""
    try:
        return read_brake(clients, ids[BRAKE]), ""
    except ConfigError as error:
        return None, str(error)
    except FAILURES as error:
        return None, brief(error)


def _run_lines(
    clients: "Clients", ids: Mapping[str, str], now: datetime
) -> tuple[tuple[Line, ...], str]:
    """What the log tells of runs, or why it could not be asked: a status is given all the same."""
    group = ids.get("BotLogGroup")
    if group is None:
        return (), ""
    try:
        return read_run_lines(clients.logs, group, now), ""
    except FAILURES as error:
        return (), brief(error)


def last_operation(found: "StackTypeDef") -> Operation | None:
    """The last operation that could change the stack, ``None`` where CloudFormation names none.

    Making a change set is none. Only some operations leave their time (Stack in the CloudFormation
    API Reference).
    """
    kinds = [one.get("OperationType", "") for one in found.get("LastOperations", ())]
    kind = next((one for one in kinds if one and one != "CREATE_CHANGESET"), None)
    if kind is None:
        return None
    times = {
        "CREATE_STACK": found["CreationTime"],
        "UPDATE_STACK": found.get("LastUpdatedTime"),
        "DELETE_STACK": found.get("DeletionTime"),
    }
    return Operation(kind.lower(), times.get(kind))


def _alarms(clients: "Clients", stack: str) -> list[Alarm]:
    """Those of the stack's alarms that do not say OK.

    CloudFormation names them after stack and logical id; a stack of a longer name has other ones.
    """
    ours = re.compile(rf"{re.escape(stack)}-[A-Za-z0-9]+-[A-Za-z0-9]+")
    pages = clients.cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=f"{stack}-"
    )
    return [
        Alarm(one["AlarmName"], one["StateValue"], one.get("AlarmDescription", ""))
        for page in pages
        for one in page["MetricAlarms"]
        if one["StateValue"] != "OK" and ours.fullmatch(one["AlarmName"])
    ]
