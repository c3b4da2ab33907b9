"""The brake: whether jobs may run, as ``cfgen pause`` and ``cfgen resume`` set it."""

from troposphere import Sub, Template, ssm

from cfgen.host.render import BRAKE, BRAKE_DESCRIPTION
from cfgen.template.design import Design


def add(template: Template, design: Design) -> None:  # noqa: ARG001 - the layers' common form
    """Add the parameter, which a new host reads as well. A standard one costs nothing.

    Its name begins with neither aws nor ssm, as a stack's may, for those are AWS's (PutParameter).
    It has one because a rehearsal's moto makes none up.

    An update of the stack leaves its value alone, as long as the template's does not change.
    """
    template.add_resource(
        ssm.Parameter(
            BRAKE,
            Name=Sub("cfgen-${AWS::StackName}-brake"),
            Description=BRAKE_DESCRIPTION,
            Type="String",
            Value="running",
        )
    )
