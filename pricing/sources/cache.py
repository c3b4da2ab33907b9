"""Figures that were read lately, kept in files: a file for each region and part.

The key is the region, the part, the item and ``scope`` (which AWS was asked: AWS itself, or an
endpoint that stands for it); nothing in it tells one account from another, for public prices are
the same for all. A file is replaced as a whole, so that two processes at once at worst forget a
figure. A file that cannot be understood is set aside under another name, never used and never
deleted.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from pricing.market import Notice
from pricing.price import Source
from pricing.sources.figures import Found, Part

SCHEMA_VERSION = 1


class _Entry(msgspec.Struct, frozen=True):
    source: Source
    value: msgspec.Raw


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema_version: int
    region: str
    part: str
    entries: dict[str, _Entry]


@dataclass
class Cache:
    """Figures in the files of a folder. ``notices`` gathers what went wrong with them."""

    folder: Path
    scope: str = "aws"
    notices: list[Notice] = field(default_factory=list)

    def read(self, part: Part[Any], region: str, variant: str = "") -> dict[str, Found[Any]]:
        """Every figure kept of a part, by item, however old."""
        path = self._path(part, region, variant)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._say("cache-unreadable", f"{path} cannot be read: {error.strerror}")
            return {}
        try:
            file = msgspec.json.decode(data, type=_File)
            if (file.schema_version, file.region, file.part) != (SCHEMA_VERSION, region, part.name):
                raise msgspec.ValidationError("it is of another schema, region or part")
            return {
                item: Found(
                    msgspec.json.decode(entry.value, type=part.holds), entry.source, "cache"
                )
                for item, entry in file.entries.items()
                if datetime.fromisoformat(entry.source.fetched_at).tzinfo
            }
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self._set_aside(path, error)
            return {}

    def write(
        self, part: Part[Any], region: str, found: Mapping[str, Found[Any]], variant: str = ""
    ) -> None:
        """Keep figures beside those that are kept already."""
        path = self._path(part, region, variant)
        kept = self.read(part, region, variant) | dict(found)
        entries = {
            item: _Entry(one.source, msgspec.Raw(msgspec.json.encode(one.value)))
            for item, one in sorted(kept.items())
        }
        data = msgspec.json.encode(_File(SCHEMA_VERSION, region, part.name, entries))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, data)
        except OSError as error:
            self._say("cache-unwritable", f"{path} cannot be written: {error.strerror}")

    def _path(self, part: Part[Any], region: str, variant: str) -> Path:
        name = f"{part.name}-{variant}" if variant else part.name
        return self.folder / _plain(self.scope) / _plain(region) / f"{_plain(name)}.json"

    def _set_aside(self, path: Path, why: Exception) -> None:
        aside = next(
            name
            for number in count(1)
            if not (name := path.with_suffix(f".set-aside-{number}")).exists()
        )
        try:
            path.replace(aside)
        except OSError as error:
            self._say("cache-unreadable", f"{path} is damaged ({why}), and stays: {error.strerror}")
        else:
            self._say(
                "cache-set-aside", f"{path} was not understood ({why}); it is now {aside.name}"
            )

    def _say(self, code: str, message: str) -> None:
        # Each file of a folder that cannot be used would say the same.
        if all(notice.code != code for notice in self.notices):
            self.notices.append(Notice(code, f"the price cache: {message}"))


def is_fresh(found: Found[Any], part: Part[Any], now: datetime) -> bool:
    """Whether a figure may be used without reading it again; one from the future may not."""
    return age(found, now) >= timedelta(0) and age(found, now) < part.lives


def age(found: Found[Any], now: datetime) -> timedelta:
    """How long ago a figure was read; negative where that lies in the future."""
    return now - datetime.fromisoformat(found.source.fetched_at)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.-]", "_", name)


def _replace(path: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
