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


class Market(msgspec.Struct, frozen=True):
    """Offers and rates of one region or of several (``region`` is then ``all``), read at one time.

    ``offers`` holds every type under every purchase option that was asked for, priced or not;
    ``rates`` are by region. ``held`` are commitments that are paid for whatever runs, by
    ``<instance type>/<purchase>``.
    """

    region: str
    mode: Literal["live", "cache", "snapshot"]
    sources: tuple[Source, ...]
    offers: tuple[Offer, ...]
    rates: Mapping[str, Mapping[Service, Rate | Unpriced]]
    notices: tuple[Notice, ...] = ()
    held: Mapping[str, Price] = {}

    @property
    def as_of(self) -> str:
        """The day from which on all figures hold."""
        return min(source.as_of for source in self.sources)

    @property
    def on_demand_prices(self) -> Mapping[tuple[str, str], Price]:
        """What an hour costs on demand, by region and type, where that is known."""
        return {
            (offer.region, offer.instance_type.name): offer.hourly
            for offer in self.offers
            if offer.purchase.kind == "on-demand" and isinstance(offer.hourly, Price)
        }
