"""How stack, host and alarms are, and when the bot runs next."""

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from cfgen.aws import FAILURES, brief
from cfgen.bot.brake import Brake, read_brake
from cfgen.bot.host import Host, find_stack, host_among, read_resources
from cfgen.bot.logs import Line
from cfgen.bot.report import (
    Arrival,
    Report,
    progress_of,
    read_reports,
    reboot_due,
    wanted_of,
)
from cfgen.bot.runs import JobRuns, next_run, read_run_lines, runs_of
from cfgen.config.schema import Config
from cfgen.errors import ConfigError
from cfgen.host.render import BRAKE

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef, StackTypeDef

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


class Version(msgspec.Struct, frozen=True):
    """What the stack wants on its host, and what the host has.

    ``arrival`` is there, failed, waiting, coming or unknown; ``why`` says why it is unknown.
    ``there`` is the host's last report of what it has, ``now`` the one that says how far it is.
    """

    wanted: str
    source: str
    arrival: Arrival
    there: Report | None = None
    now: Report | None = None
    why: str = ""


class Use(msgspec.Struct, frozen=True):
    """The newest of what the host told of its memory and disk, in percent; ``None`` where nothing.

    ``unknown`` says why CloudWatch could not be asked, empty where it was.
    """

    memory: float | None = None
    disk: float | None = None
    unknown: str = ""


class Status(msgspec.Struct, frozen=True):
    """A moment of the bot's life. Times are aware; ``host`` is ``None`` where there is none now.

    ``drift_checked`` is when CloudFormation last looked for changes by hand, ``None`` if never.
    ``runs_unknown`` is why the log could not be asked for last runs, empty where it was. Next runs
    are those after a pause. ``brake`` is ``None`` in a stack without one, and may name a day that
    is past; ``paused`` is whether it holds now. ``brake_unknown`` is why that is not known, empty
    where it is. ``version`` is ``None`` where the template does not say what it wants on its host.
    ``error`` is the log's last line with ERROR of the last days. ``reboot_due`` says since when the
    host waits for one, ``None`` where it does not, as far as it told.
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
    version: Version | None = None
    error: Line | None = None
    reboot_due: datetime | None = None
    use: Use = Use()


def read_status(clients: "Clients", config: Config, now: datetime) -> Status:
    """Ask CloudFormation, EC2, Systems Manager and CloudWatch.

    Raises :class:`ConfigError` where there is no stack, and botocore's errors.
    """
    name = config.stack.name
    found = find_stack(clients, name)
    drift = found.get("DriftInformation")
    came_up = found["StackStatus"] not in ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE")
    held = read_resources(clients, name) if came_up else {}
    lines, unknown = _lines(clients, held, now)
    host = host_among(clients, held)
    version, reboot_due = _version(clients, found, held, host) if came_up else (None, None)
    brake, brake_unknown = _brake(clients, held)
    free = brake.free_from(now, config.bot.timezone) if brake else now
    return Status(
        name,
        found["StackStatus"],
        found.get("StackStatusReason", ""),
        found.get("LastUpdatedTime", found["CreationTime"]),
        found.get("EnableTerminationProtection", False),
        drift["StackDriftStatus"] if drift else "NOT_CHECKED",
        host,
        tuple(_alarms(clients, name)),
        next_run(config, free) if free else None,
        last_operation(found),
        drift.get("LastCheckTimestamp") if drift else None,
        runs_of(config, free, lines),
        unknown,
        brake,
        brake is not None and brake.holds(now, config.bot.timezone),
        brake_unknown,
        version,
        next((one for one in sorted(lines, key=_time, reverse=True) if "ERROR" in one.text), None),
        reboot_due,
        _use(clients, name, now) if host and host.state == "running" else Use(),
    )


Held = dict[str, "StackResourceSummaryTypeDef"]


def _time(line: Line) -> datetime:
    return line.time


def _brake(clients: "Clients", held: Held) -> tuple[Brake | None, str]:
    """The brake, ``None`` where the stack has none; or why it is not known."""
    if BRAKE not in held:
        return None, ""
    try:
        return read_brake(clients, held[BRAKE]["PhysicalResourceId"]), ""
    except ConfigError as error:
        return None, str(error)
    except FAILURES as error:
        return None, brief(error)


def _lines(clients: "Clients", held: Held, now: datetime) -> tuple[tuple[Line, ...], str]:
    """What the log tells of runs, or why it could not be asked: a status is given all the same."""
    group = held.get("BotLogGroup")
    if group is None:
        return (), ""
    try:
        return read_run_lines(clients.logs, group["PhysicalResourceId"], now), ""
    except FAILURES as error:
        return (), brief(error)


def _version(
    clients: "Clients", found: "StackTypeDef", held: Held, host: Host | None
) -> tuple[Version | None, datetime | None]:
    """The version wanted and there, and since when a reboot is due; or why that is not known."""
    try:
        template = clients.cloudformation.get_template_summary(StackName=found["StackId"])
    except FAILURES as error:
        return Version("", "", "unknown", why=brief(error)), None
    # Of a template in YAML the metadata may come as YAML.
    version = re.search(r"HostVersion\W+([0-9a-f]{12})\b", template.get("Metadata", ""))
    metadata = {"HostVersion": version[1]} if version else {}
    wanted = wanted_of(metadata, {one["ParameterKey"]: one.get("ParameterValue", "")
                                  for one in found.get("Parameters", ())})  # fmt: skip
    group = held.get("HostLogGroup")
    if wanted is None or group is None:
        return None, None
    if host is None:
        why = "there is no host at the moment"
        return Version(wanted.version, wanted.source, "unknown", why=why), None
    try:
        reports = read_reports(clients.logs, group["PhysicalResourceId"], host.instance_id)
    except FAILURES as error:
        return Version(wanted.version, wanted.source, "unknown", why=brief(error)), None
    progress = progress_of(reports, wanted)
    there = next((one for one in reversed(reports) if one.event == "done"), None)
    why = "" if reports else "the host has reported nothing that is still in its log"
    return (
        Version(wanted.version, wanted.source, progress.arrival, there, progress.report, why),
        reboot_due(reports),
    )


METRICS = {"memory": "mem_used_percent", "disk": "disk_used_percent"}
RECENT = timedelta(minutes=30)
"""The agent measures every five minutes; a value that is older says nothing of now."""


def _use(clients: "Clients", stack: str, now: datetime) -> Use:
    """Memory and disk, in one call."""
    try:
        answer = clients.cloudwatch.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": name,
                    "MetricStat": {
                        "Metric": {
                            "Namespace": f"TradingBot/{stack}",
                            "MetricName": metric,
                            "Dimensions": [{"Name": "Stack", "Value": stack}],
                        },
                        "Period": 300,
                        "Stat": "Average",
                    },
                }
                for name, metric in METRICS.items()
            ],
            StartTime=now - RECENT,
            EndTime=now,
            ScanBy="TimestampDescending",
        )
    except FAILURES as error:
        return Use(unknown=brief(error))
    newest = {one["Id"]: one["Values"][0] for one in answer["MetricDataResults"] if one["Values"]}
    return Use(newest.get("memory"), newest.get("disk"))


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
