"""Which files of a folder are cfgen's own: its configurations and their locks."""

import tomllib
from pathlib import Path

import msgspec

from cfgen.config.load import FILE_NAME
from cfgen.config.schema import Config

LARGEST = 1_000_000
"""Bytes of a file that could be a configuration."""


def own_files(folder: Path) -> tuple[Path, ...]:
    """cfgen.toml, whatever else is a configuration of cfgen (demo.toml), and the locks of each."""
    if not folder.is_dir():
        return ()
    found = [path for path in sorted(folder.glob("*.toml")) if _is_own(path)]
    locks = [path.with_suffix(".lock") for path in (*found, folder / FILE_NAME)]
    # Of its requirements, for each architecture (``cfgen/deploy/app.py``).
    lists = [other for path in locks for other in folder.glob(f"{path.stem}.requirements-*.lock")]
    return (*found, *locks, *lists)


def _is_own(path: Path) -> bool:
    if path.name == FILE_NAME:
        return True
    if not path.is_file() or path.stat().st_size > LARGEST:
        return False
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        msgspec.convert(raw, Config)
    except (OSError, ValueError, RecursionError):
        return False
    # A bot's own settings may have a table of that name, too.
    return "stack" in raw or "source" in raw.get("bot", {})
