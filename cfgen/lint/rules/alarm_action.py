"""W9008."""

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from cfgen.lint.rules.walk import resources, values


class AlarmWithoutAction(CloudFormationLintRule):  # type: ignore[misc]
    """An alarm that rings where nobody hears it."""

    id = "W9008"
    shortdesc = "Alarm without an action"
    description = "An alarm must tell someone or do something"
    source_url = (
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
        "aws-resource-cloudwatch-alarm.html"
    )

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Look at alarms, composite ones too."""
        found = []
        for _, properties, path in resources(
            cfn, "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
        ):
            actions = list(values(properties, path, "AlarmActions"))
            off = properties.get("ActionsEnabled") in (False, "false")
            if off or not actions:
                found.append(RuleMatch(path, "give it AlarmActions, such as a topic"))
        return found
