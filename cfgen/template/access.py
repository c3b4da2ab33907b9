"""What the host may do: be managed, write logs, and read its one secret."""

from awacs import secretsmanager
from troposphere import Ref, Sub, Template, iam

from cfgen.template.design import Design
from cfgen.template.policies import allow, policy, trust

MANAGED = ("AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy")
"""Session Manager's own needs, and the agent's."""


def add(template: Template, design: Design) -> None:  # noqa: ARG001 - the layers' common form
    """Add the role and its instance profile."""
    template.add_resource(
        iam.Role(
            "HostRole",
            # EC2 gives no source account when it takes the role of an instance profile.
            AssumeRolePolicyDocument=trust("ec2", own_account=False),
            ManagedPolicyArns=[
                Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{name}") for name in MANAGED
            ],
            Policies=[
                policy("read-secret", allow(Ref("KisSecret"), secretsmanager.GetSecretValue))
            ],
        )
    )
    template.add_resource(iam.InstanceProfile("HostProfile", Roles=[Ref("HostRole")]))
