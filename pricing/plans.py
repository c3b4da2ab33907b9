"""From offers to plans: an offer with hours, its bill, and the reasons why it does not fit."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from pricing.bill import Bill, make_bill, surroundings
from pricing.calendar import ALWAYS_HOURS
from pricing.market import Market
from pricing.offers import PURCHASES, RANGES, Offer
from pricing.price import Unpriced
from pricing.workload import HostShape, Hours, Usage, Workload

Shape = Literal["instance", "group"]
HOURS: tuple[Hours, ...] = ("always", "market")


class Rejection(msgspec.Struct, frozen=True):
    """Why a plan is not for this workload. ``code`` is for programs."""

    code: Literal[
        "memory",
        "architecture",
        "hours",
        "interruption",
        "interruption-unknown",
        "commitment",
        "spot-for-real",
        "incomplete",
    ]
    reason: str


class Plan(msgspec.Struct, frozen=True):
    """An offer with hours: a way to run the bot, priced as a whole."""

    offer: Offer
    hours: Hours
    hours_per_month: Decimal
    bill: Bill
    rejected_because: tuple[Rejection, ...]

    @property
    def id(self) -> str:
        """``<instance_type>/<purchase>/<hours>``, unique within a region."""
        return plan_id(self.offer, self.hours)

    @property
    def monthly(self) -> Decimal:
        """US dollars a month, all items."""
        return self.bill.total

    @property
    def shape(self) -> Shape:
        """See :func:`shape_of`."""
        return shape_of(self.offer)


class UnpricedPlan(msgspec.Struct, frozen=True):
    """A plan that could not be priced, and why."""

    region: str
    instance_type: str
    purchase: str
    hours: Hours
    absence: Unpriced

    @property
    def id(self) -> str:
        """As of a plan."""
        return f"{self.instance_type}/{self.purchase}/{self.hours}"


def shape_of(offer: Offer) -> Shape:
    """Spot runs as an Auto Scaling group of one, everything else as an instance."""
    return "group" if offer.purchase.kind == "spot" else "instance"


def plan_id(offer: Offer, hours: Hours) -> str:
    """The identity of a plan within a region."""
    return f"{offer.name}/{hours}"


def make_plans(
    market: Market, workload: Workload, host: HostShape, usage: Usage
) -> tuple[tuple[Plan, ...], tuple[UnpricedPlan, ...]]:
    """Price every offer for every choice of hours.

    Of several Spot offers for one type (one a zone) only the cheapest becomes a plan; ties go to
    the zone id that sorts first. A plan whose own bill lacks a price (for CPU credits) is not
    priced: it must not win by what it lacks.
    """
    month = {"always": ALWAYS_HOURS, "market": workload.window.hours_a_month()}
    shapes: dict[Shape, HostShape] = {
        "instance": host,
        # A Spot host may go at any time: its state does not stay on it.
        "group": msgspec.structs.replace(host, keeps_state=True),
    }
    around = {
        (region, hours, shape): surroundings(month[hours], built, usage, rates)
        for region, rates in market.rates.items()
        for hours in HOURS
        for shape, built in shapes.items()
    }
    plans: list[Plan] = []
    unpriced: list[UnpricedPlan] = []
    dearest = _dearest(market.offers)
    for offer in _cheapest(market.offers):
        for hours in HOURS:
            absence = offer.hourly
            if not isinstance(absence, Unpriced):
                bill = make_bill(
                    offer,
                    month[hours],
                    workload,
                    host,
                    around[offer.region, hours, shape_of(offer)],
                    market.rates[offer.region],
                    market.held,
                    _assumed(offer, dearest),
                )
                if not isinstance(bill, Unpriced):
                    reasons = tuple(rejections(offer, hours, workload))
                    plans.append(Plan(offer, hours, month[hours], bill, reasons))
                    continue
                absence = bill
            unpriced.append(
                UnpricedPlan(
                    offer.region, offer.instance_type.name, offer.purchase.name, hours, absence
                )
            )
    unpriced += [
        UnpricedPlan(one.region, one.instance_type, purchase, hours, one.absence)
        for one in market.missing
        for purchase in PURCHASES
        for hours in HOURS
    ]
    return tuple(plans), tuple(unpriced)


def _cheapest(offers: Iterable[Offer]) -> Iterable[Offer]:
    """Of each type and purchase in a region, the zone that is cheapest, priced ones first."""
    best: dict[tuple[str, str, str], Offer] = {}
    for offer in offers:
        key = offer.region, offer.instance_type.name, offer.purchase.name
        other = best.get(key)
        if other is None or _rank(offer) < _rank(other):
            best[key] = offer
    return best.values()


def _rank(offer: Offer) -> tuple[bool, Decimal, str]:
    hourly = offer.hourly
    missing = isinstance(hourly, Unpriced)
    amount = Decimal(0) if isinstance(hourly, Unpriced) else hourly.amount
    return missing, amount, offer.availability_zone_id or ""


def _dearest(offers: Iterable[Offer]) -> dict[tuple[str, str], Decimal]:
    """Of each type's Spot prices in a region, the highest."""
    most: dict[tuple[str, str], Decimal] = {}
    for offer in offers:
        if offer.purchase.kind == "spot" and not isinstance(offer.hourly, Unpriced):
            key = offer.region, offer.instance_type.name
            most[key] = max(offer.hourly.amount, most.get(key, Decimal(0)))
    return most


def _assumed(offer: Offer, dearest: Mapping[tuple[str, str], Decimal]) -> str:
    """Where Spot's price is that of: a group takes whichever zone has capacity to spare."""
    if offer.purchase.kind != "spot":
        return ""
    most = dearest[offer.region, offer.instance_type.name].normalize()
    zone = offer.availability_zone_id
    return f", at the price in {zone}; EC2 may choose another zone, at up to ${most:f}"


_BOUND = {None: 0, "none": 0, "1yr": 1, "3yr": 3}
"""Years that a commitment binds for, and that are allowed."""


def rejections(offer: Offer, hours: Hours, workload: Workload) -> Iterator[Rejection]:
    """Every reason why this offer, in these hours, is not for the workload."""
    kind = offer.instance_type
    if kind.memory_mib < workload.memory_mib:
        yield Rejection(
            "memory", f"{kind.memory_mib} MiB of memory, {workload.memory_mib} MiB are needed"
        )
    if kind.arch not in workload.architectures:
        yield Rejection(
            "architecture", f"{kind.arch} is not among {', '.join(workload.architectures)}"
        )
    if workload.hours == "always" and hours == "market":
        yield Rejection("hours", "up in market hours only")
    if offer.purchase.kind == "spot":
        yield from _spot_rejections(offer, workload)
    if not offer.held and _BOUND[offer.purchase.commitment] > _BOUND[workload.commitment]:
        yield Rejection(
            "commitment",
            f"binds for {offer.purchase.commitment}, {workload.commitment} is the most allowed",
        )


def _spot_rejections(offer: Offer, workload: Workload) -> Iterator[Rejection]:
    cap = workload.max_interruption
    if cap == "none":
        yield Rejection("interruption", "AWS may interrupt it")
    elif cap != "any" and offer.interruption is None:
        yield Rejection("interruption-unknown", f"its interruptions are unknown, the cap is {cap}")
    elif (
        cap != "any"
        and offer.interruption
        and RANGES.index(offer.interruption.range) > RANGES.index(cap)
    ):
        yield Rejection(
            "interruption", f"{offer.interruption.range} are interrupted, the cap is {cap}"
        )
    if workload.real_account and not workload.allow_spot_for_real:
        yield Rejection(
            "spot-for-real", "an interruption would leave a real account's positions open"
        )
