"""Spot: a group of exactly one."""

import json

import pytest

from cfgen.errors import ConfigError
from tests.trees import (
    EVERYTHING,
    Tree,
    init_of,
    only,
    resources,
    spot,
    statements,
    tree,
)


def test_the_group_has_one_host_of_several_types_and_architectures() -> None:
    template = tree(locked=spot())
    group = only(template, "AWS::AutoScaling::AutoScalingGroup")
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == ("1", "1", "1")
    assert group["CapacityRebalance"] is False
    mixed = group["MixedInstancesPolicy"]
    assert mixed["InstancesDistribution"] == {
        "OnDemandBaseCapacity": 0,
        "OnDemandPercentageAboveBaseCapacity": 0,
        "SpotAllocationStrategy": "price-capacity-optimized",
    }
    taken = [
        (one["InstanceType"], one["LaunchTemplateSpecification"]["LaunchTemplateId"]["Ref"])
        for one in mixed["LaunchTemplate"]["Overrides"]
    ]
    assert taken == [
        ("t4g.micro", "LaunchTemplateArm"),
        ("t3.micro", "LaunchTemplateX86"),
        ("t3.small", "LaunchTemplateX86"),
    ]
    images = {
        name: one["LaunchTemplateData"]["ImageId"]["Fn::If"]
        for name, one in resources(template, "AWS::EC2::LaunchTemplate").items()
    }
    assert images == {
        "LaunchTemplateArm": ["HasImage", {"Ref": "ImageId"}, {"Ref": "LatestImageId"}],
        "LaunchTemplateX86": [
            "HasAlternateImage",
            {"Ref": "AlternateImageId"},
            {"Ref": "LatestAlternateImageId"},
        ],
    }
    parameters = template["Parameters"]
    assert parameters["LatestImageId"]["Default"].endswith("arm64")
    assert parameters["LatestAlternateImageId"]["Default"].endswith("x86_64")
    assert not resources(template, "AWS::EC2::Instance")


def test_a_host_that_cannot_be_launched_is_told_of() -> None:
    group = only(tree(locked=spot()), "AWS::AutoScaling::AutoScalingGroup")
    [told] = group["NotificationConfigurations"]
    assert told == {
        "TopicARN": {"Ref": "AlertTopic"},
        "NotificationTypes": ["autoscaling:EC2_INSTANCE_LAUNCH_ERROR"],
    }


SUBNET = "AWS::EC2::Subnet"
ZONES = ("apne2-az1", "apne2-az2", "apne2-az4")


def test_a_group_starts_its_host_in_any_zone_that_has_its_types() -> None:
    template = tree(locked=spot(zones=ZONES, availability_zone_id="apne2-az2"))
    found = {
        name: (one["AvailabilityZoneId"]["Fn::If"], one["CidrBlock"])
        for name, one in resources(template, SUBNET).items()
    }
    # Without a zone AWS chooses them all: in another region none of these is known.
    nothing = {"Ref": "AWS::NoValue"}
    assert found == {
        "PublicSubnet": (["HasZone", {"Ref": "AvailabilityZoneId"}, nothing], "10.0.1.0/24"),
        "PublicSubnetAz2": (["HasZone", "apne2-az2", nothing], "10.0.3.0/24"),
        "PublicSubnetAz4": (["HasZone", "apne2-az4", nothing], "10.0.5.0/24"),
    }
    # Not the cheapest one's, which would replace the subnet when prices move.
    assert template["Parameters"]["AvailabilityZoneId"]["Default"] == "apne2-az1"
    group = template["Resources"]["HostGroup"]
    assert group["Properties"]["VPCZoneIdentifier"] == [{"Ref": name} for name in found]
    # Each has a way out before a host starts in it.
    routed = resources(template, "AWS::EC2::SubnetRouteTableAssociation")
    assert {one["SubnetId"]["Ref"] for one in routed.values()} == set(found)
    assert set(routed) < set(group["DependsOn"])


def test_a_zones_range_does_not_depend_on_the_other_zones() -> None:
    def ranges(*zones: str) -> dict[str, str]:
        found = resources(tree(locked=spot(zones=zones)), "AWS::EC2::Subnet")
        return {name: one["CidrBlock"] for name, one in found.items()}

    fewer, more = ranges("apne2-az1", "apne2-az4"), ranges(*ZONES, "apne2-az3")
    assert fewer.items() < more.items()
    assert len(set(more.values())) == 4


@pytest.mark.parametrize(
    ("network", "fits"),
    [
        ({"vpc_cidr": "10.0.0.0/21", "subnet_cidr": "10.0.0.0/24"}, True),
        ({"vpc_cidr": "10.0.0.0/22", "subnet_cidr": "10.0.0.0/24"}, False),
        ({"vpc_cidr": "10.0.0.0/24", "subnet_cidr": "10.0.0.0/24"}, False),
        ({"subnet_cidr": "10.0.255.0/24"}, False),
        ({"subnet_cidr": "10.0.251.0/24"}, True),
    ],
)
def test_a_vpc_must_have_room_for_the_subnets_of_all_zones(network: Tree, fits: bool) -> None:
    if fits:
        assert len(resources(tree(locked=spot(zones=ZONES), network=network), SUBNET)) == 3
    else:
        with pytest.raises(ConfigError, match=r"^network\.subnet_cidr: .* leaves no room"):
            tree(locked=spot(zones=ZONES), network=network)
    assert len(resources(tree(network=network), SUBNET)) == 1


def test_a_group_of_one_architecture_has_one_launch_template() -> None:
    template = tree(locked=spot(candidates=()))
    assert list(resources(template, "AWS::EC2::LaunchTemplate")) == ["LaunchTemplateArm"]
    assert "AlternateImageId" not in template["Parameters"]
    assert "HasAlternateImage" not in template["Conditions"]


def test_spots_host_is_as_safe_as_the_other() -> None:
    host = only(tree(), "AWS::EC2::Instance")
    for one in resources(tree(locked=spot()), "AWS::EC2::LaunchTemplate").values():
        data = one["LaunchTemplateData"]
        for same in ("MetadataOptions", "BlockDeviceMappings", "SecurityGroupIds", "KeyName"):
            assert data[same] == host[same]
        assert data["CreditSpecification"] == {"CpuCredits": "standard"}
        tagged = {tags["ResourceType"]: tags["Tags"] for tags in data["TagSpecifications"]}
        name = [{"Key": "Name", "Value": {"Ref": "AWS::StackName"}}]
        assert tagged == dict.fromkeys(("instance", "network-interface", "volume"), name)


def test_a_change_replaces_spots_host_without_ever_running_two() -> None:
    group = tree(locked=spot("market"))["Resources"]["HostGroup"]
    rolling = group["UpdatePolicy"]["AutoScalingRollingUpdate"]
    assert (rolling["MaxBatchSize"], rolling["MinInstancesInService"]) == (1, 0)
    assert rolling["WaitOnResourceSignals"] is True
    assert "ScheduledActions" in rolling["SuspendProcesses"]
    # An update at night starts no host.
    scheduled = group["UpdatePolicy"]["AutoScalingScheduledAction"]
    assert scheduled == {"IgnoreUnmodifiedGroupSizeProperties": True}
    assert group["CreationPolicy"]["ResourceSignal"] == {"Count": 1, "Timeout": "PT30M"}


def test_market_hours_size_the_group_in_korean_time() -> None:
    template = tree(locked=spot("market"))
    assert only(template, "AWS::AutoScaling::AutoScalingGroup")["MinSize"] == "0"
    actions = resources(template, "AWS::AutoScaling::ScheduledAction")
    assert {
        name: (one["Recurrence"], one["TimeZone"], one["MinSize"], one["DesiredCapacity"])
        for name, one in actions.items()
    } == {
        "StartAction": ("30 8 * * 1-5", "Asia/Seoul", 0, 1),
        "StopAction": ("0 16 * * 1-5", "Asia/Seoul", 0, 0),
    }
    assert {one["MaxSize"] for one in actions.values()} == {1}


def test_spots_host_takes_the_address_and_keeps_its_state_elsewhere() -> None:
    template = tree(locked=spot())
    assert not resources(template, "AWS::EC2::EIPAssociation")
    init = init_of(template)
    run = [command["command"].rpartition(" ")[2] for command in init["commands"].values()]
    assert run == ["idle", "swap", "address", "packages", "timezone", "user", "agent", "app",
                   "state", "units"]  # fmt: skip
    env = init["files"]["/etc/trading-bot/stack.env"]["content"]["Fn::Sub"]
    for line in ('SPOT="yes"', 'ALLOCATION_ID="${Address.AllocationId}"',
                 'STATE_BUCKET="${StateBucket}"', 'TOPIC_ARN="${AlertTopic}"'):  # fmt: skip
        assert line in env.splitlines()
    reload = init["files"]["/etc/cfn/hooks.conf"]["content"]["Fn::Sub"]
    assert "Resources.HostGroup.Metadata" in reload
    user = next(iter(resources(template, "AWS::EC2::LaunchTemplate").values()))
    script = user["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Sub"]
    assert script.count("--resource HostGroup ") == 2
    # Nothing of what cfn-hup brings to a running host may start another one.
    assert "AppSource" not in json.dumps(user)


def test_spot_without_a_fixed_address() -> None:
    template = tree(locked=spot(), network={"elastic_ip": False})
    init = init_of(template)
    assert "address" not in str(init["commands"])
    assert not [path for path in init["files"] if path.endswith("take-address")]
    assert "PublicAddress" not in template["Outputs"]
    assert "ec2:AssociateAddress" not in json.dumps(template)


def test_a_spot_host_needs_time_before_the_bot() -> None:
    late: Tree = {"workload": {"window": "08:45-16:00"}}
    with pytest.raises(ConfigError, match=r"workload\.window.*30 minutes before bot\.run_at"):
        tree(locked=spot("market"), **late)
    tree("market", **late)


def test_a_spot_host_needs_time_before_each_of_its_jobs() -> None:
    jobs = [{"name": name, "entrypoint": "a.py", "at": [at]} for name, at in
            (("late", "09:05"), ("early", "08:50"))]  # fmt: skip
    with pytest.raises(ConfigError, match=r"30 minutes before job early at 08:50"):
        tree(locked=spot("market"), bot={"jobs": jobs})
    assert tree(locked=spot("market"), bot={"jobs": jobs}, workload={"window": "08:20-16:00"})


def test_what_spots_host_may_do_besides() -> None:
    allowed = {
        (action, json.dumps(resource)): statement.get("Condition")
        for statement in statements(tree(locked=spot(), **EVERYTHING))
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
    arn = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}"
    named = {"StringEquals": {"aws:ResourceTag/Name": {"Ref": "AWS::StackName"}}}

    def of(text: str) -> str:
        return json.dumps({"Fn::Sub": text})

    associate = "ec2:AssociateAddress"
    assert allowed[associate, of(arn + ":elastic-ip/${Address.AllocationId}")] is None
    assert allowed[associate, of(f"{arn}:instance/*")] == named
    assert allowed[associate, of(f"{arn}:network-interface/*")] == named
    state = of("${StateBucket.Arn}/state/*")
    assert (allowed["s3:GetObject", state], allowed["s3:PutObject", state]) == (None, None)
    bucket = json.dumps({"Fn::GetAtt": ["StateBucket", "Arn"]})
    assert allowed["s3:ListBucket", bucket] == {"StringLike": {"s3:prefix": "state/*"}}
    assert ("sns:Publish", json.dumps({"Ref": "AlertTopic"})) in allowed
    bundle = of("arn:${AWS::Partition}:s3:::${AppBundleBucket}/${AppBundleKey}")
    assert ("s3:GetObject", bundle) in allowed


def test_services_take_roles_for_this_account_only() -> None:
    for name, role in resources(tree("market"), "AWS::IAM::Role").items():
        [statement] = role["AssumeRolePolicyDocument"]["Statement"]
        service = statement["Principal"]["Service"]
        limited = statement.get("Condition") == {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        }
        assert limited == (service != "ec2.amazonaws.com"), name
