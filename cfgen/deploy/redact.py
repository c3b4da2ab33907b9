"""What is shown of a value. Pure."""

from collections.abc import Collection

from cfgen.config.checks import KEY_LIKE

MASK = "****"
LENGTH = 60
"""Characters of a value that a line shows."""


def mask(name: str, value: str, secrets: Collection[str] = ()) -> str:
    """A value without keys: masked where its name is a key's, or where it holds one of ``secrets``.

    CloudFormation masks NoEcho parameters only: property values can carry what came out of them.
    """
    if KEY_LIKE.search(name.upper()):
        return MASK
    # The longest first: one secret may be a part of another.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        value = value.replace(secret, MASK)
    return value


def shown(name: str, value: str | None, secrets: Collection[str] = ()) -> str:
    """A value for a line: without keys, without line breaks, and cut."""
    if value is None:
        return "-"
    text = " ".join(mask(name, value, secrets).split())
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"
