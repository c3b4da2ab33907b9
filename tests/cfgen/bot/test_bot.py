"""The running bot: its host, its log, its status, and the way in."""

import json
import os
import pty
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from cfgen.aws import Clients
from cfgen.bot import runs
from cfgen.bot.events import read_events
from cfgen.bot.host import Host, find_host, reachable_host
from cfgen.bot.logs import Line, read_lines, since_of
from cfgen.bot.report import Report
from cfgen.bot.runs import JobRuns, next_run, runs_of
from cfgen.bot.session import FORWARD, PLUGIN, RESPONSE, open_session, plugin_version
from cfgen.bot.status import (
    Alarm,
    Status,
    Use,
    Version,
    last_operation,
    read_status,
)
from cfgen.config.load import make_config
from cfgen.errors import ConfigError, Refused
from cfgen.report.paper import Paper
from cfgen.report.status import CLEAR, redrawn, status_json, status_text
from tests.conftest import Run, command
from tests.trees import plan

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SERVICES = ("cloudformation", "autoscaling", "ec2", "ssm", "cloudwatch", "logs")
INSTANCE = "i-0123456789abcdef0"


class Aws:
    """Clients that give recorded answers."""

    def __init__(self) -> None:
        session = boto3.session.Session("x", "x", region_name="ap-northeast-2")
        made = {name: session.client(cast(Any, name)) for name in SERVICES}
        self.stubs = {name: Stubber(client) for name, client in made.items()}
        for stub in self.stubs.values():
            stub.activate()
        self.clients = cast(Clients, SimpleNamespace(region="ap-northeast-2", **made))

    def answer(self, service: str, method: str, response: dict[str, Any], **asked: Any) -> None:
        self.stubs[service].add_response(method, response, asked or None)

    def resources(self, status: str = "CREATE_COMPLETE", **ids: str) -> None:
        held = [
            {"LogicalResourceId": name, "PhysicalResourceId": one, "ResourceType": "x",
             "LastUpdatedTimestamp": NOW, "ResourceStatus": status}
            for name, one in ids.items()
        ]  # fmt: skip
        self.answer("cloudformation", "list_stack_resources", {"StackResourceSummaries": held},
                    StackName="bot")  # fmt: skip

    def instance(self, state: str = "running", system: str = "ok", ping: str = "Online") -> None:
        found = {"InstanceId": INSTANCE, "InstanceType": "t4g.micro", "State": {"Name": state}}
        self.answer("ec2", "describe_instances", {"Reservations": [{"Instances": [found]}]},
                    InstanceIds=[INSTANCE])  # fmt: skip
        if state == "running":
            status = {"SystemStatus": {"Status": system}, "InstanceStatus": {"Status": "ok"}}
            self.answer("ec2", "describe_instance_status", {"InstanceStatuses": [status]})
            known = [{"InstanceId": INSTANCE, "PingStatus": ping}] if ping else []
            self.answer("ssm", "describe_instance_information", {"InstanceInformationList": known})

    def done(self) -> None:
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


@pytest.fixture
def aws() -> Aws:
    return Aws()


# The host


def test_an_instance_is_found(aws: Aws) -> None:
    aws.resources(Host=INSTANCE)
    aws.instance()
    assert find_host(aws.clients, "bot") == Host(INSTANCE, "t4g.micro", "running", "ok", True)
    aws.done()


@pytest.mark.parametrize(
    ("status", "state", "bootstrapping"),
    [
        ("CREATE_IN_PROGRESS", "running", True),
        ("UPDATE_IN_PROGRESS", "running", True),
        ("CREATE_IN_PROGRESS", "pending", False),
        ("UPDATE_COMPLETE", "running", False),
    ],
)
def test_a_host_bootstraps_until_the_stack_has_its_signal(
    aws: Aws, status: str, state: str, bootstrapping: bool
) -> None:
    aws.resources(status, Host=INSTANCE)
    aws.instance(state)
    host = find_host(aws.clients, "bot")
    assert host is not None
    assert host.bootstrapping == bootstrapping


def test_what_may_not_be_asked_is_unknown_and_no_obstacle(aws: Aws) -> None:
    aws.resources(Host=INSTANCE)
    found = {"InstanceId": INSTANCE, "InstanceType": "t4g.micro", "State": {"Name": "running"}}
    aws.answer("ec2", "describe_instances", {"Reservations": [{"Instances": [found]}]})
    aws.answer("ec2", "describe_instance_status", {"InstanceStatuses": []})
    aws.stubs["ssm"].add_client_error("describe_instance_information", "AccessDeniedException")
    host = reachable_host(aws.clients, "bot")
    assert (host.checks, host.online) == ("unknown", None)


@pytest.mark.parametrize("state", ["InService", "Pending", "Terminating", None])
def test_the_one_member_of_a_group(aws: Aws, state: str | None) -> None:
    aws.resources(HostGroup="bot-group")
    member = {"InstanceId": INSTANCE, "LifecycleState": state, "AvailabilityZone": "a",
              "HealthStatus": "Healthy", "ProtectedFromScaleIn": False}  # fmt: skip
    group = {"AutoScalingGroupName": "bot-group", "MinSize": 0, "MaxSize": 1, "DesiredCapacity": 1,
             "DefaultCooldown": 1, "AvailabilityZones": [], "HealthCheckType": "EC2",
             "CreatedTime": NOW, "Instances": [member] if state else []}  # fmt: skip
    aws.answer("autoscaling", "describe_auto_scaling_groups", {"AutoScalingGroups": [group]},
               AutoScalingGroupNames=["bot-group"])  # fmt: skip
    there = state in ("InService", "Pending")
    if there:
        aws.instance()
        assert find_host(aws.clients, "bot")
    else:
        with pytest.raises(Refused, match="no host at the moment"):
            reachable_host(aws.clients, "bot")
    aws.done()


def test_a_stack_that_is_not_there_and_one_that_is_not_ours(aws: Aws) -> None:
    aws.stubs["cloudformation"].add_client_error(
        "list_stack_resources", "ValidationError", "Stack with id bot does not exist"
    )
    with pytest.raises(ConfigError, match="there is no stack bot"):
        find_host(aws.clients, "bot")
    aws.resources(Vpc="vpc-1")
    assert find_host(aws.clients, "bot") is None


@pytest.mark.parametrize(
    ("about", "what", "then"),
    [
        ({"state": "stopped"}, "is stopped", "aws ec2 start-instances"),
        ({"ping": ""}, "Session Manager does not reach", "cfgen logs --boot"),
        ({"ping": "ConnectionLost"}, "Session Manager does not reach", "some minutes"),
        ({"ping": "", "system": "impaired"}, "checks: impaired", ""),
    ],
)
def test_what_is_missing_for_a_session_is_said(
    aws: Aws, about: dict[str, str], what: str, then: str
) -> None:
    aws.resources(Host=INSTANCE)
    aws.instance(**about)
    with pytest.raises(Refused, match=what) as caught:
        reachable_host(aws.clients, "bot")
    assert then in caught.value.hint


# Sessions


def opened(aws: Aws, version: tuple[int, ...], **more: Any) -> tuple[list[str], dict[str, str]]:
    asked = {"Target": INSTANCE}
    if more:
        asked |= {"DocumentName": FORWARD, "Parameters": more["parameters"]}
    answer = {"SessionId": "s", "TokenValue": "canary", "StreamUrl": "wss://x"}
    aws.answer("ssm", "start_session", answer, **asked)
    ran: list[Any] = []

    def run(arguments: Any, environment: Any) -> int:
        ran.extend((list(arguments), dict(environment)))
        return 7

    assert open_session(aws.clients, INSTANCE, version, run, **more) == 7
    return ran[0], ran[1]


def test_a_new_plugin_gets_the_token_where_nobody_else_reads_it(aws: Aws) -> None:
    arguments, environment = opened(aws, (1, 2, 650, 0))
    assert arguments[:5] == [PLUGIN, RESPONSE, "ap-northeast-2", "StartSession", ""]
    assert "canary" not in " ".join(arguments)
    assert json.loads(environment[RESPONSE])["TokenValue"] == "canary"
    assert json.loads(arguments[5]) == {"Target": INSTANCE}
    assert arguments[6].startswith("https://ssm.")


@pytest.mark.parametrize("version", [(), (1, 2, 398, 0)])
def test_an_old_plugin_takes_it_as_an_argument(aws: Aws, version: tuple[int, ...]) -> None:
    arguments, environment = opened(aws, version)
    assert json.loads(arguments[1])["SessionId"] == "s"
    assert RESPONSE not in environment


def test_a_port_is_forwarded(aws: Aws) -> None:
    ports = {"portNumber": ["5001"], "localPortNumber": ["8080"]}
    arguments, _ = opened(aws, (1, 2, 650, 0), document=FORWARD, parameters=ports)
    assert json.loads(arguments[5])["Parameters"] == ports


def test_a_session_that_the_plugin_cannot_take_is_ended(aws: Aws) -> None:
    answer = {"SessionId": "s", "TokenValue": "t", "StreamUrl": "wss://x"}
    aws.answer("ssm", "start_session", answer)
    aws.answer("ssm", "terminate_session", {"SessionId": "s"}, SessionId="s")

    def fail(*_: Any) -> int:
        raise OSError("exec format error")

    with pytest.raises(OSError, match="exec format"):
        open_session(aws.clients, INSTANCE, (), fail)
    aws.done()


def test_the_plugins_version(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not on PATH"):
        plugin_version(lambda _: None)
    plugin = tmp_path / PLUGIN
    for said, version in (("1.2.650.0", (1, 2, 650, 0)), ("what?", ())):
        plugin.write_text(f"#!/bin/sh\necho '{said}'\n")
        plugin.chmod(0o755)
        assert plugin_version(lambda _: str(plugin)) == version


# The log


@pytest.mark.parametrize(
    ("text", "ago"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), ("1w", 604800),
     ("2026-11-24T08:00", 3600), ("2026-11-24T17:00+09:00", 3600)],
)  # fmt: skip
def test_since(text: str, ago: int) -> None:
    assert NOW - since_of(text, NOW) == timedelta(seconds=ago)


@pytest.mark.parametrize("text", ["", "soon", "1y", "-1h", "h", "99999999999h"])
def test_no_since(text: str) -> None:
    with pytest.raises(ConfigError, match="--since"):
        since_of(text, NOW)


@pytest.fixture
def group(moto_server: str, tmp_path: Path) -> tuple[Any, str]:
    session = boto3.session.Session("testing", "testing", region_name="ap-northeast-2")
    client = session.client("logs", endpoint_url=moto_server)
    name = f"log-{abs(hash(str(tmp_path))):x}"
    client.create_log_group(logGroupName=name)
    for stream in ("i-1/bot", "i-1/web"):
        client.create_log_stream(logGroupName=name, logStreamName=stream)
    return client, name


def put(client: Any, group: str, text: str, ago: float, stream: str = "i-1/bot") -> None:
    moment = int((datetime.now(UTC).timestamp() - ago) * 1000)
    client.put_log_events(logGroupName=group, logStreamName=stream,
                          logEvents=[{"timestamp": moment, "message": f"{text}\n"}])  # fmt: skip


def test_following_gives_each_line_once(group: tuple[Any, str]) -> None:
    client, name = group
    put(client, name, "old", 7200)
    put(client, name, "one", 600)
    put(client, name, "two", 30, "i-1/web")
    since = datetime.now(UTC) - timedelta(hours=1)
    assert [line.text for line in read_lines(client, name, since)] == ["one", "two"]
    assert [line.stream for line in read_lines(client, name, since)] == ["i-1/bot", "i-1/web"]

    class Enough(Exception):
        pass

    looks: list[float] = []

    def wait(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            raise Enough
        # One that comes late, and one that is new.
        put(client, name, f"late {len(looks)}", 45)
        put(client, name, f"new {len(looks)}", 0)

    lines: list[Line] = []
    with pytest.raises(Enough):
        lines.extend(read_lines(client, name, since, wait=wait))
    said = [line.text for line in lines]
    assert said[:2] == ["one", "two"]
    assert sorted(said[2:]) == ["late 1", "late 2", "new 1", "new 2"]


# The events of the stack


def happened(second: int, status: str = "CREATE_IN_PROGRESS", name: str = "Host") -> dict[str, Any]:
    own = name == "bot"
    return {"StackId": "arn:bot", "StackName": "bot", "EventId": f"{second}",
            "Timestamp": NOW + timedelta(seconds=second), "LogicalResourceId": name,
            "PhysicalResourceId": "arn:bot" if own else "", "ResourceStatus": status,
            "ResourceType": "AWS::CloudFormation::Stack" if own else "AWS::EC2::Instance",
            }  # fmt: skip


def page(aws: Aws, *events: dict[str, Any], stack: str = "bot", **tokens: str) -> None:
    """A page of events; ``after`` is the token that asks for it, ``then`` that of the next."""
    answer = {"StackEvents": list(events)}
    asked = {"StackName": stack}
    if "then" in tokens:
        answer["NextToken"] = tokens["then"]  # type: ignore[assignment]
    if "after" in tokens:
        asked["NextToken"] = tokens["after"]
    aws.answer("cloudformation", "describe_stack_events", answer, **asked)


def test_events_come_in_order_and_no_page_is_read_that_is_too_old(aws: Aws) -> None:
    page(aws, happened(4), happened(3), then="2")
    page(aws, happened(2), happened(1), then="3", after="2")
    found = read_events(aws.clients, "bot", NOW + timedelta(seconds=2))
    assert [one.id for one in found] == ["2", "3", "4"]
    aws.done()


def test_following_a_stack_gives_each_event_once_until_it_is_gone(aws: Aws) -> None:
    page(aws, happened(1))
    page(aws, happened(2), happened(1), then="never asked for", stack="arn:bot")
    gone = happened(4, "DELETE_COMPLETE", "bot")
    page(aws, gone, happened(3), happened(2), stack="arn:bot")
    waits: list[float] = []
    found = list(read_events(aws.clients, "bot", NOW, waits.append))
    assert [one.id for one in found] == ["1", "2", "3", "4"]
    assert waits == [5.0, 5.0]
    aws.done()


def test_following_a_stack_outlasts_a_way_that_is_cut(aws: Aws) -> None:
    stub = aws.stubs["cloudformation"]
    page(aws, happened(1))
    stub.add_client_error("describe_stack_events", "Throttling", "Rate exceeded")
    page(aws, happened(4, "DELETE_COMPLETE", "bot"), happened(1), stack="arn:bot")
    waits: list[float] = []
    found = list(read_events(aws.clients, "bot", NOW, waits.append))
    assert [one.id for one in found] == ["1", "4"]
    assert len(waits) == 2
    stub.add_client_error("describe_stack_events", "Throttling", "Rate exceeded")
    with pytest.raises(ClientError):
        list(read_events(aws.clients, "bot", NOW))


def test_a_stack_that_is_not_there_has_no_events(aws: Aws) -> None:
    aws.stubs["cloudformation"].add_client_error(
        "describe_stack_events", "ValidationError", "Stack [bot] does not exist"
    )
    with pytest.raises(ConfigError, match="there is no stack bot in ap-northeast-2"):
        list(read_events(aws.clients, "bot", NOW))


# The status


@pytest.mark.parametrize(
    ("now", "expected", "settings"),
    [
        ("2026-11-24T08:59+09:00", "2026-11-24T09:00+09:00", {}),
        ("2026-11-24T09:00+09:00", "2026-11-25T09:00+09:00", {}),
        ("2026-11-27T10:00+09:00", "2026-11-30T09:00+09:00", {}),
        # Christmas is a Friday; the year's last and first days are none of trading.
        ("2026-12-24T10:00+09:00", "2026-12-28T09:00+09:00", {}),
        ("2026-12-30T10:00+09:00", "2027-01-04T09:00+09:00", {}),
        ("2026-11-24T10:00+09:00", "2026-11-26T09:00+09:00",
         {"market": {"closed": ["2026-11-25"]}}),
        ("2026-11-27T10:00+09:00", "2026-11-28T09:00+09:00",
         {"market": {"open": ["2026-11-28"]}, "bot": {"days": "Mon..Sun"}}),
        ("2026-11-24T10:00+09:00", "2026-11-27T09:00+09:00", {"bot": {"days": "Fri"}}),
    ],
)  # fmt: skip
def test_the_next_run(now: str, expected: str, settings: dict[str, Any]) -> None:
    found = next_run(make_config(settings, "test"), datetime.fromisoformat(now))
    assert found == datetime.fromisoformat(expected)


def test_a_status_of_all_that_is_asked(aws: Aws) -> None:
    stack = {"StackName": "bot", "StackId": "arn", "StackStatus": "UPDATE_COMPLETE",
             "CreationTime": NOW, "LastUpdatedTime": NOW, "EnableTerminationProtection": True,
             "LastOperations": [{"OperationType": "UPDATE_STACK", "OperationId": "1"}],
             "DriftInformation": {"StackDriftStatus": "DRIFTED", "LastCheckTimestamp": NOW},
             }  # fmt: skip
    aws.answer("cloudformation", "describe_stacks", {"Stacks": [stack]}, StackName="bot")
    # Asked for once.
    aws.resources(Host=INSTANCE, BotLogGroup="bot-log", HostLogGroup="host-log")
    said = [(1, "run-ended: bot success 0"), (2, "run-ended: bot exit-code 1"),
            (3, "ERROR trading-bot.service failed: exit-code, exit status 1"),
            (4, "run-ended: bot exec-condition 1"), (5, "run-ended: other success 0")]  # fmt: skip
    events = [{"eventId": f"{second}", "timestamp": int(NOW.timestamp() + second) * 1000,
               "logStreamName": "i-1/bot", "message": text} for second, text in said]  # fmt: skip
    aws.answer("logs", "filter_log_events", {"events": events}, logGroupName="bot-log",
               startTime=ANY, filterPattern='?"run-ended:" ?ERROR')  # fmt: skip
    aws.instance(system="impaired")
    aws.answer("cloudformation", "get_template_summary",
               {"Metadata": json.dumps({"cfgen": {"HostVersion": "ba9876543210"}})},
               StackName="arn")  # fmt: skip
    reports = [{"event": "done", "version": "0123456789ab", "source": "git@v1"},
               {"event": "patched", "reboot_due": True},
               {"event": "failed", "version": "ba9876543210", "step": "app", "reason": "no v2"},
               ]  # fmt: skip
    events = [{"eventId": f"{minute}", "timestamp": int(NOW.timestamp() + minute * 60) * 1000,
               "message": json.dumps(one)} for minute, one in enumerate(reports)]  # fmt: skip
    aws.answer("logs", "filter_log_events", {"events": events}, logGroupName="host-log",
               startTime=ANY, logStreamNames=[f"{INSTANCE}/report"])  # fmt: skip
    states = {"bot-CpuAlarm-1A": "ALARM", "bot-DiskAlarm-1A": "OK",
              "bot-NoRunAlarm-1A": "INSUFFICIENT_DATA", "bot-two-CpuAlarm-1A": "ALARM"}  # fmt: skip
    alarms = [{"AlarmName": name, "StateValue": state, "AlarmDescription": f"{name} rings"}
              for name, state in states.items()]  # fmt: skip
    aws.answer("cloudwatch", "describe_alarms", {"MetricAlarms": alarms}, AlarmNamePrefix="bot-")
    values = [{"Id": "memory", "Values": [61.6, 70.0]}, {"Id": "disk", "Values": []}]
    aws.answer("cloudwatch", "get_metric_data", {"MetricDataResults": values},
               MetricDataQueries=ANY, StartTime=NOW - timedelta(minutes=30), EndTime=NOW,
               ScanBy="TimestampDescending")  # fmt: skip
    found = read_status(aws.clients, make_config({"stack": {"name": "bot"}}, "test"), NOW)
    assert [alarm.name for alarm in found.alarms] == ["bot-CpuAlarm-1A", "bot-NoRunAlarm-1A"]
    text = status_text(found, plan(), NOW, Paper(False, False, 0))
    assert text.splitlines() == [
        "stack: bot UPDATE_COMPLETE since 2026-11-24 09:00 UTC, protected, drifted "
        "(checked 2026-11-24 09:00 UTC)",
        "last operation: update of 2026-11-24 09:00 UTC",
        f"host: {INSTANCE} (t4g.micro) running, checks impaired, reached by Session Manager",
        "version: ba9876543210 wanted, NOT taken up by the host: step app: no v2 (2026-11-24 09:02 "
        "UTC); it has 0123456789ab, git@v1; see cfgen logs --boot",
        "memory 62% used, disk unknown",
        "reboot due since 2026-11-24 09:01 UTC",
        "alarms: 1 ringing, 1 without data yet",
        "  bot-CpuAlarm-1A: bot-CpuAlarm-1A rings",
        "next run: Wed 2026-11-25 09:00 Asia/Seoul, in 15 h",
        "last run: exit-code at 2026-11-24 09:00 UTC: trading-bot.service failed: exit-code, exit "
        "status 1",
        "last error: 2026-11-24 09:00 UTC: ERROR trading-bot.service failed: exit-code, exit "
        "status 1",
        "plan: t4g.micro/on-demand/always, $12.37 a month when it was locked",
    ]
    data = json.loads(status_json(found, plan()))
    assert data["host"]["instance_id"] == INSTANCE
    assert data["monthly_usd"] == "12.37"
    assert data["next_run"] == "2026-11-25T09:00:00+09:00"
    assert data["jobs"] == [
        {
            "name": "bot",
            "next_run": "2026-11-25T09:00:00+09:00",
            "last_run": {
                "ended": "2026-11-24T09:00:02Z",
                "result": "exit-code",
                "reason": "trading-bot.service failed: exit-code, exit status 1",
            },
        }
    ]
    assert data["last_operation"] == "update_stack"
    assert data["drift_checked"] == "2026-11-24T09:00:00Z"


@pytest.mark.parametrize(
    ("status", "result"), [("0", "success"), ("TERM", "stopped"), ("143", "stopped")]
)
def test_a_run_that_was_stopped_is_not_one_that_ran_to_its_end(status: str, result: str) -> None:
    line = Line(NOW, "i-1/bot", f"run-ended: bot success {status}")
    [job] = runs_of(make_config({}, "test"), NOW, [line])
    assert job.last_run == runs.Run(NOW, result)


def test_each_job_has_its_runs() -> None:
    jobs = [{"name": "buy", "entrypoint": "a.py", "at": ["09:05", "15:20"]},
            {"name": "report", "entrypoint": "b.py", "at": ["18:00"], "market": False},
            {"name": "rebalance", "entrypoint": "c.py", "every": "5min"}]  # fmt: skip
    config = make_config({"bot": {"jobs": jobs}}, "test")
    now = datetime.fromisoformat("2026-12-24T15:21+09:00")
    found = runs_of(config, now, [Line(NOW, "i-1/bot-buy", "run-ended: buy timeout 15")])
    # Christmas: no trading, and reports all the same.
    assert [(job.name, job.next_run) for job in found] == [
        ("buy", datetime.fromisoformat("2026-12-28T09:05+09:00")),
        ("report", datetime.fromisoformat("2026-12-24T18:00+09:00")),
        ("rebalance", datetime.fromisoformat("2026-12-24T15:25+09:00")),
    ]
    assert [job.last_run for job in found] == [runs.Run(NOW, "timeout"), None, None]
    status = Status("bot", "CREATE_COMPLETE", "", NOW, True, "IN_SYNC", None, (),
                    next_run(config, now), jobs=found)  # fmt: skip
    lines = status_text(status, None, now, Paper()).splitlines()
    assert "next run: Thu 2026-12-24 15:25 Asia/Seoul, in 0 h" in lines
    assert (
        "  buy: next Mon 2026-12-28 09:05 Asia/Seoul, in 3 days; last run: timeout at "
        in "\n".join(lines)
    )
    assert lines[-1].endswith("last run: none that ended in the last 4 days")


def test_a_night_session_runs_on_after_midnight() -> None:
    job = {"name": "bot", "entrypoint": "a.py", "at": ["23:35", "04:45"]}
    market = {"calendar": "XNYS", "session": "09:30-16:00"}
    config = make_config({"bot": {"jobs": [job]}, "market": market}, "test")
    friday = datetime.fromisoformat("2026-12-18T23:36+09:00")
    assert next_run(config, friday) == datetime.fromisoformat("2026-12-19T04:45+09:00")
    assert next_run(config, friday + timedelta(hours=6)) == datetime.fromisoformat(
        "2026-12-21T23:35+09:00"
    )


def test_a_log_that_may_not_be_read_costs_the_last_runs_only() -> None:
    status = Status("bot", "CREATE_COMPLETE", "", NOW, True, "IN_SYNC", None, (), None,
                    jobs=(JobRuns("bot", None, None),), runs_unknown="AccessDenied")  # fmt: skip
    text = status_text(status, None, NOW, Paper())
    assert "last runs: the log could not be read: AccessDenied" in text
    assert "last run:" not in text


def test_what_status_may_not_ask_is_unknown_and_why(aws: Aws) -> None:
    stack = {"StackName": "bot", "StackId": "arn", "StackStatus": "UPDATE_COMPLETE",
             "CreationTime": NOW}  # fmt: skip
    aws.answer("cloudformation", "describe_stacks", {"Stacks": [stack]}, StackName="bot")
    aws.resources(Host=INSTANCE, BotLogGroup="bot-log", HostLogGroup="host-log")
    for service, method in (
        ("logs", "filter_log_events"),
        ("cloudformation", "get_template_summary"),
    ):
        aws.stubs[service].add_client_error(method, "AccessDenied", f"no {method}")
    aws.instance()
    aws.answer("cloudwatch", "describe_alarms", {"MetricAlarms": []})
    aws.stubs["cloudwatch"].add_client_error(
        "get_metric_data", "AccessDenied", "no get_metric_data"
    )
    found = read_status(aws.clients, make_config({"stack": {"name": "bot"}}, "test"), NOW)
    text = status_text(found, None, NOW, Paper())
    assert "not known whether the host has it: AccessDenied: no get_template_summary" in text
    assert "memory and disk: could not be asked: AccessDenied: no get_metric_data" in text
    assert "the log could not be read: AccessDenied: no filter_log_events" in text
    data = json.loads(status_json(found, None))
    assert data["version"]["arrival"] == "unknown"
    assert data["version"]["wanted"] is None
    assert data["memory_used_percent"] is None


VERSION = "ba9876543210"
THERE = Report(NOW, "done", version=VERSION, source="git@v2", commit="c0ffee" * 6)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (Version(VERSION, "git@v2", "there", THERE), "the host has it (app at c0ffeec0ffee)"),
        (
            Version(VERSION, "", "coming", THERE, Report(NOW, "step", step="packages")),
            f"on its way to the host: step packages; it has {VERSION}, git@v2",
        ),
        (
            Version(VERSION, "", "waiting", None, Report(NOW, "waiting", reason="at work: x")),
            "waits on the host: at work: x (2026-11-24 09:00 UTC)",
        ),
        (
            Version(VERSION, "", "unknown", why="there is no host at the moment"),
            "not known whether the host has it: there is no host at the moment",
        ),
    ],
)
def test_the_version_wanted_and_there(version: Version, said: str) -> None:
    status = Status("bot", "UPDATE_COMPLETE", "", NOW, True, "IN_SYNC", None, (), None,
                    version=version, use=Use(50.4, 8.0))  # fmt: skip
    text = status_text(status, None, NOW, Paper(False, False, 0))
    assert f"version: {VERSION} wanted, {said}\nmemory 50% used, disk 8%\n" in text
    data = json.loads(status_json(status, None))
    assert data["version"]["arrival"] == version.arrival
    assert (data["memory_used_percent"], data["disk_used_percent"]) == (50.4, 8.0)


def test_a_status_with_little_to_say() -> None:
    silent = (Alarm("bot-x", "INSUFFICIENT_DATA", ""),)
    found = Status(
        "bot", "ROLLBACK_COMPLETE", "failed", NOW, False, "NOT_CHECKED", None, silent, None
    )
    text = status_text(found, None, NOW, Paper(False, False, 0))
    assert (
        "ROLLBACK_COMPLETE since 2026-11-24 09:00 UTC, not protected from deletion: failed" in text
    )
    assert "host: none at the moment" in text
    assert "next run: none in the next 30 days" in text
    assert "last operation" not in text
    data = json.loads(status_json(found, None))
    assert [data[name] for name in ("host", "last_operation", "drift_checked")] == [None] * 3


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (["CREATE_CHANGESET", "UPDATE_STACK"], "update of 2026-11-25 09:00 UTC"),
        (["CREATE_STACK"], "creation of 2026-11-24 09:00 UTC"),
        (["ROLLBACK", "UPDATE_STACK"], "rollback"),
        (["REFACTOR_STACK"], "refactor_stack"),
    ],
)
def test_the_last_operation(kinds: list[str], said: str) -> None:
    stack: Any = {"CreationTime": NOW, "LastUpdatedTime": NOW + timedelta(days=1),
                  "LastOperations": [{"OperationType": kind} for kind in kinds]}  # fmt: skip
    status = Status("bot", "UPDATE_COMPLETE", "", NOW, True, "IN_SYNC", None, (), None,
                    last_operation(stack), NOW)  # fmt: skip
    lines = status_text(status, None, NOW, Paper()).splitlines()
    assert lines[1] == f"last operation: {said}"
    assert lines[0].endswith("protected, in sync (checked 2026-11-24 09:00 UTC)")


def test_making_a_change_set_is_no_operation_on_the_stack() -> None:
    stack: Any = {"CreationTime": NOW, "LastOperations": [{"OperationType": "CREATE_CHANGESET"}]}
    assert last_operation(stack) is None
    del stack["LastOperations"]
    assert last_operation(stack) is None


def test_a_host_that_bootstraps_says_where_to_look() -> None:
    host = Host(INSTANCE, "t4g.micro", "running", "initializing", False, True)
    status = Status("bot", "CREATE_IN_PROGRESS", "", NOW, True, "NOT_CHECKED", host, (), None)
    assert (
        "running, checks initializing, still bootstrapping (see cfgen logs --boot), not reached"
        in status_text(status, None, NOW, Paper())
    )


def test_a_status_is_drawn_anew_on_a_terminal_only() -> None:
    assert redrawn("text\n", Paper(terminal=True, width=80)) == f"{CLEAR}text\n"
    assert redrawn("text\n", Paper()) == "text\n"


def test_no_stack_has_no_status(aws: Aws) -> None:
    aws.stubs["cloudformation"].add_client_error(
        "describe_stacks", "ValidationError", "Stack with id bot does not exist"
    )
    with pytest.raises(ConfigError, match="no stack bot"):
        read_status(aws.clients, make_config({"stack": {"name": "bot"}}, "test"), NOW)


# The commands


@pytest.fixture
def systems_manager() -> Iterator[str]:
    """What moto lacks of Systems Manager: hosts that it knows, and does not reach."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["X-Amz-Target"] == "AmazonSSM.DescribeInstanceInformation"
            [instance] = asked["Filters"][0]["Values"]
            known = {"InstanceId": instance, "PingStatus": "ConnectionLost"}
            body = json.dumps({"InstanceInformationList": [known]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            del arguments

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def deployed(
    cfgen: Run,
    folder: Path,
    memory_aws: dict[str, str],
    tmp_path: Path,
    systems_manager: str,
) -> Callable[..., Any]:
    """A stack of this test's own on the moto server, and the program to ask about it."""
    name = f"b{abs(hash(str(tmp_path))):x}"
    (folder / "cfgen.toml").write_text(f'[stack]\nname = "{name}"\n')
    source = (
        "--parameter",
        "AppSource=https://git.example.com/bot.git@4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    )
    made = cfgen("deploy", "--yes", "--no-lint", "--prices", "offline", *source, extra=memory_aws)
    assert made.returncode == 0, made.stderr

    def run(*arguments: str, **extra: str) -> Any:
        there = {**memory_aws, "AWS_ENDPOINT_URL_SSM": systems_manager}
        return cfgen(*arguments, extra={**there, **extra})

    return run


def test_status_and_logs_of_a_stack(deployed: Callable[..., Any]) -> None:
    said = deployed("status")
    assert said.returncode == 0, said.stderr
    assert "CREATE_COMPLETE since" in said.stdout
    assert "(t4g.micro) running" in said.stdout
    assert "not reached by Session Manager" in said.stdout
    assert "t4g.micro/on-demand/always, $12.37 a month when it was locked" in said.stdout
    assert json.loads(deployed("status", "--json").stdout)["host"]["state"] == "running"
    for which in ((), ("--boot",)):
        logs = deployed("logs", *which)
        assert logs.returncode == 0, logs.stderr
        assert "nothing was logged since" in logs.stderr
    events = deployed("logs", "--events")
    assert events.returncode == 0, events.stderr
    first, *_, last = events.stdout.splitlines()
    assert "REVIEW_IN_PROGRESS" in first
    assert "CREATE_COMPLETE" in last
    assert "(AWS::CloudFormation::Stack)" in last
    data = [json.loads(line) for line in deployed("logs", "--events", "--json").stdout.splitlines()]
    assert data[-1]["status"] == "CREATE_COMPLETE"
    assert {"time", "logical_id", "physical_id", "resource_type", "reason"} <= set(data[-1])
    later = deployed("logs", "--events", "--since", "2099-01-01T00:00")
    assert later.stdout == ""
    assert "nothing happened to the stack since 2099" in later.stderr


def test_a_watched_status_stays_in_place(
    deployed: Callable[..., Any],
    folder: Path,
    environment: dict[str, str],
    memory_aws: dict[str, str],
    systems_manager: str,
) -> None:
    del deployed
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command(("status", "--watch")),
        cwd=folder,
        env={**environment, **memory_aws, "AWS_ENDPOINT_URL_SSM": systems_manager},
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.PIPE,
    )
    os.close(slave)
    read, deadline = "", time.monotonic() + 60
    while "plan: " not in read:
        assert time.monotonic() < deadline, read
        read += os.read(master, 65536).decode()
    assert read.startswith(CLEAR)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert process.stderr
    process.stderr.close()
    os.close(master)


def test_a_session_needs_plugin_and_host(deployed: Callable[..., Any], tmp_path: Path) -> None:
    import os

    missing = deployed("connect", PATH="/nowhere")
    assert missing.returncode == 5
    assert f"{PLUGIN} is not on PATH" in missing.stderr
    plugin = tmp_path / PLUGIN
    plugin.write_text("#!/bin/sh\necho 1.2.650.0\n")
    plugin.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    for words in (("connect",), ("dashboard", "--no-browser"), ("connect", "--command", "id")):
        unreached = deployed(*words, PATH=path)
        assert unreached.returncode == 5, unreached.stderr
        assert "Session Manager does not reach host i-" in unreached.stderr
        # Nothing is promised, or opened in a browser, that is not there.
        assert "localhost" not in unreached.stderr


@pytest.mark.parametrize("line", ["status", "logs", "logs --events", "connect --command id"])
def test_before_the_first_deploy(cfgen: Run, memory_aws: dict[str, str], line: str) -> None:
    result = cfgen(*line.split(), extra=memory_aws)
    assert result.returncode == 2
    assert "there is no stack trading-bot" in result.stderr


def test_a_dashboard_that_is_off(cfgen: Run, folder: Path, memory_aws: dict[str, str]) -> None:
    (folder / "cfgen.toml").write_text("[dashboard]\nenabled = false\n")
    result = cfgen("dashboard", "--no-browser", extra=memory_aws)
    assert result.returncode == 5
    assert "dashboard.enabled is false" in result.stderr


def test_a_since_that_is_none(cfgen: Run) -> None:
    result = cfgen("logs", "--since", "soon")
    assert result.returncode == 2
    assert "--since" in result.stderr


@pytest.mark.parametrize("other", [("--boot",), ("--filter", "ERROR")])
def test_events_are_no_log(cfgen: Run, other: tuple[str, ...]) -> None:
    result = cfgen("logs", "--events", *other)
    assert result.returncode == 2
    assert f"--events and {other[0]} do not go together" in result.stderr
