"""What a switch to another plan does to the host that runs, read out of the two templates. Pure.

Which property of a resource needs another resource stands in CloudFormation's schemas
(``createOnlyProperties``); a test holds the tables below against those that cfn-lint ships.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

import msgspec

from cfgen.host.render import HOSTS

Tree = Mapping[str, Any]

INSTANCE, GROUP = "AWS::EC2::Instance", "AWS::AutoScaling::AutoScalingGroup"
LAUNCH_TEMPLATE = "AWS::EC2::LaunchTemplate"

CREATE_ONLY: Mapping[str, frozenset[str]] = {
    name: frozenset(properties.split())
    for name, properties in {
        INSTANCE: "AvailabilityZone CpuOptions ElasticGpuSpecifications "
        "ElasticInferenceAccelerators EnclaveOptions HibernationOptions HostResourceGroupArn "
        "ImageId Ipv6AddressCount Ipv6Addresses KeyName LaunchTemplate LicenseSpecifications "
        "NetworkInterfaces PlacementGroupName PrivateIpAddress SecurityGroups SubnetId",
        GROUP: "AutoScalingGroupName InstanceId",
        LAUNCH_TEMPLATE: "LaunchTemplateName",
        "AWS::EC2::SecurityGroup": "GroupDescription GroupName VpcId",
        "AWS::EC2::Subnet": "AvailabilityZone AvailabilityZoneId CidrBlock Ipv4IpamPoolId "
        "Ipv4NetmaskLength Ipv6IpamPoolId Ipv6Native Ipv6NetmaskLength OutpostArn VpcId",
        "AWS::EC2::VPC": "CidrBlock Ipv4IpamPoolId Ipv4NetmaskLength VpcEncryptionControl",
        "AWS::IAM::InstanceProfile": "InstanceProfileName Path",
    }.items()
}
"""Of each type that decides over the host: properties with which comes another resource."""

RESTARTS = frozenset({"InstanceType", "UserData"})
"""Properties of an instance with a disk of EBS that change while it is stopped; the type where EC2
can change it in place, which another architecture never lets it: that has another image."""

REPLACES = frozenset({"BlockDeviceMappings"})
"""Property of an instance whose change needs another one, but for DeleteOnTermination."""

ROLLS = frozenset({"LaunchTemplate", "MixedInstancesPolicy", "VPCZoneIdentifier"})
"""Properties of a group with which a rolling update puts another host in the place of each."""


NAME = re.compile(r"\$\{([^!}]+)\}")
"""What ``Fn::Sub`` fills in."""


class Effect(msgspec.Struct, frozen=True):
    """``leave``: the host runs on. ``restart``: stopped and started. ``replace``: another host.

    ``because`` names the properties of the host that decide it, or what stands in its place.
    """

    kind: Literal["leave", "restart", "replace"]
    because: tuple[str, ...] = ()


def effect_of(before: Tree, after: Tree) -> Effect:
    """Compare two templates of ``build``; parameters count with their defaults."""
    old, new = (_host(template) for template in (before, after))
    if old != new:
        return Effect("replace", (f"{new} in place of {old}",))
    kind = before["Resources"][old]["Type"]
    changed = _changed(before, after, old, *_moved(before, after))
    certain = CREATE_ONLY[kind] | (REPLACES if kind == INSTANCE else ROLLS)
    if replacing := changed & certain:
        return Effect("replace", tuple(sorted(replacing)))
    if kind == INSTANCE and (restarting := changed & RESTARTS):
        return Effect("restart", tuple(sorted(restarting)))
    return Effect("leave")


def _host(template: Tree) -> str:
    return next(name for name in HOSTS.values() if name in template["Resources"])


def _moved(before: Tree, after: Tree) -> tuple[set[str], set[str]]:
    """Names that will stand for something else, and launch templates that get a new version."""
    moved = _differing(before, after, "Parameters")
    conditions = after.get("Conditions", {})
    moved |= _differing(before, after, "Conditions")
    moved |= {name for name, value in conditions.items() if _mentions(value, moved, ())}
    versions: set[str] = set()
    known = -1
    while known < len(moved) + len(versions):
        known = len(moved) + len(versions)
        for name in before["Resources"].keys() & after["Resources"].keys():
            kind = after["Resources"][name]["Type"]
            changed = _changed(before, after, name, moved, versions)
            if changed & CREATE_ONLY.get(kind, frozenset()):
                moved.add(name)
            elif changed and kind == LAUNCH_TEMPLATE:
                versions.add(name)
    return moved, versions


def _differing(before: Tree, after: Tree, section: str) -> set[str]:
    old, new = before.get(section, {}), after.get(section, {})
    if section == "Parameters":
        old, new = ({name: one.get("Default") for name, one in each.items()} for each in (old, new))
    return {name for name in old.keys() & new.keys() if old[name] != new[name]}


def _changed(
    before: Tree, after: Tree, name: str, moved: Collection[str], versions: Collection[str]
) -> set[str]:
    """Properties of a resource that differ, or mean something else than before."""
    old, new = (one["Resources"][name].get("Properties", {}) for one in (before, after))
    return {
        key
        for key in old.keys() | new.keys()
        if old.get(key) != new.get(key) or _mentions(new.get(key), moved, versions)
    }


def _mentions(value: object, moved: Collection[str], versions: Collection[str]) -> bool:
    return any(
        name in moved or (name in versions and attribute == "LatestVersionNumber")
        for name, attribute in references(value)
    )


def references(value: object) -> Iterator[tuple[str, str]]:
    """Each name that a value refers to, with the attribute that is asked for, if any."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _referred(key, item)
            yield from references(item)


def _referred(function: str, argument: Any) -> Iterator[tuple[str, str]]:
    """What a function refers to by itself, apart from the values that it is given."""
    match function:
        case "Ref" | "Condition" if isinstance(argument, str):
            yield argument, ""
        case "Fn::GetAtt":
            name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
            yield name, attribute
        case "Fn::If":
            yield argument[0], ""
        case "Fn::Sub":
            text = argument if isinstance(argument, str) else argument[0]
            for name in NAME.findall(text):
                yield name.partition(".")[0], name.partition(".")[2]
