"""What AWS answers, read and judged: theme by theme, and as a whole."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore import exceptions as boto
from botocore.validate import ParamValidator

from cfgen.aws import Clients
from cfgen.config.load import make_config
from cfgen.doctor.account import Identity, Refusal, read_identity
from cfgen.doctor.alarms import Alarm, Subscription, read_alarms, read_subscriptions
from cfgen.doctor.catalog import UNASKED
from cfgen.doctor.findings import Finding
from cfgen.doctor.host import read_host, read_last_figure
from cfgen.doctor.image import Image, read_image
from cfgen.doctor.keys import read_keys
from cfgen.doctor.permissions import Simulated, read_permissions
from cfgen.doctor.run import Case, Edges, examine
from cfgen.doctor.session_manager import read_preferences
from cfgen.doctor.stack import Built, Stack, read_built, read_offered, read_stack
from cfgen.doctor.wheels import Wheels
from cfgen.errors import ConfigError, Refused
from tests.trees import plan, spot

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
"""A Wednesday, noon in Seoul."""

REGION, ACCOUNT, INSTANCE = "ap-northeast-2", "123456789012", "i-0123456789abcdef0"
USER = f"arn:aws:iam::{ACCOUNT}:user/trader"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:topic"
SERVICES = ("autoscaling", "cloudformation", "cloudwatch", "ec2", "iam", "logs", "secretsmanager",
            "sns", "ssm", "sts")  # fmt: skip
KEYS = {
    "KIS_PAPER_APP_KEY": "PScanary" + "a1" * 14,
    "KIS_PAPER_APP_SECRET": "canary" + "aB3/" * 43 + "xy",
    "KIS_PAPER_STOCK": "50123456",
    "KIS_HTS_ID": "me",
    "KIS_PROD_TYPE": "01",
}


class Said(Exception):
    """An error of AWS's, by its code."""


Responses = dict[str, Any]
"""By operation: an answer, an error to raise, or a function from what was asked to one of them."""


class Aws:
    """Real clients whose calls are answered here; answers are checked against botocore's models."""

    def __init__(self, answers: Responses) -> None:
        self.answers, self.asked = answers, list[tuple[str, dict[str, Any]]]()
        session = boto3.session.Session("x", "x", region_name=REGION)
        made = {name: session.client(cast(Any, name)) for name in SERVICES}
        for client in made.values():
            client.meta.events.register("provide-client-params", self._note)
            client.meta.events.register("before-call", self._answer)
        self.clients = cast(Clients, SimpleNamespace(region=REGION, **made))

    def _note(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        self.asked.append((model.name, dict(params)))

    def _answer(self, model: Any, **_: Any) -> Any:
        answer = self.answers.get(model.name, Said("AccessDenied"))
        if callable(answer):
            answer = answer(self.asked[-1][1])
        http = SimpleNamespace(status_code=400 if isinstance(answer, Said) else 200)
        headers = {"date": f"{NOW:%a, %d %b %Y %H:%M:%S GMT}"}
        about = {"ResponseMetadata": {"HTTPHeaders": headers, "HTTPStatusCode": http.status_code}}
        if isinstance(answer, Said):
            code, *words = answer.args
            error = {"Code": code, "Message": words[0] if words else f"said {code}"}
            return http, {"Error": error} | about
        if isinstance(answer, Exception):
            raise answer
        if answer and model.output_shape:
            report = ParamValidator().validate(answer, model.output_shape)
            assert not report.has_errors(), report.generate_report()
        return http, dict(answer) | about

    def count(self, operation: str) -> int:
        return sum(name == operation for name, _ in self.asked)


# Who is calling


def test_who_is_calling_and_what_time_it_is_there() -> None:
    aws = Aws({"GetCallerIdentity": {"Account": ACCOUNT, "Arn": USER}})
    late = NOW + timedelta(seconds=90)
    assert read_identity(aws.clients, lambda: late) == Identity(ACCOUNT, USER, 90.0)


@pytest.mark.parametrize(
    ("error", "trouble", "skew"),
    [
        (boto.NoCredentialsError(), "none", None),
        (boto.CredentialRetrievalError(provider="p", error_msg="no"), "none", None),
        (boto.SSOTokenLoadError(error_msg="none"), "sso", None),
        (boto.UnauthorizedSSOTokenError(), "sso", None),
        (boto.TokenRetrievalError(provider="sso", error_msg="expired"), "sso", None),
        (Said("ExpiredToken"), "expired", 0.0),
        (Said("InvalidClientTokenId"), "invalid", 0.0),
        (Said("SignatureDoesNotMatch"), "invalid", 0.0),
    ],
)
def test_why_nobody_is(error: Exception, trouble: str, skew: float | None) -> None:
    found = read_identity(Aws({"GetCallerIdentity": error}).clients, lambda: NOW)
    assert isinstance(found, Refusal)
    assert (found.trouble, found.skew) == (trouble, skew)
    assert found.reason


def test_a_way_that_is_cut_is_not_about_credentials() -> None:
    cut = boto.EndpointConnectionError(endpoint_url="https://sts")
    with pytest.raises(boto.EndpointConnectionError):
        read_identity(Aws({"GetCallerIdentity": cut}).clients, lambda: NOW)


# What it may do


def simulated(denied: Sequence[str], missing: Sequence[str] = ()) -> Callable[[Any], Any]:
    def answer(asked: dict[str, Any]) -> Any:
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": name,
                    "EvalDecision": "implicitDeny" if name in denied else "allowed",
                    "MissingContextValues": ["aws:x"] if name in missing else [],
                }
                for name in asked["ActionNames"]
            ]
        }

    return answer


def permissions(aws: Aws, arn: str = USER) -> Simulated:
    return read_permissions(aws.clients, arn, ACCOUNT, "bot")


def test_the_stacks_own_actions_are_asked_of_the_stack() -> None:
    denied = ["cloudformation:ExecuteChangeSet", "secretsmanager:PutSecretValue", "iam:PassRole",
              "ec2:RunInstances"]  # fmt: skip
    aws = Aws({"SimulatePrincipalPolicy": simulated(denied, ["ec2:RunInstances"])})
    assert permissions(aws) == Simulated(tuple(denied[:2]), ("iam:PassRole",))
    asked = [params["ResourceArns"] for name, params in aws.asked]
    assert asked == [
        [f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/bot/*"],
        [f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:bot/kis-api-??????"],
        ["*"],
    ]
    assert {params["PolicySourceArn"] for _, params in aws.asked} == {USER}


def test_of_a_session_its_role_is_asked_with_its_path() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_dev_1"
    about = {"Path": "/", "RoleName": "r", "RoleId": "AROA0123456789ABCDEF", "Arn": role,
             "CreateDate": NOW}  # fmt: skip
    aws = Aws({"SimulatePrincipalPolicy": simulated([]), "GetRole": {"Role": about}})
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_dev_1/me"
    assert permissions(aws, session) == Simulated()
    assert aws.asked[0] == ("GetRole", {"RoleName": "AWSReservedSSO_dev_1"})
    assert aws.asked[1][1]["PolicySourceArn"] == role


def test_what_cannot_be_simulated_is_said() -> None:
    assert "AccessDenied" in permissions(Aws({})).reason
    federated = f"arn:aws:sts::{ACCOUNT}:federated-user/me"
    assert "neither a user nor a role" in permissions(Aws({}), federated).reason
    root = Aws({})
    assert permissions(root, f"arn:aws:iam::{ACCOUNT}:root") == Simulated()
    assert root.asked == []


# The stack


def resource(name: str, physical: str, status: str = "CREATE_COMPLETE") -> dict[str, Any]:
    return {"LogicalResourceId": name, "PhysicalResourceId": physical, "ResourceType": "x",
            "LastUpdatedTimestamp": NOW, "ResourceStatus": status}  # fmt: skip


RESOURCES = {
    "Host": INSTANCE, "HostRole": "bot-HostRole", "HostLogGroup": "host", "BotLogGroup": "bot",
    "Brake": "bot-Brake", "AlertTopic": TOPIC, "CpuAlarm": "bot-Cpu", "NoRunAlarm": "bot-NoRun",
}  # fmt: skip


def described(**fields: Any) -> dict[str, Any]:
    one = {
        "StackName": "bot",
        "CreationTime": NOW - timedelta(days=90),
        "StackStatus": "UPDATE_COMPLETE",
        "Description": "Trading bot (demo) on t4g.micro",
        "EnableTerminationProtection": True,
        "Parameters": [{"ParameterKey": "AlertEmail", "ParameterValue": "me@example.com"}],
    }
    return {"Stacks": [one | fields]}


def test_a_stack_is_read_and_one_that_is_not_there_is_none() -> None:
    rows = [resource("Host", INSTANCE), resource("Old", "x", "DELETE_COMPLETE")]
    listed = {"StackResourceSummaries": rows}
    aws = Aws({"DescribeStacks": described(), "ListStackResources": listed})
    found = read_stack(aws.clients, "bot")
    assert found == Stack(
        "UPDATE_COMPLETE",
        NOW - timedelta(days=90),
        "Trading bot (demo) on t4g.micro",
        True,
        {"Host": INSTANCE},
        "me@example.com",
    )
    absent = Said("ValidationError", "Stack with id bot does not exist")
    assert read_stack(Aws({"DescribeStacks": absent}).clients, "bot") is None
    with pytest.raises(boto.ClientError):
        read_stack(Aws({}).clients, "bot")


@pytest.mark.parametrize(
    ("metadata", "built"),
    [
        ('{"cfgen": {"Plan": "t4g.micro/on-demand/market", "HostVersion": "0123456789ab"}}',
         Built("t4g.micro/on-demand/market", "0123456789ab")),
        ('{"cfgen": {"Plan": "t4g.micro/spot/always"}}', Built("t4g.micro/spot/always")),
        ('{"AWS::CloudFormation::Interface": {}}', Built()),
        ('{"cfgen": "x"}', Built()),
        ("", Built()),
    ],
)  # fmt: skip
def test_what_the_template_was_built_for(metadata: str, built: Built) -> None:
    aws = Aws({"GetTemplateSummary": {"Metadata": metadata}})
    assert read_built(aws.clients, "bot") == built


def test_types_are_asked_of_a_zone_or_of_the_region() -> None:
    offered = {"InstanceTypeOfferings": [{"InstanceType": "t4g.micro"}]}
    aws = Aws({"DescribeInstanceTypeOfferings": offered})
    assert read_offered(aws.clients, ["t4g.micro", "t3.micro"], "apne2-az1") == {"t4g.micro"}
    read_offered(aws.clients, ["t4g.micro"], None)
    zone, region = (params for _, params in aws.asked)
    assert (zone["LocationType"], zone["Filters"][1]["Values"]) == (
        "availability-zone-id", ["apne2-az1"])  # fmt: skip
    assert (region["LocationType"], region["Filters"][1]["Values"]) == ("region", [REGION])


# The host


def test_an_instance_that_ec2_does_not_know_is_terminated() -> None:
    listed = {"StackResourceSummaries": [resource("Host", INSTANCE)]}
    gone = Said("InvalidInstanceID.NotFound")
    aws = Aws({"ListStackResources": listed, "DescribeInstances": gone})
    stack = Stack("CREATE_COMPLETE", NOW, resources={"Host": INSTANCE})
    host = read_host(aws.clients, "bot", stack)
    assert host is not None
    assert (host.instance_id, host.state) == (INSTANCE, "terminated")


def test_the_agents_last_figure() -> None:
    points = [{"Timestamp": NOW - timedelta(minutes=one)} for one in (10, 5, 15)]
    aws = Aws({"GetMetricStatistics": {"Datapoints": points}})
    assert read_last_figure(aws.clients, "bot", NOW) == NOW - timedelta(minutes=5)
    assert aws.asked[0][1]["Namespace"] == "TradingBot/bot"
    silent = Aws({"GetMetricStatistics": {"Datapoints": []}})
    assert read_last_figure(silent.clients, "bot", NOW) is None


def image(**fields: Any) -> Image | None:
    return read_image(Aws({"DescribeImages": {"Images": [fields]}}).clients, "ami-1")


def test_an_image_and_one_that_is_gone() -> None:
    made = {"CreationDate": "2026-08-20T00:00:00.000Z"}
    august = datetime(2026, 8, 20, tzinfo=UTC)
    assert image(**made) == Image(august, None)
    ended = image(**made, DeprecationTime="2026-11-18T00:00:00.000Z")
    assert ended == Image(august, august + timedelta(days=90))
    assert image(State="deregistered") is None
    assert read_image(Aws({"DescribeImages": {"Images": []}}).clients, "ami-1") is None
    unknown = Said("InvalidAMIID.NotFound")
    assert read_image(Aws({"DescribeImages": unknown}).clients, "ami-1") is None
    with pytest.raises(boto.ClientError):
        read_image(Aws({}).clients, "ami-1")


ROLE = {"Role": {"Path": "/", "RoleName": "r", "RoleId": "AROA0123456789ABCDEF",
                 "Arn": f"arn:aws:iam::{ACCOUNT}:role/r", "CreateDate": NOW}}  # fmt: skip


def preferences(**answers: Any) -> Any:
    return read_preferences(Aws(answers).clients, "r", ACCOUNT, "aws")


def test_a_region_without_preferences_needs_nothing() -> None:
    found = preferences(GetDocument=Said("InvalidDocument"))
    assert (found.needs, found.lacks) == ((), ())


def test_what_the_role_lacks_of_the_preferences() -> None:
    content = json.dumps({"inputs": {"kmsKeyId": "alias/s", "s3BucketName": "records"}})
    answers: Responses = {"GetDocument": {"Content": content}, "GetRole": ROLE}
    found = preferences(**answers, SimulatePrincipalPolicy=simulated(["kms:Decrypt"]))
    [lack] = found.lacks
    assert (lack.actions, lack.reason) == (("kms:Decrypt",), "")
    assert lack.need.resource == f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/s"
    unsure = preferences(**answers)
    assert [one.actions for one in unsure.lacks] == [("kms:Decrypt",), ("s3:PutObject",)]
    assert all("AccessDenied" in one.reason for one in unsure.lacks)


# Keys and alarms


def test_a_secret_that_is_being_deleted_names_the_way_back() -> None:
    aws = Aws({"DescribeSecret": {"DeletedDate": NOW}})
    found = read_keys(aws.clients, "bot")
    assert isinstance(found, ConfigError)
    assert found.hint.startswith("aws secretsmanager restore-secret")


def test_alarms_by_their_logical_names() -> None:
    there = {"AlarmName": "bot-Cpu", "StateValue": "ALARM", "AlarmDescription": "CPU"}
    aws = Aws({"DescribeAlarms": {"MetricAlarms": [there]}})
    found = read_alarms(aws.clients, RESOURCES)
    assert found == (Alarm("CpuAlarm", "ALARM", "CPU"), Alarm("NoRunAlarm", ""))
    assert aws.asked[0][1]["AlarmNames"] == ["bot-Cpu", "bot-NoRun"]
    # Without a name CloudWatch would describe all that the account has.
    assert read_alarms(Aws({}).clients, {"Host": INSTANCE}) == ()


def test_subscriptions_by_mail() -> None:
    rows = [
        {"Protocol": "email", "Endpoint": "me@example.com", "SubscriptionArn": "Deleted"},
        {"Protocol": "sms", "Endpoint": "+82", "SubscriptionArn": f"{TOPIC}:1"},
    ]
    aws = Aws({"ListSubscriptionsByTopic": {"Subscriptions": rows}})
    assert read_subscriptions(aws.clients, TOPIC) == (Subscription("me@example.com", "Deleted"),)


# As a whole


def well() -> Responses:
    """An account in which all is well."""
    instance = {"InstanceId": INSTANCE, "InstanceType": "t4g.micro", "ImageId": "ami-1",
                "State": {"Name": "running"}, "LaunchTime": NOW - timedelta(days=2)}  # fmt: skip
    good = {"Status": "ok"}
    metadata = {"cfgen": {"Plan": "t4g.micro/on-demand/always", "HostVersion": "0123456789ab"}}

    def log(asked: dict[str, Any]) -> Any:
        done = json.dumps({"event": "done", "version": "0123456789ab", "commit": "c" * 40})
        text = done if asked["logGroupName"] == "host" else "run-ended: bot success 0"
        stream = f"{INSTANCE}/{'report' if asked['logGroupName'] == 'host' else 'bot'}"
        at = int(NOW.timestamp() * 1000) - 3_600_000
        event = {"message": text, "logStreamName": stream, "timestamp": at, "eventId": "1"}
        return {"events": [event]}

    def alarm(name: str) -> dict[str, Any]:
        return {"AlarmName": name, "StateValue": "OK"}

    mail = {"Protocol": "email", "Endpoint": "me@example.com", "SubscriptionArn": f"{TOPIC}:1"}
    rows = [resource(name, physical) for name, physical in RESOURCES.items()]
    return {
        "GetCallerIdentity": {"Account": ACCOUNT, "Arn": USER},
        "SimulatePrincipalPolicy": simulated([]),
        "DescribeInstanceTypeOfferings": {"InstanceTypeOfferings": [{"InstanceType": "t4g.micro"}]},
        "GetEbsDefaultKmsKeyId": {"KmsKeyId": "alias/aws/ebs"},
        "DescribeStacks": described(),
        "ListStackResources": {"StackResourceSummaries": rows},
        "GetTemplateSummary": {"Metadata": json.dumps(metadata)},
        "DescribeInstances": {"Reservations": [{"Instances": [instance]}]},
        "DescribeInstanceStatus": {
            "InstanceStatuses": [{"SystemStatus": good, "InstanceStatus": good}]
        },
        "DescribeInstanceInformation": {
            "InstanceInformationList": [{"InstanceId": INSTANCE, "PingStatus": "Online"}]
        },
        "FilterLogEvents": log,
        "DescribeImages": {"Images": [{"CreationDate": "2026-11-01T00:00:00.000Z"}]},
        "GetMetricStatistics": {"Datapoints": [{"Timestamp": NOW}]},
        "GetDocument": Said("InvalidDocument"),
        "DescribeSecret": {"VersionIdsToStages": {"1" * 32: ["AWSCURRENT"]}},
        "GetSecretValue": {"SecretString": json.dumps(KEYS)},
        "GetParameter": {"Parameter": {"Value": "running"}},
        "DescribeAlarms": {"MetricAlarms": [alarm("bot-Cpu"), alarm("bot-NoRun")]},
        "ListSubscriptionsByTopic": {"Subscriptions": [mail]},
    }


GIVEN = {"status": 200, "token": True, "account": {"status": 200, "read": True}, "skew": 0.2}


class Host:
    """Stands for the way to run lines on a host."""

    def __init__(self, said: object = GIVEN) -> None:
        self.said, self.ran = said, list[tuple[str, ...]]()

    def __call__(self, lines: Sequence[str], seconds: float) -> str:
        self.ran.append(tuple(lines))
        assert seconds
        if isinstance(self.said, Exception):
            raise self.said
        return self.said if isinstance(self.said, str) else json.dumps(self.said) + "\n"


def look(
    answers: Responses, host: Host | None = None, now: datetime = NOW, **config: Any
) -> tuple[Finding, ...]:
    aws = Aws(answers)
    settings = {"stack": {"name": "bot"}, "monitoring": {"email": "me@example.com"}} | config
    case = Case(
        make_config(settings, "test"), "cfgen.toml", True, "", plan(), now, host is not None
    )
    edges = Edges(
        lambda: aws.clients,
        lambda: NOW,
        lambda: (1, 2, 650, 0),
        lambda: Wheels({"arm64 and Python 3.12": 3}),
        lambda *_: host or Host(),
    )
    return examine(case, edges)


def by_check(findings: Sequence[Finding]) -> dict[str, Finding]:
    return {one.check: one for one in findings}


def test_where_all_is_well_each_check_says_so_once() -> None:
    host = Host()
    findings = look(well(), host)
    assert [one for one in findings if one.level != "ok"] == []
    assert [one.check for one in findings] == [
        "configuration", "credentials", "clock", "permissions", "plugin", "stack", "offer",
        "disk-key", "wheels", "host", "sessions", "version", "agent", "image", "host-clock",
        "keys", "brake", "runs", "alarms", "mail", "broker",
    ]  # fmt: skip
    assert len(host.ran) == 1


def test_without_live_the_host_is_left_alone() -> None:
    checks = by_check(look(well()))
    assert not {"broker", "host-clock"} & checks.keys()


@pytest.mark.parametrize("operation", sorted(well().keys() - {"GetCallerIdentity"}))
@pytest.mark.parametrize("error", [Said("AccessDenied"), boto.ReadTimeoutError(endpoint_url="x"),
                                   {}])  # fmt: skip
def test_one_call_that_fails_leaves_the_others(operation: str, error: Any) -> None:
    """Denied, cut, or an answer that lacks what it should hold."""
    whole = by_check(look(well()))
    findings = look(well() | {operation: error})
    found = by_check(findings)
    unknown = {one.check for one in findings if one.level == "unknown"}
    if operation not in ("DescribeStacks", "ListStackResources", "DescribeInstances"):
        # Of what these name, the host above all, nothing further can be asked.
        assert whole.keys() <= found.keys()
        assert len(unknown) <= 3
    if error and operation != "GetDocument":
        assert unknown or operation in ("GetTemplateSummary",)
        assert all(one.text and one.code for one in findings if one.level == "unknown")
    if isinstance(error, Said) and unknown & {"keys", "alarms", "mail", "image", "brake", "runs"}:
        assert operation in found["permissions"].text


def test_who_may_only_say_who_he_is_is_told_what_he_may_not() -> None:
    findings = look({"GetCallerIdentity": {"Account": ACCOUNT, "Arn": USER}})
    found = by_check(findings)
    assert found["stack"].code == UNASKED
    assert "may not call DescribeStacks" in found["stack"].text
    denied = [one for one in findings if one.code == "permission-denied"]
    assert "DescribeInstanceTypeOfferings" in denied[0].text
    assert found["wheels"].level == "ok"


@pytest.mark.parametrize("error", [boto.NoCredentialsError(), Said("ExpiredToken")])
def test_without_credentials_nothing_else_is_asked(error: Exception) -> None:
    answers = well() | {"GetCallerIdentity": error}
    checks = by_check(look(answers))
    assert checks["credentials"].level == "problem"
    assert not {"stack", "permissions", "keys"} & checks.keys()
    assert {"configuration", "plugin", "wheels"} <= checks.keys()


def test_a_stack_that_never_came_up_has_nothing_else_to_ask() -> None:
    checks = by_check(look(well() | {"DescribeStacks": described(StackStatus="ROLLBACK_COMPLETE")}))
    assert checks["stack"].code == "stack-never-up"
    assert not {"host", "keys", "alarms"} & checks.keys()


def test_a_stopped_host_is_judged_by_the_hours_of_the_plan_that_runs() -> None:
    """Whatever the configuration says by now, the stack's schedule counts."""
    stopped = {"InstanceId": INSTANCE, "InstanceType": "t4g.micro", "State": {"Name": "stopped"}}
    metadata = '{"cfgen": {"Plan": "t4g.micro/on-demand/market"}}'
    answers = well() | {
        "DescribeInstances": {"Reservations": [{"Instances": [stopped]}]},
        "GetTemplateSummary": {"Metadata": metadata},
    }
    night = NOW + timedelta(hours=12)
    assert by_check(look(answers, now=night))["host"].level == "ok"
    assert by_check(look(answers))["host"].code == "host-stopped"


def test_a_spot_group_is_content_with_one_of_its_types() -> None:
    aws = Aws(well())
    case = Case(make_config({}, "t"), "cfgen.toml", False, "", spot(), NOW)
    edges = Edges(lambda: aws.clients, lambda: NOW, lambda: None, None, lambda *_: Host())
    found = by_check(examine(case, edges))
    assert found["offer"].level == "ok"
    [asked] = [params for name, params in aws.asked if name == "DescribeInstanceTypeOfferings"]
    assert asked["Filters"][0]["Values"] == ["t4g.micro", "t3.micro", "t3.small"]


# The broker


def test_keys_that_the_broker_refuses_are_told_and_the_clock_all_the_same() -> None:
    host = Host({"status": 403, "code": "EGW00103", "text": "x", "skew": 40.0})
    found = by_check(look(well(), host))
    assert found["broker"].code == "broker-key"
    assert found["host-clock"].code == "host-clock-off"


@pytest.mark.parametrize("said", ["", "Traceback", "[1]", '{"status": "x"}', Refused("cut", "a")])
def test_a_host_that_cannot_ask_is_unknown(said: object) -> None:
    found = by_check(look(well(), Host(said)))
    assert found["broker"].code == UNASKED
    assert found["mail"].level == "ok"


def test_just_before_a_job_the_minutes_token_is_left_to_it() -> None:
    host = Host()
    now = NOW.replace(day=24, hour=23, minute=58)
    found = by_check(look(well(), host, now))
    assert found["broker"].code == "broker-not-now"
    assert "09:00 KST" in found["broker"].text
    assert host.ran == []


@pytest.mark.parametrize("state", ["stopped", "offline"])
def test_a_host_that_is_away_is_not_asked(state: str) -> None:
    answers = well()
    if state == "stopped":
        stopped = {"InstanceId": INSTANCE, "InstanceType": "x", "State": {"Name": "stopped"}}
        answers["DescribeInstances"] = {"Reservations": [{"Instances": [stopped]}]}
    else:
        answers["DescribeInstanceInformation"] = {"InstanceInformationList": []}
    host = Host()
    assert by_check(look(answers, host))["broker"].code == "broker-host-away"
    assert host.ran == []


def test_jobs_of_both_kinds_are_asked_at_both_doors() -> None:
    jobs = [
        {"name": "paper", "entrypoint": "a.py", "at": ["09:00"]},
        {"name": "real", "entrypoint": "b.py", "at": ["10:00"], "arguments": ["--mode", "real"]},
    ]
    host = Host()
    found = [one for one in look(well(), host, bot={"jobs": jobs}) if one.check == "broker"]
    assert len(found) == 2
    places = [lines[0] for lines in host.ran]
    assert "openapivts.koreainvestment.com:29443" in places[0]
    assert "openapi.koreainvestment.com:9443" in places[1]
    assert "KIS_APP_KEY" in places[1]
    # One comparison of the clock is enough.
    assert [f"sts.{REGION}" in place for place in places] == [True, False]
