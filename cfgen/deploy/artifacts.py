"""A bucket of ours, one an account and region, for what is too large for a call.

It is private, encrypted, versioned, cleaned up and open to TLS alone, and each of these is checked
by every deploy that uses it: one that was cut off in the middle left a bucket without them. Every
call names the owner that it must have: a bucket that somebody else made under its name is refused,
not filled.
"""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from cfgen.aws import code_of
from cfgen.deploy import bucket as wanted
from cfgen.errors import Refused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PAUSES = (1.0, 2.0, 4.0)
"""Seconds before S3 is asked again while another deploy changes the same bucket."""

ABSENT = {
    "NoSuchPublicAccessBlockConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
    "NoSuchLifecycleConfiguration",
    "NoSuchBucketPolicy",
}
"""How S3 says that a bucket lacks a setting (Amazon S3 API Reference, each Get operation)."""


class _Setting(NamedTuple):
    """What protects the bucket: how it is read, whether that is enough, and how it is put right."""

    name: str
    read: Callable[[], Mapping[str, Any]]
    is_enough: Callable[[Mapping[str, Any]], bool]
    put: Callable[[Mapping[str, Any]], object]


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
        sleep: Callable[[float], None],
    ) -> None:
        _, self._partition, _, _, account, *_ = caller.split(":")
        self._make_client = client
        self._region = region
        self._note = note
        self._sleep = sleep
        self._is_checked = False
        self.bucket = f"cfgen-{account}-{region}"
        self._ours: Any = {"Bucket": self.bucket, "ExpectedBucketOwner": account}

    @property
    def _client(self) -> "S3Client":
        return self._make_client()

    def keep(self, key: str, data: bytes) -> None:
        """Put data under a key that its content gave, once. Raises :class:`Refused`."""
        if not self._is_checked:
            self._ensure()
            self._is_checked = True
        if not self._has(key):
            self._client.put_object(**self._ours, Key=key, Body=data)
            self._note(f"uploaded s3://{self.bucket}/{key}, {len(data)} bytes")

    def url(self, key: str) -> str:
        """The address by which CloudFormation reads an object."""
        suffix = "com.cn" if self._partition == "aws-cn" else "com"
        return f"https://{self.bucket}.s3.{self._region}.amazonaws.{suffix}/{key}"

    def _has(self, key: str) -> bool:
        try:
            self._client.head_object(**self._ours, Key=key)
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchKey"):
                return False
            raise
        return True

    def _ensure(self) -> None:
        made = not self._is_there()
        if made:
            self._patiently(self._create)
        # What comes first is what would harm most if we were cut off here.
        repaired = [one.name for one in self._settings() if self._patiently(self._completed, one)]
        if made:
            self._note(f"made the private bucket {self.bucket}, for what is too large for a call")
        elif repaired:
            self._note(f"bucket {self.bucket} lacked protection, which is set now: "
                       f"{', '.join(repaired)}")  # fmt: skip

    def _is_there(self) -> bool:
        try:
            self._client.head_bucket(**self._ours)
        except ClientError as error:
            if code_of(error) in ("403", "AccessDenied"):
                raise Refused(
                    f"bucket {self.bucket} is another account's, or your identity may not read it",
                    "s3:ListBucket on it is needed; one that is not yours must not be used",
                ) from error
            if code_of(error) not in ("404", "NoSuchBucket"):
                raise
            return False
        return True

    def _create(self) -> None:
        here = {"LocationConstraint": self._region}
        # us-east-1 is the one region that must not be named (CreateBucket in the S3 API Reference).
        where = {} if self._region == "us-east-1" else {"CreateBucketConfiguration": here}
        try:
            # It takes no owner: a name that is somebody else's is answered BucketAlreadyExists.
            self._client.create_bucket(Bucket=self.bucket, **where)  # type: ignore[arg-type]
        except ClientError as error:
            # Another deploy of this account was faster.
            if code_of(error) != "BucketAlreadyOwnedByYou":
                raise

    def _patiently(self, step: Callable[..., Any], *arguments: object) -> Any:
        """Do a step, again where another deploy is changing the bucket at this moment."""
        for pause in PAUSES:
            try:
                return step(*arguments)
            except ClientError as error:
                if code_of(error) not in ("OperationAborted", "NoSuchBucket"):
                    raise
            self._sleep(pause)
        return step(*arguments)

    def _completed(self, setting: _Setting) -> bool:
        """Put a setting right where it is missing or weaker, and say whether it was."""
        try:
            found = setting.read()
        except ClientError as error:
            if code_of(error) not in ABSENT:
                raise
            found = {}
        if setting.is_enough(found):
            return False
        setting.put(found)
        return True

    def _settings(self) -> tuple[_Setting, ...]:
        s3, ours = self._client, self._ours
        settings = (
            _Setting(
                "public access block",
                lambda: s3.get_public_access_block(**ours)["PublicAccessBlockConfiguration"],
                wanted.is_blocked,
                lambda _: s3.put_public_access_block(
                    **ours, PublicAccessBlockConfiguration=wanted.BLOCKED
                ),
            ),
            _Setting(
                "encryption",
                lambda: s3.get_bucket_encryption(**ours)["ServerSideEncryptionConfiguration"],
                wanted.is_encrypted,
                lambda _: s3.put_bucket_encryption(
                    **ours, ServerSideEncryptionConfiguration=wanted.ENCRYPTION
                ),
            ),
            _Setting(
                "versioning",
                lambda: s3.get_bucket_versioning(**ours),
                wanted.is_versioned,
                lambda _: s3.put_bucket_versioning(
                    **ours, VersioningConfiguration=wanted.VERSIONING
                ),
            ),
            _Setting(
                "lifecycle",
                lambda: s3.get_bucket_lifecycle_configuration(**ours),
                wanted.is_cleaned,
                self._put_lifecycle,
            ),
        )
        # An address without TLS is no AWS: there the policy would shut out ourselves.
        return (
            (*settings, self._policy()) if s3.meta.endpoint_url.startswith("https:") else settings
        )

    def _put_lifecycle(self, found: Mapping[str, Any]) -> None:
        size = "TransitionDefaultMinimumObjectSize"
        self._client.put_bucket_lifecycle_configuration(
            **self._ours,
            LifecycleConfiguration=wanted.with_rule(found),
            **{size: found[size]} if size in found else {},
        )

    def _policy(self) -> _Setting:
        s3, ours, arn = self._client, self._ours, f"arn:{self._partition}:s3:::{self.bucket}"
        return _Setting(
            "TLS-only policy",
            lambda: json.loads(s3.get_bucket_policy(**ours)["Policy"]),
            lambda found: wanted.needs_tls(found, arn),
            lambda found: s3.put_bucket_policy(**ours, Policy=wanted.with_tls(found, arn)),
        )
