"""What the secret holds, against what the bot's jobs and modes need. Pure."""

from collections.abc import Collection, Mapping

import msgspec

from cfgen.secret.intake import remark
from cfgen.secret.keys import Mode, needed_shapes, problem


class KeyState(msgspec.Struct, frozen=True):
    """What is to be said of a key. With a ``wrong`` one the bot cannot or must not run."""

    name: str
    text: str
    wrong: bool


def key_states(keys: Mapping[str, str], modes: Collection[Mode]) -> list[KeyState]:
    """Each key by name; those that the bot needs come first. No value is in any text."""
    needed = [one.name for one in needed_shapes(modes)]
    others = sorted(set(keys) - set(needed))
    return [_state(name, keys.get(name), modes) for name in (*needed, *others)]


def _state(name: str, value: str | None, modes: Collection[Mode]) -> KeyState:
    if value is None:
        return KeyState(name, "missing", wrong=True)
    if what := problem(name, value):
        return KeyState(name, what.removeprefix(f"{name} "), wrong=True)
    said = remark(name, modes)
    return KeyState(name, f"stored, but {said}" if said else "stored", wrong=False)
