import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cfnlint.decode.decode import decode_str
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import templates_out.generate as generate
from cfgen import pipeline
from cfgen.config.load import make_config
from cfgen.config.schema import Config, host_shape_of
from cfgen.deploy.run import BODY_LIMIT
from cfgen.errors import Refused
from cfgen.lint.run import lint_template
from cfgen.lock import LockedPlan
from cfgen.template.build import build
from cfgen.template.network import EGRESS
from cfgen.template.render import to_json
from pricing.workload import Hours

Tree = dict[str, Any]

YEAR = 2026


def plan(hours: Hours = "always", **fields: Any) -> LockedPlan:
    default = LockedPlan(
        f"t4g.micro/on-demand/{hours}",
        "t4g.micro",
        "arm64",
        "on-demand",
        hours,
        "instance",
        "apne2-az1",
        True,
        Decimal("12.37"),
    )
    return msgspec.structs.replace(default, **fields)


def tree(hours: Hours = "always", locked: LockedPlan | None = None, **config: Any) -> Tree:
    template = build(make_config(config, "test"), locked or plan(hours), YEAR)
    parsed: Tree = json.loads(to_json(template))
    return parsed


def resources(template: Tree, kind: str) -> dict[str, Tree]:
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def only(template: Tree, kind: str) -> Tree:
    [properties] = resources(template, kind).values()
    return properties


def differences(before: Tree, after: Tree) -> dict[str, set[str]]:
    """Section -> names of the entries that were added, removed or changed."""
    return {
        section: {
            name
            for name in {*before.get(section, {}), *after.get(section, {})}
            if before.get(section, {}).get(name) != after.get(section, {}).get(name)
        }
        for section in ("Parameters", "Conditions", "Resources", "Outputs")
        if before.get(section) != after.get(section)
    }


# Golden templates


@pytest.mark.parametrize("shape", generate.SHAPES)
def test_the_golden_templates_are_what_is_built(shape: str) -> None:
    path = generate.HERE / f"{shape}.yaml"
    text = path.read_text(encoding="utf-8")
    assert text == generate.template(shape)
    assert len(text.encode()) <= BODY_LIMIT


@pytest.mark.parametrize("shape", generate.SHAPES)
def test_cfn_lint_finds_nothing_at_any_level(shape: str) -> None:
    assert lint_template(generate.template(shape), "ap-northeast-2") == ()


def test_the_check_names_what_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main([], tmp_path) == 0
    assert generate.main(["--check"], tmp_path) == 0
    (tmp_path / "on-demand-always.yaml").write_text("edited")
    (tmp_path / "left-over.yaml").touch()
    assert generate.main(["--check"], tmp_path) == 1
    told = capsys.readouterr().err
    assert "on-demand-always.yaml is stale" in told
    assert "left-over.yaml is stale" in told


# The network


def test_the_network_of_the_drawing() -> None:
    template = tree()
    assert only(template, "AWS::EC2::VPC")["CidrBlock"] == "10.0.0.0/16"
    subnet = only(template, "AWS::EC2::Subnet")
    assert subnet["CidrBlock"] == "10.0.1.0/24"
    assert subnet["AvailabilityZoneId"] == {
        "Fn::If": ["HasZone", {"Ref": "AvailabilityZoneId"}, {"Ref": "AWS::NoValue"}]
    }
    assert template["Parameters"]["AvailabilityZoneId"]["Default"] == "apne2-az1"
    assert not resources(template, "AWS::EC2::NatGateway")


def test_no_port_is_open_and_only_the_brokers_are_reached() -> None:
    group = only(tree(), "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    rules = [
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"])
        for rule in group["SecurityGroupEgress"]
    ]
    assert rules == [("tcp", port, port) for port in (443, 9443, 29443, 21000, 31000)]
    assert [port for port, _ in EGRESS] == [443, 9443, 29443, 21000, 31000]


def test_a_cidr_opens_just_its_port() -> None:
    opened = tree(dashboard={"cidrs": ["203.0.113.7/32"], "port": 8080})
    [rule] = only(opened, "AWS::EC2::SecurityGroup")["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"]) == ("203.0.113.7/32", 8080, 8080)
    closed = tree(dashboard={"cidrs": ["203.0.113.7/32"], "enabled": False})
    assert "SecurityGroupIngress" not in only(closed, "AWS::EC2::SecurityGroup")


# The host


def test_the_host_is_safe() -> None:
    host = only(tree(), "AWS::EC2::Instance")
    assert host["MetadataOptions"] == {
        "HttpEndpoint": "enabled",
        "HttpPutResponseHopLimit": 1,
        "HttpTokens": "required",
    }
    [disk] = host["BlockDeviceMappings"]
    assert disk["Ebs"] == {
        "DeleteOnTermination": True,
        "Encrypted": True,
        "VolumeSize": 8,
        "VolumeType": "gp3",
    }
    assert host["CreditSpecification"] == {"CPUCredits": "standard"}
    assert host["ImageId"] == {"Fn::If": ["HasImage", {"Ref": "ImageId"}, {"Ref": "LatestImageId"}]}


def test_a_type_that_does_not_burst_has_no_credits() -> None:
    template = tree(locked=plan(instance_type="m7g.medium", burstable=False))
    assert "CreditSpecification" not in only(template, "AWS::EC2::Instance")


@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_the_image_is_of_the_plans_architecture(arch: str) -> None:
    parameter = tree(locked=plan(arch=arch))["Parameters"]["LatestImageId"]
    assert parameter["Default"].endswith(f"al2023-ami-kernel-default-{arch}")


def test_the_bootstrap_swaps_first_and_signals() -> None:
    host = tree()["Resources"]["Host"]
    init = host["Metadata"]["AWS::CloudFormation::Init"]["config"]
    assert list(init["commands"])[:2] == ["10-idle", "20-swap"]
    assert host["CreationPolicy"]["ResourceSignal"]["Timeout"] == "PT30M"
    script = host["Properties"]["UserData"]["Fn::Base64"]["Fn::Sub"]
    assert script.index("cfn-init") < script.index("cfn-signal")
    assert len(script) < 16_000
    assert set(host["DependsOn"]) == {"DefaultRoute", "SubnetRoutes"}


# Access


def statements(template: Tree) -> Iterator[Tree]:
    for role in resources(template, "AWS::IAM::Role").values():
        for policy in role.get("Policies", ()):
            yield from policy["PolicyDocument"]["Statement"]


def test_the_host_may_read_its_one_secret_and_write_its_own_logs() -> None:
    role = tree()["Resources"]["HostRole"]["Properties"]
    allowed = {
        action: statement["Resource"]
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }
    logs = [{"Fn::GetAtt": [name, "Arn"]} for name in ("BotLogGroup", "HostLogGroup")]
    assert allowed == {
        "secretsmanager:GetSecretValue": [{"Ref": "KisSecret"}],
        "logs:CreateLogStream": logs,
        "logs:DescribeLogStreams": logs,
        "logs:PutLogEvents": logs,
    }
    managed = [arn["Fn::Sub"].rpartition("/")[2] for arn in role["ManagedPolicyArns"]]
    assert managed == ["AmazonSSMManagedInstanceCore"]


def test_the_agent_writes_where_the_host_may() -> None:
    files = tree()["Resources"]["Host"]["Metadata"]["AWS::CloudFormation::Init"]["config"]["files"]
    agent = json.loads(files["/etc/trading-bot/agent.json"]["content"]["Fn::Sub"])
    kept = agent["logs"]["logs_collected"]["files"]["collect_list"]
    assert {one["log_group_name"] for one in kept} == {"${BotLogGroup}", "${HostLogGroup}"}
    # It creates no group, which it is not allowed to, and sets no retention.
    assert not [one for one in kept if "retention_in_days" in one]


def test_no_statement_of_ours_is_a_wildcard() -> None:
    for statement in statements(tree("market")):
        assert statement["Resource"] != ["*"]
        assert not [action for action in statement["Action"] if "*" in action]


def test_services_take_roles_for_this_account_only() -> None:
    for name, role in resources(tree("market"), "AWS::IAM::Role").items():
        [statement] = role["AssumeRolePolicyDocument"]["Statement"]
        service = statement["Principal"]["Service"]
        limited = statement.get("Condition") == {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        }
        assert limited == (service != "ec2.amazonaws.com"), name


# The secret


def test_the_secret_is_empty_named_after_the_stack_and_retained() -> None:
    secret = tree()["Resources"]["KisSecret"]
    assert secret["Properties"]["Name"] == {"Fn::Sub": "${AWS::StackName}/kis-api"}
    assert not {"SecretString", "GenerateSecretString"} & set(secret["Properties"])
    assert secret["UpdateReplacePolicy"] == "Retain"
    # Retain alone would keep the secret of a creation that failed, and block the next one.
    assert secret["DeletionPolicy"] == "RetainExceptOnCreate"


def test_no_key_is_a_parameter_or_an_output() -> None:
    template = tree()
    named = json.dumps([template["Parameters"], template["Outputs"]])
    assert "NoEcho" not in named
    assert not re.search(r"resolve:secretsmanager", json.dumps(template))


def test_only_the_secret_has_a_fixed_name() -> None:
    fixed = {"GroupName", "LogGroupName", "RoleName", "TopicName", "AlarmName", "BucketName"}
    template = tree("market")
    for name, resource in template["Resources"].items():
        allowed = {"LogGroupName"} if resource["Type"] == "AWS::EC2::FlowLog" else set()
        assert not (fixed - allowed) & set(resource["Properties"]), name


# Hours, address, watch


def test_market_hours_start_and_stop_the_host_in_korean_time() -> None:
    schedules = resources(tree("market"), "AWS::Scheduler::Schedule")
    assert {
        name: (one["ScheduleExpression"], one["Target"]["Arn"]["Fn::Sub"].rpartition(":")[2])
        for name, one in schedules.items()
    } == {
        "StartSchedule": ("cron(30 8 ? * MON-FRI *)", "startInstances"),
        "StopSchedule": ("cron(0 16 ? * MON-FRI *)", "stopInstances"),
    }
    for schedule in schedules.values():
        assert schedule["ScheduleExpressionTimezone"] == "Asia/Seoul"
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert not resources(tree("always"), "AWS::Scheduler::Schedule")


def test_the_bill_counts_the_alarms_and_secrets_of_the_template() -> None:
    template = tree()
    shape = host_shape_of(Config())
    assert len(resources(template, "AWS::CloudWatch::Alarm")) == shape.alarms
    assert len(resources(template, "AWS::SecretsManager::Secret")) == shape.secrets


def test_no_alarm_cries_when_the_host_is_stopped() -> None:
    for alarm in resources(tree(), "AWS::CloudWatch::Alarm").values():
        assert alarm["TreatMissingData"] == "notBreaching"
        assert {"Ref": "AlertTopic"} in alarm["AlarmActions"]


# Every option: what it moves, and that nothing else moves

HOST_ONLY = {"Resources": {"Host"}}


@pytest.mark.parametrize(
    ("config", "moved"),
    [
        (
            {"network": {"elastic_ip": False}},
            {"Resources": {"Address", "AddressAssociation"}, "Outputs": {"PublicAddress"}},
        ),
        (
            {"network": {"flow_logs": False}},
            {"Resources": {"FlowLog", "FlowLogGroup", "FlowLogRole"}},
        ),
        ({"network": {"ssh_cidrs": ["203.0.113.7/32"]}}, {"Resources": {"SecurityGroup"}}),
        ({"network": {"vpc_cidr": "10.0.0.0/20"}}, {"Resources": {"Vpc"}}),
        ({"network": {"subnet_cidr": "10.0.2.0/24"}}, {"Resources": {"PublicSubnet"}}),
        ({"network": {"key_name": "k"}}, {"Parameters": {"KeyName"}}),
        ({"monitoring": {"email": "a@b.kr"}}, {"Parameters": {"AlertEmail"}}),
        (
            {"monitoring": {"log_retention_days": 7}},
            {"Resources": {"BotLogGroup", "HostLogGroup"}},
        ),
        ({"bot": {"source": "https://h/x@v1"}}, {"Parameters": {"AppSource"}}),
        (
            {"dashboard": {"enabled": False}},
            {"Resources": {"Host"}, "Outputs": {"DashboardCommand"}},
        ),
        ({"bot": {"mode": "real"}}, HOST_ONLY),
        ({"bot": {"kind": "service"}}, HOST_ONLY),
        ({"bot": {"run_at": "08:45"}}, HOST_ONLY),
        ({"bot": {"arguments": []}}, HOST_ONLY),
        ({"bot": {"requirements": ""}}, HOST_ONLY),
        ({"bot": {"python": "3.11"}}, HOST_ONLY),
        ({"bot": {"environment": {"A": "b"}}}, HOST_ONLY),
        ({"host": {"disk_gib": 20}}, HOST_ONLY),
        ({"host": {"swap_mib": 0}}, HOST_ONLY),
        ({"host": {"credits": "unlimited"}}, HOST_ONLY),
        ({"host": {"patching": False}}, HOST_ONLY),
    ],
)
def test_an_option_moves_what_it_should_and_nothing_else(
    config: Tree, moved: dict[str, set[str]]
) -> None:
    assert differences(tree(), tree(**config)) == moved


def test_market_hours_add_schedules_and_move_nothing_else() -> None:
    assert differences(tree(), tree("market")) == {
        "Resources": {"ScheduleRole", "StartSchedule", "StopSchedule"}
    }


def test_the_spot_shape_is_refused() -> None:
    with pytest.raises(Refused, match="Spot"):
        build(Config(), plan(purchase="spot", shape="group"), YEAR)


# Parameters, outputs, text


def test_every_parameter_is_described_grouped_and_labelled() -> None:
    template = tree()
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert grouped == list(template["Parameters"]) == list(interface["ParameterLabels"])
    assert all(parameter["Description"] for parameter in template["Parameters"].values())
    required = [name for name, one in template["Parameters"].items() if "Default" not in one]
    assert required == ["AppSource"]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "AppSource",
            ["https://github.com/a/b.git@v1", "git+https://h/a/b@0123abc"],
            [
                "https://github.com/a/b",
                "https://me:key@h/a@v1",
                "http://h/a@v1",
                "https://h:8443/a@v1",
                "git@h:a/b@v1",
            ],
        ),
        ("AvailabilityZoneId", ["", "apne2-az1", "use1-bos1-az1"], ["ap-northeast-2a", "x"]),
        ("ImageId", ["", "ami-0123456789abcdef0", "ami-01234567"], ["ami-1", "ami-XYZ"]),
        ("AlertEmail", ["", "a@b.kr"], ["a", "a@b", "a b@c.de"]),
    ],
)
def test_patterns_of_parameters(name: str, good: list[str], bad: list[str]) -> None:
    pattern = tree()["Parameters"][name]["AllowedPattern"]
    assert [value for value in good if not re.fullmatch(pattern, value)] == []
    assert [value for value in bad if re.fullmatch(pattern, value)] == []


def test_outputs_say_what_to_do_next() -> None:
    outputs = tree()["Outputs"]
    assert list(outputs) == [
        "InstanceId",
        "PublicAddress",
        "StoreKeysCommand",
        "ConnectCommand",
        "LogCommand",
        "HostLogCommand",
        "DashboardCommand",
        "AlertTopicArn",
    ]
    assert all(output["Description"] for output in outputs.values())


def test_the_forwarded_port_is_the_dashboards() -> None:
    command = tree(dashboard={"port": 8080})["Outputs"]["DashboardCommand"]["Value"]["Fn::Sub"]
    parameters = json.loads(command.partition("--parameters '")[2].rstrip("'"))
    assert parameters == {"portNumber": ["8080"], "localPortNumber": ["5001"]}


def test_yaml_and_json_say_the_same() -> None:
    config = make_config({}, "test")
    as_yaml, errors = decode_str(pipeline.build(config, plan("market"), YEAR))
    assert not errors
    assert json.loads(json.dumps(as_yaml)) == json.loads(
        pipeline.build(config, plan("market"), YEAR, "json")
    )


def test_files_are_readable_in_the_yaml() -> None:
    contents = re.findall(r"(?m)^ +content: (.*)$", pipeline.build(Config(), plan(), YEAR))
    assert len(contents) == 18
    assert set(contents) == {"|", "!Sub |"}


# Whatever is valid

lines = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_characters="\x7f{"), max_size=20
)
configurations = st.fixed_dictionaries(
    {},
    optional={
        "bot": st.fixed_dictionaries(
            {},
            optional={
                "arguments": st.lists(lines, max_size=3),
                "environment": st.dictionaries(
                    st.from_regex(r"[A-Z]{1,6}", fullmatch=True), lines, max_size=2
                ),
                "mode": st.sampled_from(["demo", "real"]),
                "kind": st.sampled_from(["daily", "service"]),
                "run_at": st.sampled_from(["08:45", "09:00", "15:00"]),
                "requirements": st.sampled_from(["", "requirements.txt"]),
            },
        ),
        "dashboard": st.fixed_dictionaries(
            {},
            optional={
                "enabled": st.booleans(),
                "port": st.integers(1024, 65535),
                "cidrs": st.lists(st.just("203.0.113.7/32"), max_size=1),
            },
        ),
        "network": st.fixed_dictionaries(
            {},
            optional={
                "elastic_ip": st.booleans(),
                "flow_logs": st.booleans(),
                "ssh_cidrs": st.lists(st.just("203.0.113.7/32"), max_size=1),
                "key_name": st.sampled_from(["", "my key"]),
            },
        ),
        "host": st.fixed_dictionaries(
            {},
            optional={
                "disk_gib": st.integers(8, 100),
                "swap_mib": st.integers(0, 2048),
                "credits": st.sampled_from(["standard", "unlimited"]),
                "patching": st.booleans(),
            },
        ),
        "monitoring": st.fixed_dictionaries(
            {}, optional={"email": st.sampled_from(["", "a@b.kr"])}
        ),
    },
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configurations, st.sampled_from(["always", "market"]))
def test_whatever_is_valid_builds_lints_clean_and_is_the_same_twice(
    raw: Tree, hours: Hours
) -> None:
    config = make_config(raw, "test")
    text = pipeline.build(config, plan(hours), YEAR)
    assert text == pipeline.build(make_config(raw, "test"), plan(hours), YEAR)
    assert lint_template(text, "ap-northeast-2") == ()
    parsed, errors = decode_str(text)
    assert not errors
    init = parsed["Resources"]["Host"]["Metadata"]["AWS::CloudFormation::Init"]["config"]
    env = init["files"]["/etc/trading-bot/bot.env"]["content"]
    assert all(f"{name}=" in env for name in raw.get("bot", {}).get("environment", {}))


def test_templates_out_has_a_line_for_each_file() -> None:
    readme = (generate.HERE / "README.md").read_text()
    names = {path.name for path in Path(generate.HERE).glob("*.yaml")}
    assert set(re.findall(r"`([\w-]+\.yaml)`", readme)) == names


def test_low_credits_are_watched_where_there_are_any() -> None:
    [alarm] = [
        alarm
        for alarm in resources(tree(), "AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "CPUCreditBalance"
    ]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 12)
    # A first boot has no credits: it must not ring in its first two hours.
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 2 * 3600
    steady = msgspec.structs.replace(plan(), burstable=False)
    names = resources(tree(locked=steady), "AWS::CloudWatch::Alarm")
    assert "CreditAlarm" not in names
    assert len(names) == 3
