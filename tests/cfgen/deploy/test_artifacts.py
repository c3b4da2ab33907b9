"""What is too large for a call: made smaller, or put into our bucket on a moto server."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from cfnlint.decode.decode import decode_str
from hypothesis import given
from hypothesis import strategies as st

import templates_out.generate as generate
from cfgen.deploy.artifacts import Artifacts
from cfgen.deploy.body import BODY_LIMIT, fit, size
from cfgen.deploy.bucket import needs_tls, tls_only, with_tls
from cfgen.errors import Refused

CALLER = "arn:aws:iam::123456789012:user/me"


def client(endpoint: str | None = None) -> Any:
    session = boto3.session.Session("testing", "testing", region_name="ap-northeast-2")
    return session.client("s3", endpoint_url=endpoint)


# The body


def test_a_small_template_goes_as_it_is() -> None:
    text = "Resources: {}\n"
    assert fit(text).text == text
    assert not fit(text).compacted


@pytest.mark.parametrize("shape", generate.SHAPES)
def test_compact_or_not_a_template_says_the_same(shape: str) -> None:
    text = (generate.HERE / f"{shape}.yaml").read_text()
    body = fit(text)
    assert body.fits == (size(body.text) <= BODY_LIMIT)
    before, _ = decode_str(text)
    after, _ = decode_str(body.text)
    assert json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    assert body.compacted == (body.text != text)


def test_text_that_is_no_template_is_left_to_cloudformation() -> None:
    text = "- " * BODY_LIMIT
    assert fit(text).text == text
    assert not fit(text).fits


@given(st.text(max_size=50))
def test_a_key_names_its_content(text: str) -> None:
    assert fit(text).key == fit(text).key
    assert fit(text).key != fit(f"{text}x").key
    assert size(text) == len(text.encode(errors="replace"))


# The bucket

BUCKET = "cfgen-123456789012-ap-northeast-2"
ARN = f"arn:aws:s3:::{BUCKET}"
SETTINGS = ("public_access_block", "bucket_encryption", "bucket_versioning",
            "bucket_lifecycle_configuration", "bucket_policy")  # fmt: skip


def artifacts(
    s3: Any, said: list[str], account: str = "123456789012", sleep: Any = lambda _: None
) -> Artifacts:
    caller = CALLER.replace("123456789012", account)
    return Artifacts(lambda: s3, caller, "ap-northeast-2", said.append, sleep)


def test_the_bucket_is_made_once_private_encrypted_and_versioned(moto_server: str) -> None:
    # An account of its own: other tests' deploys make their buckets.
    account, bucket = "210987654321", "cfgen-210987654321-ap-northeast-2"
    s3, said = client(moto_server), list[str]()
    ours = artifacts(s3, said, account)
    ours.keep("templates/x", b"one")
    ours.keep("templates/x", b"one")
    artifacts(s3, said, account).keep("templates/y", b"two")
    assert [line.partition(",")[0] for line in said] == [
        f"made the private bucket {bucket}",
        f"uploaded s3://{bucket}/templates/x",
        f"uploaded s3://{bucket}/templates/y",
    ]
    assert s3.get_object(Bucket=bucket, Key="templates/x")["Body"].read() == b"one"
    assert (
        ours.url("templates/x") == f"https://{bucket}.s3.ap-northeast-2.amazonaws.com/templates/x"
    )
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_bucket_encryption(Bucket=bucket)
    [rule] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}


ABSENT = {
    "GetPublicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "GetBucketEncryption": "ServerSideEncryptionConfigurationNotFoundError",
    "GetBucketLifecycleConfiguration": "NoSuchLifecycleConfiguration",
    "GetBucketPolicy": "NoSuchBucketPolicy",
}
"""How S3 says that a bucket lacks a setting (Amazon S3 API Reference)."""


class Cut(BaseException):
    """The program dies after a call had its effect."""


class FakeS3:
    """An S3 with one account's buckets, behind a real client: botocore checks what is asked.

    ``failures`` are codes that the next calls of an operation are answered with; after ``die``
    calls the program is cut off. Every call but CreateBucket must name the owner.
    """

    def __init__(self) -> None:
        self.client = client()
        self.settings: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.failures: dict[str, list[str]] = {}
        self.die: int | None = None
        self.exists = False
        self._asked: dict[str, Any] = {}
        events = self.client.meta.events
        events.register("provide-client-params.s3", self._remember)
        events.register("before-call.s3", self._answer)

    def _remember(self, params: dict[str, Any], **_: Any) -> None:
        self._asked = params

    def _answer(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        self.calls.append(model.name)
        answer = self._play(model.name, self._asked)
        if self.die == len(self.calls):
            raise Cut
        return answer

    def _play(self, name: str, asked: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        owner = asked.get("ExpectedBucketOwner")
        if (name != "CreateBucket") != (owner == "123456789012"):
            return self._refuse("AccessDenied", 403)
        if self.failures.get(name):
            return self._refuse(self.failures[name].pop(0), 409)
        missing = self._missing(name, asked)
        if missing:
            return self._refuse(missing, 404)
        kind = name[3:]
        if name == "CreateBucket":
            self.exists = True
        elif name == "PutObject":
            self.objects[asked["Key"]] = asked["Body"]
        elif name.startswith("Put"):
            self.settings[kind] = {
                key: value
                for key, value in asked.items()
                if key not in ("Bucket", "ExpectedBucketOwner")
            }
        return SimpleNamespace(status_code=200), self._found(kind) if name.startswith("Get") else {}

    def _missing(self, name: str, asked: dict[str, Any]) -> str:
        if name == "HeadObject":
            return "" if asked["Key"] in self.objects else "404"
        if name != "CreateBucket" and not self.exists:
            return "404" if name == "HeadBucket" else "NoSuchBucket"
        return ABSENT.get(name, "") if name[3:] not in self.settings else ""

    def _found(self, kind: str) -> dict[str, Any]:
        found = self.settings.get(kind, {})
        wrapped = found.get("LifecycleConfiguration", found.get("VersioningConfiguration", {}))
        return {**found, **wrapped}

    def _refuse(self, code: str, status: int) -> tuple[Any, dict[str, Any]]:
        return SimpleNamespace(status_code=status), {"Error": {"Code": code, "Message": code}}

    @property
    def is_protected(self) -> bool:
        """All five settings, as our words above say them."""
        policy = json.loads(self.settings["BucketPolicy"]["Policy"])
        rules = self.settings["BucketLifecycleConfiguration"]["LifecycleConfiguration"]["Rules"]
        block = self.settings["PublicAccessBlock"]["PublicAccessBlockConfiguration"]
        encrypted = self.settings["BucketEncryption"]["ServerSideEncryptionConfiguration"]["Rules"]
        return (
            set(block.values()) == {True}
            and len(block) == 4
            and bool(encrypted[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])
            and self._found("BucketVersioning")["Status"] == "Enabled"
            and sum(one["ID"] == "old-versions" for one in rules) == 1
            and sum(
                one["Effect"] == "Deny"
                and one["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
                and one["Resource"] == [ARN, f"{ARN}/*"]
                for one in policy["Statement"]
            )
            == 1
        )


def kept(s3: FakeS3) -> list[str]:
    said: list[str] = []
    artifacts(s3.client, said).keep("k", b"x")
    return said


def test_every_setting_is_checked_by_every_deploy_and_none_is_written_twice() -> None:
    s3 = FakeS3()
    assert kept(s3)[0].startswith("made the private bucket")
    assert s3.is_protected
    s3.calls.clear()
    assert kept(s3) == []
    assert s3.calls == ["HeadBucket", "GetPublicAccessBlock", "GetBucketEncryption",
                        "GetBucketVersioning", "GetBucketLifecycleConfiguration",
                        "GetBucketPolicy", "HeadObject"]  # fmt: skip


def test_cut_off_after_any_call_the_next_deploy_completes_the_bucket() -> None:
    whole = FakeS3()
    kept(whole)
    for step in range(1, len(whole.calls) + 1):
        s3 = FakeS3()
        s3.die = step
        with pytest.raises(Cut):
            kept(s3)
        s3.die = None
        kept(s3)
        assert s3.is_protected, f"cut off after {whole.calls[step - 1]}"
        assert set(s3.objects) == {"k"}


@pytest.mark.parametrize(
    ("kind", "weak", "name"),
    [
        ("PublicAccessBlock",
         {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "IgnorePublicAcls": False}},
         "public access block"),
        ("BucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": []}}, "encryption"),
        ("BucketVersioning", {"VersioningConfiguration": {"Status": "Suspended"}}, "versioning"),
        ("BucketLifecycleConfiguration",
         {"LifecycleConfiguration": {"Rules": [{"ID": "old-versions", "Status": "Disabled",
          "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
          "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}]}}, "lifecycle"),
        ("BucketPolicy", {"Policy": json.dumps({"Statement": {
            "Sid": "TlsOnly", "Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::1:root"},
            "Action": "s3:*", "Resource": [ARN, f"{ARN}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": False}}}})}, "TLS-only policy"),
    ],
)  # fmt: skip
def test_what_is_weaker_or_gone_is_put_right_and_said(
    kind: str, weak: dict[str, Any], name: str
) -> None:
    for found in (weak, None):
        s3 = FakeS3()
        kept(s3)
        s3.settings[kind] = found or {}
        if not found:
            del s3.settings[kind]
        s3.objects.clear()
        assert kept(s3)[0] == f"bucket {BUCKET} lacked protection, which is set now: {name}"
        assert s3.is_protected


def test_what_the_user_added_stays() -> None:
    rule = {"ID": "mine", "Status": "Enabled", "Filter": {"Prefix": "a/"},
            "Expiration": {"Days": 9}}  # fmt: skip
    statement = {"Sid": "Mine", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"},
                 "Action": "s3:GetObject", "Resource": f"{ARN}/*"}  # fmt: skip
    own_key = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    s3 = FakeS3()
    s3.exists = True
    s3.settings["BucketLifecycleConfiguration"] = {
        "LifecycleConfiguration": {"Rules": [rule]},
        "TransitionDefaultMinimumObjectSize": "varies_by_storage_class",
    }
    policy = {"Version": "2012-10-17", "Id": "own", "Statement": statement}
    s3.settings["BucketPolicy"] = {"Policy": json.dumps(policy)}
    s3.settings["BucketEncryption"] = {"ServerSideEncryptionConfiguration": own_key}
    assert "public access block, versioning, lifecycle, TLS-only policy" in kept(s3)[0]
    assert s3.is_protected
    lifecycle = s3.settings["BucketLifecycleConfiguration"]
    assert lifecycle["LifecycleConfiguration"]["Rules"][0] == rule
    assert lifecycle["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    policy = json.loads(s3.settings["BucketPolicy"]["Policy"])
    assert policy["Id"] == "own"
    assert policy["Statement"][0] == statement
    assert s3.settings["BucketEncryption"]["ServerSideEncryptionConfiguration"] == own_key


def test_a_users_own_statement_that_asks_for_tls_is_enough() -> None:
    s3 = FakeS3()
    kept(s3)
    # As AWS Security Hub's control S3.5 and many organizations write it.
    own = {"Sid": "AllowSSLRequestsOnly", "Effect": "Deny", "Principal": {"AWS": "*"},
           "Action": ["s3:*"], "Resource": [f"{ARN}/*", ARN, "arn:aws:s3:::other"],
           "Condition": {"Bool": {"aws:SecureTransport": ["false"]}}}  # fmt: skip
    text = json.dumps({"Version": "2012-10-17", "Statement": [own]})
    s3.settings["BucketPolicy"] = {"Policy": text}
    assert kept(s3) == []
    assert s3.settings["BucketPolicy"]["Policy"] == text


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Allow"},
        {"Action": "s3:GetObject"},
        {"Resource": [f"{ARN}/*"]},
        {"Principal": {"Service": "*"}},
        {"Condition": {}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"},
                       "StringEquals": {"aws:PrincipalAccount": "1"}}},
    ],
)  # fmt: skip
def test_a_statement_that_lets_plain_requests_through_is_not_enough(change: dict[str, Any]) -> None:
    policy = {"Statement": [{**tls_only(ARN), **change}]}
    assert not needs_tls(policy, ARN)
    assert needs_tls(json.loads(with_tls(policy, ARN)), ARN)


def test_two_deploys_at_once_are_fine() -> None:
    s3 = FakeS3()
    s3.failures = {
        "CreateBucket": ["OperationAborted", "BucketAlreadyOwnedByYou"],
        "PutBucketPolicy": ["OperationAborted", "OperationAborted"],
    }
    s3.exists = False
    pauses: list[float] = []
    ours = artifacts(s3.client, [], sleep=pauses.append)

    def appear(model: Any, **_: Any) -> None:
        s3.exists = s3.exists or (model.name == "CreateBucket" and bool(pauses))

    s3.client.meta.events.register_first("before-call.s3", appear)
    ours.keep("k", b"x")
    assert s3.is_protected
    assert pauses == [1, 1, 2]


def test_a_bucket_that_is_always_busy_is_an_error_in_the_end() -> None:
    s3 = FakeS3()
    s3.failures = {"CreateBucket": ["OperationAborted"] * 9}
    with pytest.raises(ClientError, match="OperationAborted"):
        kept(s3)


@pytest.mark.parametrize("operation", ["GetBucketPolicy", "PutBucketEncryption"])
def test_what_may_not_be_checked_stops_the_deploy(operation: str) -> None:
    s3 = FakeS3()
    s3.failures = {operation: ["AccessDenied"]}
    with pytest.raises(ClientError, match=operation):
        kept(s3)
    assert s3.objects == {}


@pytest.mark.parametrize("code", ["403", "AccessDenied"])
def test_a_bucket_of_somebody_elses_is_refused(code: str) -> None:
    s3 = client()
    with Stubber(s3) as stub:
        expected = {"Bucket": "cfgen-1-ap-northeast-2", "ExpectedBucketOwner": "1"}
        stub.add_client_error("head_bucket", code, "Forbidden", 403, expected_params=expected)
        with pytest.raises(Refused, match="is another account's"):
            artifacts(s3, [], "1").keep("k", b"x")
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("region", "configuration"),
    [
        ("us-east-1", {}),
        ("eu-west-1", {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}),
    ],
)
def test_every_region_makes_its_bucket(region: str, configuration: dict[str, Any]) -> None:
    s3 = client()
    with Stubber(s3) as stub:
        stub.add_client_error("head_bucket", "404", "Not Found", 404)
        stub.add_response("create_bucket", {}, {"Bucket": f"cfgen-1-{region}", **configuration})
        for setting in SETTINGS:
            if setting == "bucket_versioning":
                stub.add_response("get_bucket_versioning", {})
            else:
                code = ABSENT["Get" + setting.title().replace("_", "")]
                stub.add_client_error(f"get_{setting}", code, code, 404)
            stub.add_response(f"put_{setting}", {})
        stub.add_client_error("head_object", "404", "Not Found", 404)
        stub.add_response("put_object", {})
        said: list[str] = []
        note: Callable[[str], None] = said.append
        caller = "arn:aws:sts::1:assumed-role/r/s"
        Artifacts(lambda: s3, caller, region, note, lambda _: None).keep("k", b"x")
        stub.assert_no_pending_responses()


def test_chinas_objects_have_another_address() -> None:
    ours = Artifacts(client, "arn:aws-cn:iam::1:user/me", "cn-north-1", print, lambda _: None)
    assert ours.url("k") == "https://cfgen-1-cn-north-1.s3.cn-north-1.amazonaws.com.cn/k"
