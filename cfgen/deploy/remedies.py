"""What to do about a failure that is known. Pure.

The texts are those of EC2, IAM, Secrets Manager and CloudFormation as their guides and issue
threads quote them; quota codes are those of Service Quotas.
"""

import re
from collections.abc import Callable
from urllib.parse import quote

from cfgen.deploy.events import Event

HOSTS, HOST_LOG_GROUP = ("Host", "HostGroup"), "HostLogGroup"


Command = Callable[[str], str]
Told = Callable[["re.Match[str]", Command], str]


def _quota(code: str, service: str, instead: str) -> Told:
    return lambda _, __: (
        f"{instead}, or ask for more: aws service-quotas request-service-quota-increase "
        f"--service-code {service} --quota-code {code} --desired-value N"
    )


def _say(text: str, words: str = "") -> Told:
    """``words`` are those of a command of cfgen's that stands for ``COMMAND`` in the text."""
    return lambda _, command: text.replace("COMMAND", command(words))


def _allow(match: "re.Match[str]", _: Command) -> str:
    return f"allow it: the IAM action {match[1]} for the identity that deploys"


REMEDIES: tuple[tuple["re.Pattern[str]", Told], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), remedy)
    for pattern, remedy in (
        (
            r"maximum number of addresses has been reached|AddressLimitExceeded",
            _quota(
                "L-0263D0A3",
                "ec2",
                "release an address that nothing uses, or set network.elastic_ip = false",
            ),
        ),
        (
            r"maximum number of VPCs has been reached|VpcLimitExceeded",
            _quota("L-F678F1CE", "vpc", "delete a VPC that nothing uses"),
        ),
        (
            r"MaxSpotInstanceCountExceeded|max spot instance count exceeded",
            _quota("L-34B43A08", "ec2", 'set workload.max_interruption = "none"'),
        ),
        (
            r"VcpuLimitExceeded|more vCPU capacity than your current vCPU limit",
            _quota("L-1216C47A", "ec2", "stop an instance that nothing needs"),
        ),
        (
            r"InsufficientInstanceCapacity|do(?:es)? not have sufficient .*capacity"
            r"|no Spot capacity available",
            _say(
                "try again later, or let EC2 choose the zone: --parameter AvailabilityZoneId= "
                "(with another network.subnet_cidr, where the subnet is there already); or another "
                "type: COMMAND",
                "recommend --all",
            ),
        ),
        (
            r"is not supported in your requested Availability Zone",
            _say("let EC2 choose the zone: --parameter AvailabilityZoneId="),
        ),
        (
            r"Value \((\S+)\) for parameter availabilityZone(?:Id)? is invalid",
            _say(
                "this account has no such zone: COMMAND asks it which it has; or let EC2 choose: "
                "--parameter AvailabilityZoneId=",
                "recommend --prices live --no-cache --write",
            ),
        ),
        (
            r"encoded authorization failure message: *(\S+)",
            _say(
                "aws sts decode-authorization-message --encoded-message MESSAGE names the action "
                "that the identity that deploys lacks"
            ),
        ),
        (r"(?:not authorized to perform:?|no identity-based policy allows the) +(\S+)", _allow),
        (
            r"architecture '[^']*' of the specified instance type does not match"
            r"|InvalidAMIID\.(?:NotFound|Unavailable)|image id '[^']*' does not exist",
            _say(
                "take the newest image of the right architecture: COMMAND", "deploy --refresh-image"
            ),
        ),
        (
            r"secret.* already (?:exists|scheduled for deletion)"
            r"|secret with this name is already scheduled"
            r"|AWS::SecretsManager::Secret.* already exists",
            _say(
                "an earlier stack left it behind: adopt it with --import-existing-resources, or "
                "delete it for good with aws secretsmanager delete-secret "
                "--force-delete-without-recovery --secret-id NAME; what waits for its deletion "
                "comes back with aws secretsmanager restore-secret --secret-id NAME"
            ),
        ),
        (
            r"already exists",
            _say("delete what is there, or adopt it with --import-existing-resources"),
        ),
        (
            r"Parameters: \[([^\]]+)\] must have values",
            lambda match, _: f"add --parameter {match[1].split(',')[0].strip()}=VALUE",
        ),
        (
            r"denied by stack policy.*LogicalResourceId/(\w+)",
            lambda match, _: f"if that is wanted, add --allow-replace {match[1]}",
        ),
        (
            r"bucket you tried to delete is not empty",
            _say("COMMAND empties it first", "destroy --empty-bucket LOGICAL_ID"),
        ),
    )
)
"""What a reason says -> what to do next; the first that fits."""


def remedy(
    cause: Event | None,
    command: Command = "cfgen {}".format,
    otherwise: str = "mend the cause, then deploy again",
) -> str:
    """What to do next about a cause; ``otherwise`` where nothing is known.

    ``command`` writes a command of cfgen's for the same stack.
    """
    for pattern, told in REMEDIES:
        if cause and (match := pattern.search(cause.reason)):
            return told(match, command)
    if cause and cause.hook:
        return f"satisfy the Hook {cause.hook}, or ask whoever runs it"
    return otherwise


def console_link(arn: str) -> str:
    """Where the console shows a stack's events."""
    _, partition, _, region, *_ = arn.split(":")
    host = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}.get(
        partition, f"{region}.console.aws.amazon.com"
    )
    return (
        f"https://{host}/cloudformation/home?region={region}#/stacks/events"
        f"?stackId={quote(arn, safe='')}"
    )
