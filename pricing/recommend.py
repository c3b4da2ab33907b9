"""The choice: every plan ranked, the first that fits, and what relaxing a wish would save."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from pricing.market import Market, Notice
from pricing.plans import Plan, UnpricedPlan, make_plans
from pricing.price import Unpriced
from pricing.rates import Service
from pricing.workload import HostShape, Usage, Workload


class Saving(msgspec.Struct, frozen=True):
    """What accepting something would save.

    ``accept`` names it as flags of ``recommend`` or keys of the configuration. ``plan`` is what
    would be chosen then, ``None`` if still nothing fits. ``monthly`` is US dollars, 0 or more, or
    why that cannot be said.
    """

    accept: tuple[str, ...]
    plan: Plan | None
    monthly: Decimal | Unpriced


class Recommendation(msgspec.Struct, frozen=True):
    """``plans`` holds every priced plan, fitting or not, cheapest first."""

    market: Market
    workload: Workload
    host: HostShape
    usage: Usage
    plans: tuple[Plan, ...]
    unpriced: tuple[UnpricedPlan, ...]
    savings: tuple[Saving, ...]
    notices: tuple[Notice, ...]

    @property
    def recommended(self) -> Plan | None:
        """The cheapest plan that fits."""
        return first_fitting(self.plans)

    def plan(self, plan_id: str) -> Plan | None:
        """The plan with this id, if it is priced."""
        return next((plan for plan in self.plans if plan.id == plan_id), None)


def recommend(market: Market, workload: Workload, host: HostShape, usage: Usage) -> Recommendation:
    """Rank all plans on the whole monthly bill. The same input gives the same answer."""
    plans, unpriced = _ranked(market, workload, host, usage)
    chosen = first_fitting(plans)
    return Recommendation(
        market,
        workload,
        host,
        usage,
        plans,
        tuple(sorted(unpriced, key=lambda plan: (plan.instance_type, plan.purchase, plan.hours))),
        tuple(_savings(market, workload, host, usage, chosen)),
        tuple(_notices(market, workload, host, plans, chosen)),
    )


def first_fitting(plans: tuple[Plan, ...]) -> Plan | None:
    """The first plan without a rejection."""
    return next((plan for plan in plans if not plan.rejected_because), None)


def _ranked(
    market: Market, workload: Workload, host: HostShape, usage: Usage
) -> tuple[tuple[Plan, ...], tuple[UnpricedPlan, ...]]:
    plans, unpriced = make_plans(market, workload, host, usage)
    on_demand = {
        plan.offer.instance_type.name: market.on_demand_hourly(plan.offer.instance_type.name)
        for plan in plans
    }

    def rank(plan: Plan) -> tuple[Decimal, Decimal, str]:
        tie_break = on_demand[plan.offer.instance_type.name]
        # A type without an on-demand price goes after those with one.
        return plan.monthly, Decimal("Infinity") if tie_break is None else tie_break, plan.id

    return tuple(sorted(plans, key=rank)), unpriced


class _Wish(msgspec.Struct, frozen=True):
    """Something the owner wants, and the changes that give it up.

    ``unknown`` is why the saving cannot be said, where that is so.
    """

    accept: str
    workload: dict[str, object] = {}
    host: dict[str, object] = {}
    unknown: Unpriced | None = None


def _wishes(market: Market, workload: Workload, host: HostShape) -> Iterator[_Wish]:
    if workload.max_interruption != "any":
        if workload.real_account and not workload.allow_spot_for_real:
            yield _Wish(
                "--max-interruption any with bot.allow_spot_for_real = true",
                {"max_interruption": "any", "allow_spot_for_real": True},
            )
        else:
            yield _Wish("--max-interruption any", {"max_interruption": "any"})
    if workload.hours == "always":
        yield _Wish("--hours market", {"hours": "market"})
    if host.fixed_address:
        rate = market.rates.get(Service.PUBLIC_IPV4)
        unknown = rate if isinstance(rate, Unpriced) else None
        yield _Wish("network.elastic_ip = false", host={"fixed_address": False}, unknown=unknown)
    if workload.commitment != "3yr":
        committed = [offer.hourly for offer in market.offers if offer.purchase.commitment]
        absences = [hourly for hourly in committed if isinstance(hourly, Unpriced)]
        unknown = absences[0] if absences and len(absences) == len(committed) else None
        yield _Wish("--commitment 3yr", {"commitment": "3yr"}, unknown=unknown)


def _savings(
    market: Market, workload: Workload, host: HostShape, usage: Usage, chosen: Plan | None
) -> Iterator[Saving]:
    """Give up each wish alone, then all those together that the greatest saving needs."""
    wishes = tuple(_wishes(market, workload, host))

    def best(given_up: tuple[_Wish, ...]) -> Plan | None:
        relaxed, shape = workload, host
        for wish in given_up:
            relaxed = msgspec.structs.replace(relaxed, **wish.workload)
            shape = msgspec.structs.replace(shape, **wish.host)
        return first_fitting(_ranked(market, relaxed, shape, usage)[0])

    def less(plan: Plan | None) -> Decimal:
        return chosen.monthly - plan.monthly if chosen and plan else Decimal(0)

    for wish in wishes:
        plan = best((wish,))
        yield Saving((wish.accept,), plan, wish.unknown or less(plan))
    most = best(wishes)
    needed = tuple(
        wish
        for wish in wishes
        if less(best(tuple(other for other in wishes if other != wish))) < less(most)
    )
    if len(needed) > 1:
        yield Saving(tuple(wish.accept for wish in needed), most, less(most))


def _notices(
    market: Market,
    workload: Workload,
    host: HostShape,
    plans: tuple[Plan, ...],
    chosen: Plan | None,
) -> Iterator[Notice]:
    yield from market.notices
    # What any bill lacks that a reader is likely to look at, each once.
    bills = [plan.bill for plan in (*plans[:1], *([chosen] if chosen else []))]
    for lack in dict.fromkeys(lack for bill in bills for lack in bill.not_counted):
        message = f"{lack.item} ({lack.formula}): {lack.absence.reason}"
        yield Notice("not-counted", message)
    if any(plan.offer.purchase.kind == "spot" and not plan.rejected_because for plan in plans):
        yield Notice(
            "spot-single-price",
            "Spot plans rest on one observed price for each zone, not on a 30-day mean",
        )
    if chosen and host.credits == "standard":
        baseline = chosen.offer.instance_type.baseline_percent
        if baseline is not None and workload.cpu_average_percent > baseline:
            yield Notice(
                "cpu-throttled",
                f"an average CPU of {workload.cpu_average_percent}% is above the "
                f"{baseline}% that {chosen.offer.instance_type.name} sustains on standard credits",
            )
