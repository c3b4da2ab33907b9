"""A bucket of ours, one an account and region, for what is too large for a call.

It is private, encrypted, versioned and made once. Every call names the owner that it must have: a
bucket that somebody else made under its name is refused, not filled.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cfgen.aws import code_of
from cfgen.errors import Refused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OLD_DAYS = 30
"""How long a version that was replaced is kept. What a stack refers to is current, and stays."""


class Artifacts:
    """The bucket of a caller's account in a region, which is made when it is first needed.

    ``caller`` is the identity's ARN; ``client`` gives the client, which most deploys never need.
    """

    def __init__(
        self,
        client: "Callable[[], S3Client]",
        caller: str,
        region: str,
        note: Callable[[str], None],
    ) -> None:
        _, self._partition, _, _, account, *_ = caller.split(":")
        self._make_client = client
        self._account = account
        self._region = region
        self._note = note
        self.bucket = f"cfgen-{account}-{region}"

    @property
    def _client(self) -> "S3Client":
        return self._make_client()

    def keep(self, key: str, data: bytes) -> None:
        """Put data under a key that its content gave, once. Raises :class:`Refused`."""
        self._ensure()
        if not self._has(key):
            self._client.put_object(
                Bucket=self.bucket, Key=key, Body=data, ExpectedBucketOwner=self._account
            )
            self._note(f"uploaded s3://{self.bucket}/{key}, {len(data)} bytes")

    def url(self, key: str) -> str:
        """The address by which CloudFormation reads an object."""
        suffix = "com.cn" if self._partition == "aws-cn" else "com"
        return f"https://{self.bucket}.s3.{self._region}.amazonaws.{suffix}/{key}"

    def _has(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self.bucket, Key=key, ExpectedBucketOwner=self._account)
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchKey"):
                return False
            raise
        return True

    def _ensure(self) -> None:
        try:
            self._client.head_bucket(Bucket=self.bucket, ExpectedBucketOwner=self._account)
        except ClientError as error:
            if code_of(error) in ("403", "AccessDenied"):
                raise Refused(
                    f"bucket {self.bucket} is another account's, or your identity may not read it",
                    "s3:ListBucket on it is needed; one that is not yours must not be used",
                ) from error
            if code_of(error) not in ("404", "NoSuchBucket"):
                raise
            self._create()

    def _create(self) -> None:
        name, owner = self.bucket, self._account
        here = {"LocationConstraint": self._region}
        # us-east-1 is the one region that must not be named (CreateBucket in the S3 API Reference).
        where = {} if self._region == "us-east-1" else {"CreateBucketConfiguration": here}
        self._client.create_bucket(Bucket=name, **where)  # type: ignore[arg-type]
        # What comes first is what would harm most if we were cut off here.
        self._client.put_public_access_block(
            Bucket=name,
            ExpectedBucketOwner=owner,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
        self._client.put_bucket_encryption(
            Bucket=name,
            ExpectedBucketOwner=owner,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )
        self._client.put_bucket_versioning(
            Bucket=name,
            ExpectedBucketOwner=owner,
            VersioningConfiguration={"Status": "Enabled"},
        )
        self._client.put_bucket_lifecycle_configuration(
            Bucket=name,
            ExpectedBucketOwner=owner,
            LifecycleConfiguration={
                "Rules": [
                    {
                        "ID": "old-versions",
                        "Status": "Enabled",
                        "Filter": {"Prefix": ""},
                        "NoncurrentVersionExpiration": {"NoncurrentDays": OLD_DAYS},
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                    }
                ]
            },
        )
        self._note(f"made the private bucket {name}, for what is too large for a call")
