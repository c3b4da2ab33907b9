"""Figures as sources give them: item by item, before they become offers and rates.

A *part* is one kind of figure (the hourly prices of types, the rates around the host, ...) and an
*item* of it is what one can ask for: an instance type, or a service. Every source, live or stored,
yields the same values, so that one may stand in for another part by part.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

import msgspec

from pricing.offers import InstanceType, Range, SpotPrices
from pricing.price import Source, Unpriced, check_amount
from pricing.rates import Rate

Mode = Literal["live", "cache", "snapshot"]


def _priced(*amounts: object) -> None:
    for amount in amounts:
        if isinstance(amount, Decimal):
            check_amount(amount)


class Commitment(msgspec.Struct, frozen=True, tag="commitment"):
    """US dollars an hour, and those paid at the start. Raises ``ValueError`` where both are 0."""

    hourly: Decimal
    upfront: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Check the amounts."""
        for amount in (self.hourly, self.upfront):
            if not amount.is_zero():
                check_amount(amount)
        _priced(self.hourly + self.upfront)


class Terms(msgspec.Struct, frozen=True, tag="terms", omit_defaults=True):
    """What the price list says of a type; ``reserved`` is by the name of the purchase."""

    on_demand: Decimal | Unpriced
    reserved: dict[str, Commitment | Unpriced] = {}

    def __post_init__(self) -> None:
        """Check the amount."""
        _priced(self.on_demand)


class SavingsPlanRates(msgspec.Struct, frozen=True, tag="savings-plans"):
    """US dollars an hour of a type, by the name of the purchase."""

    hourly: dict[str, Decimal | Unpriced]

    def __post_init__(self) -> None:
        """Check the amounts."""
        _priced(*self.hourly.values())


class SpotZones(msgspec.Struct, frozen=True, tag="spot-zones"):
    """Spot prices of a type by zone id."""

    zones: dict[str, SpotPrices | Unpriced]


class Zones(msgspec.Struct, frozen=True, tag="zones"):
    """The zone ids that offer a type; none where the region does not."""

    ids: tuple[str, ...]


T = TypeVar("T")


class Part(msgspec.Struct, Generic[T], frozen=True):
    """A kind of figure.

    ``holds`` is its type, for decoding; ``said`` names it in a sentence; ``lives`` is how long a
    figure may be used without reading it again. ``source`` and ``origin`` say where it is read.
    """

    name: str
    holds: Any
    said: str
    lives: timedelta
    source: str
    origin: str


INSTANCE_TYPES = Part[InstanceType](
    "instance-types",
    InstanceType | Unpriced,
    "instance types",
    timedelta(days=7),
    "ec2-instance-types",
    "EC2's API",
)
ZONES = Part[Zones](
    "zones",
    Zones | Unpriced,
    "zones",
    # Accounts do not all have the same zones: asked for each time, kept in case of need.
    timedelta(0),
    "ec2-instance-types",
    "EC2's API",
)
TERMS = Part[Terms](
    "terms",
    Terms | Unpriced,
    "on-demand and reserved prices",
    timedelta(days=1),
    "aws-price-list",
    "AWS's Price List API",
)
SAVINGS_PLANS = Part[SavingsPlanRates](
    "savings-plans",
    SavingsPlanRates | Unpriced,
    "Savings Plans rates",
    timedelta(days=1),
    "aws-savings-plans",
    "AWS's Savings Plans API",
)
SPOT = Part[SpotZones](
    "spot",
    SpotZones | Unpriced,
    "Spot prices",
    timedelta(minutes=10),
    "ec2-spot-price-history",
    "EC2's Spot price history",
)
INTERRUPTION = Part[Range](
    "interruption",
    Range | Unpriced,
    "interruption ranges",
    timedelta(hours=12),
    "spot-advisor",
    "AWS's public Spot Advisor data",
)
RATES = Part[Rate](
    "rates",
    Rate | Unpriced,
    "rates around the host",
    timedelta(days=1),
    "aws-price-list",
    "AWS's Price List API",
)

BY_TYPE: tuple[Part[Any], ...] = (INSTANCE_TYPES, ZONES, TERMS, SAVINGS_PLANS, SPOT, INTERRUPTION)
"""Parts whose items are instance types."""

PARTS: tuple[Part[Any], ...] = (*BY_TYPE, RATES)
"""All; the items of ``RATES`` are the values of :class:`pricing.rates.Service`."""


class Found(msgspec.Struct, Generic[T], frozen=True):
    """A figure, or why there is none, with where it comes from."""

    value: T | Unpriced
    source: Source
    mode: Mode


NOBODY = Source("none", "", "", "no source was asked")

Key = tuple[str, str, str]
"""Region, part and item."""

Figures = Mapping[Key, Found[Any]]


def find(figures: Figures, part: Part[T], region: str, item: str) -> Found[T]:
    """The figure, or an ``Unpriced`` of nobody where no source said anything."""
    found = figures.get((region, part.name, item))
    if found is None:
        return Found(Unpriced("not-read", "no source was asked for it"), NOBODY, "live")
    return found


_BY_NAME = {one.name: one for one in PARTS}


def part_of(key: Key) -> Part[Any]:
    """The part that a figure belongs to."""
    return _BY_NAME[key[1]]
