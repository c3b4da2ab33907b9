"""What a deploy may set, grouped and described for the console."""

from collections.abc import Iterator

from troposphere import Equals, Not, Parameter, Ref, Template

from cfgen.config.checks import EMAIL, GIT_SOURCE
from cfgen.template.design import Design

IMAGE = "^$|^ami-[0-9a-f]{8}([0-9a-f]{9})?$"
ZONE_ID = "^$|^[a-z0-9]+-([a-z0-9]+-)?az[0-9]+$"

CONDITIONS = {
    "HasZone": "AvailabilityZoneId",
    "HasImage": "ImageId",
    "HasKey": "KeyName",
    "HasAlertEmail": "AlertEmail",
}
"""Conditions that hold where an optional parameter is set."""


def add(template: Template, design: Design) -> None:
    """Add the parameters, their groups and labels, and the conditions."""
    for group, parameters in (
        ("Application", _application(design)),
        ("Host", _host(design)),
        ("Alerts", _alerts(design)),
    ):
        for label, parameter in parameters:
            template.add_parameter(parameter)
            template.add_parameter_to_group(parameter, group)
            template.set_parameter_label(parameter, label)
    for condition, name in CONDITIONS.items():
        template.add_condition(condition, Not(Equals(Ref(name), "")))


def _application(design: Design) -> Iterator[tuple[str, Parameter]]:
    source = design.config.bot.source
    yield (
        "Git repository of the bot, at a tag or commit",
        Parameter(
            "AppSource",
            Type="String",
            Description=(
                "Public git repository at a pinned ref, such as https://HOST/OWNER/REPO.git@v1.2"
            ),
            AllowedPattern=f"^{GIT_SOURCE}$",
            ConstraintDescription="must be https://HOST/PATH@REF, without a user or token",
            MaxLength=500,
            **({"Default": source} if source else {}),
        ),
    )


def _host(design: Design) -> Iterator[tuple[str, Parameter]]:
    yield (
        "Availability zone id",
        Parameter(
            "AvailabilityZoneId",
            Type="String",
            Description="Zone id, the same place in every account; empty lets AWS choose",
            Default=design.plan.availability_zone_id or "",
            AllowedPattern=ZONE_ID,
            ConstraintDescription="must be a zone id such as apne2-az1, or empty",
        ),
    )
    yield (
        "Machine image",
        Parameter(
            "ImageId",
            Type="String",
            Description="Image to stay on; empty takes the newest, which replaces a running host",
            Default="",
            AllowedPattern=IMAGE,
            ConstraintDescription="must be the id of an image, such as ami-0123456789abcdef0",
        ),
    )
    yield (
        "Newest machine image",
        Parameter(
            "LatestImageId",
            Type="AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
            Description="Public parameter with the newest Amazon Linux 2023 for this architecture",
            Default=design.plan.image_parameter,
        ),
    )
    yield (
        "Key pair for SSH",
        Parameter(
            "KeyName",
            Type="String",
            Description="EC2 key pair; empty for none, for Session Manager needs none",
            Default=design.config.network.key_name,
            MaxLength=255,
        ),
    )


def _alerts(design: Design) -> Iterator[tuple[str, Parameter]]:
    yield (
        "E-mail address",
        Parameter(
            "AlertEmail",
            Type="String",
            Description="Address that alarms are sent to, after it confirmed; empty for none",
            Default=design.config.monitoring.email,
            AllowedPattern=f"^$|^{EMAIL}$",
            ConstraintDescription="must be an e-mail address, or empty",
            MaxLength=254,
        ),
    )
