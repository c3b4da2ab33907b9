"""What a deploy may set, grouped and described for the console."""

from collections.abc import Iterator

from troposphere import AWSHelperFn, Equals, If, Not, Parameter, Ref, Template

from cfgen.config.checks import EMAIL, GIT_SOURCE, is_folder
from cfgen.lock import image_parameter
from cfgen.template.design import Design

IMAGE = "^$|^ami-[0-9a-f]{8}([0-9a-f]{9})?$"
ZONE_ID = "^$|^[a-z0-9]+-([a-z0-9]+-)?az[0-9]+$"

BUCKET = "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
KEY = "^[A-Za-z0-9._/-]{1,900}$"

CONDITIONS = {
    "HasZone": "AvailabilityZoneId",
    "HasImage": "ImageId",
    "HasAlternateImage": "AlternateImageId",
    "HasKey": "KeyName",
    "HasAlertEmail": "AlertEmail",
}
"""Conditions that hold where an optional parameter is set."""

IMAGES = (
    ("HasImage", "ImageId", "LatestImageId"),
    ("HasAlternateImage", "AlternateImageId", "LatestAlternateImageId"),
)
"""Of each architecture, the plan's own first: the parameter that pins the image, the one that names
the newest, and the condition between them."""


def image(index: int) -> AWSHelperFn:
    """The image of an architecture: what is pinned, else the newest."""
    condition, pinned, newest = IMAGES[index]
    return If(condition, Ref(pinned), Ref(newest))


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
        if name in template.parameters:
            template.add_condition(condition, Not(Equals(Ref(name), "")))


def _application(design: Design) -> Iterator[tuple[str, Parameter]]:
    source = design.config.bot.source
    if is_folder(source):
        yield (
            "Bucket of the packed bot",
            Parameter(
                "AppBundleBucket",
                Type="String",
                Description="Bucket that holds the packed bot; cfgen deploy fills it in",
                AllowedPattern=BUCKET,
            ),
        )
        yield (
            "Key of the packed bot",
            Parameter(
                "AppBundleKey",
                Type="String",
                Description="Key of the packed bot, a .tar.gz named after its content",
                AllowedPattern=KEY,
            ),
        )
        return
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
            Default=design.first_zone,
            AllowedPattern=ZONE_ID,
            ConstraintDescription="must be a zone id such as apne2-az1, or empty",
        ),
    )
    for arch, (_, pinned, newest) in zip(design.plan.architectures, IMAGES, strict=False):
        yield (
            f"Machine image ({arch})",
            Parameter(
                pinned,
                Type="String",
                Description=(
                    "Image to stay on; empty takes the newest, which replaces a running host"
                ),
                Default="",
                AllowedPattern=IMAGE,
                ConstraintDescription="must be the id of an image, such as ami-0123456789abcdef0",
            ),
        )
        yield (
            f"Newest machine image ({arch})",
            Parameter(
                newest,
                Type="AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
                Description="Public parameter with the newest Amazon Linux 2023 for it",
                Default=image_parameter(arch),
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
