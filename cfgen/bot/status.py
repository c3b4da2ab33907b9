"""How stack, host and alarms are, and when the bot runs next."""

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import msgspec

from cfgen.bot.host import Host, find_host, find_stack
from cfgen.config.schema import Config
from cfgen.config.weekdays import parse_days
from cfgen.host.market import holidays
from pricing.calendar import minute_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from cfgen.aws import Clients

LOOK_AHEAD = 30
"""Days among which the next run is looked for: Korea's longest holidays are a week."""


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


def read_status(clients: "Clients", config: Config, now: datetime) -> Status:
    """Ask CloudFormation, EC2, Systems Manager and CloudWatch.

    Raises :class:`ConfigError` where there is no stack, and botocore's errors.
    """
    name = config.stack.name
    found = find_stack(clients, name)
    drift = found.get("DriftInformation")
    came_up = found["StackStatus"] not in ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE")
    return Status(
        name,
        found["StackStatus"],
        found.get("StackStatusReason", ""),
        found.get("LastUpdatedTime", found["CreationTime"]),
        found.get("EnableTerminationProtection", False),
        drift["StackDriftStatus"] if drift else "NOT_CHECKED",
        find_host(clients, name) if came_up else None,
        tuple(_alarms(clients, name)),
        next_run(config, now),
        last_operation(found),
        drift.get("LastCheckTimestamp") if drift else None,
    )


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


def next_run(config: Config, now: datetime) -> datetime | None:
    """When the timer starts the bot next and the market gate lets it."""
    zone = ZoneInfo(config.bot.timezone)
    here = now.astimezone(zone)
    minute = minute_of(config.bot.run_at)
    days, market = parse_days(config.bot.days), config.market
    years = range(here.year, here.year + 2)
    closed = ({*holidays(years)} | {*market.closed}) - {*market.open}
    for ahead in range(LOOK_AHEAD):
        day = here.date() + timedelta(days=ahead)
        moment = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
        trades = day.weekday() < 5 or day.isoformat() in market.open
        if moment > here and day.weekday() in days and trades and day.isoformat() not in closed:
            return moment
    return None
