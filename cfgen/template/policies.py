"""Short forms of awacs policies."""

from awacs import cloudwatch, logs, sts
from awacs.aws import (
    Action,
    Allow,
    Condition,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import AWSHelperFn, GetAtt, Ref, Sub, iam

NAMESPACE = "TradingBot/${AWS::StackName}"
"""Of the stack's own metrics, within ``Fn::Sub``."""


def allow(
    resource: AWSHelperFn | str, *actions: Action, condition: Condition | None = None, sid: str = ""
) -> Statement:
    """Allow actions on one resource, where a condition holds. ``sid`` may say why it is so."""
    more = ({"Condition": condition} if condition else {}) | ({"Sid": sid} if sid else {})
    return Statement(Effect=Allow, Action=list(actions), Resource=[resource], **more)


def put_metrics() -> Statement:
    """Allow to write metrics of this stack.

    The action takes no resource (Service Authorization Reference, "Amazon CloudWatch"); the
    namespace bounds it.
    """
    ours = Condition(StringEquals({"cloudwatch:namespace": Sub(NAMESPACE)}))
    return allow("*", cloudwatch.PutMetricData, condition=ours, sid="ActionTakesNoResource")


def write_logs(*groups: str) -> Statement:
    """Allow to write into log groups of this template, which are there: none is created.

    The CloudWatch agent calls no more where no ``retention_in_days`` is set (its source,
    ``cloudwatchlogs/internal/pusher``).
    """
    return allow_all(groups, logs.CreateLogStream, logs.PutLogEvents)


def allow_all(groups: tuple[str, ...], *actions: Action) -> Statement:
    """Allow actions on log groups of this template and their streams."""
    return Statement(
        Effect=Allow, Action=list(actions), Resource=[GetAtt(group, "Arn") for group in groups]
    )


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
