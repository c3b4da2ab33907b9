"""E9002."""

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from cfgen.lint.rules.walk import resources, values

HOSTS = {"AWS::EC2::Instance": (), "AWS::EC2::LaunchTemplate": ("LaunchTemplateData",)}


class InstanceMetadataV1(CloudFormationLintRule):  # type: ignore[misc]
    """A host whose credentials a forged request can read."""

    id = "E9002"
    shortdesc = "Instance metadata without a token"
    description = "Hosts must require tokens of the instance metadata service (IMDSv2)"
    source_url = (
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
        "configuring-instance-metadata-service.html"
    )

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Look at instances and launch templates; a template's instance takes its options."""
        found = []
        for kind, prefix in HOSTS.items():
            for _, properties, path in resources(cfn, kind):
                options = list(
                    values(properties, [*path, "Properties"], *prefix, "MetadataOptions")
                )
                tokens = [one for each in options for one in values(*each, "HttpTokens")]
                endpoints = [
                    str(one[0]) for each in options for one in values(*each, "HttpEndpoint")
                ]
                inherited = kind == "AWS::EC2::Instance" and "LaunchTemplate" in properties
                off = bool(endpoints) and all(one == "disabled" for one in endpoints)
                wrong = [where for value, where in tokens if value == "optional"]
                if not tokens and not inherited and not off:
                    wrong = [path]
                found += [
                    RuleMatch(where, "set MetadataOptions.HttpTokens to required")
                    for where in wrong
                ]
        return found
