"""Writing a new, commented ``cfgen.toml``."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, get_args, get_origin

import msgspec

from cfgen.config.schema import Config, Job

COMMENT_WIDTH = 100


def render(
    values: Mapping[str, object], remarks: Mapping[str, tuple[str, ...]] | None = None
) -> str:
    """Write every key with its comment; those not in ``values`` (by path) show their default.

    Keys left at their default are commented out, so that the file says what its owner chose and
    shows what else there is. ``remarks`` are further comments of keys, such as where a value comes
    from.
    """
    remarks = remarks or {}
    lines = ["# cfgen.toml: every key is optional. A key behind # shows its default."]
    defaults = Config()
    for section in msgspec.structs.fields(Config):
        lines += ["", f"# {_first_line(section.type)}", f"[{section.name}]"]
        table = getattr(defaults, section.name)
        for key in msgspec.structs.fields(table):
            path = f"{section.name}.{key.name}"
            chosen = path in values and key.name != "jobs"
            value = toml_value(values[path] if chosen else getattr(table, key.name))
            lines += [
                f"# {describe(key.type)}",
                *_comments(remarks.get(path, ()) if key.name != "jobs" else ()),
                f"{'' if chosen else '# '}{key.name} = {value}",
            ]
        if section.name == "bot":
            lines += _jobs(values.get("bot.jobs", []), remarks.get("bot.jobs", ()))
    return "\n".join(lines) + "\n"


def _comments(remarks: tuple[str, ...]) -> Iterator[str]:
    for remark in remarks:
        # A file's name may hold a line break or a byte that is no text, which TOML forbids.
        text = "".join(one if one.isprintable() else "?" for one in remark)
        yield from textwrap.wrap(
            text,
            COMMENT_WIDTH,
            initial_indent="# ",
            subsequent_indent="#   ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _jobs(jobs: object, remarks: tuple[str, ...]) -> Iterator[str]:
    """Each job as a table of its own, which must come after the keys of ``[bot]``."""
    for number, job in enumerate(jobs if isinstance(jobs, list) else []):
        yield from ("", *(_comments(remarks) if not number else ()), "[[bot.jobs]]")
        for key in msgspec.structs.fields(Job):
            if key.name in job:
                yield from (f"# {describe(key.type)}", f"{key.name} = {toml_value(job[key.name])}")


def toml_value(value: object) -> str:
    """A TOML value. Strings are written as JSON writes them, which TOML 1.0 reads the same way."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        pairs = (f"{toml_value(str(key))} = {toml_value(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, Decimal):
        return f'"{value:f}"'
    # TOML forbids DEL in the open, JSON does not.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def describe(kind: object) -> str:
    """The comment of a key."""
    if get_origin(kind) is Annotated:
        for meta in get_args(kind)[1:]:
            if isinstance(meta, msgspec.Meta) and meta.description:
                return meta.description
    raise TypeError(f"{kind} has no description")


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0]
