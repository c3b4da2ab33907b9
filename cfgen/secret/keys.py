"""Which keys a bot needs, what they look like, and what is wrong with one. Pure."""

import re
from collections.abc import Collection
from itertools import pairwise
from typing import Literal

import msgspec

from cfgen.config.checks import DECIDED
from cfgen.config.jobs import jobs_of
from cfgen.config.schema import Config
from cfgen.secret.refusals import AWS_NAME, AWS_VALUE, AWS_WHY, is_placeholder

Mode = Literal["demo", "real"]


class Shape(msgspec.Struct, frozen=True):
    """A key of the Korea Investment & Securities Open API. ``hidden`` ones are secret."""

    name: str
    pattern: str
    looks: str
    hidden: bool = True


_APP_KEY = ("PS[A-Za-z0-9]{34}", "36 letters and digits, the first two PS")
_APP_SECRET = ("[A-Za-z0-9+/]{178}[A-Za-z0-9+/=]{2}", "180 characters of base64")
_ACCOUNT = ("(?!0{8})[0-9]{8}", "8 digits, without the product code")
_ADDRESS = (r"(https|wss?)://[A-Za-z0-9.-]+(:[0-9]+)?(/[!-~]*)?", "an https, ws or wss address")
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
    *(Shape(f"KIS_URL_{name}", *_ADDRESS, hidden=False) for name in ("PROD", "VPS", "OPS", "VOPS")),
)
SHAPES = {one.name: one for shapes in NEEDED.values() for one in shapes} | {
    one.name: one for one in FURTHER
}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What ``cfgen/host/scripts/load-secrets`` takes for a name."""


def modes_of(config: Config) -> tuple[Mode, ...]:
    """Modes in which the bot's jobs run: ``bot.mode``, and what a job's arguments set instead."""
    found: dict[Mode, None] = {}
    for job in jobs_of(config):
        mode: Mode = config.bot.mode
        words = [word for text in job.arguments for word in text.split("=", 1)]
        for before, word in pairwise(words):
            # It comes after the --mode that is added, and the last stands.
            if before == "--mode" and word in NEEDED:
                mode = word
        found[mode] = None
    return tuple(found)


def needed_shapes(modes: Collection[Mode]) -> tuple[Shape, ...]:
    """What bots of these modes need, each once."""
    return tuple({one.name: one for mode in modes for one in NEEDED[mode]}.values())


def problem(name: str, value: str) -> str:
    """What is wrong with a key, without showing it; empty if nothing is."""
    if not NAME.fullmatch(name):
        return f"{name!r} is not a name such as KIS_APP_KEY"
    if DECIDED.fullmatch(name):
        return f"{name} is decided by the bot's units"
    if AWS_NAME.fullmatch(name):
        return f"{name} is {AWS_WHY}"
    if AWS_VALUE.search(value):
        return f"{name} holds an access key of AWS: the host has a role of its own"
    if not value or not is_text(value):
        return f"{name} is empty or holds control characters"
    if is_placeholder(name, value):
        return f"{name} holds a placeholder, and no key"
    shape = SHAPES.get(name)
    if shape and not re.fullmatch(shape.pattern, value):
        return f"{name} does not look like one: it should be {shape.looks}"
    return ""


def is_text(value: str) -> bool:
    """Whether systemd takes it for a variable: printable, or several lines of it."""
    return value.replace("\n", " ").replace("\t", " ").isprintable()


def lacking(modes: Collection[Mode], keys: Collection[str]) -> list[str]:
    """Names that a bot of these modes needs and the keys lack."""
    return [one.name for one in needed_shapes(modes) if one.name not in keys]
