"""W9006."""

import re
from typing import Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from cfgen.lint.rules.walk import resources

NAMES = {
    "AWS::SecretsManager::Secret": "Name",
    "AWS::S3::Bucket": "BucketName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::KMS::Alias": "AliasName",
}
"""The property that names a resource which may hold data."""

RETAINED = {"Retain", "RetainExceptOnCreate"}


class RetainedWithFixedName(CloudFormationLintRule):  # type: ignore[misc]
    """What stays behind under a name that the next stack wants, too."""

    id = "W9006"
    shortdesc = "Retained resource with a fixed name"
    description = (
        "A retained resource keeps its name: the stack cannot be made again, or the resource "
        "replaced, before someone deletes or imports it"
    )
    source_url = (
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
        "aws-attribute-deletionpolicy.html"
    )

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Look at the names of what is retained."""
        found = []
        for _, properties, path in resources(cfn, *NAMES):
            resource = cfn.template["Resources"][path[1]]
            key = NAMES[resource["Type"]]
            policies = resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")
            kept = any(isinstance(policy, str) and policy in RETAINED for policy in policies)
            if kept and _is_fixed(properties.get(key)):
                message = "it is retained, and the next one cannot have its name"
                found.append(RuleMatch([*path, "Properties", key], message))
        return found


def _is_fixed(name: Any) -> bool:
    """Whether a name comes out the same the next time: of texts and the stack's own name only."""
    if isinstance(name, str):
        return True
    text = name.get("Fn::Sub") if isinstance(name, dict) else None
    if not isinstance(text, str):
        return False
    same = {"AWS::StackName", "AWS::Region", "AWS::AccountId", "AWS::Partition"}
    return set(re.findall(r"\$\{([^}!]+)\}", text)) <= same
