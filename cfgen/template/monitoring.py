"""Who is told when something is wrong.

Ten alarms are free (CloudWatch pricing, "free tier"): there are never more.
"""

from collections.abc import Iterator
from typing import Any

from troposphere import AWSHelperFn, Ref, Sub, Template, cloudwatch, logs, sns

from cfgen.template.design import Design
from cfgen.template.policies import NAMESPACE

LOW_CREDITS = 12
"""Twelve minutes of one vCPU: what a micro earns in an hour (EC2 User Guide, "CPU credits")."""

SURPLUS_CREDITS = 72
"""Minutes of one vCPU that were taken and not yet earned; a first boot takes about six. Charged is
what goes above a day's earnings: 288 of a micro, 144 of a nano, the smallest type (EC2 User Guide,
"Unlimited mode concepts")."""

ERRORS, RUNS = "Errors", "RunsOrDaysOff"
"""Metrics that are counted in the bot's log; the second also by ``schedule.py``."""

HOURS_WITHOUT_RUN = 26
"""A day, of 25 hours where clocks are set back, and an hour for the run to be late. Periods of an
hour may look back seven days, shorter ones a single day (PutMetricAlarm in the CloudWatch API
Reference)."""


def add(template: Template, design: Design) -> None:
    """Add the topic, the metrics out of the logs, and the alarms.

    The topic stays unencrypted: with the key ``alias/aws/sns``, CloudWatch's messages are dropped
    without a word (Amazon SNS Developer Guide, "Key management").
    """
    template.add_resource(sns.Topic("AlertTopic", DisplayName="Trading bot"))
    template.add_resource(
        sns.SubscriptionResource(
            "AlertSubscription",
            Condition="HasAlertEmail",
            Endpoint=Ref("AlertEmail"),
            Protocol="email",
            TopicArn=Ref("AlertTopic"),
        )
    )
    for name, pattern, metric in (
        ("ErrorFilter", "ERROR", ERRORS),
        ("RunFilter", '"check-run: ok"', RUNS),
    ):
        template.add_resource(
            logs.MetricFilter(
                name,
                FilterPattern=pattern,
                LogGroupName=Ref("BotLogGroup"),
                MetricTransformations=[
                    logs.MetricTransformation(
                        MetricName=metric, MetricNamespace=Sub(NAMESPACE), MetricValue="1"
                    )
                ],
            )
        )
    for alarm in (*_machine_alarms(design), *_agent_alarms(), *_bot_alarms()):
        template.add_resource(alarm)


def _machine_alarms(design: Design) -> list[cloudwatch.Alarm]:
    """What EC2 sees of the host."""
    dimension = "AutoScalingGroupName" if design.is_group else "InstanceId"
    host = {"Namespace": "AWS/EC2", "Dimensions": _dimension(dimension, Ref(design.host))}
    alarms = [
        _alarm(
            "CpuAlarm",
            "CPU above 80% for ten minutes",
            **host,
            MetricName="CPUUtilization",
            Statistic="Average",
            **_above(80, 300, 2),
        )
    ]
    if design.plan.burstable:
        alarms += _credit_alarm(design, host)
    # EC2's remedies are for one instance. A group replaces a host that fails its checks by itself.
    checks = (
        [("StatusAlarm", "", "The host fails EC2's checks: the group replaces it", 3, [])]
        if design.is_group
        else [
            # Not after the same time, or both would be at work at once (EC2 User Guide, "Add
            # recover actions to Amazon CloudWatch alarms").
            ("SystemStatusAlarm", "_System", "The machine under the host is impaired: recover it",
             2, [_remedy("recover")]),
            ("InstanceStatusAlarm", "_Instance", "The host does not answer: reboot it",
             3, [_remedy("reboot")]),
        ]
    )  # fmt: skip
    return alarms + [
        _alarm(
            name,
            text,
            *remedies,
            **host,
            MetricName=f"StatusCheckFailed{part}",
            Statistic="Maximum",
            **_above(0, 60, minutes),
        )
        for name, part, text, minutes, remedies in checks
    ]


def _credit_alarm(design: Design, host: dict[str, Any]) -> Iterator[cloudwatch.Alarm]:
    """What a runaway does to a host that bursts: it slows down, or costs money."""
    if design.config.host.credits == "unlimited":
        yield _alarm(
            "CreditAlarm",
            f"{SURPLUS_CREDITS} CPU credits more than were earned: if the load goes on, each vCPU "
            "above the baseline costs $0.04 (t4g) or $0.05 (t3) an hour",
            **host,
            MetricName="CPUSurplusCreditBalance",
            Statistic="Maximum",
            **_above(SURPLUS_CREDITS, 300, 1),
        )
    # A host that is new each day begins it without credits.
    elif not (design.is_group and design.plan.hours == "market"):
        yield _alarm(
            "CreditAlarm",
            # A new host begins without, and has more than this after an hour or two.
            f"Fewer than {LOW_CREDITS} CPU credits for two hours: the host will slow down",
            **host,
            MetricName="CPUCreditBalance",
            Statistic="Maximum",
            Period=300,
            EvaluationPeriods=24,
            Threshold=LOW_CREDITS,
            ComparisonOperator="LessThanThreshold",
        )


def _agent_alarms() -> list[cloudwatch.Alarm]:
    """What the agent sees on the host (``cfgen/host/etc/agent.json``)."""
    return [
        _alarm(
            name,
            f"{text} above {percent}% for ten minutes",
            Namespace=Sub(NAMESPACE),
            Dimensions=_dimension("Stack", Ref("AWS::StackName")),
            MetricName=metric,
            Statistic="Average",
            **_above(percent, 300, 2),
        )
        for name, text, metric, percent in (
            ("MemoryAlarm", "Memory", "mem_used_percent", 90),
            ("DiskAlarm", "The disk", "disk_used_percent", 85),
        )
    ]


def _bot_alarms() -> list[cloudwatch.Alarm]:
    """What the bot's log says, or fails to say."""
    return [
        _alarm(
            "ErrorAlarm",
            "ERROR in the bot's log",
            Namespace=Sub(NAMESPACE),
            MetricName=ERRORS,
            Statistic="Sum",
            **_above(0, 300, 1),
        ),
        _alarm(
            "NoRunAlarm",
            f"No run of the bot, nor a day without trading, for {HOURS_WITHOUT_RUN} hours",
            # Without missing data: CloudWatch would look further back for what there is, and
            # find an earlier run (CloudWatch User Guide, on how alarms treat missing data).
            Metrics=[
                cloudwatch.MetricDataQuery(Id="filled", Expression="FILL(runs, 0)"),
                cloudwatch.MetricDataQuery(
                    Id="runs",
                    ReturnData=False,
                    MetricStat=cloudwatch.MetricStat(
                        Metric=cloudwatch.Metric(MetricName=RUNS, Namespace=Sub(NAMESPACE)),
                        Period=3600,
                        Stat="Sum",
                    ),
                ),
            ],
            EvaluationPeriods=HOURS_WITHOUT_RUN,
            Threshold=1,
            ComparisonOperator="LessThanThreshold",
            # Silence is what it listens for: a host that did not come up says nothing.
            TreatMissingData="breaching",
        ),
    ]


def _above(threshold: int, seconds: int, periods: int) -> dict[str, str | int]:
    return {
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": threshold,
        "Period": seconds,
        "EvaluationPeriods": periods,
    }


def _dimension(name: str, value: AWSHelperFn) -> list[cloudwatch.MetricDimension]:
    return [cloudwatch.MetricDimension(Name=name, Value=value)]


def _remedy(action: str) -> AWSHelperFn:
    return Sub(f"arn:${{AWS::Partition}}:automate:${{AWS::Region}}:ec2:{action}")


def _alarm(name: str, description: str, *actions: AWSHelperFn, **metric: Any) -> cloudwatch.Alarm:
    # A host that is stopped on purpose sends nothing.
    quiet = {"TreatMissingData": "notBreaching"}
    return cloudwatch.Alarm(
        name,
        AlarmDescription=description,
        AlarmActions=[Ref("AlertTopic"), *actions],
        OKActions=[Ref("AlertTopic")],
        **quiet | metric,
    )
