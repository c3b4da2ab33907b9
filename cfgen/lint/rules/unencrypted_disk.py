"""E9003."""

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from cfgen.lint.rules.walk import Path, is_computed, is_true, resources, values

MAPPINGS = {
    "AWS::EC2::Instance": ("BlockDeviceMappings",),
    "AWS::EC2::LaunchTemplate": ("LaunchTemplateData", "BlockDeviceMappings"),
}


class UnencryptedDisk(CloudFormationLintRule):  # type: ignore[misc]
    """A disk whose blocks could be read from a copy."""

    id = "E9003"
    shortdesc = "Unencrypted disk"
    description = "Volumes and the disks of hosts must be encrypted, whatever the account's default"
    source_url = "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Look at volumes and at the disks of instances and launch templates."""
        bare: list[Path] = [
            [*path, "Properties"] if properties else path
            for _, properties, path in resources(cfn, "AWS::EC2::Volume")
            if not _encrypted(properties.get("Encrypted"))
        ]
        for kind, keys in MAPPINGS.items():
            for _, properties, path in resources(cfn, kind):
                disks = list(values(properties, [*path, "Properties"], *keys, "Ebs"))
                bare += [
                    where
                    for disk, where in disks
                    if isinstance(disk, dict) and not _encrypted(disk.get("Encrypted"))
                ]
                host = kind == "AWS::EC2::Instance"
                if host and not disks and "LaunchTemplate" not in properties:
                    bare.append(path)
        return [RuleMatch(where, "set Encrypted to true for this disk") for where in bare]


def _encrypted(value: object) -> bool:
    return is_true(value) or is_computed(value)
