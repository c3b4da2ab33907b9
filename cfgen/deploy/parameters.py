"""Which value each parameter of a template gets. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from cfgen.deploy.redact import MASK, is_key_like
from cfgen.errors import ConfigError

IMAGES = {"ImageId": "LatestImageId", "AlternateImageId": "LatestAlternateImageId"}
"""Parameters that pin a machine image, and those that name the newest one."""

KEYS = {
    "AppSource": "bot.source",
    "KeyName": "network.key_name",
    "AlertEmail": "monitoring.email",
}
"""Parameters of cfgen's own templates, and the configuration's keys for their defaults."""


class Declared(msgspec.Struct, frozen=True):
    """A parameter as the template declares it; ``default`` is ``None`` where there is none."""

    name: str
    default: str | None
    secret: bool = False


class Chosen(msgspec.Struct, frozen=True):
    """A value and where it comes from. ``keep`` takes the stack's own; ``value`` is that one."""

    name: str
    value: str
    source: Literal["flag", "kept", "image", "default", "stand-in"]
    secret: bool = False

    @property
    def keep(self) -> bool:
        """Whether the deployed value is used again, unseen."""
        return self.source == "kept"


def choose_parameters(
    declared: Sequence[Declared],
    flags: Mapping[str, str],
    deployed: Mapping[str, str],
    newest_images: Mapping[str, str],
    config: str = "cfgen.toml",
) -> tuple[Chosen, ...]:
    """Flag, then the pinned image, then the template's default, then the deployed value.

    A default that changed is taken: what ``config``, the configuration's file, says arrives by it.
    The image stays what is deployed, for another one replaces the host; ``newest_images`` are those
    that shall be taken.
    Raises :class:`ConfigError` for a flag without a parameter and a parameter without a value.
    """
    names = [parameter.name for parameter in declared]
    if unknown := sorted(set(flags) - set(names)):
        raise ConfigError(
            f"--parameter {unknown[0]}: the template has no such parameter",
            f"it has {', '.join(names)}",
        )
    return tuple(
        _choose(parameter, flags, deployed, newest_images, config) for parameter in declared
    )


def _choose(
    parameter: Declared,
    flags: Mapping[str, str],
    deployed: Mapping[str, str],
    newest_images: Mapping[str, str],
    config: str,
) -> Chosen:
    name, secret = parameter.name, parameter.secret
    if name in flags:
        return Chosen(name, flags[name], "flag", secret)
    if name in newest_images:
        return Chosen(name, newest_images[name], "image", secret)
    if name in IMAGES and deployed.get(name):
        return Chosen(name, deployed[name], "kept", secret)
    if secret and name in deployed:
        return Chosen(name, deployed[name], "kept", secret)
    if parameter.default is not None:
        return Chosen(name, parameter.default, "default", secret)
    if name in deployed:
        return Chosen(name, deployed[name], "kept", secret)
    raise ConfigError(
        f"parameter {name} has no value",
        f"add --parameter {name}=VALUE"
        + (f", or set {KEYS[name]} in {config}" if name in KEYS else ""),
    )


class ParameterChange(msgspec.Struct, frozen=True):
    """A parameter whose value differs from the deployed one; secrets are masked."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name}: {self.before} -> {self.after}"


def changed(chosen: Sequence[Chosen], deployed: Mapping[str, str]) -> tuple[ParameterChange, ...]:
    """What differs from the deployed values."""
    hidden = [one.name for one in chosen if one.secret]
    return differences({one.name: one.value for one in chosen}, deployed, hidden)


def differences(
    values: Mapping[str, str], deployed: Mapping[str, str], hidden: Collection[str] = ()
) -> tuple[ParameterChange, ...]:
    """What differs, with those masked that are ``hidden`` or called like a key."""
    return tuple(
        ParameterChange(name, *(_shown(name, one, hidden) for one in (deployed[name], value)))
        for name, value in values.items()
        if name in deployed
        and deployed[name] != value
        # moto gives the image that such a parameter leads to.
        and not (name in IMAGES.values() and deployed[name].startswith("ami-"))
    )


def _shown(name: str, value: str, hidden: Collection[str]) -> str:
    return MASK if name in hidden or is_key_like(name) else repr(value)
