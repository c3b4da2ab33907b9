"""Reading ``cfgen.toml``, with the command line's values laid over it."""

import os
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import msgspec

from cfgen.config.checks import problems
from cfgen.config.schema import Config
from cfgen.errors import ConfigError
from cfgen.files import read_text

FILE_NAME = "cfgen.toml"


class Override(msgspec.Struct, frozen=True):
    """A value from the command line that stands above the file's; ``flag`` is its name there."""

    path: str
    value: object
    flag: str


def load_config(path: Path | None, overrides: tuple[Override, ...] = ()) -> Config:
    """Read and check the configuration.

    ``path`` is a file that must exist, or ``None`` for ``./cfgen.toml`` if there is one. Raises
    :class:`ConfigError` naming the file (or flag), the key's path and what is allowed.
    """
    file = path or Path(FILE_NAME)
    raw: dict[str, object] = {}
    if path or os.path.lexists(file):
        import tomllib

        try:
            raw = tomllib.loads(read_text(file))
        # A number of thousands of digits is a ValueError, thousands of brackets a RecursionError.
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{file}: not valid TOML: {error}") from error
    return make_config(raw, str(file), overrides)


def make_config(
    raw: dict[str, object], origin: str, overrides: tuple[Override, ...] = ()
) -> Config:
    """Check raw values, with the overrides laid over them. Raises :class:`ConfigError`."""
    flags = {override.path: override.flag for override in overrides}
    merged = {key: dict(value) if isinstance(value, dict) else value for key, value in raw.items()}
    for override in overrides:
        section, _, key = override.path.partition(".")
        table = merged.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = override.value
    _derive(merged)
    try:
        config = msgspec.convert(merged, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin}: {_explain(str(error))}") from error
    lines = [
        f"{flags[where]}: {what}" if where in flags else f"{origin}: {where}: {what}"
        for where, what in problems(config)
    ]
    if lines:
        raise ConfigError("\n".join(lines))
    return config


def _derive(raw: dict[str, object]) -> None:
    """Fill in what is not given and depends on other keys: with real money, nothing is left open.

    Of a wrong type nothing is filled in: that is told when the values are read.
    """
    bot = raw.get("bot")
    if not isinstance(bot, dict):
        return
    real = bot.get("mode") == "real"
    if real:
        bot.setdefault("lock_requirements", True)
    jobs = bot.get("jobs")
    if isinstance(jobs, list):
        bot["jobs"] = [
            {"retries": 0, **job} if isinstance(job, dict) and (real or job.get("every")) else job
            for job in jobs
        ]


def _explain(message: str) -> str:
    """Turn ``Expected `int`, got `str` - at `$.host.disk_gib` `` into ``host.disk_gib: ...``."""
    what, _, where = message.partition(" - at ")
    keys = where.strip("`").removeprefix("$").lstrip(".")
    allowed = _allowed(keys.partition("[")[0])
    if what.startswith("Object contains unknown field"):
        unknown = what.partition("`")[2].rstrip("`")
        return f"{keys + '.' if keys else ''}{unknown}: unknown key; allowed are {allowed}"
    problem = what[0].lower() + what[1:]
    return f"{keys or 'the file'}: {problem}" + (f"; allowed are {allowed}" if allowed else "")


def _allowed(path: str) -> str:
    """The keys of the table, or the values of the key, that ``path`` names."""
    kind: object = Config
    for key in filter(None, path.split(".")):
        if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
            return ""
        kind = next((f.type for f in msgspec.structs.fields(kind) if f.name == key), None)
        while get_origin(kind) in (Annotated, list):
            kind = get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return ", ".join(kind.__struct_fields__)
    return ", ".join(map(str, get_args(kind))) if get_origin(kind) is Literal else ""
