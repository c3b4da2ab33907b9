"""An alarm on the account's bill."""

from awacs import sns as sns_actions
from awacs.aws import Allow, Condition, PolicyDocument, Principal, Statement, StringEquals
from troposphere import Ref, Template, budgets, sns

from cfgen.template.design import Design

THRESHOLDS = (("ACTUAL", 80), ("FORECASTED", 100))
"""Percent of the budget that was spent, and that the month is heading for."""


def add(template: Template, design: Design) -> None:
    """Add a budget that speaks through the stack's topic, if one is wanted."""
    limit = design.config.budget.monthly_usd
    if not limit:
        return
    topic = [budgets.Subscriber(SubscriptionType="SNS", Address=Ref("AlertTopic"))]
    template.add_resource(
        sns.TopicPolicy(
            "AlertTopicPolicy",
            Topics=[Ref("AlertTopic")],
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                # It stands in place of the policy that lets the account's own alarms in.
                Statement=[_may_publish(name) for name in ("budgets", "cloudwatch")],
            ),
        )
    )
    template.add_resource(
        budgets.Budget(
            "Budget",
            DependsOn="AlertTopicPolicy",
            Budget=budgets.BudgetData(
                BudgetType="COST",
                TimeUnit="MONTHLY",
                BudgetLimit=budgets.Spend(Amount=float(limit), Unit="USD"),
            ),
            NotificationsWithSubscribers=[
                budgets.NotificationWithSubscribers(
                    Notification=budgets.Notification(
                        NotificationType=kind,
                        ComparisonOperator="GREATER_THAN",
                        Threshold=percent,
                        ThresholdType="PERCENTAGE",
                    ),
                    Subscribers=topic,
                )
                for kind, percent in THRESHOLDS
            ],
        )
    )


def _may_publish(service: str) -> Statement:
    return Statement(
        Effect=Allow,
        Principal=Principal("Service", f"{service}.amazonaws.com"),
        Action=[sns_actions.Publish],
        Resource=[Ref("AlertTopic")],
        Condition=Condition(StringEquals({"aws:SourceAccount": Ref("AWS::AccountId")})),
    )
