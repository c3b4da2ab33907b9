"""Backup, name, budget, and an app from a folder."""

import json

from tests.trees import (
    only,
    tree,
)


def test_the_bucket_is_private_encrypted_versioned_and_outlives_the_stack() -> None:
    template = tree(backup={"enabled": True})
    bucket = template["Resources"]["StateBucket"]
    policies = bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]
    # One whose creation failed is not left behind.
    assert policies == ("RetainExceptOnCreate", "Retain")
    properties = bucket["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    [rule] = properties["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    [statement] = only(template, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}


def test_the_budget_speaks_through_the_topic() -> None:
    template = tree(budget={"monthly_usd": "12.50"})
    budget = only(template, "AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 12.5, "Unit": "USD"}
    told = [
        (
            one["Notification"]["NotificationType"],
            one["Notification"]["Threshold"],
            one["Subscribers"],
        )
        for one in budget["NotificationsWithSubscribers"]
    ]
    topic = [{"SubscriptionType": "SNS", "Address": {"Ref": "AlertTopic"}}]
    assert told == [("ACTUAL", 80, topic), ("FORECASTED", 100, topic)]
    document = only(template, "AWS::SNS::TopicPolicy")["PolicyDocument"]
    publishers = {one["Principal"]["Service"] for one in document["Statement"]}
    # Alarms were let in by the policy that this one replaces.
    assert publishers == {"budgets.amazonaws.com", "cloudwatch.amazonaws.com"}


def test_a_name_for_the_address() -> None:
    record = only(tree(dns={"zone_id": "Z1", "name": "bot.example.com"}), "AWS::Route53::RecordSet")
    assert record == {
        "HostedZoneId": "Z1",
        "Name": "bot.example.com",
        "ResourceRecords": [{"Ref": "Address"}],
        "TTL": "300",
        "Type": "A",
    }


def test_a_folder_is_deployed_out_of_a_bucket() -> None:
    template = tree(bot={"source": "./bot"})
    assert "AppSource" not in template["Parameters"]
    files = template["Resources"]["Host"]["Metadata"]["AWS::CloudFormation::Init"]["config"][
        "files"
    ]
    env = files["/etc/trading-bot/stack.env"]["content"]["Fn::Sub"]
    assert 'APP_SOURCE="s3://${AppBundleBucket}/${AppBundleKey}"' in env
    # Where a folder lies on somebody's machine is nobody else's business.
    assert "./bot" not in json.dumps(template)
