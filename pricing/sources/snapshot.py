"""Snapshots: figures of known days in one file, for work without an account.

The embedded one is written by ``pricing/data/make_snapshot.py`` from the figures beside that
script; ``cfgen prices refresh`` writes one from the live APIs.
"""

from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any, TypeVar

import msgspec

from pricing.errors import SnapshotError, UnknownInstanceType, UnknownRegion
from pricing.market import Market
from pricing.offers import InstanceType, Range
from pricing.price import Source, Unpriced
from pricing.rates import Rate, Service
from pricing.sources.assemble import assemble
from pricing.sources.figures import (
    INSTANCE_TYPES,
    NOBODY,
    PARTS,
    RATES,
    SAVINGS_PLANS,
    Figures,
    Found,
    Part,
    SavingsPlanRates,
    SpotZones,
    Terms,
    Zones,
)
from pricing.sources.names import matching

SCHEMA_VERSION = 2


class RegionFigures(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The figures of a region by item; ``sources`` names the source of each part."""

    sources: dict[str, str] = {}
    zones: dict[str, Zones | Unpriced] = {}
    terms: dict[str, Terms | Unpriced] = {}
    savings_plans: dict[str, SavingsPlanRates | Unpriced] = {}
    spot: dict[str, SpotZones | Unpriced] = {}
    interruption: dict[str, Range | Unpriced] = {}
    rates: dict[Service, Rate | Unpriced] = {}


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's schema. ``instance_types`` are those of ``types_source``."""

    schema_version: int
    sources: dict[str, Source]
    types_source: str
    instance_types: dict[str, InstanceType]
    regions: dict[str, RegionFigures]


class _Version(msgspec.Struct, frozen=True):
    schema_version: int


T = TypeVar("T")


def load_snapshot(data: bytes | None = None, name: str = "the price snapshot") -> Snapshot:
    """Decode a snapshot, by default the embedded one. Raises :class:`SnapshotError`."""
    if data is None:
        data = resources.files("pricing").joinpath("data/snapshot.json").read_bytes()
    try:
        version = msgspec.json.decode(data, type=_Version).schema_version
        if version != SCHEMA_VERSION:
            raise SnapshotError(
                f"{name} has schema version {version}, this version reads {SCHEMA_VERSION}",
                "write it anew with: cfgen prices refresh",
            )
        snapshot = msgspec.json.decode(data, type=Snapshot)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise SnapshotError(f"{name} is damaged: {error}") from error
    for problem in _problems(snapshot):
        raise SnapshotError(f"{name} is damaged: {problem}")
    return snapshot


def _problems(snapshot: Snapshot) -> Iterator[str]:
    """What a type cannot say."""
    for name, kind in snapshot.instance_types.items():
        if kind.name != name:
            yield f"instance type {name} is called {kind.name}"
    named = {"instance types": snapshot.types_source} if snapshot.instance_types else {}
    for region, figures in snapshot.regions.items():
        for part in PARTS:
            if part is not INSTANCE_TYPES and getattr(figures, _field(part.name)):
                named[f"{part.name} in {region}"] = figures.sources.get(part.name, "")
    for what, source in named.items():
        if source not in snapshot.sources:
            yield f"the source of {what} is not among its sources"


def snapshot_of(figures: Figures) -> Snapshot:
    """A snapshot of figures, each part of which was read from one source."""
    sources: dict[str, Source] = {}
    regions: dict[str, dict[str, Any]] = {}
    types: dict[str, InstanceType] = {}
    for (region, name, item), found in sorted(figures.items()):
        sources[found.source.name] = found.source
        tables = regions.setdefault(region, {"sources": {}})
        if name != INSTANCE_TYPES.name:
            tables["sources"][name] = found.source.name
            tables.setdefault(_field(name), {})[item] = found.value
        elif not isinstance(found.value, Unpriced):
            types[item] = found.value
    return Snapshot(
        SCHEMA_VERSION,
        sources,
        INSTANCE_TYPES.source,
        types,
        {region: RegionFigures(**tables) for region, tables in regions.items()},
    )


def _field(part: str) -> str:
    """The field of a region that holds a part."""
    return part.replace("-", "_")


def encode(snapshot: Snapshot) -> bytes:
    """The file's bytes, stable and readable in a diff."""
    return msgspec.json.format(msgspec.json.encode(snapshot), indent=1) + b"\n"


class SnapshotSource:
    """Reads markets out of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that have prices."""
        return tuple(name for name, figures in self._snapshot.regions.items() if figures.terms)

    def read(self, regions: tuple[str, ...], instance_types: tuple[str, ...]) -> Market:
        """See :class:`pricing.sources.interface.PriceSource`."""
        if not regions:
            raise UnknownRegion("the price snapshot has no prices", "cfgen prices refresh")
        for region in regions:
            if region not in self.regions:
                raise UnknownRegion(
                    f"the price snapshot has no prices for region {region!r}",
                    f"it covers {', '.join(sorted(self.regions))}",
                )
        names = self.matching(instance_types)
        return assemble(regions, names, self.figures(regions, names))

    def matching(self, patterns: tuple[str, ...]) -> list[str]:
        """The types that match, sorted. Raises :class:`UnknownInstanceType`."""
        known = self._snapshot.instance_types
        found = matching(patterns, known)
        for pattern, names in found.items():
            if not names:
                raise UnknownInstanceType(
                    f"no instance type that the price snapshot knows matches {pattern!r}",
                    f"it knows {', '.join(sorted(known))}",
                )
        return sorted({name for names in found.values() for name in names})

    def figures(self, regions: tuple[str, ...], names: list[str]) -> Figures:
        """Every part of every item, with a reason where the snapshot lacks it."""
        return {
            (region, part.name, item): self.find(part, region, item)
            for region in regions
            for part in PARTS
            for item in ([service.value for service in Service] if part is RATES else names)
        }

    def find(self, part: Part[T], region: str, item: str) -> Found[T]:
        """A figure, or why the snapshot lacks it."""
        snapshot = self._snapshot
        if part is INSTANCE_TYPES:
            kind: Any = snapshot.instance_types.get(item)
            return self._found(kind, snapshot.types_source, _lack(item, region))
        figures = snapshot.regions.get(region, RegionFigures())
        table: Mapping[str, Any] = getattr(figures, _field(part.name))
        lack = _lack(item, region)
        if not table and part is RATES:
            known = [name for name, one in snapshot.regions.items() if one.rates]
            where = f"the snapshot knows it in {', '.join(sorted(known)) or 'no region'} only"
            lack = Unpriced("not-in-snapshot", f"{where}, not in {region}")
        elif not table and part is SAVINGS_PLANS:
            lack = Unpriced("not-in-snapshot", "the snapshot holds no Savings Plans rates")
        return self._found(table.get(item), figures.sources.get(part.name, ""), lack)

    def _found(self, value: Any, source: str, lack: Unpriced) -> Found[Any]:
        known = self._snapshot.sources.get(source, NOBODY)
        return Found(lack if value is None else value, known, "snapshot")


def _lack(item: str, region: str) -> Unpriced:
    return Unpriced(
        "not-in-snapshot",
        f"the snapshot has no price for {item} in {region}: not offered, or not recorded",
    )
