"""Market hours: who starts and stops the host, and who accounts for the days when it is down."""

from collections.abc import Sequence

from awacs import ec2 as ec2_actions
from awacs.aws import Statement
from troposphere import GetAtt, Ref, Sub, Template, autoscaling, iam, scheduler

from cfgen.config.jobs import first_start
from cfgen.config.sessions import start_weekdays, up_weekdays
from cfgen.config.weekdays import shifted
from cfgen.template.design import Design
from cfgen.template.monitoring import RUNS
from cfgen.template.policies import NAMESPACE, allow, policy, put_metrics, trust
from pricing.calendar import DAY, Window, minute_of

RETRY_SECONDS = 1800
"""How long a start or stop is tried again: later than that it would do harm, not good."""


CRONTAB = "0123456"
SCHEDULER = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
"""Days of the week, from Sunday on."""


def add(template: Template, design: Design) -> None:
    """Add the schedules of a plan in market hours."""
    if design.plan.hours != "market":
        return
    window = Window.parse(design.config.workload.window)
    starts = start_weekdays(design.config)
    stops = shifted(starts, window.end // DAY)
    if design.is_group:
        for name, days, minute, size in (
            ("StartAction", starts, window.start, 1),
            ("StopAction", stops, window.end, 0),
        ):
            template.add_resource(
                autoscaling.ScheduledAction(
                    name,
                    AutoScalingGroupName=Ref(design.host),
                    Recurrence=f"{_at(minute)} * * {_cron_days(days, CRONTAB)}",
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
        for name, action, days, minute in (
            ("StartSchedule", "start", starts, window.start),
            ("StopSchedule", "stop", stops, window.end),
        ):
            template.add_resource(
                _schedule(
                    design,
                    name,
                    f"{action.capitalize()}s the host for the market's hours",
                    days,
                    minute,
                    _target("ScheduleRole", f"ec2:{action}Instances", request),
                )
            )
    _add_days_off(template, design)


def _add_days_off(template: Template, design: Design) -> None:
    """Account for days on which a market host is down and cannot say that no run is wanted.

    At the bot's time, so that at most a day and some minutes lie between it and the ``check-run``
    of the day before or after. Over midnight these days are not those without a start.
    """
    time = first_start(design.config)
    days = frozenset(range(7)) - up_weekdays(design.config, time)
    _add_role(template, "DaysOffRole", put_metrics())
    metric = f'{{"Namespace":"{NAMESPACE}","MetricData":[{{"MetricName":"{RUNS}","Value":1}}]}}'
    template.add_resource(
        _schedule(
            design,
            "DaysOffSchedule",
            "Accounts for the days on which no run is wanted and the host is down",
            days,
            minute_of(time),
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
    design: Design,
    name: str,
    text: str,
    days: frozenset[int],
    minute: int,
    target: scheduler.Target,
) -> scheduler.Schedule:
    return scheduler.Schedule(
        name,
        Description=text,
        ScheduleExpression=f"cron({_at(minute)} ? * {_cron_days(days, SCHEDULER)} *)",
        ScheduleExpressionTimezone=design.config.bot.timezone,
        FlexibleTimeWindow=scheduler.FlexibleTimeWindow(Mode="OFF"),
        State="ENABLED",
        Target=target,
    )


def _at(minute: int) -> str:
    """Minute and hour, as cron expressions begin."""
    return f"{minute % 60} {minute // 60 % 24}"


def _cron_days(days: frozenset[int], names: Sequence[str]) -> str:
    """``MON-FRI`` or ``1-5``. In both forms Sunday comes first, and no range goes over it
    (EventBridge Scheduler User Guide, "Cron-based schedules"; crontab(5))."""
    order = sorted((day + 1) % 7 for day in days)
    if len(order) > 2 and order[-1] - order[0] == len(order) - 1:
        return f"{names[order[0]]}-{names[order[-1]]}"
    return ",".join(names[(day + 1) % 7] for day in sorted(days))


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
