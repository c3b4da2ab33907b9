"""What the host may do: be managed, write logs, and read its one secret."""

from awacs import secretsmanager
from troposphere import Ref, Sub, Template, iam

from cfgen.template.design import Design
from cfgen.template.policies import allow, policy, trust, write_logs

MANAGED = "AmazonSSMManagedInstanceCore"
"""What Session Manager needs. The CloudWatch agent's managed policy would let the host write to
every log group of the account, so what the agent needs stands here."""


def add(template: Template, design: Design) -> None:  # noqa: ARG001 - the layers' common form
    """Add the role and its instance profile."""
    template.add_resource(
        iam.Role(
            "HostRole",
            # EC2 gives no source account when it takes the role of an instance profile.
            AssumeRolePolicyDocument=trust("ec2", own_account=False),
            ManagedPolicyArns=[Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{MANAGED}")],
            Policies=[
                policy("read-secret", allow(Ref("KisSecret"), secretsmanager.GetSecretValue)),
                policy("write-logs", write_logs("BotLogGroup", "HostLogGroup")),
            ],
        )
    )
    template.add_resource(iam.InstanceProfile("HostProfile", Roles=[Ref("HostRole")]))
