"""The broker's keys."""

from troposphere import Sub, Template, secretsmanager

from cfgen.template.design import Design


def add(template: Template, design: Design) -> None:  # noqa: ARG001 - the layers' common form
    """Add an empty secret: no placeholder keys, and nothing that an update could overwrite.

    It outlives the stack, except one whose creation failed: left behind, its fixed name would
    block every later try.
    """
    template.add_resource(
        secretsmanager.Secret(
            "KisSecret",
            Name=Sub("${AWS::StackName}/kis-api"),
            Description="Keys of the Korea Investment & Securities Open API, as a JSON object",
            Metadata=_suppressed(
                "W9006", "One name for ever, so that people and the host find the keys"
            ),
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
        )
    )


def _suppressed(rule: str, reason: str) -> dict[str, object]:
    """Keep cfn-lint from a finding, and say why where it is kept."""
    return {"cfn-lint": {"config": {"ignore_checks": [rule]}}, "Reason": reason}
