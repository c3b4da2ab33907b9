"""How our bucket is protected: what it must have, and what is missing of it. Pure.

What a user added beyond that stays: further lifecycle rules, further statements of the policy,
another kind of encryption.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import type_defs

OLD_DAYS = 30
"""How long a version that was replaced is kept. What a stack refers to is current, and stays."""

BLOCKED: "type_defs.PublicAccessBlockConfigurationTypeDef" = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
ENCRYPTION: "type_defs.ServerSideEncryptionConfigurationTypeDef" = {
    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
}
VERSIONING: "type_defs.VersioningConfigurationTypeDef" = {"Status": "Enabled"}
RULE: "type_defs.LifecycleRuleTypeDef" = {
    "ID": "old-versions",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "NoncurrentVersionExpiration": {"NoncurrentDays": OLD_DAYS},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
}
SID = "TlsOnly"


def is_blocked(found: Mapping[str, Any]) -> bool:
    """Whether nothing in the bucket can become public."""
    return all(found.get(name) is True for name in BLOCKED)


def is_encrypted(found: Mapping[str, Any]) -> bool:
    """Whether new objects are encrypted; with a key of the user's own, too."""
    defaults = [one.get("ApplyServerSideEncryptionByDefault", {}) for one in found.get("Rules", ())]
    return any(one.get("SSEAlgorithm") for one in defaults)


def is_versioned(found: Mapping[str, Any]) -> bool:
    """Whether what is replaced can be had back."""
    return found.get("Status") == "Enabled"


def is_cleaned(found: Mapping[str, Any]) -> bool:
    """Whether our rule is there and does what it shall; days of the user's own are kept."""
    return any(
        rule.get("ID") == RULE["ID"]
        and rule.get("Status") == "Enabled"
        and "NoncurrentVersionExpiration" in rule
        and "AbortIncompleteMultipartUpload" in rule
        for rule in found.get("Rules", ())
    )


def with_rule(found: Mapping[str, Any]) -> "type_defs.BucketLifecycleConfigurationTypeDef":
    """The lifecycle with our rule; all others stay as they are."""
    others = [rule for rule in found.get("Rules", ()) if rule.get("ID") != RULE["ID"]]
    return {"Rules": [*others, RULE]}


def tls_only(arn: str) -> dict[str, Any]:
    """The statement that refuses every request without TLS.

    Source: Amazon S3 User Guide, "Security best practices", aws:SecureTransport.
    """
    return {
        "Sid": SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def needs_tls(policy: Mapping[str, Any], arn: str) -> bool:
    """Whether a policy refuses every request without TLS, by our statement or another like it."""
    return any(_refuses_plain(one, arn) for one in _statements(policy))


def with_tls(policy: Mapping[str, Any], arn: str) -> str:
    """The policy with our statement, as JSON; all others stay as they are."""
    others = [one for one in _statements(policy) if one.get("Sid") != SID]
    return json.dumps({"Version": "2012-10-17", **policy, "Statement": [*others, tls_only(arn)]})


def _statements(policy: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    found = policy.get("Statement", [])
    yield from [found] if isinstance(found, Mapping) else found


def _refuses_plain(statement: Mapping[str, Any], arn: str) -> bool:
    condition = {
        operator.lower(): {key.lower(): _all(value) for key, value in keys.items()}
        for operator, keys in statement.get("Condition", {}).items()
    }
    principal = statement.get("Principal")
    resources = _all(statement.get("Resource", []))
    return (
        statement.get("Effect") == "Deny"
        and "*" in _all(principal.get("AWS", []) if isinstance(principal, Mapping) else principal)
        and bool({"s3:*", "*"} & _all(statement.get("Action", [])))
        and ("*" in resources or {arn, f"{arn}/*"} <= resources)
        # Any further condition would let some plain requests through.
        and condition == {"bool": {"aws:securetransport": {"false"}}}
    )


def _all(value: object) -> set[str]:
    """IAM's JSON has a single value without its list, and true for "true"."""
    return {str(one).lower() for one in (value if isinstance(value, list) else [value])}
