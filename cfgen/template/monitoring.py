"""Who is told when something is wrong."""

from troposphere import AWSHelperFn, Ref, Sub, Template, cloudwatch, sns

from cfgen.template.design import Design

LOW_CREDITS = 12
"""Twelve minutes of one vCPU: what a micro earns in an hour (EC2 User Guide, "CPU credits")."""


def add(template: Template, design: Design) -> None:
    """Add the topic and the alarms.

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
    template.add_resource(
        _alarm(
            "CpuAlarm",
            "CPU above 80% for ten minutes",
            MetricName="CPUUtilization",
            Statistic="Average",
            Period=300,
            EvaluationPeriods=2,
            Threshold=80,
            ComparisonOperator="GreaterThanThreshold",
        )
    )
    if design.plan.burstable:
        template.add_resource(
            _alarm(
                "CreditAlarm",
                # A new host begins without credits, and has more than this after an hour or two.
                f"Fewer than {LOW_CREDITS} CPU credits for two hours: the host will slow down",
                MetricName="CPUCreditBalance",
                Statistic="Maximum",
                Period=300,
                EvaluationPeriods=24,
                Threshold=LOW_CREDITS,
                ComparisonOperator="LessThanThreshold",
            )
        )
    for name, part, action, text in (
        ("SystemStatusAlarm", "System", "recover", "The machine under the host is impaired"),
        ("InstanceStatusAlarm", "Instance", "reboot", "The host does not answer"),
    ):
        remedy = Sub(f"arn:${{AWS::Partition}}:automate:${{AWS::Region}}:ec2:{action}")
        template.add_resource(
            _alarm(
                name,
                f"{text}: {action} it",
                remedy,
                MetricName=f"StatusCheckFailed_{part}",
                Statistic="Maximum",
                Period=60,
                EvaluationPeriods=3,
                Threshold=0,
                ComparisonOperator="GreaterThanThreshold",
            )
        )


def _alarm(
    name: str, description: str, *actions: AWSHelperFn, **metric: str | int
) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        name,
        AlarmDescription=description,
        AlarmActions=[Ref("AlertTopic"), *actions],
        OKActions=[Ref("AlertTopic")],
        Namespace="AWS/EC2",
        Dimensions=[cloudwatch.MetricDimension(Name="InstanceId", Value=Ref("Host"))],
        # A host that is stopped on purpose sends nothing.
        TreatMissingData="notBreaching",
        **metric,
    )
