"""The instance, its agent, and whether it should be up."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
from botocore.exceptions import ClientError

from cfgen.aws import code_of
from cfgen.bot.host import Host, find_host
from cfgen.config.schema import Config
from cfgen.config.sessions import start_weekdays
from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok
from cfgen.host.render import HOSTS
from pricing.calendar import Window

if TYPE_CHECKING:
    from cfgen.aws import Clients
    from cfgen.doctor.stack import Stack

SILENT_MINUTES = 20
"""Minutes without a figure after which the agent is silent: it sends one each five minutes
(``cfgen/host/etc/agent.json``)."""


class Machine(msgspec.Struct, frozen=True):
    """What else EC2 says of the host: its image, and when it was started last."""

    image: str
    started: datetime


def read_host(clients: "Clients", name: str, stack: "Stack") -> Host | None:
    """The host; one that EC2 does not know any more counts as terminated."""
    try:
        return find_host(clients, name)
    except ClientError as error:
        if code_of(error) != "InvalidInstanceID.NotFound":
            raise
        return Host(stack.resources.get(HOSTS["instance"], ""), "", "terminated", "", False)


def read_machine(clients: "Clients", instance: str) -> Machine:
    """Raises botocore's errors."""
    one = clients.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    return Machine(one["ImageId"], one["LaunchTime"])


def should_be_up(config: Config, hours: str, now: datetime) -> bool:
    """Whether the host's schedule has it up now. It knows days of the week, and no holidays."""
    if hours != "market":
        return True
    here = now.astimezone(ZoneInfo(config.bot.timezone))
    window, starts = Window.parse(config.workload.window), start_weekdays(config)
    minute = here.hour * 60 + here.minute
    return any(
        (here.weekday() - ago) % 7 in starts and window.start <= minute + ago * 1440 < window.end
        for ago in (0, 1)
    )


def judge_host(host: Host | None, config: Config, region: str, *, up: bool) -> Iterator[Finding]:
    """``up`` says whether it should be."""
    resting = f"down, outside its hours ({config.workload.window} {config.bot.timezone})"
    if host is None:
        yield found("host-none") if up else ok("host", resting)
        return
    facts = {"instance": host.instance_id, "state": host.state, "region": region}
    if host.state in ("stopped", "stopping"):
        yield found("host-stopped", **facts) if up else ok("host", resting)
    elif host.state in ("terminated", "shutting-down"):
        yield found("host-terminated", **facts)
    elif host.state != "running":
        yield found("host-changing", **facts)
    else:
        yield from _judge_running(host, facts)


def _judge_running(host: Host, facts: dict[str, str]) -> Iterator[Finding]:
    about = list(_judge_checks(host, facts))
    if host.bootstrapping:
        about.append(found("host-bootstrapping", **facts))
    elif host.online is False:
        about.append(found("host-offline", **facts))
    elif host.online is None:
        about.append(found("host-unreached", **facts))
    yield from about
    if not about:
        text = f"{host.instance_id} ({host.instance_type}) runs, checks ok, Session Manager reaches"
        yield ok("host", f"{text} it")


def _judge_checks(host: Host, facts: dict[str, str]) -> Iterator[Finding]:
    if host.checks == "initializing":
        yield found("host-starting", **facts, checks=host.checks)
    elif host.checks not in ("ok", "unknown"):
        yield found("host-impaired", **facts, checks=host.checks)


# The CloudWatch agent


def read_last_figure(clients: "Clients", stack: str, now: datetime) -> datetime | None:
    """When the agent's last figure came, within the last hour; ``None`` if there was none."""
    points = clients.cloudwatch.get_metric_statistics(
        Namespace=f"TradingBot/{stack}",
        MetricName="mem_used_percent",
        Dimensions=[{"Name": "Stack", "Value": stack}],
        StartTime=now - timedelta(hours=1),
        EndTime=now,
        Period=300,
        Statistics=["SampleCount"],
    )["Datapoints"]
    return max((one["Timestamp"] for one in points), default=None)


def judge_agent(last: datetime | None, started: datetime, now: datetime) -> Iterator[Finding]:
    """``started`` is when the host was: one that has just come up is given time."""
    since = max(filter(None, (last, started)))
    minutes = int((now - since).total_seconds() // 60)
    if minutes > SILENT_MINUTES:
        text = minutes if last else f"more than {min(minutes, 60)}"
        yield found("agent-silent", minutes=text)
    elif last:
        yield ok("agent", f"reported at {last:%H:%M} UTC")
    else:
        yield ok("agent", "the host has just started, and has not reported yet")
