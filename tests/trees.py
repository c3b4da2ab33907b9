"""Templates as trees, for tests."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from cfgen.config.load import make_config
from cfgen.host.render import HOSTS
from cfgen.lock import Candidate, LockedPlan
from cfgen.template.build import build
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


def spot(hours: Hours = "always", **fields: Any) -> LockedPlan:
    candidates = (
        Candidate("t4g.micro", "arm64"),
        Candidate("t3.micro", "x86_64"),
        Candidate("t3.small", "x86_64"),
    )
    group: Any = {"purchase": "spot", "shape": "group", "candidates": candidates}
    return plan(hours, **group | fields)


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


def init_of(template: Tree) -> Tree:
    """What cfn-init does on the host."""
    [host] = [one for name, one in template["Resources"].items() if name in HOSTS.values()]
    found: Tree = host["Metadata"]["AWS::CloudFormation::Init"]["config"]
    return found


def agent_of(template: Tree) -> Tree:
    parsed: Tree = json.loads(
        init_of(template)["files"]["/etc/trading-bot/agent.json"]["content"]["Fn::Sub"]
    )
    return parsed


def statements(template: Tree) -> Iterator[Tree]:
    for role in resources(template, "AWS::IAM::Role").values():
        for policy in role.get("Policies", ()):
            yield from policy["PolicyDocument"]["Statement"]


EVERYTHING: dict[str, Any] = {
    "backup": {"enabled": True},
    "dns": {"zone_id": "Z0123456789", "name": "bot.example.com"},
    "budget": {"monthly_usd": "15"},
    "bot": {"source": "./bot"},
}
