"""Commitments: when one pays off, and those that the user holds already."""

from collections.abc import Mapping
from decimal import ROUND_UP, Decimal

import msgspec

from pricing.market import Market
from pricing.offers import Offer, Purchase
from pricing.price import Price, Source, Unpriced

HOURS_A_YEAR = 8760
"""As AWS counts: 365 days."""

HELD = "existing-commitment"
"""The source's name of prices that the user says they pay, and the bill's item for them."""


def break_even_percent(offer: Offer, on_demand: Price) -> Decimal | None:
    """The share of all hours from which on a commitment costs less than paying by the hour.

    To 0.1%, rounded up: at the percentage given it does. ``None`` without a commitment or price.
    """
    if offer.purchase.commitment is None or isinstance(offer.hourly, Unpriced):
        return None
    return (offer.hourly.amount / on_demand.amount * 100).quantize(Decimal("0.1"), ROUND_UP)


def hold(market: Market, region: str, held: Mapping[str, Decimal], as_of: str) -> Market:
    """Price offers at what the user already pays, in US dollars an hour of the whole month.

    ``held`` is by ``<instance type>/<purchase>``, in ``region``. On demand goes with it: AWS
    applies a commitment to what runs by itself. Every other plan pays for it too, which its bill
    says.
    """
    if not held:
        return market
    paid = {name: Price(hourly, "Hrs", as_of, HELD) for name, hourly in held.items()}
    offers = []
    for offer in market.offers:
        key = _key(offer)
        covering = [name for name in paid if name.partition("/")[0] == offer.instance_type.name]
        if offer.region == region and key in paid:
            offers.append(
                msgspec.structs.replace(offer, hourly=paid[key], upfront=Decimal(0), held=True)
            )
        elif offer.region == region and covering and offer.purchase.kind == "on-demand":
            absence = Unpriced(
                "covered", f"AWS would apply {covering[0]}, which is paid for, to it"
            )
            offers.append(msgspec.structs.replace(offer, hourly=absence))
        else:
            offers.append(offer)
    source = Source(HELD, as_of, as_of, "workload.existing_commitment")
    return msgspec.structs.replace(
        market,
        offers=tuple(offers),
        held=paid,
        sources=(*market.sources, source),
    )


def _key(offer: Offer) -> str:
    return f"{offer.instance_type.name}/{offer.purchase.name}"


def savings_plan_upfront(purchase: Purchase, hourly: Decimal) -> Decimal:
    """US dollars paid at the start: all of the commitment, half of it or nothing.

    Savings Plans User Guide, "Savings Plans payment options".
    """
    return hourly * HOURS_A_YEAR * purchase.years * _UPFRONT[purchase.payment]


_UPFRONT = {
    "no-upfront": Decimal(0),
    "partial-upfront": Decimal("0.5"),
    "all-upfront": Decimal(1),
}
