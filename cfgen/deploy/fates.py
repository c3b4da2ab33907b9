"""What becomes of a stack's resources when it goes. Pure."""

from collections.abc import Collection, Iterable, Mapping

import msgspec
from cfnlint.decode.decode import decode_str

from cfgen.deploy.stack import Held

SNAPSHOT = "Snapshot"
KEPT = {"Retain", "RetainExceptOnCreate", SNAPSHOT}
"""Deletion policies that leave something behind (DeletionPolicy in the CloudFormation Guide)."""

BILLS = {
    "AWS::SecretsManager::Secret": "a secret, $0.40 a month",
    "AWS::S3::Bucket": "a bucket, by what it holds",
    "AWS::Logs::LogGroup": "a log group, by what it holds, until its retention empties it",
    "AWS::EC2::EIP": "an address, $3.65 a month",
    "AWS::EC2::Volume": "a volume, by its size",
    "AWS::EC2::Instance": "a host, by the hour",
}
"""What a resource costs that outlives its stack, in Seoul at the embedded snapshot's prices."""

BUCKET = "AWS::S3::Bucket"

REMOVALS = {
    "AWS::SecretsManager::Secret": (
        "aws secretsmanager delete-secret --region {region} --secret-id {id}"
    ),
    # aws s3 rb --force deletes no older versions (its help), and there is no command that does.
    BUCKET: (
        "no one command empties a bucket of its versions: Empty in the S3 console does, and then "
        "aws s3 rb --region {region} s3://{id}"
    ),
    "AWS::Logs::LogGroup": "aws logs delete-log-group --region {region} --log-group-name {id}",
    # A stack knows an address by its number; only its allocation can be released.
    "AWS::EC2::EIP": (
        "aws ec2 release-address --region {region} --allocation-id $(aws ec2 describe-addresses "
        "--region {region} --public-ips {id} --query 'Addresses[0].AllocationId' --output text)"
    ),
    "AWS::EC2::Volume": "aws ec2 delete-volume --region {region} --volume-id {id}",
    "AWS::EC2::Instance": "aws ec2 terminate-instances --region {region} --instance-ids {id}",
}
"""How a resource is removed that outlived its stack (the AWS CLI Command Reference)."""


class Fate(msgspec.Struct, frozen=True):
    """What becomes of one resource; ``bills`` is what it goes on to cost, where it stays.

    A bucket that is ``emptied`` dies: with the stack, or after it where the stack leaves it. Of
    some only a ``snapshot`` stays.
    """

    logical_id: str
    physical_id: str
    resource_type: str
    stays: bool
    emptied: bool = False
    snapshot: bool = False

    @property
    def bills(self) -> str:
        """What it goes on to cost, empty if nothing."""
        if self.snapshot:
            return "a snapshot of it, by its size"
        return BILLS.get(self.resource_type, "") if self.stays else ""

    def removal(self, region: str) -> str:
        """How to remove it once it was left behind, empty where we know of no plain way."""
        there = self.stays and self.physical_id and not self.snapshot
        way = REMOVALS.get(self.resource_type, "") if there else ""
        return way.format(region=region, id=self.physical_id)


def plan_fates(
    held: Iterable[Held], template: str, status: str, retain: Collection[str]
) -> list[Fate]:
    """What a stack in a ``status`` does to each resource that is there; ``retain`` stays."""
    declared = _declared(template)
    return [
        Fate(
            one.logical_id,
            one.physical_id,
            one.resource_type,
            one.logical_id in retain or _stays(declared.get(one.logical_id, {}), status),
            snapshot=one.logical_id not in retain
            and declared.get(one.logical_id, {}).get("DeletionPolicy") == SNAPSHOT,
        )
        for one in held
        if one.status != "DELETE_COMPLETE"
    ]


def _stays(resource: Mapping[str, object], status: str) -> bool:
    policy = resource.get("DeletionPolicy")
    never_up = status in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
    return policy in KEPT and not (policy == "RetainExceptOnCreate" and never_up)


def _declared(text: str) -> Mapping[str, Mapping[str, object]]:
    template, _ = decode_str(text)
    resources = template.get("Resources") if isinstance(template, dict) else None
    return resources if isinstance(resources, dict) else {}
