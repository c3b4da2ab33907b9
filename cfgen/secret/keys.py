"""Which keys a bot needs, what they look like, and reading them out of an env file. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from cfgen.config.checks import DECIDED
from cfgen.errors import ConfigError

Mode = Literal["demo", "real"]


class Shape(msgspec.Struct, frozen=True):
    """A key of the Korea Investment & Securities Open API. ``hidden`` ones are secret."""

    name: str
    pattern: str
    looks: str
    hidden: bool = True


_APP_KEY = ("PS[A-Za-z0-9]{34}", "36 letters and digits, the first two PS")
_APP_SECRET = ("[A-Za-z0-9+/]{178}[A-Za-z0-9+/=]{2}", "180 characters of base64")
_ACCOUNT = ("[0-9]{8}", "8 digits, without the product code")
_PRODUCT = Shape("KIS_PROD_TYPE", "[0-9]{2}", "2 digits, such as 01", hidden=False)
_USER = Shape("KIS_HTS_ID", r"[!-~]{1,32}", "the HTS user id", hidden=False)

NEEDED: dict[Mode, tuple[Shape, ...]] = {
    "demo": (
        Shape("KIS_PAPER_APP_KEY", *_APP_KEY),
        Shape("KIS_PAPER_APP_SECRET", *_APP_SECRET),
        Shape("KIS_PAPER_STOCK", *_ACCOUNT, hidden=False),
        _USER,
        _PRODUCT,
    ),
    "real": (
        Shape("KIS_APP_KEY", *_APP_KEY),
        Shape("KIS_APP_SECRET", *_APP_SECRET),
        Shape("KIS_ACCT_STOCK", *_ACCOUNT, hidden=False),
        _USER,
        _PRODUCT,
    ),
}
"""What a bot of each mode needs (the API's portal; names as its examples' environment has them)."""

FURTHER = (
    Shape("KIS_ACCT_FUTURE", *_ACCOUNT, hidden=False),
    Shape("KIS_PAPER_FUTURE", *_ACCOUNT, hidden=False),
)
SHAPES = {one.name: one for shapes in NEEDED.values() for one in shapes} | {
    one.name: one for one in FURTHER
}
NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
"""What ``cfgen/host/scripts/load-secrets`` takes for a name."""


def problem(name: str, value: str) -> str:
    """What is wrong with a key, without showing it; empty if nothing is."""
    if not NAME.fullmatch(name):
        return f"{name!r} is not a name such as KIS_APP_KEY"
    if DECIDED.fullmatch(name):
        return f"{name} is decided by the bot's units"
    if not value or not value.isprintable():
        return f"{name} is not one line of text"
    shape = SHAPES.get(name)
    if shape and not re.fullmatch(shape.pattern, value):
        return f"{name} does not look like one: it should be {shape.looks}"
    return ""


def lacking(mode: Mode, keys: Mapping[str, object]) -> list[str]:
    """Names that a bot of this mode needs and the keys lack."""
    return [one.name for one in NEEDED[mode] if one.name not in keys]


def parse_env(text: str, origin: str) -> dict[str, str]:
    """Read ``NAME=VALUE`` lines, as shells and python-dotenv do: comments, ``export``, quotes.

    Names that the units decide are left out. Raises :class:`ConfigError` with the line's number,
    never with what it holds.
    """
    keys = dict(_lines(text, origin))
    if not keys:
        raise ConfigError(f"{origin}: holds no NAME=VALUE line", "one line a key")
    return keys


def _lines(text: str, origin: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        name, equals, value = bare.removeprefix("export ").partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not NAME.fullmatch(name):
            raise ConfigError(f"{origin}:{number}: is not NAME=VALUE", "one line a key")
        if value[:1] in ("'", '"'):
            quoted = re.fullmatch(r"""(["'])(.*)\1(?:\s+#.*)?""", value)
            if not quoted:
                raise ConfigError(f"{origin}:{number}: the quotes of {name} do not end")
            value = quoted[2]
        else:
            value = re.split(r"\s+#", value)[0]
        if not DECIDED.fullmatch(name) and value:
            yield name, value
