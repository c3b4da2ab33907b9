"""What is too large for a call: made smaller, or put into our bucket on a moto server."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from cfnlint.decode.decode import decode_str
from hypothesis import given
from hypothesis import strategies as st

import templates_out.generate as generate
from cfgen.deploy.artifacts import Artifacts
from cfgen.deploy.body import BODY_LIMIT, fit, size
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
    assert body.fits == shape.startswith("on-demand")
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


def artifacts(s3: Any, said: list[str], account: str = "123456789012") -> Artifacts:
    return Artifacts(
        lambda: s3, CALLER.replace("123456789012", account), "ap-northeast-2", said.append
    )


def test_the_bucket_is_made_once_private_encrypted_and_versioned(moto_server: str) -> None:
    s3, said = client(moto_server), list[str]()
    ours = artifacts(s3, said)
    ours.keep("templates/x", b"one")
    ours.keep("templates/x", b"one")
    ours.keep("templates/y", b"two")
    bucket = "cfgen-123456789012-ap-northeast-2"
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
        for method in ("put_public_access_block", "put_bucket_encryption", "put_bucket_versioning",
                       "put_bucket_lifecycle_configuration"):  # fmt: skip
            stub.add_response(method, {})
        stub.add_client_error("head_object", "404", "Not Found", 404)
        stub.add_response("put_object", {})
        said: list[str] = []
        note: Callable[[str], None] = said.append
        Artifacts(lambda: s3, "arn:aws:sts::1:assumed-role/r/s", region, note).keep("k", b"x")
        stub.assert_no_pending_responses()


def test_chinas_objects_have_another_address() -> None:
    ours = Artifacts(client, "arn:aws-cn:iam::1:user/me", "cn-north-1", print)
    assert ours.url("k") == "https://cfgen-1-cn-north-1.s3.cn-north-1.amazonaws.com.cn/k"
