"""The key that encrypts new disks: where it is a customer's own, hosts may not start with it.

A launch that may not use it ends as ``Client.InternalError``, which names no key. Facts: Amazon
EC2 Auto Scaling User Guide, "Required AWS KMS key policy for use with encrypted volumes"; Amazon
EBS User Guide, "Requirements for Amazon EBS encryption".
"""

from collections.abc import Mapping

from botocore.exceptions import ClientError

from cfgen.aws import DENIED, FAILURES, Clients, code_of

AWSS_OWN = "alias/aws/ebs"
ROLE = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
OPERATIONS = (
    "CreateGrant Decrypt DescribeKey Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext "
    "ReEncryptFrom ReEncryptTo"
)
INSTANCE, GROUP = "AWS::EC2::Instance", "AWS::AutoScaling::AutoScalingGroup"


def key_problem(template: str, account_arn: str, clients: Clients, *, new: bool) -> str:
    """What to say of the key for the disks of a template's hosts; empty where nothing is known.

    ``account_arn`` is that of whoever deploys, ``new`` whether there is no stack yet. Without the
    permission to look, only a new stack is spoken of. Raises nothing of AWS's.
    """
    group = GROUP in template
    if not group and not (new and INSTANCE in template):
        return ""
    try:
        key = clients.ec2.get_ebs_default_kms_key_id()["KmsKeyId"]
    except FAILURES as error:
        denied = isinstance(error, ClientError) and code_of(error) in DENIED
        return UNKNOWN if denied and new else ""
    if key.endswith(AWSS_OWN):
        return ""
    if not group:
        return (
            f"new disks are encrypted with the key {key} of this account: if the host does not "
            "start (Client.InternalError), allow whoever deploys kms:CreateGrant, kms:Decrypt, "
            "kms:DescribeKey, kms:GenerateDataKeyWithoutPlaintext and kms:ReEncrypt* on it"
        )
    partition, account = account_arn.split(":")[1], account_arn.split(":")[4]
    role = f"arn:{partition}:iam::{account}:{ROLE}"
    if _may_use(clients, key, role):
        return ""
    return (
        f"new disks are encrypted with the key {key} of this account, and nothing shows that Auto "
        "Scaling may use it: then no host starts (Client.InternalError). Allow it: aws kms "
        f"create-grant --region {clients.region} --key-id {key} --grantee-principal {role} "
        f"--operations {OPERATIONS}"
    )


UNKNOWN = (
    "which key encrypts new disks is not known, for ec2:GetEbsDefaultKmsKeyId is denied: if it is "
    "one of this account's own, and the host does not start (Client.InternalError), see that "
    "whoever starts it may use the key"
)


def _may_use(clients: Clients, key: str, role: str) -> bool:
    """Whether a grant or the key's policy names the role that Auto Scaling starts hosts in."""
    try:
        pages = clients.kms.get_paginator("list_grants").paginate(KeyId=key, GranteePrincipal=role)
        if any(_grants(one) for page in pages for one in page["Grants"]):
            return True
    except FAILURES:
        # The other may be readable.
        return _policy_names(clients, key, role)
    return _policy_names(clients, key, role)


def _policy_names(clients: Clients, key: str, role: str) -> bool:
    try:
        return role in clients.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    except FAILURES:
        return False


def _grants(grant: Mapping[str, object]) -> bool:
    operations = grant.get("Operations", ())
    return isinstance(operations, list) and {"CreateGrant", "Decrypt"} <= set(operations)
