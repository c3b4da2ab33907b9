"""Short forms of awacs policies."""

from awacs import sts
from awacs.aws import (
    Action,
    Allow,
    Condition,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import AWSHelperFn, Ref, iam


def allow(resource: AWSHelperFn, *actions: Action) -> Statement:
    """Allow actions on one resource."""
    return Statement(Effect=Allow, Action=list(actions), Resource=[resource])


def policy(name: str, *statements: Statement) -> iam.Policy:
    """An inline policy of a role."""
    return iam.Policy(PolicyName=name, PolicyDocument=_document(*statements))


def trust(service: str, *, own_account: bool) -> PolicyDocument:
    """Let an AWS service take the role; with ``own_account`` only on behalf of this account."""
    limits = (
        {"Condition": Condition(StringEquals({"aws:SourceAccount": Ref("AWS::AccountId")}))}
        if own_account
        else {}
    )
    return _document(
        Statement(
            Effect=Allow,
            Action=[sts.AssumeRole],
            Principal=Principal("Service", f"{service}.amazonaws.com"),
            **limits,
        )
    )


def _document(*statements: Statement) -> PolicyDocument:
    return PolicyDocument(Version="2012-10-17", Statement=list(statements))
