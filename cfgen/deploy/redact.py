"""What is shown of a value. Pure."""

import contextlib
import json
import re
from collections.abc import Collection, Iterator

from cfgen.key_patterns import is_key_name

MASK = "****"
CONTROL = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]"
)
"""What steers a terminal, or turns the direction of what is read; not tabs and line breaks."""
LENGTH = 60
"""Characters of a value that a line shows."""

SHORT = 4
"""Characters from which on a value can be told from any other text."""


def mask(name: str, value: str, secrets: Collection[str] = ()) -> str:
    """A value without keys: masked where its name is a key's, or where it holds one of ``secrets``.

    CloudFormation masks NoEcho parameters only: property values can carry what came out of them.
    """
    if is_key_like(name):
        return MASK
    if value[:1] in ("{", "["):
        # A whole map or list of properties: names within it count as well.
        with contextlib.suppress(ValueError):
            tree = json.loads(value)
            masked = _without_keys(tree)
            value = value if masked == tree else json.dumps(masked, ensure_ascii=False)
    return hide(value, secrets)


def _without_keys(tree: object) -> object:
    if isinstance(tree, list):
        return [_without_keys(one) for one in tree]
    if not isinstance(tree, dict):
        return tree
    named = str(tree.get("Name") or tree.get("Key") or tree.get("ParameterKey") or "")
    return {
        name: MASK
        if isinstance(one, str) and (is_key_like(name) or ("Value" in name and is_key_like(named)))
        else _without_keys(one)
        for name, one in tree.items()
    }


def is_key_like(name: str) -> bool:
    """Whether something is called as keys are."""
    return is_key_name(name)


def hide(text: str, secrets: Collection[str]) -> str:
    """A text with ``secrets`` masked, as they are and as they stand within JSON.

    Short ones are left: masked all over a text, they would show themselves.
    """
    long = (secret for secret in secrets if len(secret.strip()) >= SHORT)
    forms = {form for secret in long for form in _forms(secret)}
    # The longest first: one secret may be a part of another.
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _forms(secret: str) -> Iterator[str]:
    yield from (secret, " ".join(secret.split()))
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]


def shown(value: str | None) -> str:
    """A masked value for a line: without line breaks and what steers a terminal, and cut."""
    if value is None:
        return "-"
    text = printable(" ".join(value.split()))
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"


def printable(text: str) -> str:
    """A text without control characters, which could steer a terminal."""
    return CONTROL.sub("?", text)
