"""What a switch does to the host, held against CloudFormation's own schemas."""

from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from cfgen.lock import Candidate, LockedPlan
from cfgen.template.switch import (
    CREATE_ONLY,
    GROUP,
    INSTANCE,
    LAUNCH_TEMPLATE,
    REPLACES,
    RESTARTS,
    ROLLS,
    Effect,
    effect_of,
    references,
)
from tests.trees import EVERYTHING, Tree, plan, spot, tree

X86: dict[str, Any] = {"instance_type": "t3.micro", "arch": "x86_64"}


def schema(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(
        "ap-northeast-2", kind
    ).schema
    return found


def named(kind: str, section: str) -> set[str]:
    return {path.split("/")[2] for path in schema(kind).get(section, ())}


@pytest.mark.parametrize("kind", CREATE_ONLY)
def test_what_needs_another_resource_is_what_the_schema_says(kind: str) -> None:
    assert CREATE_ONLY[kind] == named(kind, "createOnlyProperties")


def test_what_may_need_another_host_is_what_the_schema_says() -> None:
    conditional = named(INSTANCE, "conditionalCreateOnlyProperties")
    assert conditional >= RESTARTS | REPLACES
    # Of what a template sets, nothing that might need another host is forgotten but the groups of
    # ports, which an instance of a VPC changes while it runs.
    set_ = {
        name for one in (tree(), tree("market")) for name in one["Resources"]["Host"]["Properties"]
    }
    assert conditional & set_ == RESTARTS | REPLACES | {"SecurityGroupIds"}
    rolls = named(GROUP, "conditionalCreateOnlyProperties")
    assert rolls == ROLLS | {"LaunchConfigurationName"}


def decisive(template: Tree, name: str) -> Iterator[str]:
    """Resources that the fate of one hangs on, directly and by others."""
    resource = template["Resources"][name]
    kind = resource["Type"]
    properties = CREATE_ONLY.get(kind, frozenset()) | {
        INSTANCE: RESTARTS | REPLACES,
        GROUP: ROLLS,
        LAUNCH_TEMPLATE: frozenset({"LaunchTemplateData"}),
    }.get(kind, frozenset())
    for key in properties & resource["Properties"].keys():
        for other, _ in references(resource["Properties"][key]):
            if other in template["Resources"]:
                yield other
                yield from decisive(template, other)


@pytest.mark.parametrize(
    ("template", "host"),
    [(tree(), "Host"), (tree("market", **EVERYTHING), "Host"), (tree(locked=spot()), "HostGroup")],
    ids=["on demand", "everything", "spot"],
)
def test_every_type_that_decides_is_known(template: Tree, host: str) -> None:
    kinds = {template["Resources"][name]["Type"] for name in (host, *decisive(template, host))}
    assert "AWS::EC2::Subnet" in kinds
    assert kinds <= CREATE_ONLY.keys()


@pytest.mark.parametrize(
    ("after", "effect"),
    [
        (plan(), Effect("leave")),
        (plan("market"), Effect("leave")),
        (plan(purchase="reserved-1yr-no-upfront"), Effect("leave")),
        (plan(instance_type="t4g.small"), Effect("restart", ("InstanceType",))),
        (plan(**X86), Effect("replace", ("ImageId",))),
        (plan("market", **X86), Effect("replace", ("ImageId",))),
        (plan(availability_zone_id="apne2-az3"), Effect("replace", ("SubnetId",))),
        (spot(), Effect("replace", ("HostGroup in place of Host",))),
    ],
)
def test_a_switch_of_an_instance(after: LockedPlan, effect: Effect) -> None:
    assert effect_of(tree(), tree(after.hours, locked=after)) == effect


@pytest.mark.parametrize(
    ("after", "effect"),
    [
        (spot("market"), Effect("leave")),
        (plan(), Effect("replace", ("Host in place of HostGroup",))),
        (
            spot(candidates=(Candidate("t4g.micro", "arm64"),)),
            Effect("replace", ("MixedInstancesPolicy",)),
        ),
        (spot(availability_zone_id="apne2-az3"), Effect("replace", ("VPCZoneIdentifier",))),
    ],
)
def test_a_switch_of_a_group(after: LockedPlan, effect: Effect) -> None:
    assert effect_of(tree(locked=spot()), tree(after.hours, locked=after)) == effect


@pytest.mark.parametrize(
    ("config", "effect"),
    [
        ({"monitoring": {"email": "me@example.com"}}, Effect("leave")),
        ({"host": {"swap_mib": 512}}, Effect("leave")),
        ({"network": {"key_name": "k"}}, Effect("replace", ("KeyName",))),
        ({"network": {"subnet_cidr": "10.0.2.0/24"}}, Effect("replace", ("SubnetId",))),
        ({"network": {"vpc_cidr": "10.0.0.0/17"}}, Effect("replace", ("SubnetId",))),
        ({"host": {"disk_gib": 9}}, Effect("replace", ("BlockDeviceMappings",))),
    ],
)
def test_what_reaches_the_host_by_others_is_followed(config: Any, effect: Effect) -> None:
    assert effect_of(tree(), tree(**config)) == effect


def test_a_new_version_of_a_launch_template_rolls_the_group() -> None:
    larger = tree(locked=spot(), host={"disk_gib": 9})
    assert effect_of(tree(locked=spot()), larger) == Effect("replace", ("MixedInstancesPolicy",))


def test_references_are_found_in_every_form() -> None:
    value = [
        {"Fn::Sub": "${A} ${B.Arn} ${!C}"},
        {"Fn::Sub": ["${D}", {"D": {"Ref": "E"}}]},
        {"Fn::If": ["F", {"Fn::GetAtt": ["G", "Arn"]}, {"Fn::GetAtt": "H.Arn.x"}]},
        {"Condition": "I"},
        {"Condition": {"StringEquals": {"x": {"Ref": "J"}}}},
    ]
    assert set(references(value)) == {
        ("A", ""), ("B", "Arn"), ("D", ""), ("E", ""), ("F", ""), ("G", "Arn"), ("H", "Arn.x"),
        ("I", ""), ("J", ""),
    }  # fmt: skip
