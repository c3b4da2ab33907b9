"""What of a file goes into the secret, what is left out and why, and what is said of it. Pure."""

import difflib
from collections.abc import Collection, Iterator, Mapping

import msgspec

from cfgen.config.checks import DECIDED
from cfgen.errors import ConfigError
from cfgen.secret.keys import NEEDED, SHAPES, Mode, lacking, needed_shapes, problem
from cfgen.secret.kis_devlp import NAMES
from cfgen.secret.reading import Read
from cfgen.secret.refusals import AWS_NAME, AWS_VALUE, AWS_WHY, is_placeholder

KNOWN = {
    *SHAPES,
    *NAMES.values(),
    "SLACK_WEBHOOK_URL",
    "TELEGRAM_BOT_TOKEN",
    "TELEGRAM_CHAT_ID",
    "DISCORD_WEBHOOK_URL",
}
"""Names that bots for this broker read; a name close to one of them is told."""

_PAIRS = (("KIS_APP_KEY", "KIS_PAPER_APP_KEY"), ("KIS_APP_SECRET", "KIS_PAPER_APP_SECRET"))


class Intake(msgspec.Struct, frozen=True):
    """Keys to store, and the names that are left out, each with why."""

    keys: dict[str, str]
    left_out: dict[str, str]


def take_in(read: Read, modes: Collection[Mode]) -> Intake:
    """Sort what a file holds.

    Raises :class:`ConfigError` where a key is not usable, or where none is left: nothing is stored.
    """
    needed = {one.name for one in needed_shapes(modes)}
    left_out = {
        name: why for name, value in read.pairs.items() if (why := _why_not(name, value, needed))
    }
    keys = {name: value for name, value in read.pairs.items() if name not in left_out}
    problems = [
        f"{_in_file(read, name)} {what}"
        for name, value in sorted(keys.items())
        if (what := problem(name, value).removeprefix(f"{name} "))
    ]
    if problems:
        raise ConfigError("\n  ".join([f"{read.origin}:", *problems]), "nothing was stored")
    if not keys:
        reasons = [f"{name}: left out, {why}" for name, why in left_out.items()]
        raise ConfigError(
            "\n  ".join([f"{read.origin}: holds no key to store", *reasons]), "one NAME=VALUE a key"
        )
    return Intake(keys, left_out)


def _in_file(read: Read, name: str) -> str:
    return f"{name} ({read.fields[name]})" if name in read.fields else name


def _why_not(name: str, value: str, needed: Collection[str]) -> str:
    if AWS_NAME.fullmatch(name):
        return AWS_WHY
    if DECIDED.fullmatch(name):
        return "decided by the bot's units"
    if not value.strip():
        return "empty"
    if name not in needed and is_placeholder(name, value) and not AWS_VALUE.search(value):
        return "a placeholder, and no key"
    return ""


def remark(name: str, modes: Collection[Mode]) -> str:
    """What a person should know of a name that is stored; empty where the bot can run with it."""
    if name in KNOWN:
        used = {one.name for one in needed_shapes(modes)}
        others = {mode for mode, shapes in NEEDED.items() if name in {one.name for one in shapes}}
        if others and name not in used:
            return f"a bot in {' and '.join(modes)} mode does not use it"
        return ""
    close = difflib.get_close_matches(name.upper(), sorted(KNOWN), 1, 0.85)
    # KIS_APP_KEY_2 is somebody's second account.
    if close and not name.startswith(f"{close[0]}_"):
        return f"the name is unusual; did you mean {close[0]}?"
    return ""


def told(keys: Mapping[str, str], modes: Collection[Mode]) -> Iterator[str]:
    """What is to be said of all the keys together, one line each."""
    for real, paper in _PAIRS:
        if real in keys and keys[real] == keys.get(paper):
            yield (
                f"{real} and {paper} hold the same value: a real account and a paper account have "
                "keys of their own"
            )
    for name in sorted(name for name, value in keys.items() if "${" in value):
        yield f"{name} holds ${{...}}, which nothing fills in on the host: write the whole value"
    if missing := lacking(modes, keys):
        yield (
            f"the bot ({', '.join(modes)}) cannot run; missing: {', '.join(missing)} "
            "(secret set asks for each)"
        )
