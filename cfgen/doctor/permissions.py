"""What the identity may do, by IAM's own simulator."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from cfgen.aws import FAILURES, brief
from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok

if TYPE_CHECKING:
    from cfgen.aws import Clients

STACK = ("DescribeStacks", "CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet",
         "DescribeStackEvents", "GetTemplate", "DeleteStack")  # fmt: skip
"""Calls of CloudFormation's that deploy and destroy make for the stack."""

SECRET = ("DescribeSecret", "GetSecretValue", "PutSecretValue")
"""Calls of Secrets Manager's that ``secret set`` and ``secret check`` make."""

ANYWHERE = (
    "ec2:CreateVpc", "ec2:AllocateAddress", "ec2:RunInstances", "iam:CreateRole",
    "iam:PutRolePolicy", "iam:PassRole", "iam:CreateInstanceProfile", "secretsmanager:CreateSecret",
    "logs:CreateLogGroup", "sns:CreateTopic", "cloudwatch:PutMetricAlarm", "ssm:StartSession",
    "ssm:SendCommand",
)  # fmt: skip
"""What CloudFormation does in the caller's name for a new stack, and what operating takes: asked
for any resource, for those of a stack that is not there have no names."""

ASSUMED = re.compile(r"arn:(?P<partition>[^:]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)")


class Simulated(msgspec.Struct, frozen=True):
    """Actions that the simulator denies, by whether they are the stack's own or any resource's.

    ``reason`` is why it could not be asked, empty where it was.
    """

    needed: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    reason: str = ""


def read_permissions(clients: "Clients", arn: str, account: str, stack: str) -> Simulated:
    """Simulate the identity's policies. What may not be simulated is said, not raised."""
    if arn.endswith(":root"):
        # Nothing but an organization's own policies limits the root user.
        return Simulated()
    try:
        source = _principal(clients, arn)
        partition = arn.split(":")[1]
        own = f"arn:{partition}:%s:{clients.region}:{account}:%s"
        groups: Mapping[str, Sequence[str]] = {
            own % ("cloudformation", f"stack/{stack}/*"): [f"cloudformation:{n}" for n in STACK],
            own % ("secretsmanager", f"secret:{stack}/kis-api-??????"): [
                f"secretsmanager:{name}" for name in SECRET
            ],
        }
        needed = [
            name
            for resource, actions in groups.items()
            for name in denied_actions(clients, source, actions, resource)
        ]
        perhaps = denied_actions(clients, source, ANYWHERE, "*")
    except FAILURES as error:
        return Simulated(reason=brief(error))
    except LookupError:
        return Simulated(reason=f"{arn} is neither a user nor a role")
    return Simulated(tuple(needed), tuple(perhaps))


def _principal(clients: "Clients", arn: str) -> str:
    """The ARN that the simulator takes: a session's role, whose path the session does not name."""
    if match := ASSUMED.match(arn):
        return clients.iam.get_role(RoleName=match["role"])["Role"]["Arn"]
    if ":user/" not in arn:
        raise LookupError(arn)
    return arn


def denied_actions(
    clients: "Clients", source: str, actions: Sequence[str], resource: str
) -> list[str]:
    """Those of the actions on a resource that the simulator denies. Raises botocore's errors.

    Where an answer rests on facts that it lacks, it is no answer.
    """
    region: Any = {
        "ContextKeyName": "aws:RequestedRegion",
        "ContextKeyValues": [clients.region],
        "ContextKeyType": "string",
    }
    pages = clients.iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=source,
        ActionNames=list(actions),
        ResourceArns=[resource],
        ContextEntries=[region],
    )
    return [
        one["EvalActionName"]
        for page in pages
        for one in page["EvaluationResults"]
        if one["EvalDecision"] != "allowed" and not one.get("MissingContextValues")
    ]


def judge_permissions(simulated: Simulated, identity: str) -> Iterator[Finding]:
    """``identity`` is the ARN of who is asking."""
    if simulated.reason:
        yield found("permission-unsimulated", identity=identity, reason=simulated.reason)
        return
    if simulated.needed:
        actions = ", ".join(simulated.needed)
        yield found("permission-needed", actions=actions, identity=identity)
    if simulated.perhaps:
        actions = ", ".join(simulated.perhaps)
        yield found("permission-perhaps", actions=actions, identity=identity)
    if not simulated.needed and not simulated.perhaps:
        yield ok("permissions", "what a deploy and its operation need is allowed")


def judge_denied(operations: Sequence[str], identity: str) -> Iterator[Finding]:
    """Of the reads that were denied on the way."""
    names = ", ".join(dict.fromkeys(operations))
    if names:
        yield found("permission-denied", actions=names, identity=identity)
