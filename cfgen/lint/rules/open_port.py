"""E9001."""

from ipaddress import ip_network
from typing import Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from cfgen.lint.rules.walk import Path, resources, section, values

WIDEST = {4: 8, 6: 16}
"""Prefix length of the widest range that is somebody's own, by IP version."""
FOR_THE_WORLD = {80, 443}


class WorldOpenPort(CloudFormationLintRule):  # type: ignore[misc]
    """A port that the whole internet may reach, other than a web server's."""

    id = "E9001"
    shortdesc = "Port open to the world"
    description = "Only ports 80 and 443 may be open to 0.0.0.0/0 or ::/0"
    source_url = "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Look at the rules of groups and those that stand alone."""
        self._parameters = section(cfn, "Parameters")
        rules = [
            *(
                place
                for _, properties, path in resources(cfn, "AWS::EC2::SecurityGroup")
                for place in values(properties, [*path, "Properties"], "SecurityGroupIngress")
            ),
            *(
                (properties, [*path, "Properties"])
                for _, properties, path in resources(cfn, "AWS::EC2::SecurityGroupIngress")
            ),
        ]
        return [match for rule, path in rules for match in self._world_open(rule, path)]

    def _default(self, value: Any) -> Any:
        """A parameter's default in its place."""
        name = value.get("Ref") if isinstance(value, dict) else None
        parameter = self._parameters.get(name) if isinstance(name, str) else None
        return parameter.get("Default") if isinstance(parameter, dict) else value

    def _world_open(self, rule: Any, path: Path) -> list[RuleMatch]:
        if not isinstance(rule, dict):
            return []
        ports = _ports(rule)
        return [
            RuleMatch(where, f"{ports} is open to {cidr}; name the addresses that need it")
            for key in ("CidrIp", "CidrIpv6")
            for value, where in values(rule, path, key)
            for cidr in [self._default(value)]
            if _is_world(cidr) and ports
        ]


def _is_world(cidr: Any) -> bool:
    """Whether a range is so wide that it is nobody's own."""
    try:
        network = ip_network(str(cidr), strict=False)
    except ValueError:
        return False
    return network.prefixlen < WIDEST[network.version]


def _ports(rule: dict[str, Any]) -> str:
    """The ports that a rule opens, empty if they may be."""
    if str(rule.get("IpProtocol")) in ("icmp", "icmpv6", "1", "58"):
        return ""
    first, last = rule.get("FromPort"), rule.get("ToPort")
    if str(rule.get("IpProtocol")) == "-1" or first is None or last is None:
        return "every port"
    numbers = [int(port) if str(port).lstrip("-").isdigit() else None for port in (first, last)]
    if numbers[0] == numbers[1] and numbers[0] in FOR_THE_WORLD:
        return ""
    if None in numbers:
        return "a port that is not known"
    return f"port {first}" if first == last else f"ports {first} to {last}"
