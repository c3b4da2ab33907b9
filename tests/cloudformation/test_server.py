"""The fake CloudFormation, through a real client."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from tests.cloudformation.operations import Move
from tests.cloudformation.server import FakeCloudFormation
from tests.cloudformation.template import SMALL
from tests.fake_aws import Fault

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

NAME = "trading-bot"
TEMPLATES = Path(__file__).parents[2] / "templates_out"
MODEL: Any = botocore.session.get_session().get_service_model("cloudformation")
STATES = MODEL.shape_for("StackStatus").enum
TWO = """\
Parameters:
  Image: {Type: String, Default: ami-1}
  Secret: {Type: String, Default: hush, NoEcho: true}
  Extra: {Type: String, Default: "no"}
Conditions:
  HasExtra: !Not [!Equals [!Ref Extra, "no"]]
Resources:
  Kept:
    Type: AWS::Logs::LogGroup
    DeletionPolicy: Retain
    Properties: {RetentionInDays: 7}
  Host:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: !Ref Image
      UserData: !If [HasExtra, !Sub "x ${Extra}", !Ref AWS::NoValue]
  Late:
    Type: AWS::SQS::Queue
    Condition: HasExtra
Outputs:
  HostId: {Value: !GetAtt Host.Arn, Description: The host}
"""


@pytest.fixture
def aws() -> Iterator[FakeCloudFormation]:
    with FakeCloudFormation() as server:
        yield server


def connect(aws: FakeCloudFormation, service: Any = "cloudformation", key: str = "") -> Any:
    return boto3.client(
        service,
        region_name="ap-northeast-2",
        endpoint_url=aws.url,
        aws_access_key_id=key or aws.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="made-up",
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def client(aws: FakeCloudFormation) -> "CloudFormationClient":
    found: CloudFormationClient = connect(aws)
    return found


def propose(
    client: "CloudFormationClient",
    template: str = TWO,
    kind: Any = "UPDATE",
    token: str = "one",
    **more: Any,
) -> str:
    """A change set of the stack."""
    return client.create_change_set(
        StackName=NAME,
        ChangeSetName=token,
        ClientToken=token,
        ChangeSetType=kind,
        TemplateBody=template,
        **more,
    )["Id"]


def with_parameters(**values: str) -> dict[str, Any]:
    rows = [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
    return {"Parameters": rows}


def statuses(client: "CloudFormationClient", arn: str = NAME) -> list[str]:
    """The stack's statuses as they come, until nothing changes any more."""
    seen = [client.describe_stacks(StackName=arn)["Stacks"][0]["StackStatus"] for _ in range(12)]
    return list(dict.fromkeys(seen))


def execute(
    client: "CloudFormationClient", change_set: str, **more: Any
) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Execute to the end: the stack's statuses, and its failures."""
    stack = client.describe_change_set(ChangeSetName=change_set)["StackId"]
    client.execute_change_set(ChangeSetName=change_set, **more)
    seen = statuses(client, stack)
    events = client.describe_stack_events(StackName=stack)["StackEvents"][::-1]
    failed = [
        (one["LogicalResourceId"], str(one["ResourceStatus"]), one.get("ResourceStatusReason", ""))
        for one in events
        if one["ResourceStatus"].endswith("_FAILED") and one["LogicalResourceId"] != NAME
    ]
    return seen, failed


def refusal(call: Callable[..., object], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_stack_is_created_updated_and_deleted(
    aws: FakeCloudFormation, client: "CloudFormationClient"
) -> None:
    aws.extra_steps = 1
    seen, failed = execute(client, propose(client, kind="CREATE"), ClientRequestToken="t1")
    assert (seen, failed) == (["CREATE_IN_PROGRESS", "CREATE_COMPLETE"], [])
    [stack] = client.describe_stacks(StackName=NAME)["Stacks"]
    [output] = stack["Outputs"]
    assert output["OutputValue"] == "i-0"
    shown = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
    assert shown == {"Image": "ami-1", "Secret": "****", "Extra": "no"}

    change_set = propose(client, token="two", **with_parameters(Image="ami-2", Extra="yes"))
    described = client.describe_change_set(ChangeSetName=change_set, IncludePropertyValues=True)
    changes = [one["ResourceChange"] for one in described["Changes"]]
    assert [(one["Action"], one.get("Replacement")) for one in changes] == [
        ("Modify", "True"),
        ("Add", None),
    ]
    details = {one["Target"]["Name"]: one for one in changes[0]["Details"]}
    assert details["ImageId"]["Target"]["BeforeValue"] == "ami-1"
    assert details["ImageId"]["CausingEntity"] == "Image"
    assert details["UserData"]["Target"]["AfterValue"] == "x yes"
    seen, _ = execute(client, change_set)
    assert seen == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]
    held = aws.stack(NAME)
    assert held
    assert held.resources["Host"].physical_id == "i-1"

    client.delete_stack(StackName=NAME)
    assert statuses(client, held.arn) == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert aws.stack(NAME) is None
    assert held.resources["Kept"].status == "DELETE_SKIPPED"
    assert "does not exist" in refusal(client.describe_stacks, StackName=NAME)[1]


@pytest.mark.parametrize(
    ("how", "more", "ends"),
    [
        ({}, {}, ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]),
        ({}, {"DisableRollback": True}, ["CREATE_FAILED"]),
        ({"OnStackFailure": "DELETE"}, {}, ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]),
    ],
)
def test_a_failed_creation(
    aws: FakeCloudFormation,
    client: "CloudFormationClient",
    how: dict[str, Any],
    more: dict[str, Any],
    ends: list[str],
) -> None:
    aws.failures["Host"] = "no capacity"
    change_set = propose(client, kind="CREATE", **how, **with_parameters(Extra="yes"))
    seen, failed = execute(client, change_set, **more)
    assert seen == ["CREATE_IN_PROGRESS", *ends]
    assert failed == [
        ("Host", "CREATE_FAILED", "no capacity"),
        ("Late", "CREATE_FAILED", "Resource creation cancelled"),
    ]


def test_a_failed_update_that_cannot_roll_back_is_mended(
    aws: FakeCloudFormation, client: "CloudFormationClient"
) -> None:
    aws.put(NAME, "CREATE_COMPLETE", TWO)
    aws.failures["Host"], aws.rollback_failures["Host"] = "no capacity", "still none"
    change = with_parameters(Image="ami-2", Extra="yes")
    seen, _ = execute(client, propose(client, **change))
    assert seen == ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"]
    kinds = [
        one["OperationType"]
        for one in client.describe_stacks(StackName=NAME)["Stacks"][0]["LastOperations"]
    ]
    assert kinds[:2] == ["ROLLBACK", "UPDATE_STACK"]
    client.continue_update_rollback(StackName=NAME, ResourcesToSkip=["Host"])
    assert statuses(client)[-1] == "UPDATE_ROLLBACK_COMPLETE"
    stack = aws.stack(NAME)
    assert stack
    assert (stack.parameters["Image"], list(stack.resources)) == ("ami-1", ["Kept", "Host"])


def test_a_failure_that_was_kept_is_retried_or_rolled_back(
    aws: FakeCloudFormation, client: "CloudFormationClient"
) -> None:
    aws.put(NAME, "CREATE_COMPLETE", TWO)
    aws.failures["Kept"] = "busy"
    template = TWO.replace("7}", "8}")
    seen, _ = execute(client, propose(client, template), DisableRollback=True)
    assert seen == ["UPDATE_IN_PROGRESS", "UPDATE_FAILED"]
    again = propose(client, template, token="two")
    refused = refusal(client.execute_change_set, ChangeSetName=again)
    assert "non-terminal [UPDATE_FAILED]" in refused[1]
    client.rollback_stack(StackName=NAME)
    assert statuses(client)[-1] == "UPDATE_ROLLBACK_COMPLETE"
    aws.put("other", "CREATE_FAILED")
    arn = client.rollback_stack(StackName="other")["StackId"]
    assert statuses(client, arn)[-1] == "DELETE_COMPLETE"


def test_what_a_resource_may_fail_of(
    aws: FakeCloudFormation, client: "CloudFormationClient"
) -> None:
    aws.put(NAME, "CREATE_COMPLETE", TWO)
    statement = {"Effect": "Deny", "Action": ["Update:Replace"], "Resource": ["*"]}
    policy = json.dumps({"Statement": [statement | {"Principal": "*"}]})
    client.set_stack_policy(StackName=NAME, StackPolicyBody=policy)
    change = with_parameters(Image="ami-2")
    _, failed = execute(client, propose(client, **change))
    assert failed[-1][2].startswith("Action denied by stack policy: Statement [#1]")
    client.set_stack_policy(StackName=NAME, StackPolicyBody="{}")
    _, failed = execute(client, propose(client, token="two", **change), DisableRollback=True)
    assert failed[-1][2].startswith("Replacement type updates not supported")
    client.rollback_stack(StackName=NAME)
    statuses(client)

    aws.hook_failures["Host"] = ("Example::Hook::Type", "not tagged")
    execute(client, propose(client, token="three", **change))
    events = client.describe_events(StackName=NAME, Filters={"FailedEvents": True})
    hooks = [
        one for one in events["OperationEvents"] if one["EventType"] == "HOOK_INVOCATION_ERROR"
    ]
    assert [one["HookStatusReason"] for one in hooks] == ["not tagged"]

    aws.hook_failures.clear()
    aws.nested["Host"] = "name is taken"
    _, failed = execute(client, propose(client, token="four", **change))
    assert failed[-1][2].startswith("Embedded stack arn:")
    nested = aws.stack(f"{NAME}-Host")
    assert nested
    inner = client.describe_stack_events(StackName=nested.arn)["StackEvents"]
    assert "name is taken" in [one.get("ResourceStatusReason") for one in inner]


def test_change_sets_that_are_turned_down(
    aws: FakeCloudFormation, client: "CloudFormationClient"
) -> None:
    event = {"ValidationName": "PROPERTY", "ValidationPath": "/Resources/Host"}
    aws.validations = [event | {"ValidationFailureMode": "FAIL"}]
    aws.pending_polls = 1
    arn = propose(client, kind="CREATE")
    assert client.describe_change_set(ChangeSetName=arn)["Status"] == "CREATE_IN_PROGRESS"
    described = client.describe_change_set(ChangeSetName=arn)
    assert (described["Status"], "Early Validation" in described["StatusReason"]) == (
        "FAILED",
        True,
    )
    [found] = client.describe_events(ChangeSetName=arn)["OperationEvents"]
    assert found["EventType"] == "VALIDATION_ERROR"
    assert propose(client, kind="CREATE") == arn
    assert refusal(client.describe_events, ChangeSetName="one")[0] == "ValidationError"

    aws.validations, aws.pending_polls = [], 0
    aws.put("same", "UPDATE_COMPLETE")
    arn = client.create_change_set(
        StackName="same", ChangeSetName="none", UsePreviousTemplate=True
    )["Id"]
    described = client.describe_change_set(ChangeSetName=arn)
    assert described["StatusReason"].startswith("The submitted information didn't contain")
    code, _ = refusal(client.execute_change_set, ChangeSetName=arn)
    assert code == "InvalidChangeSetStatus"
    aws.changes = [
        {"Action": action, "LogicalResourceId": action, "ResourceType": "AWS::SQS::Queue"}
        for action in ("Add", "Modify", "Remove", "Import", "Dynamic", "SyncWithActual")
    ]
    aws.page_size = 4
    arn = client.create_change_set(StackName="same", ChangeSetName="six", UsePreviousTemplate=True)[
        "Id"
    ]
    pages = client.get_paginator("describe_change_set").paginate(ChangeSetName=arn)
    assert [len(page["Changes"]) for page in pages] == [4, 2]


def test_writes_are_made_once_and_refused_as_by_aws(
    aws: FakeCloudFormation, client: "CloudFormationClient"
) -> None:
    role = "Resources:\n  Role: {Type: AWS::IAM::Role}\nParameters:\n  Name: {Type: String}\n"
    create: Any = partial(
        client.create_change_set,
        StackName="new",
        ChangeSetName="one",
        ChangeSetType="CREATE",
        TemplateBody=role,
    )
    assert refusal(create) == ("ValidationError", "Parameters: [Name] must have values")
    values = with_parameters(Name="x")
    assert refusal(create, **values)[0] == "InsufficientCapabilitiesException"
    assert aws.stack("new") is None
    arn = create(**values, Capabilities=["CAPABILITY_IAM"])["Id"]
    assert refusal(create, **values)[0] == "AlreadyExistsException"
    for _ in range(2):
        client.execute_change_set(ChangeSetName=arn, ClientRequestToken="once")
    assert statuses(client, "new")[-1] == "CREATE_COMPLETE"
    stack = aws.stack("new")
    assert stack
    tokens = {one.get("ClientRequestToken") for one in stack.events}
    assert (tokens, len(stack.events)) == ({None, "once"}, 5)
    again = refusal(client.delete_stack, StackName="new", ClientRequestToken="once")
    assert again[0] == "TokenAlreadyExistsException"
    assert refusal(client.describe_change_set, ChangeSetName=arn[:-1])[0] == "ChangeSetNotFound"
    update = {"StackName": "absent", "ChangeSetName": "one", "UsePreviousTemplate": True}
    assert "does not exist" in refusal(client.create_change_set, **update)[1]
    aws.put("busy", "UPDATE_IN_PROGRESS")
    refused = refusal(client.create_change_set, **update | {"StackName": "busy"})
    assert "is in UPDATE_IN_PROGRESS state and can not be updated" in refused[1]


@pytest.mark.parametrize("status", STATES)
def test_every_state_can_be_put(
    aws: FakeCloudFormation, client: "CloudFormationClient", status: str
) -> None:
    stack = aws.put(NAME, status, TWO)
    assert statuses(client, stack.arn) == [status]
    [last, *_] = client.describe_stack_events(StackName=stack.arn)["StackEvents"]
    assert last["ResourceStatus"] == status
    assert client.list_stack_resources(StackName=stack.arn)["ResponseMetadata"]


def test_a_client_is_killed_after_its_call_had_its_effect(
    aws: FakeCloudFormation, environment: dict[str, str]
) -> None:
    aws.put(NAME, "CREATE_COMPLETE")
    code = f"import boto3; boto3.client('cloudformation').delete_stack(StackName='{NAME}')"
    extra = aws.environment | {"AWS_DEFAULT_REGION": "ap-northeast-2"}
    killed: list[subprocess.Popen[bytes]] = []
    aws.after = lambda _: killed[0].kill()
    killed.append(subprocess.Popen([sys.executable, "-c", code], env=environment | extra))
    assert killed[0].wait(60) == -signal.SIGKILL
    stack = aws.stack(NAME)
    assert stack
    assert (stack.status, aws.count("DeleteStack")) == ("DELETE_IN_PROGRESS", 1)


def test_deleting(aws: FakeCloudFormation, client: "CloudFormationClient") -> None:
    aws.put(NAME, "CREATE_COMPLETE", TWO, protected=True)
    assert "TerminationProtection" in refusal(client.delete_stack, StackName=NAME)[1]
    client.update_termination_protection(StackName=NAME, EnableTerminationProtection=False)
    aws.delete_failures["Host"] = "in use"
    client.delete_stack(StackName=NAME)
    assert statuses(client)[-1] == "DELETE_FAILED"
    stack = aws.stack(NAME)
    assert stack
    client.delete_stack(StackName=NAME, RetainResources=["Host"])
    assert statuses(client, stack.arn)[-1] == "DELETE_COMPLETE"
    assert aws.stack(NAME) is None


def test_an_operation_is_cancelled_or_played_by_a_test(
    aws: FakeCloudFormation, client: "CloudFormationClient"
) -> None:
    aws.put(NAME, "UPDATE_IN_PROGRESS", operation=[[], [Move("UPDATE_COMPLETE")]])
    assert statuses(client) == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    aws.put("other", "UPDATE_IN_PROGRESS")
    client.cancel_update_stack(StackName="other")
    assert statuses(client, "other")[-1] == "UPDATE_ROLLBACK_COMPLETE"


def test_drift(aws: FakeCloudFormation, client: "CloudFormationClient") -> None:
    aws.put(NAME, "CREATE_COMPLETE", TWO)
    difference = {"PropertyPath": "/ImageId", "ExpectedValue": "a", "ActualValue": "b"}
    aws.drift["Host"] = [difference | {"DifferenceType": "NOT_EQUAL"}]
    name = client.detect_stack_drift(StackName=NAME)["StackDriftDetectionId"]
    told = [
        client.describe_stack_drift_detection_status(StackDriftDetectionId=name)["DetectionStatus"]
        for _ in range(2)
    ]
    assert told == ["DETECTION_IN_PROGRESS", "DETECTION_COMPLETE"]
    [drifted] = client.describe_stack_resource_drifts(
        StackName=NAME, StackResourceDriftStatusFilters=["MODIFIED"]
    )["StackResourceDrifts"]
    assert drifted["LogicalResourceId"] == "Host"


def test_interference(aws: FakeCloudFormation, client: "CloudFormationClient") -> None:
    aws.put(NAME, "CREATE_COMPLETE")
    order: list[tuple[str, bool]] = []

    def note(when: str) -> None:
        stack = aws.stack(NAME)
        order.append((when, stack is not None and stack.protected))

    aws.before = lambda _: note("before")
    aws.after = lambda _: note("after")
    client.update_termination_protection(StackName=NAME, EnableTerminationProtection=True)
    assert order == [("before", False), ("after", True)]
    kinds: list[Fault | str] = [Fault("Throttling", 400, "no"), "garbage", "cut", "drop"]
    aws.interfere["DescribeStacks"] = lambda before: kinds[before] if before < 4 else None
    for _ in kinds:
        # A well-formed answer of another's is a KeyError in botocore.
        with pytest.raises((ClientError, BotoCoreError, ResponseParserError, KeyError)):
            client.describe_stacks(StackName=NAME)
    assert client.describe_stacks(StackName=NAME)["Stacks"]
    assert aws.count("DescribeStacks") == 5

    aws.expire_after = 0
    assert refusal(client.describe_stacks)[0] == "ExpiredToken"
    assert connect(aws, key="AKIDRENEWED").describe_stacks()["Stacks"]


def test_pseudo_parameters_stand_for_where_a_stack_is(
    aws: FakeCloudFormation, client: "CloudFormationClient"
) -> None:
    names = ("AWS::Region", "AWS::AccountId", "AWS::StackName", "AWS::Partition")
    text = " ".join(f"${{{name}}}" for name in names)
    refs = [{"Ref": name} for name in names]
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": text}}}
    values = {"Sub": {"Fn::Sub": text}, "Ref": {"Fn::Join": [" ", refs]}}
    template = {
        "Resources": {"Queue": queue},
        "Outputs": {name: {"Value": value} for name, value in values.items()},
    }
    stack = aws.put(NAME, "CREATE_COMPLETE", json.dumps(template))
    meant = f"ap-northeast-2 {aws.account} {NAME} aws"
    assert stack.resources["Queue"].properties == {"QueueName": meant}
    [shown] = client.describe_stacks(StackName=NAME)["Stacks"]
    assert [one["OutputValue"] for one in shown["Outputs"]] == [meant, meant]


def test_other_services(aws: FakeCloudFormation, client: "CloudFormationClient") -> None:
    assert connect(aws, "sts").get_caller_identity()["Account"] == aws.account
    assert connect(aws, "ssm").get_parameter(Name="/aws/x")["Parameter"]["Value"] == aws.image
    aws.log_lines = ["booted"]
    [line] = connect(aws, "logs").filter_log_events(logGroupName="x")["events"]
    assert line["message"] == "booted"
    s3 = connect(aws, "s3")
    s3.create_bucket(Bucket="b", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    ours = {"Bucket": "b", "ExpectedBucketOwner": aws.account}
    s3.head_bucket(**ours)
    assert refusal(s3.head_object, **ours, Key="k")[0] == "404"
    assert refusal(s3.put_object, Bucket="b", Key="k", Body=b"no owner")[0] == "AccessDenied"
    s3.put_object(**ours, Key="k", Body=SMALL.encode())
    s3.head_object(**ours, Key="k")
    assert refusal(s3.get_bucket_policy, **ours)[0] == "NoSuchBucketPolicy"
    s3.put_bucket_policy(**ours, Policy="{}")
    assert s3.get_bucket_policy(**ours)["Policy"] == "{}"
    assert "Status" not in s3.get_bucket_versioning(**ours)
    url = "https://b.s3.ap-northeast-2.amazonaws.com/k"
    summary = client.get_template_summary(TemplateURL=url)
    assert [one["ParameterKey"] for one in summary["Parameters"]] == ["Name"]


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.yaml")), ids=lambda path: str(path.stem))
def test_the_real_templates(
    aws: FakeCloudFormation, client: "CloudFormationClient", path: Path
) -> None:
    aws.objects["/b/k"] = path.read_bytes()
    change_set = client.create_change_set(
        StackName=NAME,
        ChangeSetName="real",
        ChangeSetType="CREATE",
        TemplateURL="https://b.s3.ap-northeast-2.amazonaws.com/k",
        Capabilities=["CAPABILITY_NAMED_IAM"],
        **with_parameters(AppSource="https://git.example.com/a/b.git@v1"),
    )["Id"]
    seen, failed = execute(client, change_set)
    assert (seen[-1], failed) == ("CREATE_COMPLETE", [])
