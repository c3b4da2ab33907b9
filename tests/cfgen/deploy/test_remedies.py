"""What is said to do about what AWS says."""

import pytest

from cfgen.config.given import Given
from cfgen.deploy.events import Event
from cfgen.deploy.remedies import console_link, remedy
from tests.recorded import STACK, START

DENIED = (
    "User: arn:aws:iam::1:user/me is not authorized to perform: ec2:AllocateAddress on resource: "
    "arn:aws:ec2:r:1:elastic-ip/* because no identity-based policy allows the ec2:AllocateAddress "
    "action (Service: Ec2, Status Code: 403)"
)


def failure(reason: str, hook: str = "") -> Event:
    return Event("1", START, "Host", "", "AWS::EC2::Instance", "CREATE_FAILED", reason, hook)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("The maximum number of addresses has been reached.", "L-0263D0A3"),
        ("The maximum number of addresses has been reached.", "network.elastic_ip = false"),
        ("The maximum number of VPCs has been reached.", "L-F678F1CE"),
        ("Max spot instance count exceeded (Service: Ec2)", "L-34B43A08"),
        (
            "You have requested more vCPU capacity than your current vCPU limit of 1 allows",
            "L-1216C47A",
        ),
        (
            "We currently do not have sufficient t4g.micro capacity in the Availability Zone you "
            "requested (ap-northeast-2a).",
            "--parameter AvailabilityZoneId= ",
        ),
        (
            "Your requested instance type (t4g.micro) is not supported in your requested "
            "Availability Zone (ap-northeast-2b).",
            "--parameter AvailabilityZoneId=",
        ),
        (
            "Value (apne2-az4) for parameter availabilityZoneId is invalid.",
            "recommend --prices live --no-cache --write",
        ),
        (DENIED, "the IAM action ec2:AllocateAddress"),
        (
            "You are not authorized to perform this operation. Encoded authorization failure "
            "message: aGVsbG8",
            "aws sts decode-authorization-message",
        ),
        (
            "The architecture 'x86_64' of the specified instance type does not match the "
            "architecture 'arm64' of the specified AMI.",
            "--refresh-image",
        ),
        ("The image id '[ami-12]' does not exist (InvalidAMIID.NotFound)", "--refresh-image"),
        (
            "The operation failed because the secret trading-bot/kis-api already exists.",
            "--import-existing-resources",
        ),
        (
            "Resource of type 'AWS::SecretsManager::Secret' with identifier 'x' already exists.",
            "aws secretsmanager delete-secret",
        ),
        (
            "You can't create this secret because a secret with this name is already scheduled "
            "for deletion.",
            "restore-secret",
        ),
        ("trading-bot-logs already exists", "--import-existing-resources"),
        ("Parameters: [AppSource] must have values", "--parameter AppSource=VALUE"),
        (
            "Action denied by stack policy: Statement [#1] does not allow [Update:Replace] for "
            "resource [LogicalResourceId/Host]",
            "--allow-replace Host",
        ),
        ("The bucket you tried to delete is not empty", "--empty-bucket"),
        ("Something nobody has seen before", "mend the cause, then deploy again"),
    ],
)
def test_known_reasons_have_a_remedy(reason: str, said: str) -> None:
    assert said in remedy(failure(reason))


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("InsufficientInstanceCapacity", "cfgen recommend --all --config demo.toml"),
        ("InvalidAMIID.NotFound", "cfgen deploy --refresh-image --config demo.toml"),
        (
            "The bucket you tried to delete is not empty",
            "cfgen destroy --empty-bucket LOGICAL_ID --config demo.toml empties it first",
        ),
    ],
)
def test_a_remedy_names_the_configuration_that_was_given(reason: str, said: str) -> None:
    assert said in remedy(failure(reason), Given.of("demo.toml", {}).command)


def test_a_hook_has_somebody_who_runs_it() -> None:
    assert "Guard::Tags::Hook" in remedy(failure("no tags", "Guard::Tags::Hook"))
    assert remedy(None) == "mend the cause, then deploy again"


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", "ap-northeast-2.console.aws.amazon.com"),
        ("aws-cn", "console.amazonaws.cn"),
        ("aws-us-gov", "console.amazonaws-us-gov.com"),
    ],
)
def test_the_console_of_each_partition(partition: str, host: str) -> None:
    link = console_link(STACK.replace("arn:aws:", f"arn:{partition}:"))
    assert link.startswith(f"https://{host}/cloudformation/home?region=ap-northeast-2#/stacks/")
    assert link.endswith("%3Astack%2Fbot%2F1")
