"""The brake: whether jobs may run, as ``cfgen pause`` and ``cfgen resume`` set it."""

from troposphere import Template, ssm

from cfgen.template.design import Design

BRAKE = "Brake"
"""Its logical id; the parameter's name is CloudFormation's own, for a second stack's sake."""

DESCRIPTION = "Whether the trading bot may run: set by cfgen pause and cfgen resume"


def add(template: Template, design: Design) -> None:  # noqa: ARG001 - the layers' common form
    """Add the parameter, which a new host reads as well. A standard one costs nothing.

    An update of the stack leaves its value alone, as long as the template's does not change.
    """
    template.add_resource(
        ssm.Parameter(BRAKE, Description=DESCRIPTION, Type="String", Value="running")
    )
