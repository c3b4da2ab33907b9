"""Market hours: EventBridge Scheduler starts and stops the host."""

from awacs import ec2 as ec2_actions
from troposphere import GetAtt, Sub, Template, iam, scheduler

from cfgen.template.design import Design
from cfgen.template.policies import allow, policy, trust
from pricing.calendar import Window

RETRY_SECONDS = 1800
"""How long a start or stop is tried again: later than that it would do harm, not good."""


def add(template: Template, design: Design) -> None:
    """Add the two schedules, for a plan in market hours."""
    if design.plan.hours != "market":
        return
    template.add_resource(
        iam.Role(
            "ScheduleRole",
            AssumeRolePolicyDocument=trust("scheduler", own_account=True),
            Policies=[
                policy(
                    "start-and-stop-host",
                    allow(
                        Sub(
                            "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}"
                            ":instance/${Host}"
                        ),
                        ec2_actions.StartInstances,
                        ec2_actions.StopInstances,
                    ),
                )
            ],
        )
    )
    window = Window.parse(design.config.workload.window)
    zone = design.config.bot.timezone
    for name, action, minute in (
        ("StartSchedule", "start", window.start),
        ("StopSchedule", "stop", window.end),
    ):
        template.add_resource(
            scheduler.Schedule(
                name,
                Description=f"{action.capitalize()}s the host for the market's hours",
                ScheduleExpression=f"cron({minute % 60} {minute // 60} ? * MON-FRI *)",
                ScheduleExpressionTimezone=zone,
                FlexibleTimeWindow=scheduler.FlexibleTimeWindow(Mode="OFF"),
                State="ENABLED",
                Target=scheduler.Target(
                    Arn=Sub(f"arn:${{AWS::Partition}}:scheduler:::aws-sdk:ec2:{action}Instances"),
                    Input=Sub('{"InstanceIds":["${Host}"]}'),
                    RetryPolicy=scheduler.RetryPolicy(
                        MaximumEventAgeInSeconds=RETRY_SECONDS, MaximumRetryAttempts=60
                    ),
                    RoleArn=GetAtt("ScheduleRole", "Arn"),
                ),
            )
        )
