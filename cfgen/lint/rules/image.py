"""W9004."""

import re

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from cfgen.lint.rules.walk import resources, section

NEWEST = "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"


class ImageThatMoves(CloudFormationLintRule):  # type: ignore[misc]
    """A host that any update of the stack may replace, for its image has become newer."""

    id = "W9004"
    shortdesc = "Image that cannot be pinned"
    description = (
        "An instance whose image follows a public parameter is replaced, with all that is on it, "
        "by the first update after a new image; let a parameter pin it"
    )
    source_url = (
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
        "aws-resource-ec2-instance.html"
    )

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Look at instances; an ``Fn::If`` leaves a way to pin."""
        parameters = section(cfn, "Parameters")
        found = []
        for _, properties, path in resources(cfn, "AWS::EC2::Instance"):
            image = properties.get("ImageId")
            follows = bool(re.match(r"\{\{resolve:ssm:[^:}]*\}\}", str(image)))
            if isinstance(image, dict) and isinstance(image.get("Ref"), str):
                parameter = parameters.get(image["Ref"])
                follows = isinstance(parameter, dict) and parameter.get("Type") == NEWEST
            if follows:
                where = [*path, "Properties", "ImageId"]
                found.append(RuleMatch(where, "a newer image will replace this host: pin it"))
        return found
