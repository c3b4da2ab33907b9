"""The choice: every plan ranked, the first that fits, and what relaxing a wish would save."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from pricing.bill import NotCounted
from pricing.market import Market, Notice
from pricing.plans import Plan, Rejection, UnpricedPlan, make_plans, rejections
from pricing.price import Price, Unpriced
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
    """``plans`` holds every priced plan, fitting or not, cheapest first.

    ``on_demand_prices`` is what an hour costs, by region and type, where that is known.
    """

    market: Market
    workload: Workload
    host: HostShape
    usage: Usage
    plans: tuple[Plan, ...]
    unpriced: tuple[UnpricedPlan, ...]
    savings: tuple[Saving, ...]
    notices: tuple[Notice, ...]
    on_demand_prices: Mapping[tuple[str, str], Price]

    @property
    def recommended(self) -> Plan | None:
        """The cheapest plan that fits."""
        return first_fitting(self.plans)

    @property
    def not_counted(self) -> tuple[NotCounted, ...]:
        """What the bills of the cheapest and of the recommended plan lack, each once."""
        return _lacks(self.plans, self.recommended)

    def plan(self, plan_id: str) -> Plan | None:
        """The plan with this id, if it is priced."""
        return next((plan for plan in self.plans if plan.id == plan_id), None)

    def on_demand(self, plan: Plan) -> Price | None:
        """What an hour of the plan's type costs on demand, where that is known."""
        key = plan.offer.region, plan.offer.instance_type.name
        return self.on_demand_prices.get(key)

    def absence(self, plan_id: str) -> Unpriced | None:
        """Why the plan with this id has no price, if it has none."""
        return next((plan.absence for plan in self.unpriced if plan.id == plan_id), None)


def recommend(market: Market, workload: Workload, host: HostShape, usage: Usage) -> Recommendation:
    """Rank all plans on the whole monthly bill. The same input gives the same answer."""
    on_demand = _on_demand(market)
    plans, unpriced = _ranked(market, workload, host, usage, on_demand)
    chosen = first_fitting(plans)
    return Recommendation(
        market,
        workload,
        host,
        usage,
        plans,
        tuple(sorted(unpriced, key=lambda plan: (plan.region, plan.id))),
        tuple(_savings(market, workload, host, usage, plans, on_demand)),
        tuple(_notices(market, workload, host, plans, chosen)),
        on_demand,
    )


def first_fitting(plans: tuple[Plan, ...]) -> Plan | None:
    """The first plan without a rejection."""
    return next((plan for plan in plans if not plan.rejected_because), None)


def _ranked(
    market: Market,
    workload: Workload,
    host: HostShape,
    usage: Usage,
    on_demand: Mapping[tuple[str, str], Price],
) -> tuple[tuple[Plan, ...], tuple[UnpricedPlan, ...]]:
    plans, unpriced = make_plans(market, workload, host, usage)

    def rank(plan: Plan) -> tuple[Decimal, Decimal, str, str]:
        # A type without an on-demand price goes after those with one.
        price = on_demand.get((plan.offer.region, plan.offer.instance_type.name))
        tie_break = price.amount if price else Decimal("Infinity")
        return plan.monthly, tie_break, plan.id, plan.offer.region

    return tuple(sorted(_whole_first(plans), key=rank)), unpriced


def _on_demand(market: Market) -> dict[tuple[str, str], Price]:
    """What an hour costs on demand, by region and type, where that is known."""
    return {
        (offer.region, offer.instance_type.name): offer.hourly
        for offer in market.offers
        if offer.purchase.kind == "on-demand" and isinstance(offer.hourly, Price)
    }


def _whole_first(plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
    """Turn down plans whose bill lacks more than every bill does: they may not win by that."""
    items = {
        (plan.offer.region, plan.hours, plan.shape): {lack.item for lack in plan.bill.not_counted}
        for plan in plans
    }
    common = set.intersection(*items.values()) if items else set()
    more = {key: sorted(lacking - common) for key, lacking in items.items()}
    return tuple(
        msgspec.structs.replace(
            plan, rejected_because=(*plan.rejected_because, _incomplete(lacking))
        )
        if (lacking := more[plan.offer.region, plan.hours, plan.shape])
        else plan
        for plan in plans
    )


def _incomplete(items: list[str]) -> Rejection:
    rest = f" and {len(items) - 1} more" if len(items) > 1 else ""
    return Rejection("incomplete", f"its bill lacks {items[0]}{rest}")


class _Wish(msgspec.Struct, frozen=True):
    """Something the owner wants, and the changes that give it up.

    ``unknown`` is why the saving cannot be said, where that is so.
    """

    accept: str
    workload: dict[str, object] = {}
    host: dict[str, object] = {}
    unknown: Unpriced | None = None


def _wishes(
    market: Market, workload: Workload, host: HostShape, chosen: Plan | None
) -> Iterator[_Wish]:
    rates = market.rates[chosen.offer.region] if chosen else {}

    def no_rate(service: Service) -> Unpriced | None:
        rate = rates.get(service)
        return rate if isinstance(rate, Unpriced) else None

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
        unknown = no_rate(Service.PUBLIC_IPV4)
        yield _Wish("network.elastic_ip = false", host={"fixed_address": False}, unknown=unknown)
    if host.disk_gib > host.smallest_disk_gib:
        smallest = host.smallest_disk_gib
        unknown = no_rate(Service.EBS_GP3)
        yield _Wish(f"host.disk_gib = {smallest}", host={"disk_gib": smallest}, unknown=unknown)
    if workload.commitment != "3yr":
        committed = [offer.hourly for offer in market.offers if offer.purchase.commitment]
        absences = [hourly for hourly in committed if isinstance(hourly, Unpriced)]
        unknown = absences[0] if absences and len(absences) == len(committed) else None
        yield _Wish("--commitment 3yr", {"commitment": "3yr"}, unknown=unknown)


def _savings(
    market: Market,
    workload: Workload,
    host: HostShape,
    usage: Usage,
    plans: tuple[Plan, ...],
    on_demand: Mapping[tuple[str, str], Price],
) -> Iterator[Saving]:
    """Give up each wish alone, then all those together that the greatest saving needs."""
    chosen = first_fitting(plans)
    wishes = tuple(_wishes(market, workload, host, chosen))
    # What the workload asks for changes no bill, only which plans fit.
    by_shape = {host: plans}

    def best(given_up: tuple[_Wish, ...]) -> Plan | None:
        relaxed, shape = workload, host
        for wish in given_up:
            relaxed = msgspec.structs.replace(relaxed, **wish.workload)
            shape = msgspec.structs.replace(shape, **wish.host)
        if shape not in by_shape:
            by_shape[shape] = _ranked(market, workload, shape, usage, on_demand)[0]
        return next((plan for plan in by_shape[shape] if _fits(plan, relaxed)), None)

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


def _fits(plan: Plan, workload: Workload) -> bool:
    incomplete = any(reason.code == "incomplete" for reason in plan.rejected_because)
    return not incomplete and next(rejections(plan.offer, plan.hours, workload), None) is None


def _lacks(plans: tuple[Plan, ...], chosen: Plan | None) -> tuple[NotCounted, ...]:
    """What any bill lacks that a reader is likely to look at, each once."""
    bills = [plan.bill for plan in (*plans[:1], *([chosen] if chosen else []))]
    return tuple(dict.fromkeys(lack for bill in bills for lack in bill.not_counted))


def _notices(
    market: Market,
    workload: Workload,
    host: HostShape,
    plans: tuple[Plan, ...],
    chosen: Plan | None,
) -> Iterator[Notice]:
    yield from market.notices
    for lack in _lacks(plans, chosen):
        message = f"{lack.item} ({lack.formula}): {lack.absence.reason}"
        yield Notice("not-counted", message)
    if any(
        plan.offer.purchase.kind == "spot"
        and plan.offer.history is None
        and not plan.rejected_because
        for plan in plans
    ):
        yield Notice(
            "spot-single-price",
            "Spot plans rest on one observed price for each zone, not on a mean",
        )
    if chosen and host.credits == "standard":
        baseline = chosen.offer.instance_type.baseline_percent
        if baseline is not None and workload.cpu_average_percent > baseline:
            yield Notice(
                "cpu-throttled",
                f"an average CPU of {workload.cpu_average_percent}% is above the "
                f"{baseline}% that {chosen.offer.instance_type.name} sustains on standard credits",
            )
