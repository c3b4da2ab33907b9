"""E9005."""

import re

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from cfgen.lint.rules.walk import is_computed, resources, section, strings, values

ACCESS_KEY = re.compile(r"(?<![A-Z0-9])(AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
SECRET_NAME = re.compile(
    r"passw|secret|token|credential|app_?key|api_?key|access_?key", re.IGNORECASE
)


class SecretValue(CloudFormationLintRule):  # type: ignore[misc]
    """A key or password that everyone who may read the stack can read."""

    id = "E9005"
    shortdesc = "Secret value in the template"
    description = (
        "Keys and passwords do not belong in a template: not as a secret's value, not as a "
        "parameter's default, not in any text"
    )
    source_url = (
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
        "security-best-practices.html"
    )

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Look at secrets, parameters and every text."""
        found = [
            RuleMatch(where, "put the value into the secret after the deployment")
            for _, properties, path in resources(cfn, "AWS::SecretsManager::Secret")
            for value, where in values(properties, [*path, "Properties"], "SecretString")
            if not is_computed(value)
        ]
        for name, parameter in section(cfn, "Parameters").items():
            if not isinstance(parameter, dict):
                continue
            where = ["Parameters", name]
            if SECRET_NAME.search(str(name)) and parameter.get("Default"):
                message = "a default is public to all who may read the template"
                found.append(RuleMatch([*where, "Default"], message))
            if re.search(r"passw", str(name), re.IGNORECASE) and "NoEcho" not in parameter:
                found.append(RuleMatch(where, "a password needs NoEcho"))
        for text, place in strings(cfn.template, []):
            if ACCESS_KEY.search(text) or PRIVATE_KEY.search(text):
                found.append(RuleMatch(place, "this looks like a key"))
        return found
