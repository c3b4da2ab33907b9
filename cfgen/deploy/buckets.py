"""Emptying a stack's buckets: CloudFormation deletes none that holds anything.

Every call names the owner that the bucket must have. A bucket that is gone counts as an empty one,
so that each step may be repeated.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cfgen.aws import code_of
from cfgen.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

BATCH = 1000
"""Keys that one call takes (DeleteObjects in the S3 API Reference), and a page gives."""


def holds(client: "S3Client", bucket: str, account: str) -> bool:
    """Whether a bucket holds an object, a version of one or a delete marker.

    Raises botocore's errors.
    """
    try:
        page = client.list_object_versions(Bucket=bucket, MaxKeys=1, ExpectedBucketOwner=account)
    except ClientError as error:
        if _is_gone(error):
            return False
        raise
    return bool(page.get("Versions") or page.get("DeleteMarkers"))


def empty(client: "S3Client", bucket: str, account: str, note: Callable[[str], None]) -> int:
    """Delete every version of every object, and every delete marker; gives how many.

    ``note`` is told after each batch. Raises :class:`AwsError` with the first thing that S3 would
    not delete, and botocore's errors.
    """
    count = 0
    try:
        for batch in _batches(client, bucket, account):
            answer = client.delete_objects(
                Bucket=bucket,
                Delete={"Objects": batch, "Quiet": True},
                ExpectedBucketOwner=account,
            )
            for one in answer.get("Errors", ()):
                raise AwsError(
                    f"bucket {bucket}: {one.get('Key', '')} cannot be deleted: "
                    f"{one.get('Code', '')}: {one.get('Message', '')}",
                    "your identity needs s3:DeleteObjectVersion on it, and no object lock may hold "
                    "it; then run this again",
                )
            count += len(batch)
            note(f"bucket {bucket}: {count} objects and versions deleted")
    except ClientError as error:
        if not _is_gone(error):
            raise
    return count


def _batches(
    client: "S3Client", bucket: str, account: str
) -> "Iterator[Sequence[ObjectIdentifierTypeDef]]":
    """What a bucket holds, as much at a time as a call deletes."""
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=bucket, ExpectedBucketOwner=account, PaginationConfig={"PageSize": BATCH}
    )
    for page in pages:
        found: list[ObjectIdentifierTypeDef] = [
            {"Key": one["Key"], "VersionId": one["VersionId"]}
            for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        ]
        if found:
            yield found


def remove(client: "S3Client", bucket: str, account: str) -> None:
    """Delete an empty bucket. Raises botocore's errors."""
    try:
        client.delete_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if not _is_gone(error):
            raise


def _is_gone(error: ClientError) -> bool:
    return code_of(error) in ("404", "NoSuchBucket")
