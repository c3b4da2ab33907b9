"""Market hours: who starts and stops the host, and who accounts for the days when it is down."""

from awacs import ec2 as ec2_actions
from awacs.aws import Statement
from troposphere import GetAtt, Ref, Sub, Template, autoscaling, iam, scheduler

from cfgen.template.design import Design
from cfgen.template.monitoring import RUNS
from cfgen.template.policies import NAMESPACE, allow, policy, put_metrics, trust
from pricing.calendar import Window, minute_of

RETRY_SECONDS = 1800
"""How long a start or stop is tried again: later than that it would do harm, not good."""


def add(template: Template, design: Design) -> None:
    """Add the schedules of a plan in market hours."""
    if design.plan.hours != "market":
        return
    window = Window.parse(design.config.workload.window)
    if design.is_group:
        for name, minute, size in (("StartAction", window.start, 1), ("StopAction", window.end, 0)):
            template.add_resource(
                autoscaling.ScheduledAction(
                    name,
                    AutoScalingGroupName=Ref(design.host),
                    Recurrence=f"{minute % 60} {minute // 60} * * 1-5",
                    TimeZone=design.config.bot.timezone,
                    MinSize=0,
                    MaxSize=1,
                    DesiredCapacity=size,
                )
            )
    else:
        request = '{"InstanceIds":["${Host}"]}'
        instance = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:instance/${Host}"
        actions = ec2_actions.StartInstances, ec2_actions.StopInstances
        _add_role(template, "ScheduleRole", allow(Sub(instance), *actions))
        for name, action, minute in (
            ("StartSchedule", "start", window.start),
            ("StopSchedule", "stop", window.end),
        ):
            template.add_resource(
                _schedule(
                    design,
                    name,
                    f"{action.capitalize()}s the host for the market's hours",
                    "MON-FRI",
                    minute,
                    _target("ScheduleRole", f"ec2:{action}Instances", request),
                )
            )
    _add_days_off(template, design)


def _add_days_off(template: Template, design: Design) -> None:
    """Account for weekends, on which a market host is down and cannot say that no run is wanted."""
    _add_role(template, "DaysOffRole", put_metrics())
    metric = f'{{"Namespace":"{NAMESPACE}","MetricData":[{{"MetricName":"{RUNS}","Value":1}}]}}'
    template.add_resource(
        _schedule(
            design,
            "DaysOffSchedule",
            "Accounts for the days on which no run is wanted and the host is down",
            "SAT,SUN",
            minute_of(design.config.bot.run_at),
            _target("DaysOffRole", "cloudwatch:putMetricData", metric),
        )
    )


def _add_role(template: Template, name: str, statement: Statement) -> None:
    template.add_resource(
        iam.Role(
            name,
            AssumeRolePolicyDocument=trust("scheduler", own_account=True),
            Policies=[policy("act", statement)],
        )
    )


def _schedule(
    design: Design, name: str, text: str, days: str, minute: int, target: scheduler.Target
) -> scheduler.Schedule:
    return scheduler.Schedule(
        name,
        Description=text,
        ScheduleExpression=f"cron({minute % 60} {minute // 60} ? * {days} *)",
        ScheduleExpressionTimezone=design.config.bot.timezone,
        FlexibleTimeWindow=scheduler.FlexibleTimeWindow(Mode="OFF"),
        State="ENABLED",
        Target=target,
    )


def _target(role: str, call: str, request: str) -> scheduler.Target:
    """A call of an AWS API (EventBridge Scheduler User Guide, "Using universal targets")."""
    return scheduler.Target(
        Arn=Sub(f"arn:${{AWS::Partition}}:scheduler:::aws-sdk:{call}"),
        Input=Sub(request),
        RetryPolicy=scheduler.RetryPolicy(
            MaximumEventAgeInSeconds=RETRY_SECONDS, MaximumRetryAttempts=60
        ),
        RoleArn=GetAtt(role, "Arn"),
    )
