"""Commitments: when one pays off, and those that the user holds already."""

from collections.abc import Mapping
from decimal import ROUND_UP, Decimal

import msgspec

from pricing.calendar import HOURS_A_YEAR
from pricing.market import Market
from pricing.offers import Offer, Purchase
from pricing.price import Price, Source, Unpriced

HELD = "existing-commitment"
"""The source's name of prices that the user says they pay, and the bill's item for them."""

_UPFRONT = {
    "no-upfront": Decimal(0),
    "partial-upfront": Decimal("0.5"),
    "all-upfront": Decimal(1),
}


def break_even_percent(offer: Offer, on_demand: Price) -> Decimal | None:
    """The share of all hours from which on a commitment costs less than paying by the hour.

    To 0.1%, rounded up: at the percentage given it does. ``None`` without a commitment or price.
    """
    if offer.purchase.commitment is None or isinstance(offer.hourly, Unpriced):
        return None
    return (offer.hourly.amount / on_demand.amount * 100).quantize(Decimal("0.1"), ROUND_UP)


def savings_plan_upfront(purchase: Purchase, hourly: Decimal) -> Decimal:
    """US dollars paid at the start: all of the commitment, half of it or nothing.

    Savings Plans User Guide, "Savings Plans payment options".
    """
    return hourly * HOURS_A_YEAR * purchase.years * _UPFRONT[purchase.payment]


def hold(market: Market, held: Mapping[tuple[str, str], Decimal], as_of: str) -> Market:
    """Price offers at what the user already pays, in US dollars an hour of the whole month.

    ``held`` is by region and offer (``<instance type>/<purchase>``). AWS applies a commitment by
    itself to what runs on demand and is covered by it, at a rate that is known for the named type
    only: such offers lose their price. Every other plan pays for the commitment too, which its bill
    says.
    """
    if not held:
        return market
    paid = {key: Price(hourly, "Hrs", as_of, HELD) for key, hourly in held.items()}
    return msgspec.structs.replace(
        market,
        offers=tuple(_held(offer, paid) for offer in market.offers),
        held=paid,
        sources=(*market.sources, Source(HELD, as_of, as_of, "workload.existing_commitment")),
    )


def _held(offer: Offer, paid: Mapping[tuple[str, str], Price]) -> Offer:
    if isinstance(offer.hourly, Unpriced) and offer.hourly.code == "not-offered":
        return offer
    own = paid.get((offer.region, offer.name))
    if own:
        return msgspec.structs.replace(offer, hourly=own, upfront=Decimal(0), held=True)
    covering = [key for key in paid if offer.purchase.kind == "on-demand" and _covers(key, offer)]
    if covering:
        name = " in ".join(reversed(covering[0]))
        absence = Unpriced("covered", f"AWS would apply {name}, which is paid for, to it")
        return msgspec.structs.replace(offer, hourly=absence)
    return offer


def _covers(key: tuple[str, str], offer: Offer) -> bool:
    """Whether AWS applies a commitment to what runs on demand.

    Reservations go with the type, EC2 Instance Savings Plans with the family, both in their region;
    Compute Savings Plans with everything (Savings Plans User Guide, "Plan types").
    """
    region, (name, _, purchase) = key[0], key[1].partition("/")
    if purchase.startswith("compute-savings-plan"):
        return True
    if region != offer.region:
        return False
    if purchase.startswith("ec2-instance-savings-plan"):
        return name.partition(".")[0] == offer.instance_type.family
    return name == offer.instance_type.name
