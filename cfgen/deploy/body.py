"""How a template's text reaches CloudFormation. Pure."""

import json
from hashlib import sha256

import msgspec
from cfnlint.decode.decode import decode_str

from cfgen.errors import ConfigError

BODY_LIMIT = 51_200
"""Bytes of a template that a call takes (CloudFormation quotas)."""

OBJECT_LIMIT = 1_000_000
"""Bytes of a template that CloudFormation reads out of S3 (CloudFormation quotas: 1 MB)."""


class Body(msgspec.Struct, frozen=True):
    """A template's text, small enough for a call or not; ``compacted`` says it was rewritten."""

    text: str
    compacted: bool = False

    @property
    def fits(self) -> bool:
        """Whether a call takes it."""
        return size(self.text) <= BODY_LIMIT

    @property
    def key(self) -> str:
        """Its key in S3: the same text has the same."""
        return f"templates/{sha256(self.text.encode()).hexdigest()}.template"


def size(text: str) -> int:
    """Bytes of a text."""
    return len(text.encode(errors="replace"))


def fit(text: str) -> Body:
    """The text, as JSON without blanks where only that fits into a call.

    Half of a YAML template is its indentation. Raises :class:`ConfigError` for a template that
    CloudFormation does not take at all.
    """
    whole = Body(text)
    if whole.fits:
        return whole
    if size(text) > OBJECT_LIMIT:
        raise ConfigError(
            f"the template has {size(text)} bytes, CloudFormation takes {OBJECT_LIMIT}",
            "split it into several stacks",
        )
    tree, problems = decode_str(text)
    if problems or not isinstance(tree, dict):
        # CloudFormation says better what is wrong with it.
        return whole
    compact = Body(json.dumps(tree, separators=(",", ":"), ensure_ascii=False), compacted=True)
    return compact if compact.fits else whole


def default_of(text: str, parameter: str) -> str | None:
    """The default of a template's parameter, if it has one."""
    tree, problems = decode_str(text)
    declared = tree.get("Parameters") if not problems and isinstance(tree, dict) else None
    one = declared.get(parameter) if isinstance(declared, dict) else None
    return str(one["Default"]) if isinstance(one, dict) and "Default" in one else None
