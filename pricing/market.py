"""A region's market: all that the sources could say about it."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from pricing.offers import Offer
from pricing.price import Price, Source, Unpriced
from pricing.rates import Rate, Service


class Notice(msgspec.Struct, frozen=True):
    """Something that the reader of a result must know. ``code`` is for programs."""

    code: str
    message: str


class Missing(msgspec.Struct, frozen=True):
    """An instance type that a region does not offer, or that nothing is known of there."""

    region: str
    instance_type: str
    absence: Unpriced


class Market(msgspec.Struct, frozen=True):
    """Offers and rates of regions, read at one time.

    ``offers`` holds every type under every purchase option that was asked for, priced or not, but
    for the ``missing`` types; ``rates`` are by region. ``held`` are commitments that are paid for
    whatever runs, by region and offer.
    """

    regions: tuple[str, ...]
    mode: Literal["live", "cache", "snapshot"]
    sources: tuple[Source, ...]
    offers: tuple[Offer, ...]
    rates: Mapping[str, Mapping[Service, Rate | Unpriced]]
    notices: tuple[Notice, ...] = ()
    held: Mapping[tuple[str, str], Price] = {}
    missing: tuple[Missing, ...] = ()

    @property
    def region(self) -> str:
        """The region, or ``all`` where there are several."""
        return "all" if self.is_wide else self.regions[0]

    @property
    def is_wide(self) -> bool:
        """Whether plans of several regions stand side by side."""
        return len(self.regions) > 1

    @property
    def as_of(self) -> str:
        """The day from which on all figures hold."""
        return min(source.as_of for source in self.sources)
