"""Which instance runs the bot, and whether it can be reached."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import ClientError

from cfgen.aws import FAILURES, message_of
from cfgen.errors import ConfigError, Refused
from cfgen.host.render import HOSTS

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef, StackTypeDef

    from cfgen.aws import Clients


class Host(msgspec.Struct, frozen=True):
    """The instance and what EC2 and Systems Manager say of it.

    ``state`` is EC2's, such as running; ``checks`` is ok, impaired, initializing or the like, empty
    where it does not run; ``online`` says whether Session Manager reaches it, ``None`` where that
    could not be asked. ``bootstrapping`` says that the stack still waits for its signal.
    """

    instance_id: str
    instance_type: str
    state: str
    checks: str
    online: bool | None
    bootstrapping: bool = False


def find_stack(clients: "Clients", stack: str) -> "StackTypeDef":
    """What CloudFormation says of a stack. Raises :class:`ConfigError` where there is none."""
    try:
        return clients.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in message_of(error):
            raise no_stack(clients, stack) from error
        raise


def resource_ids(clients: "Clients", stack: str) -> dict[str, str]:
    """Physical ids of a stack's resources by logical id.

    Raises :class:`ConfigError` where there is no stack.
    """
    return {name: one["PhysicalResourceId"] for name, one in read_resources(clients, stack).items()}


def read_resources(clients: "Clients", stack: str) -> "dict[str, StackResourceSummaryTypeDef]":
    """A stack's resources that are there, by logical id.

    Raises :class:`ConfigError` where there is no stack.
    """
    pages = clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    try:
        return {
            one["LogicalResourceId"]: one
            for page in pages
            for one in page["StackResourceSummaries"]
            if one.get("PhysicalResourceId") and one["ResourceStatus"] != "DELETE_COMPLETE"
        }
    except ClientError as error:
        if "does not exist" in message_of(error):
            raise no_stack(clients, stack) from error
        raise


def no_stack(clients: "Clients", stack: str) -> ConfigError:
    """What is said where there is no stack."""
    return ConfigError(
        f"there is no stack {stack} in {clients.region}",
        "a deploy makes it; or name another --config, --profile or --region",
    )


def find_host(clients: "Clients", stack: str) -> Host | None:
    """The stack's host, ``None`` where there is none, or its group has none at the moment.

    Raises :class:`ConfigError` where there is no stack.
    """
    return host_among(clients, read_resources(clients, stack))


def host_among(clients: "Clients", held: "dict[str, StackResourceSummaryTypeDef]") -> Host | None:
    """The host among a stack's resources, ``None`` where there is none at the moment."""
    found = instance_among(clients, held)
    one = held.get(HOSTS["instance"]) or held.get(HOSTS["group"])
    return _describe(clients, found, one["ResourceStatus"]) if found and one else None


def instance_among(
    clients: "Clients", held: "dict[str, StackResourceSummaryTypeDef]"
) -> str | None:
    """The id of the host's instance, ``None`` where there is none at the moment."""
    instance, group = held.get(HOSTS["instance"]), held.get(HOSTS["group"])
    if instance:
        return instance["PhysicalResourceId"]
    return _member(clients, group["PhysicalResourceId"]) if group else None


def _member(clients: "Clients", group: str) -> str | None:
    groups = clients.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    members = [
        member["InstanceId"]
        for one in groups["AutoScalingGroups"]
        for member in one["Instances"]
        if member["LifecycleState"] in ("InService", "Pending", "Pending:Wait")
    ]
    return members[0] if members else None


def _describe(clients: "Clients", instance: str, status: str) -> Host:
    """``status`` is that of the resource: its creation ends with the host's signal."""
    reservations = clients.ec2.describe_instances(InstanceIds=[instance])["Reservations"]
    found = reservations[0]["Instances"][0]
    state = found["State"]["Name"]
    checks: str = ""
    online: bool | None = False
    if state == "running":
        statuses = clients.ec2.describe_instance_status(InstanceIds=[instance])["InstanceStatuses"]
        checks = _checks(statuses[0]) if statuses else "unknown"
        online = _is_online(clients, instance)
    waiting = state == "running" and status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
    return Host(instance, found["InstanceType"], state, checks, online, waiting)


def _is_online(clients: "Clients", instance: str) -> bool | None:
    try:
        known = clients.ssm.describe_instance_information(
            Filters=[{"Key": "InstanceIds", "Values": [instance]}]
        )["InstanceInformationList"]
    except FAILURES:
        # Not to be allowed to ask is no reason not to try.
        return None
    return any(one.get("PingStatus") == "Online" for one in known)


def _checks(status: object) -> str:
    """``ok``, or the first of the two checks that is not."""
    own = status if isinstance(status, dict) else {}
    said = [own.get(name, {}).get("Status", "unknown") for name in
            ("SystemStatus", "InstanceStatus")]  # fmt: skip
    return next((one for one in said if one != "ok"), "ok")


def reachable_host(
    clients: "Clients", stack: str, command: Callable[[str], str] = "cfgen {}".format
) -> Host:
    """The host, ready for a session. Raises :class:`Refused` with what is missing.

    ``command`` writes a command of cfgen's for the same stack.
    """
    host = find_host(clients, stack)
    if host is None:
        raise Refused(
            f"stack {stack} has no host at the moment",
            "in market hours it starts with the window; on Spot, once EC2 has one; a stack that is "
            "not up, or not made from a template of cfgen's, has none at all",
        )
    if host.state != "running":
        raise Refused(
            f"host {host.instance_id} is {host.state}",
            f"start it: aws ec2 start-instances --region {clients.region} "
            f"--instance-ids {host.instance_id}",
        )
    if host.online is False:
        raise Refused(
            f"Session Manager does not reach host {host.instance_id} (checks: {host.checks})",
            f"a new host needs some minutes; {command('logs --boot')} shows how far it came",
        )
    return host
