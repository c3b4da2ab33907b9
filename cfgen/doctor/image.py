"""The machine image that the host runs."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import ClientError

from cfgen.aws import code_of
from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok

if TYPE_CHECKING:
    from cfgen.aws import Clients

OLD_DAYS = 180
"""Updates reach the host itself; a new one made from an image so old has half a year of them to
catch up with, at its first boot."""


class Image(msgspec.Struct, frozen=True):
    """When it was made and is deprecated; ``None`` where EC2 does not say."""

    made: datetime | None
    deprecated: datetime | None


def read_image(clients: "Clients", image: str) -> Image | None:
    """The image, ``None`` where it is not there, or not to be used, any more."""
    try:
        found_ = clients.ec2.describe_images(ImageIds=[image], IncludeDeprecated=True)["Images"]
    except ClientError as error:
        if code_of(error).startswith("InvalidAMIID"):
            return None
        raise
    if not found_ or found_[0].get("State", "available") != "available":
        return None
    return Image(_time(found_[0].get("CreationDate")), _time(found_[0].get("DeprecationTime")))


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def judge_image(name: str, image: Image | None, now: datetime) -> Iterator[Finding]:
    """A deprecated image can still be launched from; a new account does not find it."""
    if image is None:
        yield found("image-gone", image=name)
        return
    days = (now - image.made).days if image.made else None
    if image.deprecated and image.deprecated <= now:
        yield found("image-deprecated", image=name, since=f"{image.deprecated:%Y-%m-%d}")
    elif days is not None and days > OLD_DAYS:
        yield found("image-old", image=name, days=days)
    else:
        yield ok("image", name if days is None else f"{name}, {days} days old")
