"""What rings, and whether anybody is told."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok

if TYPE_CHECKING:
    from cfgen.aws import Clients

PENDING = "PendingConfirmation"
"""What stands in place of a subscription's ARN until it is confirmed (Subscription in the SNS API
Reference)."""

NO_RUN = "NoRunAlarm"
"""Rings until the first run of a new stack (``docs/host.md``)."""


class Alarm(msgspec.Struct, frozen=True):
    """An alarm by its logical id; ``state`` is CloudWatch's, empty where it is not there."""

    name: str
    state: str
    text: str = ""


def read_alarms(clients: "Clients", resources: Mapping[str, str]) -> tuple[Alarm, ...]:
    """The stack's alarms. Raises botocore's errors."""
    ours = {name: one for name, one in resources.items() if name.endswith("Alarm")}
    pages = clients.cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNames=list(ours.values())
    )
    there = (
        {one["AlarmName"]: one for page in pages for one in page["MetricAlarms"]} if ours else {}
    )
    return tuple(
        Alarm(name, there[one]["StateValue"], there[one].get("AlarmDescription", ""))
        if one in there
        else Alarm(name, "")
        for name, one in sorted(ours.items())
    )


def judge_alarms(alarms: tuple[Alarm, ...], *, has_run: bool) -> Iterator[Finding]:
    """``has_run`` says whether a run has ended well lately."""
    for one in alarms:
        if one.state == "ALARM":
            first = one.name == NO_RUN and not has_run
            code = "alarm-first-run" if first else "alarm-rings"
            yield found(code, name=one.name, text=one.text)
    for code, state in (("alarm-no-data", "INSUFFICIENT_DATA"), ("alarm-absent", "")):
        names = ", ".join(one.name for one in alarms if one.state == state)
        if names:
            yield found(code, names=names)
    if all(one.state == "OK" for one in alarms):
        yield ok("alarms", f"{len(alarms)} alarms, none rings" if alarms else "the stack has none")


class Subscription(msgspec.Struct, frozen=True):
    """An address that the topic writes to; ``arn`` is not one until it is confirmed."""

    address: str
    arn: str


def read_subscriptions(clients: "Clients", topic: str) -> tuple[Subscription, ...]:
    """The topic's subscriptions by mail. Raises botocore's errors."""
    pages = clients.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return tuple(
        Subscription(one.get("Endpoint", ""), one.get("SubscriptionArn", ""))
        for page in pages
        for one in page["Subscriptions"]
        if one.get("Protocol") == "email"
    )


def judge_mail(
    email: str,
    deployed: str,
    subscriptions: tuple[Subscription, ...],
    topic: str,
    region: str,
    file: str,
) -> Iterator[Finding]:
    """``email`` is the configured address, ``deployed`` the stack's; others count as well."""
    confirmed = [one for one in subscriptions if one.arn.startswith("arn:")]
    there = {one.address for one in subscriptions if one.arn != "Deleted"}
    for one in subscriptions:
        if one.arn == PENDING:
            yield found("mail-pending", address=one.address, topic=topic, region=region)
    if email and email != deployed and email not in there:
        yield found("mail-undeployed", address=email, file=file)
    elif deployed and deployed not in there:
        yield found("mail-ended", address=deployed, topic=topic, region=region)
    elif not subscriptions:
        yield found("mail-none", file=file)
    elif confirmed:
        yield ok("mail", f"alarms go to {', '.join(one.address for one in confirmed)}")
