"""What could not be read live, and what stands in for it, as notices."""

from typing import Any

import msgspec

from pricing.errors import SourceError
from pricing.market import Notice
from pricing.sources.figures import Found, Key, part_of
from pricing.sources.parallel import Job


class _Told(msgspec.Struct, frozen=True):
    parts: dict[str, None]
    regions: dict[str, None]
    dates: list[str]

    def what(self, regions: tuple[str, ...]) -> str:
        some = len(self.regions) < len(regions)
        where = f" in {', '.join(self.regions)}" if some else ""
        return ", ".join(self.parts) + where

    def used(self, mode: str) -> str:
        if not mode:
            return "not priced, or not known"
        oldest, newest = min(self.dates), max(self.dates)
        dates = oldest if oldest == newest else f"{oldest} to {newest}"
        return f"used instead: the {mode} of {dates}"


class Failures:
    """What could not be read, and what stands in for it."""

    def __init__(self) -> None:
        self._errors: dict[Key, SourceError] = {}
        self._notices: list[Notice] = []
        self._instead: dict[Key, Found[Any]] = {}

    def add(self, job: Job, error: SourceError) -> None:
        """Note why a job's items could not be read."""
        for region in job.regions:
            for item in job.items:
                self._errors[region, job.part.name, item] = error

    def of(self, key: Key) -> SourceError | None:
        """Why an item could not be read, if it was tried."""
        return self._errors.get(key)

    def replaced(self, key: Key, found: Found[Any]) -> None:
        """Note what stands in for an item."""
        self._instead[key] = found

    def names_replaced(self, globs: tuple[str, ...]) -> None:
        """Note that the snapshot's types stand for those that globs would match."""
        for error in list(self._errors.values())[:1]:
            used = "used instead: the types of the snapshot"
            said = f"types that match {', '.join(globs)}: {reason_of(error)}; {used}"
            self._notices.append(Notice(f"source-{error.code}", said))
        self._errors.clear()

    def notices(self, regions: tuple[str, ...]) -> list[Notice]:
        """One for each error and what was used instead, naming the parts, and regions if some."""
        # Of several errors alike in one part, the first stands for all.
        first: dict[tuple[str, str], SourceError] = {}
        told: dict[tuple[str, str, str], _Told] = {}
        for key, own in self._errors.items():
            error = first.setdefault((key[1], own.code), own)
            found = self._instead.get(key)
            mode = found.mode if found else ""
            one = told.setdefault((error.code, reason_of(error), mode), _Told({}, {}, []))
            one.parts[part_of(key).said] = None
            one.regions[key[0]] = None
            one.dates.append(found.source.as_of if found else "")
        return self._notices + [
            Notice(f"source-{code}", f"{one.what(regions)}: {reason}; {one.used(mode)}")
            for (code, reason, mode), one in told.items()
        ]


def reason_of(error: SourceError) -> str:
    """An error with what to do next."""
    return f"{error} ({error.hint})" if error.hint else str(error)
