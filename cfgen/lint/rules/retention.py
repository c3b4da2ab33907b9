"""W9009."""

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from cfgen.lint.rules.walk import resources, values


class LogGroupWithoutRetention(CloudFormationLintRule):  # type: ignore[misc]
    """Logs that are kept, and paid for, for ever."""

    id = "W9009"
    shortdesc = "Log group without retention"
    description = "A log group must say for how many days it keeps logs"
    source_url = (
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
        "aws-resource-logs-loggroup.html"
    )

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Look at log groups."""
        return [
            RuleMatch(path, "set RetentionInDays")
            for _, properties, path in resources(cfn, "AWS::Logs::LogGroup")
            if not list(values(properties, path, "RetentionInDays"))
        ]
