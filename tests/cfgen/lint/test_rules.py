"""Each of our lint rules: what it finds, and what it lets pass."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cfgen.lint import rules
from cfgen.lint.run import lint_template
from tests.conftest import Run

GROUP = "AWS::EC2::SecurityGroup"
INSTANCE = "AWS::EC2::Instance"
TEMPLATE = "AWS::EC2::LaunchTemplate"
PARAMETERS = {
    "Newest": {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "Default": "/image"},
    "Image": {"Type": "String", "Default": ""},
}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def group(**rule: Any) -> dict[str, Any]:
    return {"Type": GROUP, "Properties": {"GroupDescription": "x", "SecurityGroupIngress": [rule]}}


def open_to(
    first: Any, last: Any, cidr: Any = "0.0.0.0/0", protocol: Any = "tcp"
) -> dict[str, Any]:
    key = "CidrIpv6" if ":" in cidr else "CidrIp"
    return group(IpProtocol=protocol, FromPort=first, ToPort=last, **{key: cidr})


def host(**properties: Any) -> dict[str, Any]:
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True}}
    whole = {"MetadataOptions": {"HttpTokens": "required"}, "BlockDeviceMappings": [disk],
             "ImageId": "ami-12345678"}  # fmt: skip
    return {"Type": INSTANCE, "Properties": whole | properties}


def launch(**data: Any) -> dict[str, Any]:
    return {"Type": TEMPLATE, "Properties": {"LaunchTemplateData": data}}


def secret(retained: str = "Delete", **properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SecretsManager::Secret", "DeletionPolicy": retained,
            "UpdateReplacePolicy": retained, "Properties": properties}  # fmt: skip


def role(**statement: Any) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow"} | statement]}
    policy = {"PolicyName": "x", "PolicyDocument": document}
    return {"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy],
            "AssumeRolePolicyDocument": {"Statement": []}}}  # fmt: skip


def schedule(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Scheduler::Schedule", "Properties": properties}


def files(content: str) -> dict[str, Any]:
    timer = {"content": {"Fn::Sub": content}}
    init = {"config": {"files": {"/etc/systemd/system/bot.timer": timer}}}
    return host() | {"Metadata": {"AWS::CloudFormation::Init": init}}


def alarm(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def either(one: Any, other: Any) -> dict[str, Any]:
    return {"Fn::If": ["Demo", one, other]}


NOTHING = {"Ref": "AWS::NoValue"}
ARN = "arn:aws:s3:::one/*"

BAD: list[tuple[str, dict[str, Any]]] = [
    ("E9001", open_to(22, 22)),
    ("E9001", open_to(5001, 5001, "::/0")),
    ("E9001", open_to(80, 443)),
    ("E9001", open_to("22", "22")),
    ("E9001", open_to(-1, -1, protocol="-1")),
    ("E9001", group(IpProtocol=-1, CidrIp="0.0.0.0/0")),
    ("E9001", open_to({"Ref": "Port"}, {"Ref": "Port"})),
    ("E9001", open_to(22, 22, either("10.0.0.0/8", "0.0.0.0/0"))),
    ("E9001", resource("AWS::EC2::SecurityGroupIngress", IpProtocol="tcp", FromPort=22, ToPort=22,
                       CidrIp="0.0.0.0/0")),
    ("E9002", host(MetadataOptions=NOTHING)),
    ("E9002", host(MetadataOptions={"HttpTokens": "optional"})),
    ("E9002", host(MetadataOptions=either({"HttpTokens": "optional"}, NOTHING))),
    ("E9002", launch(InstanceType="t4g.micro")),
    ("E9003", {"Type": "AWS::EC2::Volume", "Properties": {"Size": 8}}),
    ("E9003", {"Type": "AWS::EC2::Volume", "Properties": {"Size": 8, "Encrypted": False}}),
    ("E9003", host(BlockDeviceMappings=NOTHING)),
    ("E9003", host(BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}])),
    ("E9003", launch(BlockDeviceMappings=[{"DeviceName": "x", "Ebs": {"Encrypted": "false"}}])),
    ("W9004", host(ImageId={"Ref": "Newest"})),
    ("W9004", host(ImageId="{{resolve:ssm:/aws/service/image}}")),
    ("E9005", secret(SecretString='{"key": "value"}')),
    ("E9005", secret(Description="AKIAIOSFODNN7EXAMPLE")),
    ("E9005", host(UserData={"Fn::Base64": "-----BEGIN PRIVATE KEY-----"})),
    ("W9006", secret("Retain", Name="keys")),
    ("W9006", secret("RetainExceptOnCreate", Name={"Fn::Sub": "${AWS::StackName}/keys"})),
    ("W9007", schedule(ScheduleExpression="cron(30 8 ? * MON-FRI *)")),
    (
        "W9007",
        {"Type": "AWS::AutoScaling::ScheduledAction", "Properties": {"Recurrence": "0 9 * * *"}},
    ),
    (
        "W9007",
        {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "cron(0 9 * * ? *)"}},
    ),
    ("W9007", files("[Timer]\nOnCalendar=Mon..Fri 09:00\n")),
    ("W9008", alarm(MetricName="CPUUtilization")),
    ("W9008", alarm(AlarmActions=[])),
    ("W9008", alarm(AlarmActions=[NOTHING])),
    ("W9008", alarm(AlarmActions=["x"], ActionsEnabled=False)),
    ("W9009", {"Type": "AWS::Logs::LogGroup", "Properties": {}}),
    ("W9009", {"Type": "AWS::Logs::LogGroup"}),
    ("E9010", role(Action="*", Resource=ARN)),
    ("E9010", role(Action=["s3:GetObject", "iam:*"], Resource=ARN)),
    ("E9010", role(Action="s3:GetObject", Resource="*")),
    ("E9010", role(Action="s3:GetObject", Resource=[ARN, either("*", ARN)])),
    ("E9010", role(NotAction="iam:PassRole", Resource=ARN)),
]  # fmt: skip

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("E9001", open_to(443, 443)),
    ("E9001", open_to(80, 80, "::/0")),
    ("E9001", open_to(22, 22, "203.0.113.7/32")),
    ("E9001", open_to(8, -1, protocol="icmp")),
    ("E9002", host()),
    ("E9002", host(MetadataOptions={"HttpEndpoint": "disabled"})),
    ("E9002", host(MetadataOptions=NOTHING, LaunchTemplate={"LaunchTemplateId": "lt-1"})),
    ("E9002", launch(MetadataOptions={"HttpTokens": "required"})),
    ("E9003", host()),
    ("E9003", {"Type": "AWS::EC2::Volume", "Properties": {"Size": 8, "Encrypted": "true"}}),
    ("E9003", {"Type": "AWS::EC2::Volume", "Properties": {"Encrypted": {"Ref": "Encrypted"}}}),
    ("E9003", launch(MetadataOptions={"HttpTokens": "required"})),
    ("W9004", host()),
    ("W9004", host(ImageId={"Ref": "Image"})),
    ("W9004", host(ImageId=either({"Ref": "Image"}, {"Ref": "Newest"}))),
    ("E9005", secret(Description="Keys, put in afterwards")),
    ("E9005", secret(GenerateSecretString={})),
    ("E9005", secret(SecretString={"Ref": "Value"})),
    ("W9006", secret("Delete", Name="keys")),
    ("W9006", secret("Retain")),
    ("W9006", secret("Retain", Name={"Fn::Sub": "keys-${Suffix}"})),
    ("W9007", schedule(ScheduleExpression="cron(30 8 ? * MON-FRI *)",
                       ScheduleExpressionTimezone="Asia/Seoul")),
    ("W9007", schedule(ScheduleExpression="rate(5 minutes)")),
    ("W9007", {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "rate(1 day)"}}),
    ("W9007", files("[Timer]\nOnCalendar=Mon..Fri 09:00 Asia/Seoul\n")),
    ("W9007", files("[Timer]\nOnCalendar=Mon..Fri 09:00 ${TimeZone}\n")),
    ("W9008", alarm(AlarmActions=[{"Ref": "Topic"}])),
    ("W9009", {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}}),
    ("E9010", role(Action="s3:GetObject", Resource=ARN)),
    ("E9010", role(Action=["ec2:DescribeAddresses", "cloudwatch:PutMetricData"], Resource="*")),
    ("E9010", role(Effect="Deny", Action="*", Resource="*")),
]  # fmt: skip


def found(one: dict[str, Any], **sections: Any) -> set[str]:
    template = {"Parameters": PARAMETERS, "Resources": {"It": one}} | sections
    matches = lint_template(yaml.safe_dump(template), "ap-northeast-2")
    return {match.rule for match in matches if re.match(r"[EW]9\d\d\d", match.rule)}


@pytest.mark.parametrize(("rule", "one"), BAD)
def test_what_a_rule_finds(rule: str, one: dict[str, Any]) -> None:
    assert rule in found(one)


@pytest.mark.parametrize(("rule", "one"), GOOD)
def test_what_a_rule_lets_pass(rule: str, one: dict[str, Any]) -> None:
    assert rule not in found(one)


@pytest.mark.parametrize(
    ("name", "parameter", "bad"),
    [
        ("DatabasePassword", {"Type": "String"}, True),
        ("DatabasePassword", {"Type": "String", "NoEcho": True}, False),
        ("ApiKey", {"Type": "String", "Default": "abc"}, True),
        ("ApiKey", {"Type": "String", "Default": ""}, False),
        ("KeyName", {"Type": "String", "Default": "mine"}, False),
    ],
)
def test_secrets_in_parameters(name: str, parameter: dict[str, Any], bad: bool) -> None:
    assert ("E9005" in found(host(), Parameters={name: parameter})) == bad


def test_every_rule_has_a_text_and_both_kinds_of_examples() -> None:
    known = {getattr(rules, name) for name in rules.__all__}
    assert len(known) == 10
    for rule in known:
        assert re.fullmatch(r"[EW]9\d\d\d", rule.id)
        assert rule.shortdesc
        assert rule.description
        assert rule.source_url.startswith("https://docs.aws.amazon.com/")
    ids = {rule.id for rule in known}
    assert {rule for rule, _ in BAD} == {rule for rule, _ in GOOD} == ids


@pytest.mark.parametrize(
    "resources",
    [None, [], ["x"], {"It": None}, {"It": []}, {"It": {"Type": INSTANCE, "Properties": []}},
     {"It": {"Type": GROUP, "Properties": {"SecurityGroupIngress": ["x", None, 5]}}},
     {"It": role(Action=None, Resource={"a": 1})}, {"It": secret("Retain", Name=["x"])}],
)  # fmt: skip
def test_odd_templates_do_not_break_a_rule(resources: Any) -> None:
    matches = lint_template(yaml.safe_dump({"Resources": resources}), "ap-northeast-2")
    # cfn-lint's own rules fail on some of them, ours on none.
    assert not [match for match in matches if re.search(r"rule [EW]9\d\d\d", match.message)]


def test_cfn_lint_itself_takes_the_rules(tmp_path: Path) -> None:
    template = tmp_path / "bad.yaml"
    template.write_text(yaml.safe_dump({"Resources": {"It": open_to(22, 22)}}))
    line = [str(Path(sys.executable).parent / "cfn-lint"), "--append-rules", "cfgen.lint.rules"]
    result = subprocess.run(
        [*line, "--", str(template)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert "E9001 port 22 is open to 0.0.0.0/0" in result.stdout
    # Without them it is content.
    assert subprocess.run([line[0], str(template)], check=False, cwd=tmp_path).returncode == 0


def test_lint_finds_them_in_any_template(cfgen: Run, folder: Path) -> None:
    (folder / "bad.yaml").write_text(yaml.safe_dump({"Resources": {"It": open_to(22, 22)}}))
    result = cfgen("lint", "bad.yaml")
    assert result.returncode == 8
    assert "E9001 port 22 is open to 0.0.0.0/0; name the addresses that need it" in result.stdout


def test_no_rule_stumbles_over_a_value_that_is_worked_out_later() -> None:
    """A reference at every leaf of our own templates, one after the other, is no crash."""
    template: Any = yaml.safe_load(
        """
        Resources:
          Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: x,
            SecurityGroupIngress:
              [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}]}}
          Host: {Type: AWS::EC2::Instance, Properties: {ImageId: ami-12345678,
            MetadataOptions: {HttpTokens: required, HttpEndpoint: enabled},
            BlockDeviceMappings: [{DeviceName: /dev/xvda, Ebs: {Encrypted: true}}]}}
          Secret: {Type: AWS::SecretsManager::Secret, DeletionPolicy: Retain,
            UpdateReplacePolicy: Retain, Properties: {Name: x, SecretString: x}}
          Logs: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 7, LogGroupName: x}}
          Alarm: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmActions: [x],
            ActionsEnabled: true, ComparisonOperator: GreaterThanThreshold, EvaluationPeriods: 1}}
          Schedule: {Type: AWS::Scheduler::Schedule, Properties: {ScheduleExpression: rate(1 hour),
            ScheduleExpressionTimezone: UTC, FlexibleTimeWindow: {Mode: "OFF"},
            Target: {Arn: x, RoleArn: x}}}
          Policy: {Type: AWS::IAM::RolePolicy, Properties: {PolicyName: x, RoleName: x,
            PolicyDocument: {Version: 2012-10-17, Statement:
              [{Effect: Allow, Action: ["s3:GetObject"], Resource: ["*"]}]}}}
        """
    )
    template["Resources"]["Policy"]["Properties"]["PolicyDocument"]["Version"] = "2012-10-17"
    template["Parameters"] = {"P": {"Type": "String", "Default": "x"}}

    def leaves(node: Any) -> Iterator[tuple[Any, Any]]:
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in pairs:
            if isinstance(value, dict | list):
                yield from leaves(value)
            elif key != "Type":
                yield node, key

    stumbled = []
    for node, key in list(leaves(template["Resources"])):
        before, node[key] = node[key], {"Ref": "P"}
        text = yaml.safe_dump(template)
        findings = lint_template(text, "ap-northeast-2")
        stumbled += [(key, one.message) for one in findings if one.rule in ("E0000", "E0002")]
        node[key] = before
    assert stumbled == []


@pytest.mark.parametrize(
    ("default", "open_to_all"), [("0.0.0.0/0", True), ("203.0.113.7/32", False), ("", False)]
)
def test_a_parameters_default_counts_as_the_range(default: str, open_to_all: bool) -> None:
    rule = group(IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp={"Ref": "From"})
    template = {
        "Parameters": {"From": {"Type": "String", "Default": default}},
        "Resources": {"Group": rule},
    }
    findings = lint_template(yaml.safe_dump(template), "ap-northeast-2")
    assert ("E9001" in {one.rule for one in findings}) == open_to_all
