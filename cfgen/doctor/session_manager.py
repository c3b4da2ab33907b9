"""The account's preferences for sessions, and what the host's role needs for them.

Encrypted sessions and recorded ones take permissions that the host's role does not have by itself
(Systems Manager User Guide, "Verify or add instance permissions for Session Manager").
"""

import json
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from cfgen.aws import FAILURES, brief, code_of
from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok
from cfgen.doctor.permissions import denied_actions

if TYPE_CHECKING:
    from cfgen.aws import Clients

DOCUMENT = "SSM-SessionManagerRunShell"
"""Where Session Manager keeps a region's preferences (same guide, "Update Session Manager
preferences (command line)")."""

POLICY = "session-preferences"


class Need(msgspec.Struct, frozen=True):
    """Actions that the role needs on a resource: for ``encryption``, or for a record of sessions.

    ``place`` is the key, bucket or log group as the preferences name it.
    """

    kind: str
    place: str
    actions: tuple[str, ...]
    resource: str


class Lack(msgspec.Struct, frozen=True):
    """What the role lacks of a need. ``reason`` is why it could not be asked, then it is all."""

    need: Need
    actions: tuple[str, ...]
    reason: str = ""


class Preferences(msgspec.Struct, frozen=True):
    """What the preferences need, and what the role lacks of it."""

    needs: tuple[Need, ...]
    lacks: tuple[Lack, ...]
    role: str


def read_preferences(clients: "Clients", role: str, account: str, partition: str) -> Preferences:
    """Read the preferences and have the role's policies simulated. Raises botocore's errors."""
    try:
        text = clients.ssm.get_document(Name=DOCUMENT)["Content"]
    except ClientError as error:
        # Without preferences nothing is encrypted or recorded.
        if code_of(error) != "InvalidDocument":
            raise
        text = "{}"
    needs = needs_of(text, clients.region, account, partition)
    return Preferences(needs, tuple(_lacks(clients, role, needs)), role)


def needs_of(text: str, region: str, account: str, partition: str) -> tuple[Need, ...]:
    """What a role needs by the preferences' document. Raises ``ValueError`` if it is no JSON."""
    inputs: dict[str, Any] = json.loads(text).get("inputs") or {}
    key, bucket = str(inputs.get("kmsKeyId") or ""), str(inputs.get("s3BucketName") or "")
    group = str(inputs.get("cloudWatchLogGroupName") or "")
    arn = f"arn:{partition}:%s"
    needs = []
    if key:
        own = arn % f"kms:{region}:{account}:{'' if key.startswith('alias/') else 'key/'}{key}"
        resource = key if key.startswith("arn:") else own
        needs.append(Need("encryption", key, ("kms:Decrypt",), resource))
    if bucket:
        prefix = str(inputs.get("s3KeyPrefix") or "").strip("/")
        path = "/".join(filter(None, (bucket, prefix, "*")))
        needs.append(Need("logging", f"bucket {bucket}", ("s3:PutObject",), arn % f"s3:::{path}"))
        if inputs.get("s3EncryptionEnabled"):
            look = ("s3:GetEncryptionConfiguration",)
            needs.append(Need("logging", f"bucket {bucket}", look, arn % f"s3:::{bucket}"))
    if group:
        place, own = f"log group {group}", arn % f"logs:{region}:{account}:log-group:"
        actions = "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"
        needs.append(Need("logging", place, actions, f"{own}{group}:*"))
        needs.append(Need("logging", place, ("logs:DescribeLogGroups",), f"{own}*"))
    return tuple(needs)


def _lacks(clients: "Clients", role: str, needs: tuple[Need, ...]) -> Iterator[Lack]:
    try:
        source = clients.iam.get_role(RoleName=role)["Role"]["Arn"] if needs else ""
        for need in needs:
            denied = denied_actions(clients, source, need.actions, need.resource)
            if denied:
                yield Lack(need, tuple(denied))
    except FAILURES as error:
        for need in needs:
            yield Lack(need, need.actions, brief(error))


def judge_preferences(one: Preferences) -> Iterator[Finding]:
    """What is lacking of a key, a bucket or a log group is one finding."""
    places = dict.fromkeys(need.place for need in one.needs)
    for place in places:
        lacks = [lack for lack in one.lacks if lack.need.place == place]
        if not lacks:
            continue
        actions = ", ".join(action for lack in lacks for action in lack.actions)
        if lacks[0].reason:
            facts = {"place": place, "actions": actions, "reason": lacks[0].reason}
            yield found("session-unsure", **facts)
        elif lacks[0].need.kind == "encryption":
            yield found("session-encryption", key=place, command=_command(one.role, lacks))
        else:
            command = _command(one.role, lacks)
            yield found("session-logging", place=place, actions=actions, command=command)
    if not one.lacks:
        said = f"the host's role has what {', '.join(places)} takes" if places else "none set"
        yield ok("sessions", said)


def _command(role: str, lacks: list[Lack]) -> str:
    """The command that gives the role what it lacks, and nothing more.

    A deploy leaves it alone: CloudFormation takes care of policies by their names.
    """
    statements = [
        {"Effect": "Allow", "Action": list(lack.actions), "Resource": lack.need.resource}
        for lack in lacks
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    name = f"{POLICY}-{lacks[0].need.actions[0].partition(':')[0]}"
    words = ["aws", "iam", "put-role-policy", "--role-name", role, "--policy-name", name]
    return shlex.join([*words, "--policy-document", document])
