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
                Description=(
                    "S3 bucket that holds the packed bot. cfgen deploy packs, uploads and fills it "
                    "in: deploy this template with it, not by hand"
                ),
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
                "Where the host fetches the bot: a public git repository, and after @ a tag or "
                "commit, such as https://HOST/OWNER/REPO.git@v1.2"
            ),
            AllowedPattern=f"^{GIT_SOURCE}$",
            ConstraintDescription="must be https://HOST/PATH@REF, without a user or token",
            MaxLength=500,
            **({"Default": source} if source else {}),
        ),
    )


def _host(design: Design) -> Iterator[tuple[str, Parameter]]:
    region = design.config.stack.region
    yield (
        f"Availability zone id (of {region})",
        Parameter(
            "AvailabilityZoneId",
            Type="String",
            Description=(
                f"Zone of {region} that the first subnet lies in, by its id, which means the same "
                "place in every account. In any other region leave it empty: AWS chooses. Of a "
                "stack that is there it stays, for another one replaces subnet and host"
            ),
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
                    "Id of the image to stay on. Empty takes the newest: with every update of the "
                    "stack that finds a newer one, the host is replaced. The stack's output "
                    f"{pinned.removesuffix('Id')} says which one is in use"
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
                Description=(
                    "Systems Manager parameter of AWS's that names the newest Amazon Linux 2023; "
                    "leave it as it is"
                ),
                Default=image_parameter(arch),
            ),
        )
    yield (
        "Key pair for SSH",
        Parameter(
            "KeyName",
            Type="String",
            Description=(
                "Name of an EC2 key pair of this region. Leave it empty: Session Manager gives a "
                "shell without one"
            ),
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
            Description=(
                "Address that alarms are sent to, once its owner has followed the link in AWS's "
                "first message; empty for none"
            ),
            Default=design.config.monitoring.email,
            AllowedPattern=f"^$|^{EMAIL}$",
            ConstraintDescription="must be an e-mail address, or empty",
            MaxLength=254,
        ),
    )
