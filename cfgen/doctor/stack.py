"""The stack's state, its type of instance, and the account's key for disks."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import ClientError

from cfgen.aws import message_of
from cfgen.bot.host import resource_ids
from cfgen.config.schema import Config
from cfgen.deploy.guards import MODE
from cfgen.deploy.states import REPAIRS, WAYS, Way
from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok
from cfgen.host.render import HOSTS

if TYPE_CHECKING:
    from cfgen.aws import Clients

AWS_KEY = "alias/aws/ebs"
"""The key that AWS keeps for every account (EC2 User Guide, "Amazon EBS encryption")."""


class Stack(msgspec.Struct, frozen=True):
    """What CloudFormation says; ``resources`` are physical ids by logical id.

    ``email`` is the address that alarms are sent to by its parameters.
    """

    status: str
    made: datetime
    description: str = ""
    protected: bool = False
    resources: dict[str, str] = msgspec.field(default_factory=dict)
    email: str = ""

    @property
    def is_group(self) -> bool:
        """Whether the host is one of a group."""
        return HOSTS["group"] in self.resources

    @property
    def came_up(self) -> bool:
        """Whether it is worth asking after its parts."""
        return self.status not in ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE")


def read_stack(clients: "Clients", name: str) -> Stack | None:
    """The stack, ``None`` where there is none. Raises botocore's errors."""
    try:
        one = clients.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in message_of(error):
            return None
        raise
    parameters = {
        row.get("ParameterKey"): row.get("ParameterValue", "") for row in one.get("Parameters", ())
    }
    return Stack(
        one["StackStatus"],
        one["CreationTime"],
        one.get("Description", ""),
        one.get("EnableTerminationProtection", False),
        resource_ids(clients, name),
        parameters.get("AlertEmail", ""),
    )


class Built(msgspec.Struct, frozen=True):
    """What cfgen wrote into the template's Metadata: the plan's id, and the version that the host
    should have; empty where it did not."""

    plan: str = ""
    version: str = ""

    @property
    def hours(self) -> str:
        """``always`` or ``market``, empty where the plan is not known."""
        return self.plan.rpartition("/")[2]


def read_built(clients: "Clients", name: str) -> Built:
    """What the stack's template was built for. Raises botocore's errors."""
    text = clients.cloudformation.get_template_summary(StackName=name).get("Metadata", "")
    try:
        ours = json.loads(text or "{}").get("cfgen", {})
        return Built(str(ours.get("Plan", "")), str(ours.get("HostVersion", "")))
    except (ValueError, AttributeError):
        # Of another tool.
        return Built()


def judge_stack(stack: Stack | None, config: Config, file: str) -> Iterator[Finding]:
    """Its state, as ``docs/states.md`` has it, and whether it is the one that is meant."""
    name, region = config.stack.name, config.stack.region
    if stack is None or stack.status == "DELETE_COMPLETE":
        yield found("stack-absent", stack=name, region=region)
        return
    state = list(_judge_state(stack.status, name))
    yield from state
    if not stack.came_up:
        return
    if not any(logical in stack.resources for logical in HOSTS.values()):
        yield found("stack-foreign", stack=name, file=file)
        return
    if config.stack.termination_protection and not stack.protected:
        yield found("stack-unprotected", stack=name)
    there = MODE.match(stack.description)
    if there and there[1] != config.bot.mode:
        facts = {"there": there[1], "wanted": config.bot.mode}
        yield found("stack-mode", stack=name, file=file, **facts)
    if not state:
        yield ok("stack", f"{name} is in {stack.status}")


def _judge_state(status: str, name: str) -> Iterator[Finding]:
    way = WAYS.get(status)
    facts = {"stack": name, "status": status}
    if way is Way.RECREATE or status == "REVIEW_IN_PROGRESS":
        yield found("stack-never-up", **facts)
    elif status in ("UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"):
        yield found("stack-undone", **facts)
    elif way is None and status.endswith("_IN_PROGRESS"):
        yield found("stack-busy", **facts)
    elif way in (Way.REPAIR, None):
        ways = ", or ".join(f"`cfgen {words}`" for words in REPAIRS.get(status, ()))
        yield found("stack-repair", **facts, ways=ways or "look at the stack in the console")


# The type of instance


def read_offered(clients: "Clients", types: Sequence[str], zone_id: str | None) -> set[str]:
    """Those of the types that EC2 offers in a zone, or anywhere in the region."""
    pages = clients.ec2.get_paginator("describe_instance_type_offerings").paginate(
        LocationType="availability-zone-id" if zone_id else "region",
        Filters=[
            {"Name": "instance-type", "Values": list(types)},
            {"Name": "location", "Values": [zone_id or clients.region]},
        ],
    )
    return {one["InstanceType"] for page in pages for one in page["InstanceTypeOfferings"]}


def judge_offered(types: Sequence[str], offered: set[str], place: str) -> Iterator[Finding]:
    """Of several types, as a Spot group has them, one is enough."""
    if offered.intersection(types):
        yield ok("offer", f"{', '.join(sorted(offered.intersection(types)))} in {place}")
    else:
        yield found("type-not-offered", instance_type=" or ".join(types), place=place)


# The key for disks


def judge_disk_key(key: str, *, group: bool, market: bool) -> Iterator[Finding]:
    """``key`` is what the account encrypts new disks with.

    A group's hosts are started by its service-linked role, a host in market hours by the
    scheduler's role (EC2 Auto Scaling User Guide, "Required KMS key policy").
    """
    if key == AWS_KEY or key.endswith(f":{AWS_KEY}"):
        yield ok("disk-key", "AWS's own, which everybody may use")
        return
    who = "whoever deploys"
    if group:
        who = "the role AWSServiceRoleForAutoScaling"
    elif market:
        who = "whoever deploys, and to the stack's ScheduleRole, which starts the host"
    yield found("disk-key-own", key=key, who=who)
