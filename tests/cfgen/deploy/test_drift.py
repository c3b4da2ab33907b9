"""What was changed by hand."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from cfgen.aws import Clients
from cfgen.deploy.drift import CHECKABLE, Difference, Drift, detect
from cfgen.deploy.waiting import Waiting
from cfgen.errors import AwsError, ConfigError, Refused, StillRunning
from cfgen.report.drift import drift_json, drift_text
from cfgen.report.paper import Paper
from tests.conftest import Run
from tests.recorded import STACK, START, Person, Recorded, stack_states

HOST = {
    "StackId": STACK,
    "LogicalResourceId": "Host",
    "PhysicalResourceId": "i-1",
    "ResourceType": "AWS::EC2::Instance",
    "StackResourceDriftStatus": "MODIFIED",
    "Timestamp": START,
    "PropertyDifferences": [
        {
            "PropertyPath": "/InstanceType",
            "ExpectedValue": "t4g.micro",
            "ActualValue": "t4g.small",
            "DifferenceType": "NOT_EQUAL",
        },
        {
            "PropertyPath": "/Tags/1",
            "ExpectedValue": "null",
            "ActualValue": '{"Key":"a","Value":"b"}',
            "DifferenceType": "ADD",
        },
        {
            "PropertyPath": "/Environment/KIS_APP_SECRET",
            "ExpectedValue": "canary",
            "ActualValue": "null",
            "DifferenceType": "REMOVE",
        },
    ],
}
ADDRESS = {
    "StackId": STACK,
    "LogicalResourceId": "Address",
    "PhysicalResourceId": "192.0.2.1",
    "ResourceType": "AWS::EC2::EIP",
    "StackResourceDriftStatus": "DELETED",
    "Timestamp": START,
}
FOUND = (
    Drift("Address", "192.0.2.1", "AWS::EC2::EIP", "DELETED", ()),
    Drift(
        "Host",
        "i-1",
        "AWS::EC2::Instance",
        "MODIFIED",
        (
            Difference("/InstanceType", "t4g.micro", "t4g.small", "NOT_EQUAL"),
            Difference("/Tags/1", None, '{"Key":"a","Value":"b"}', "ADD"),
            Difference("/Environment/KIS_APP_SECRET", "****", None, "REMOVE"),
        ),
    ),
)


@pytest.fixture
def aws() -> Recorded:
    return Recorded()


def found(aws: Recorded, person: Person | None = None) -> tuple[Drift, ...]:
    def run(name: str, clients: Clients, waiting: Waiting, watcher: Person) -> tuple[Drift, ...]:
        return detect(name, (), clients, waiting, watcher)

    return aws.run(run, "bot", person)


def started(aws: Recorded, status: str = "UPDATE_COMPLETE") -> None:
    aws.identity()
    aws.stack(status)
    aws.answer("detect_stack_drift", {"StackDriftDetectionId": "d-1"}, StackName=STACK)


def told(aws: Recorded, status: str, reason: str = "") -> None:
    answer = {
        "StackId": STACK,
        "StackDriftDetectionId": "d-1",
        "DetectionStatus": status,
        "Timestamp": START,
        **({"DetectionStatusReason": reason} if reason else {}),
    }
    aws.answer("describe_stack_drift_detection_status", answer, StackDriftDetectionId="d-1")


def page(aws: Recorded, *drifts: dict[str, Any], following: str = "", asked: str = "") -> None:
    aws.answer(
        "describe_stack_resource_drifts",
        {"StackResourceDrifts": list(drifts), **({"NextToken": following} if following else {})},
        StackName=STACK,
        StackResourceDriftStatusFilters=["MODIFIED", "DELETED"],
        **({"NextToken": asked} if asked else {}),
    )


def test_what_differs_is_read_from_every_page_with_keys_masked(aws: Recorded) -> None:
    started(aws)
    for _ in range(3):
        told(aws, "DETECTION_IN_PROGRESS")
    told(aws, "DETECTION_COMPLETE")
    page(aws, HOST, following="2")
    page(aws, ADDRESS, asked="2")
    person = Person()
    assert found(aws, person) == FOUND
    assert len(aws.time.pauses) == 3
    assert person.seen == ["identity 123456789012"]
    assert person.warnings == []
    aws.done()


def test_what_could_not_be_compared_is_told_with_what_was(aws: Recorded) -> None:
    started(aws)
    told(aws, "DETECTION_FAILED", "Failed to detect drift on resource [Topic]")
    page(aws, ADDRESS)
    person = Person()
    assert found(aws, person) == FOUND[:1]
    [warning] = person.warnings
    assert warning.endswith("Failed to detect drift on resource [Topic]")


def test_throttling_does_not_end_the_waiting_and_the_time_does(aws: Recorded) -> None:
    started(aws)
    aws.fail("describe_stack_drift_detection_status", "Throttling", "Rate exceeded")
    told(aws, "DETECTION_COMPLETE")
    page(aws)
    assert found(aws) == ()
    started(aws)
    for _ in range(200):
        told(aws, "DETECTION_IN_PROGRESS")
    with pytest.raises(StillRunning) as caught:
        found(aws)
    assert "cfgen diff --drift" in caught.value.hint


def test_one_detection_at_a_time(aws: Recorded) -> None:
    aws.identity()
    aws.stack("UPDATE_COMPLETE")
    said = "Drift detection is already in progress for stack bot"
    aws.fail("detect_stack_drift", "ValidationError", said)
    with pytest.raises(Refused, match="already"):
        found(aws)


def test_what_may_not_be_asked_is_no_absence_of_drift(aws: Recorded) -> None:
    aws.identity()
    aws.stack("UPDATE_COMPLETE")
    aws.fail("detect_stack_drift", "AccessDenied", "no", 403)
    with pytest.raises(AwsError, match="DetectStackDrift"):
        found(aws)


@pytest.mark.parametrize("status", [one for one in stack_states() if one != "DELETE_COMPLETE"])
def test_every_state(aws: Recorded, status: str) -> None:
    if status in CHECKABLE:
        started(aws, status)
        told(aws, "DETECTION_COMPLETE")
        page(aws)
        assert found(aws) == ()
    else:
        aws.identity()
        aws.stack(status)
        with pytest.raises(Refused, match=status) as caught:
            found(aws)
        assert "cfgen" in caught.value.hint
    aws.done()


def test_no_stack_has_no_drift(aws: Recorded) -> None:
    aws.identity()
    aws.stack(None)
    with pytest.raises(ConfigError, match="there is no stack bot"):
        found(aws)


def test_a_row_a_resource_and_a_line_a_property() -> None:
    assert drift_text(FOUND, Paper()).splitlines() == [
        "Drift     Resource  Type                Id",
        "deleted   Address   AWS::EC2::EIP       192.0.2.1",
        "modified  Host      AWS::EC2::Instance  i-1",
        "Host /InstanceType: t4g.micro -> t4g.small",
        'Host /Tags/1: - -> {"Key":"a","Value":"b"}',
        "Host /Environment/KIS_APP_SECRET: **** -> -",
    ]


def test_the_same_for_programs() -> None:
    data = json.loads(drift_json(FOUND))
    assert [one["status"] for one in data["drift"]] == ["DELETED", "MODIFIED"]
    assert data["drift"][1]["differences"][1] == {
        "path": "/Tags/1",
        "expected": None,
        "actual": '{"Key":"a","Value":"b"}',
        "kind": "ADD",
    }


@pytest.mark.parametrize(
    ("name", "path", "actual", "pause"),
    [
        ("Brake", "/Value", "paused", "paused"),
        # What else was changed by hand of it is no pause, and neither is another parameter.
        ("Brake", "/Value", "puased", ""),
        ("Brake", "/Description", "paused", ""),
        ("Other", "/Value", "paused", ""),
    ],
)
def test_a_pause_is_no_damage(name: str, path: str, actual: str, pause: str) -> None:
    how = Difference(path, "running", actual, "NOT_EQUAL")
    assert Drift(name, "p", "AWS::SSM::Parameter", "MODIFIED", (how,)).pause == pause


# As a process: moto knows no drift

XML = {
    "DescribeStacks": "<Stacks><member><StackId>arn</StackId><StackName>trading-bot</StackName>"
    "<StackStatus>UPDATE_COMPLETE</StackStatus><CreationTime>2026-11-23T00:00:00Z</CreationTime>"
    "</member></Stacks>",
    "DetectStackDrift": "<StackDriftDetectionId>d-1</StackDriftDetectionId>",
    "DescribeStackDriftDetectionStatus": "<StackId>arn</StackId>"
    "<StackDriftDetectionId>d-1</StackDriftDetectionId>"
    "<DetectionStatus>DETECTION_COMPLETE</DetectionStatus>"
    "<Timestamp>2026-11-23T00:00:00Z</Timestamp>",
}
DRIFTED = (
    "<StackResourceDrifts><member><StackId>arn</StackId><LogicalResourceId>Host</LogicalResourceId>"
    "<PhysicalResourceId>i-1</PhysicalResourceId><ResourceType>AWS::EC2::Instance</ResourceType>"
    "<StackResourceDriftStatus>MODIFIED</StackResourceDriftStatus><PropertyDifferences><member>"
    "<PropertyPath>/InstanceType</PropertyPath><ExpectedValue>t4g.micro</ExpectedValue>"
    "<ActualValue>t4g.small</ActualValue><DifferenceType>NOT_EQUAL</DifferenceType></member>"
    "</PropertyDifferences><Timestamp>2026-11-23T00:00:00Z</Timestamp></member>"
    "</StackResourceDrifts>"
)

PAUSED = (
    DRIFTED.replace("Host<", "Brake<")
    .replace("/InstanceType<", "/Value<")
    .replace("t4g.micro", "running")
    .replace("t4g.small", "paused until 2026-12-01")
)


class Drifting(ThreadingHTTPServer):
    """A CloudFormation that knows one stack; ``drifts`` is the XML of what differs."""

    drifts = DRIFTED


@pytest.fixture
def drifting() -> Iterator[Drifting]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            [action] = asked["Action"]
            inner = {**XML, "DescribeStackResourceDrifts": server.drifts}[action]
            body = f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None:
            del arguments

    server = Drifting(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_drift_as_a_process(cfgen: Run, memory_aws: dict[str, str], drifting: Drifting) -> None:
    url = f"http://127.0.0.1:{drifting.server_port}"
    extra = memory_aws | {"AWS_ENDPOINT_URL_CLOUDFORMATION": url}
    said = cfgen("diff", "--drift", extra=extra)
    assert said.returncode == 0, said.stderr
    assert "Host /InstanceType: t4g.micro -> t4g.small\n" in said.stdout
    assert "cfgen deploy --revert-drift" in said.stderr
    failed = cfgen("diff", "--drift", "--json", "--fail", extra=extra)
    assert failed.returncode == 8, failed.stderr
    assert json.loads(failed.stdout)["drift"][0]["logical_id"] == "Host"
    drifting.drifts = PAUSED
    paused = cfgen("diff", "--drift", "--json", "--fail", extra=extra)
    assert paused.returncode == 0, paused.stderr
    assert json.loads(paused.stdout) == {"drift": []}
    assert "Brake: paused until 2026-12-01 by cfgen pause, as it is meant to be" in paused.stderr
    assert "--revert-drift" not in paused.stderr
    drifting.drifts = "<StackResourceDrifts/>"
    same = cfgen("diff", "--drift", "--json", "--fail", extra=extra)
    assert same.returncode == 0, same.stderr
    assert json.loads(same.stdout) == {"drift": []}
    assert "nothing was changed by hand" in same.stderr


@pytest.mark.parametrize(
    "other", [("--local",), ("t.yaml",), ("--parameter", "A=b"), ("--refresh-image",)]
)
def test_drift_takes_no_template(cfgen: Run, other: tuple[str, ...]) -> None:
    result = cfgen("diff", "--drift", *other)
    assert result.returncode == 2
    assert "do not go together" in result.stderr
