"""The embedded snapshot: real figures of known dates, for work without an account.

Its file is written by ``pricing/data/make_snapshot.py`` from the figures beside that script.
"""

from collections.abc import Iterator
from decimal import Decimal
from fnmatch import fnmatchcase
from importlib import resources

import msgspec

from pricing.errors import SnapshotError, UnknownInstanceType, UnknownRegion
from pricing.market import Market
from pricing.offers import (
    COMMITTED,
    ON_DEMAND,
    SPOT,
    InstanceType,
    Interruption,
    Offer,
    Range,
)
from pricing.price import Price, Source, Unpriced
from pricing.rates import Rate, Service

SCHEMA_VERSION = 1


class RegionFigures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The EC2 figures of a region; ``spot`` is type -> zone id -> US dollars an hour."""

    on_demand_source: str
    on_demand: dict[str, Decimal] = {}
    spot: dict[str, dict[str, Decimal]] = {}
    interruption: dict[str, Range] = {}


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's schema. ``rates`` is region -> service -> rate, or why there is none."""

    schema_version: int
    sources: dict[str, Source]
    instance_types: dict[str, InstanceType]
    regions: dict[str, RegionFigures]
    rates: dict[str, dict[Service, Rate | Unpriced]]


def load_snapshot(data: bytes | None = None) -> Snapshot:
    """Decode a snapshot, by default the embedded one. Raises :class:`SnapshotError`."""
    if data is None:
        data = resources.files("pricing").joinpath("data/snapshot.json").read_bytes()
    try:
        snapshot = msgspec.json.decode(data, type=Snapshot)
    except msgspec.MsgspecError as error:
        raise SnapshotError(f"the price snapshot is damaged: {error}") from error
    if snapshot.schema_version != SCHEMA_VERSION:
        raise SnapshotError(
            f"the price snapshot has schema version {snapshot.schema_version}, "
            f"this version reads {SCHEMA_VERSION}"
        )
    return snapshot


class SnapshotSource:
    """Reads markets out of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def read(self, region: str, instance_types: tuple[str, ...]) -> Market:
        """See :class:`pricing.sources.interface.PriceSource`."""
        snapshot = self._snapshot
        figures = snapshot.regions.get(region)
        if figures is None or not figures.on_demand:
            raise UnknownRegion(
                f"the price snapshot has no prices for region {region!r}",
                f"it covers {', '.join(sorted(_covered(snapshot)))}",
            )
        types = self._matching(instance_types)
        offers = tuple(
            offer for kind in types for offer in _offers(kind, region, figures, snapshot)
        )
        rates = snapshot.rates.get(region)
        if rates is None:
            absence = Unpriced(
                "not-in-snapshot",
                f"the snapshot knows it in {', '.join(sorted(snapshot.rates))} only, "
                f"not in {region}",
            )
            rates = dict.fromkeys(Service, absence)
        return Market(region, "snapshot", tuple(snapshot.sources.values()), offers, rates)

    def _matching(self, patterns: tuple[str, ...]) -> list[InstanceType]:
        types = self._snapshot.instance_types
        chosen = set()
        for pattern in patterns:
            found = {name for name in types if fnmatchcase(name, pattern)}
            if not found:
                raise UnknownInstanceType(
                    f"no instance type that the price snapshot knows matches {pattern!r}",
                    f"it knows {', '.join(sorted(types))}",
                )
            chosen |= found
        return [types[name] for name in sorted(chosen)]


def _covered(snapshot: Snapshot) -> list[str]:
    return [name for name, figures in snapshot.regions.items() if figures.on_demand]


def _offers(
    kind: InstanceType, region: str, figures: RegionFigures, snapshot: Snapshot
) -> Iterator[Offer]:
    zones = figures.spot.get(kind.name, {})
    absent = Unpriced(
        "not-in-snapshot",
        f"the snapshot has no price for {kind.name} in {region}: not offered, or not recorded",
    )
    listed = snapshot.sources[figures.on_demand_source]
    observed = snapshot.sources["ec2-prices"]
    amount = figures.on_demand.get(kind.name)
    yield Offer(
        kind,
        ON_DEMAND,
        region,
        min(zones, default=None),
        absent if amount is None else Price(amount, "Hrs", listed.as_of, listed.name),
    )
    share = figures.interruption.get(kind.name)
    interruption = Interruption(share, snapshot.sources["spot-advisor"].as_of) if share else None
    for zone, spot in zones.items():
        price = Price(spot, "Hrs", observed.as_of, f"{observed.name}, one observed price")
        yield Offer(kind, SPOT, region, zone, price, interruption)
    if not zones:
        yield Offer(kind, SPOT, region, None, absent, interruption)
    for purchase in COMMITTED:
        yield Offer(
            kind,
            purchase,
            region,
            None,
            Unpriced("not-in-snapshot", "the snapshot holds no reserved or Savings Plans rates"),
        )
