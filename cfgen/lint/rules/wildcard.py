"""E9010."""

import re
from collections.abc import Iterator
from typing import Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from cfgen.lint.rules.walk import Path, Place, resources, values

DOCUMENTS = {
    "AWS::IAM::Role": ("Policies", "PolicyDocument"),
    "AWS::IAM::User": ("Policies", "PolicyDocument"),
    "AWS::IAM::Group": ("Policies", "PolicyDocument"),
    "AWS::IAM::Policy": ("PolicyDocument",),
    "AWS::IAM::ManagedPolicy": ("PolicyDocument",),
    "AWS::IAM::RolePolicy": ("PolicyDocument",),
    "AWS::IAM::UserPolicy": ("PolicyDocument",),
    "AWS::IAM::GroupPolicy": ("PolicyDocument",),
}

UNBOUND = re.compile(
    r"ec2:Describe\w*|(?!secretsmanager)[a-z0-9-]+:(Describe|List)\w*|cloudwatch:PutMetricData"
    r"|ssmmessages:\w+Channel"
)
"""Actions that take no resource or, of some, none that a template knows (Service Authorization
Reference)."""


class WildcardPolicy(CloudFormationLintRule):  # type: ignore[misc]
    """A policy that allows more than its holder needs."""

    id = "E9010"
    shortdesc = "Wildcard policy"
    description = (
        "A policy must name its actions and, where they allow it, its resources; policies of "
        "identities only, for a resource's own policy speaks of that resource"
    )
    source_url = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Look at what identities are allowed."""
        return [
            match
            for kind, keys in DOCUMENTS.items()
            for _, properties, path in resources(cfn, kind)
            for statement, where in values(properties, [*path, "Properties"], *keys, "Statement")
            if isinstance(statement, dict) and statement.get("Effect") == "Allow"
            for match in _wild(statement, where)
        ]


def _wild(statement: dict[str, Any], path: Path) -> Iterator[RuleMatch]:
    actions: list[Place] = list(values(statement, path, "Action"))
    for action, where in actions:
        if isinstance(action, str) and re.fullmatch(r"\*|[\w-]+:\*", action):
            yield RuleMatch(where, f"name the actions instead of {action}")
    for key in ("NotAction", "NotResource"):
        if key in statement:
            yield RuleMatch([*path, key], f"{key} allows all else: name what is needed")
    if all(isinstance(action, str) and UNBOUND.fullmatch(action) for action, _ in actions):
        return
    for resource, where in values(statement, path, "Resource"):
        if resource == "*":
            yield RuleMatch(where, "name the resource instead of *")
