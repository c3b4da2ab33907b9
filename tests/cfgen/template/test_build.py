import json
import re
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import msgspec
import pytest
from cfnlint.decode.decode import decode_str
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import templates_out.generate as generate
from cfgen import pipeline
from cfgen.config.load import make_config
from cfgen.config.schema import Config, host_shape_of
from cfgen.host.render import host_files
from cfgen.lint.run import lint_template
from cfgen.lock import LockedPlan
from cfgen.template.network import EGRESS
from pricing.bill import STARTING_VCPU_HOURS
from pricing.workload import Hours
from tests.trees import (
    EVERYTHING,
    YEAR,
    Tree,
    agent_of,
    init_of,
    only,
    plan,
    resources,
    spot,
    statements,
    tree,
)


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
    assert path.read_text(encoding="utf-8") == generate.template(shape)


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
    assert host["CreditSpecification"] == {"CPUCredits": "unlimited"}
    assert host["ImageId"] == {"Fn::If": ["HasImage", {"Ref": "ImageId"}, {"Ref": "LatestImageId"}]}


def test_a_type_that_does_not_burst_has_no_credits() -> None:
    template = tree(locked=plan(instance_type="m7g.medium", burstable=False))
    assert "CreditSpecification" not in only(template, "AWS::EC2::Instance")


@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_the_image_is_of_the_plans_architecture(arch: str) -> None:
    parameter = tree(locked=plan(arch=arch))["Parameters"]["LatestImageId"]
    assert parameter["Default"].endswith(f"al2023-ami-kernel-default-{arch}")


def test_the_bootstrap_swaps_first_and_signals() -> None:
    template = tree()
    host, init = template["Resources"]["Host"], init_of(template)
    assert list(init["commands"])[:2] == ["010-idle", "020-swap"]
    assert host["CreationPolicy"]["ResourceSignal"]["Timeout"] == "PT30M"
    script = host["Properties"]["UserData"]["Fn::Base64"]["Fn::Sub"]
    assert script.index("cfn-init") < script.index("cfn-signal")
    assert len(script) < 16_000
    assert set(host["DependsOn"]) == {"DefaultRoute", "SubnetRoutes"}


# Access


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
        "logs:PutLogEvents": logs,
        "sns:Publish": [{"Ref": "AlertTopic"}],
        "ssm:GetParameter": [
            {
                "Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}"
                ":parameter/${Brake}"
            }
        ],
        "ssm:UpdateInstanceInformation": [
            {"Fn::Sub": "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:instance/*"}
        ],
        "ssmmessages:CreateControlChannel": ["*"],
        "ssmmessages:CreateDataChannel": ["*"],
        "ssmmessages:OpenControlChannel": ["*"],
        "ssmmessages:OpenDataChannel": ["*"],
        # It takes no resource; the namespace bounds it.
        "cloudwatch:PutMetricData": ["*"],
        # Nor does this.
        "ec2:DescribeInstances": ["*"],
    }
    # AWS's managed policies would read every parameter and write to every log group.
    assert "ManagedPolicyArns" not in role


def test_the_agent_writes_where_the_host_may() -> None:
    kept = agent_of(tree())["logs"]["logs_collected"]["files"]["collect_list"]
    assert {one["log_group_name"] for one in kept} == {"${BotLogGroup}", "${HostLogGroup}"}
    # It creates no group, which it is not allowed to, and sets no retention.
    assert not [one for one in kept if "retention_in_days" in one]


@pytest.mark.parametrize("locked", [plan("market"), spot("market")])
def test_no_statement_of_ours_is_a_wildcard_without_its_reason(locked: LockedPlan) -> None:
    ours = {"StringEquals": {"cloudwatch:namespace": {"Fn::Sub": "TradingBot/${AWS::StackName}"}}}
    for statement in statements(tree(locked=locked, **EVERYTHING)):
        assert not [action for action in statement["Action"] if "*" in action]
        if statement["Resource"] == ["*"]:
            services = {action.partition(":")[0] for action in statement["Action"]}
            if services == {"cloudwatch"}:
                assert statement["Condition"] == ours
                assert statement["Sid"] == "ActionTakesNoResource"
            elif services == {"ec2"}:
                # Whether the stack has an older host (docs/decisions/0001-never-two.md).
                assert statement["Action"] == ["ec2:DescribeInstances"]
                assert statement["Sid"] == "ActionTakesNoResource"
            else:
                assert statement["Sid"] == "ActionsTakeNoResource"
                assert services == {"ssmmessages"}


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
    resources_of = (
        tree(locked=locked, **EVERYTHING)["Resources"]
        for locked in (plan("market"), spot("market"))
    )
    for name, resource in chain.from_iterable(each.items() for each in resources_of):
        # A flow log and a filter name a group of the stack's own.
        refers = resource["Type"] in ("AWS::EC2::FlowLog", "AWS::Logs::MetricFilter")
        allowed = {"LogGroupName"} if refers else set()
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
        "DaysOffSchedule": ("cron(0 9 ? * SAT,SUN *)", "putMetricData"),
    }
    for schedule in schedules.values():
        assert schedule["ScheduleExpressionTimezone"] == "Asia/Seoul"
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert not resources(tree("always"), "AWS::Scheduler::Schedule")


@pytest.mark.parametrize("locked", [plan(), plan(burstable=False), spot(), spot("market")])
def test_the_bill_counts_the_alarms_metrics_and_secrets_of_the_template(locked: LockedPlan) -> None:
    template = tree(locked=locked, **EVERYTHING)
    shape = host_shape_of(Config())
    assert len(resources(template, "AWS::SecretsManager::Secret")) == shape.secrets
    alarms = len(resources(template, "AWS::CloudWatch::Alarm"))
    assert alarms == shape.alarms if locked == plan() else alarms < shape.alarms
    # Ten are free.
    assert shape.alarms <= 10
    counted = len(resources(template, "AWS::Logs::MetricFilter"))
    agent = agent_of(template)["metrics"]
    collected = sum(len(one["measurement"]) for one in agent["metrics_collected"].values())
    # The disk's comes with its path and file system, and without.
    assert counted + collected + 1 == shape.metrics


@pytest.mark.parametrize("locked", [plan("market"), spot("market")])
def test_only_silence_about_runs_rings(locked: LockedPlan) -> None:
    """No alarm cries when the host is stopped on purpose; one listens for a host that is not up."""
    for name, alarm in resources(tree(locked=locked), "AWS::CloudWatch::Alarm").items():
        quiet = "breaching" if name == "NoRunAlarm" else "notBreaching"
        assert alarm["TreatMissingData"] == quiet, name
        assert {"Ref": "AlertTopic"} in alarm["AlarmActions"]


def test_every_day_is_accounted_for_within_the_silence_that_rings() -> None:
    """On weekdays the host counts itself (check-run); on weekends a market host is down."""
    template = tree("market")
    alarm = template["Resources"]["NoRunAlarm"]["Properties"]
    filled, runs = alarm["Metrics"]
    assert (filled["Expression"], filled.get("ReturnData", True)) == ("FILL(runs, 0)", True)
    metric = runs["MetricStat"]
    seconds = metric["Period"] * alarm["EvaluationPeriods"]
    # Alarms of hourly periods may look back seven days.
    assert 24 * 3600 < seconds <= 604_800
    counted = template["Resources"]["RunFilter"]["Properties"]
    assert counted["FilterPattern"] == '"check-run: ok"'
    [counts] = counted["MetricTransformations"]
    target = template["Resources"]["DaysOffSchedule"]["Properties"]["Target"]
    request = json.loads(target["Input"]["Fn::Sub"])
    assert request["Namespace"] == counts["MetricNamespace"]["Fn::Sub"]
    names = {request["MetricData"][0]["MetricName"], metric["Metric"]["MetricName"]}
    assert names == {counts["MetricName"]}
    assert "DaysOffSchedule" not in tree("always")["Resources"]


def test_alarms_watch_what_the_agent_sends() -> None:
    for locked in (plan(), spot()):
        template = tree(locked=locked)
        agent = agent_of(template)["metrics"]
        sent = {name for one in agent["metrics_collected"].values() for name in one["measurement"]}
        assert agent["aggregation_dimensions"] == [["Stack"]]
        for one in agent["metrics_collected"].values():
            assert one["append_dimensions"] == {"Stack": "${AWS::StackName}"}
        for name in ("MemoryAlarm", "DiskAlarm"):
            alarm = template["Resources"][name]["Properties"]
            assert alarm["MetricName"] in sent
            assert alarm["Namespace"]["Fn::Sub"] == agent["namespace"]
            [dimension] = alarm["Dimensions"]
            assert dimension == {"Name": "Stack", "Value": {"Ref": "AWS::StackName"}}


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
        (
            {"backup": {"enabled": True}},
            {
                "Resources": {"StateBucket", "StateBucketPolicy", "HostRole", "Host"},
                "Outputs": {"StateBucketName"},
            },
        ),
        (
            {"dns": {"zone_id": "Z1", "name": "bot.example.com"}},
            {"Resources": {"AddressRecord"}},
        ),
        ({"budget": {"monthly_usd": "15"}}, {"Resources": {"Budget", "AlertTopicPolicy"}}),
        (
            {"bot": {"source": "./bot"}},
            {
                "Parameters": {"AppSource", "AppBundleBucket", "AppBundleKey"},
                "Resources": {"HostRole", "Host"},
            },
        ),
        ({"market": {"closed": ["2026-11-23"]}}, HOST_ONLY),
        ({"market": {"session": "09:00-15:45"}}, HOST_ONLY),
        ({"bot": {"days": "Mon,Wed"}}, HOST_ONLY),
        ({"bot": {"entrypoint": "bot.py"}}, HOST_ONLY),
        ({"bot": {"timezone": "Asia/Tokyo"}}, HOST_ONLY),
        ({"dashboard": {"entrypoint": "web.py"}}, HOST_ONLY),
        (
            {"dashboard": {"port": 8080}},
            {"Resources": {"Host"}, "Outputs": {"DashboardCommand"}},
        ),
        ({"dashboard": {"cidrs": ["203.0.113.7/32"]}}, {"Resources": {"Host", "SecurityGroup"}}),
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
        ({"host": {"credits": "standard"}}, {"Resources": {"Host", "CreditAlarm"}}),
        ({"host": {"patching": False}}, HOST_ONLY),
        ({"host": {"patch_delay_days": 0}}, HOST_ONLY),
    ],
)
def test_an_option_moves_what_it_should_and_nothing_else(
    config: Tree, moved: dict[str, set[str]]
) -> None:
    assert differences(tree(), tree(**config)) == moved


def test_market_hours_add_schedules_and_move_nothing_else() -> None:
    assert differences(tree(), tree("market")) == {
        "Resources": {
            # It is not rebooted for updates: it starts anew each day.
            "Host",
            "ScheduleRole",
            "StartSchedule",
            "StopSchedule",
            "DaysOffRole",
            "DaysOffSchedule",
        }
    }


def test_market_hours_of_a_group_add_actions_and_move_its_least_size() -> None:
    assert differences(tree(locked=spot()), tree(locked=spot("market"))) == {
        "Resources": {
            "StartAction",
            "StopAction",
            "DaysOffRole",
            "DaysOffSchedule",
            "HostGroup",
        }
    }


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
        "Image",
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
    assert len(contents) == len(host_files(Config(), plan(), YEAR))
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
                "patch_delay_days": st.integers(0, 90),
            },
        ),
        "monitoring": st.fixed_dictionaries(
            {}, optional={"email": st.sampled_from(["", "a@b.kr"])}
        ),
        "backup": st.fixed_dictionaries({}, optional={"enabled": st.booleans()}),
        "budget": st.fixed_dictionaries(
            {}, optional={"monthly_usd": st.sampled_from(["", "9.99"])}
        ),
    },
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configurations, st.sampled_from(["always", "market"]), st.sampled_from([plan, spot]))
def test_whatever_is_valid_builds_lints_clean_and_is_the_same_twice(
    raw: Tree, hours: Hours, shape: Callable[[Hours], LockedPlan]
) -> None:
    assume(hours == "always" or shape is plan or raw.get("bot", {}).get("run_at") != "08:45")
    config, locked = make_config(raw, "test"), shape(hours)
    text = pipeline.build(config, locked, YEAR)
    assert text == pipeline.build(make_config(raw, "test"), locked, YEAR)
    assert lint_template(text, "ap-northeast-2") == ()
    parsed, errors = decode_str(text)
    assert not errors
    env = init_of(parsed)["files"]["/etc/trading-bot/bot.env"]["content"]
    assert all(f"{name}=" in env for name in raw.get("bot", {}).get("environment", {}))


def test_templates_out_has_a_line_for_each_file() -> None:
    readme = (generate.HERE / "README.md").read_text()
    names = {path.name for path in Path(generate.HERE).glob("*.yaml")}
    assert set(re.findall(r"`([\w-]+\.yaml)`", readme)) == names


def credit_alarm(locked: LockedPlan, mode: str) -> Tree:
    alarms = resources(tree(locked=locked, host={"credits": mode}), "AWS::CloudWatch::Alarm")
    found: Tree = alarms.get("CreditAlarm", {})
    return found


def test_low_credits_are_watched_where_they_slow_the_host_down() -> None:
    alarm = credit_alarm(plan(), "standard")
    assert alarm["MetricName"] == "CPUCreditBalance"
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 12)
    assert "will slow down" in alarm["AlarmDescription"]
    # A first boot has no credits: it must not ring in its first two hours.
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 2 * 3600
    # A host that is new each day has none to lose.
    assert credit_alarm(spot("market"), "standard") == {}


@pytest.mark.parametrize("locked", [plan(), plan("market"), spot(), spot("market")])
def test_a_runaway_is_told_of_before_it_costs_money(locked: LockedPlan) -> None:
    alarm = credit_alarm(locked, "unlimited")
    assert alarm["MetricName"] == "CPUSurplusCreditBalance"
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    # A nano is charged above 144, and a first boot takes what the bill counts for it.
    assert 60 * STARTING_VCPU_HOURS < alarm["Threshold"] < 144
    assert "slow down" not in alarm["AlarmDescription"]
    assert "costs $0.04 (t4g) or $0.05 (t3)" in alarm["AlarmDescription"]


def test_what_does_not_burst_has_no_credits_to_watch() -> None:
    steady = msgspec.structs.replace(plan(), burstable=False)
    for mode in ("standard", "unlimited"):
        assert credit_alarm(steady, mode) == {}
    assert len(resources(tree(locked=steady), "AWS::CloudWatch::Alarm")) == 7
