"""A region's market: all that the sources could say about it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from pricing.offers import Offer
from pricing.price import Source, Unpriced
from pricing.rates import Rate, Service


class Notice(msgspec.Struct, frozen=True):
    """Something that the reader of a result must know. ``code`` is for programs."""

    code: str
    message: str


class Market(msgspec.Struct, frozen=True):
    """Offers and rates of one region, read at one time.

    ``offers`` holds every type under every purchase option that was asked for, priced or not.
    ``as_of`` is the oldest date among ``sources``.
    """

    region: str
    mode: Literal["live", "cache", "snapshot"]
    sources: tuple[Source, ...]
    offers: tuple[Offer, ...]
    rates: Mapping[Service, Rate | Unpriced]
    notices: tuple[Notice, ...] = ()

    @property
    def as_of(self) -> str:
        """The day from which on all figures hold."""
        return min(source.as_of for source in self.sources)

    def on_demand_hourly(self, instance_type: str) -> Decimal | None:
        """The type's on-demand price an hour, for breaking ties."""
        return next(
            (
                offer.hourly.amount
                for offer in self.offers
                if offer.instance_type.name == instance_type
                and offer.purchase.kind == "on-demand"
                and not isinstance(offer.hourly, Unpriced)
            ),
            None,
        )
