"""What the host may do: be managed, write its logs and metrics, and read its one secret."""

from collections.abc import Iterator

from awacs import ec2, s3, secretsmanager, sns, ssm, ssmmessages
from awacs.aws import Condition, Statement, StringEquals, StringLike
from troposphere import GetAtt, Ref, Sub, Template, iam

from cfgen.config.checks import is_folder
from cfgen.template.design import Design
from cfgen.template.policies import allow, policy, put_metrics, trust, write_logs

STATE = "state/*"
"""Keys of the bucket that hold what the bot wrote."""


def add(template: Template, design: Design) -> None:
    """Add the role and its instance profile."""
    template.add_resource(
        iam.Role(
            "HostRole",
            # EC2 gives no source account when it takes the role of an instance profile.
            AssumeRolePolicyDocument=trust("ec2", own_account=False),
            Policies=list(_policies(design)),
        )
    )
    template.add_resource(iam.InstanceProfile("HostProfile", Roles=[Ref("HostRole")]))


def _policies(design: Design) -> Iterator[iam.Policy]:
    """What AWS's managed policies would give, and more, as far as this host needs it.

    ``AmazonSSMManagedInstanceCore`` reads every parameter of the account's, and
    ``CloudWatchAgentServerPolicy`` writes to every log group.
    """
    yield policy("be-managed", *_managed())
    # For scripts/wait-alone (Service Authorization Reference, "Amazon EC2").
    yield policy("be-alone", allow("*", ec2.DescribeInstances, sid="ActionTakesNoResource"))
    yield policy("read-secret", allow(Ref("KisSecret"), secretsmanager.GetSecretValue))
    brake = Sub("arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${Brake}")
    yield policy("read-brake", allow(brake, ssm.GetParameter))
    yield policy("write-logs", write_logs("BotLogGroup", "HostLogGroup"))
    yield policy("write-metrics", put_metrics())
    if is_folder(design.config.bot.source):
        bundle = Sub("arn:${AWS::Partition}:s3:::${AppBundleBucket}/${AppBundleKey}")
        yield policy("read-app", allow(bundle, s3.GetObject))
    if design.keeps_state:
        yield policy("keep-state", *_state())
    yield policy("tell", allow(Ref("AlertTopic"), sns.Publish))
    if design.takes_address:
        yield policy("take-address", *_address())


def _managed() -> Iterator[Statement]:
    """What Session Manager and Run Command need (Systems Manager User Guide, "Add Session Manager
    permissions to an existing IAM role"); the channels take no resource.

    Commands come by them, too, where the role allows it: the older channel ``ec2messages`` is only
    asked where it does not ("Reference: ec2messages, ssmmessages, and other API operations").
    """
    instances = Sub("arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:instance/*")
    yield allow(instances, ssm.UpdateInstanceInformation)
    yield allow(
        "*",
        ssmmessages.CreateControlChannel,
        ssmmessages.CreateDataChannel,
        ssmmessages.OpenControlChannel,
        ssmmessages.OpenDataChannel,
        sid="ActionsTakeNoResource",
    )


def _state() -> Iterator[Statement]:
    yield allow(Sub(f"${{StateBucket.Arn}}/{STATE}"), s3.GetObject, s3.PutObject)
    # Without it S3 says "denied" of an object that is not there yet.
    yield allow(
        GetAtt("StateBucket", "Arn"),
        s3.ListBucket,
        condition=Condition(StringLike({"s3:prefix": STATE})),
    )


def _address() -> Iterator[Statement]:
    ours = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:"
    yield allow(Sub(f"{ours}elastic-ip/${{Address.AllocationId}}"), ec2.AssociateAddress)
    # The host's own id is known to nobody before it runs: hosts of this stack bear its name.
    for kind in ("instance", "network-interface"):
        yield allow(
            Sub(f"{ours}{kind}/*"),
            ec2.AssociateAddress,
            condition=Condition(StringEquals({"aws:ResourceTag/Name": Ref("AWS::StackName")})),
        )
