"""``recommend`` for people."""

from collections.abc import Iterator
from datetime import date

from rich.console import RenderableType
from rich.text import Text

from cfgen.report.numbers import age, plain, sparkline, total, usd
from cfgen.report.paper import WIDE, Paper
from pricing.commitments import break_even_percent
from pricing.plans import Plan
from pricing.price import Unpriced
from pricing.recommend import Recommendation, Saving

SHORT = {
    "memory": "memory",
    "architecture": "architecture",
    "hours": "fewer hours",
    "interruption": "interruptible",
    "interruption-unknown": "unknown risk",
    "commitment": "commitment",
    "spot-for-real": "Spot for real",
    "incomplete": "incomplete bill",
}
"""Reasons for a narrow terminal."""

HOURS = {"always": "around the clock", "market": "in market hours"}


def recommendation_text(
    recommendation: Recommendation, paper: Paper, today: date, *, everything: bool, explain: bool
) -> str:
    """The choice, the plans beside it, what would lower the bill, and what the figures rest on.

    ``everything`` shows every plan and every missing price; ``explain`` each line's formula.
    """
    return paper.render(_parts(recommendation, paper, today, everything, explain))


def _parts(
    recommendation: Recommendation, paper: Paper, today: date, everything: bool, explain: bool
) -> Iterator[RenderableType]:
    chosen = recommendation.recommended
    yield _headline(recommendation, chosen)
    yield ""
    yield from _plans(recommendation, paper, chosen, everything)
    if explain:
        shown = recommendation.plans if everything else [chosen] if chosen else []
        for plan in shown:
            yield from _explanation(plan, recommendation, paper, today)
    yield from _savings(recommendation, paper)
    yield from _commitments(recommendation, paper, chosen)
    yield from _notices(recommendation, paper, everything)
    yield ""
    yield from _sources(recommendation, today)


def _headline(recommendation: Recommendation, chosen: Plan | None) -> Text:
    if chosen is None:
        region = recommendation.market.region
        where = "any region" if recommendation.market.is_wide else region
        return Text(f"No plan fits in {where}: each one's reason is below", style="bold red")
    kind, purchase = chosen.offer.instance_type, chosen.offer.purchase
    name = {"on-demand": "on demand", "spot": "on Spot"}.get(purchase.name, purchase.name)
    text = Text(
        f"{kind.name} {name}, {HOURS[chosen.hours]}, in {chosen.offer.region}: ", style="bold"
    )
    text.append(f"{total(chosen.bill)} a month", style="bold green")
    return text


def _plans(
    recommendation: Recommendation, paper: Paper, chosen: Plan | None, everything: bool
) -> Iterator[RenderableType]:
    plans = recommendation.plans
    if everything:
        shown = plans
    elif recommendation.market.is_wide:
        shown = tuple(_of_each_region(plans))
    else:
        shown = tuple(_telling(plans, chosen)) or plans
    region = ("Region",) if recommendation.market.is_wide else ()
    rest = ("Rest",) if paper.fits(100) else ()
    compute = ("Compute",) if paper.fits(100) or not region else ()
    numbers = (*compute, *rest, "Month")
    zone = ("Zone",) if paper.fits(100) else ()
    lines = any(plan.offer.history for plan in shown) and paper.fits(170)
    history = ("Spot price",) if lines else ()
    columns = ("", "Type", "Purchase", "Hours", *region, *zone, *numbers, "Risk", *history)
    table = paper.table(*columns, "Why not", right=numbers)
    for plan in shown:
        offer = plan.offer
        instance = plan.bill.items[0].monthly
        table.add_row(
            "→" if plan is chosen else "",
            offer.instance_type.name,
            paper.fold(offer.purchase.name, 13),
            plan.hours,
            *((offer.region,) if region else ()),
            *((offer.availability_zone_id or "any",) if zone else ()),
            *((usd(instance),) if compute else ()),
            *(("?" if plan.bill.not_counted else usd(plan.monthly - instance),) if rest else ()),
            total(plan.bill, "≥ "),
            offer.interruption.range if offer.interruption else "",
            *((sparkline(offer.history.samples) if offer.history else "",) if history else ()),
            _why_not(plan, chosen, short=not paper.fits(WIDE)),
            style="bold" if plan is chosen else "dim" if plan.rejected_because else "",
        )
    yield table
    if len(shown) < len(plans):
        yield f"{len(plans) - len(shown)} more: --all shows them"


def _telling(plans: tuple[Plan, ...], chosen: Plan | None) -> Iterator[Plan]:
    """Plans worth a row: the chosen one, and those that are not hopeless.

    Of the commitments for a type, which cost the same in all hours, the cheapest of each term.
    """
    hard = {"memory", "architecture"}
    seen: set[tuple[str, str, int]] = set()
    for plan in plans:
        offer = plan.offer
        telling = not any(reason.code in hard for reason in plan.rejected_because)
        if offer.purchase.commitment:
            term = offer.region, offer.instance_type.name, offer.purchase.years
            telling = telling and term not in seen
            seen.add(term)
        if telling or plan is chosen:
            yield plan


def _of_each_region(plans: tuple[Plan, ...]) -> Iterator[Plan]:
    """The plan that would be chosen in each region by itself."""
    seen = set()
    for plan in plans:
        fits = all(reason.code == "incomplete" for reason in plan.rejected_because)
        if fits and plan.offer.region not in seen:
            seen.add(plan.offer.region)
            yield plan


def _commitments(
    recommendation: Recommendation, paper: Paper, chosen: Plan | None
) -> Iterator[RenderableType]:
    """When each kind of commitment for the chosen type pays off, against paying by the hour."""
    if chosen is None:
        return
    kind, region = chosen.offer.instance_type, chosen.offer.region
    rows = []
    seen = set()
    for plan in recommendation.plans:
        offer = plan.offer
        group = offer.purchase.kind, offer.purchase.years
        if (offer.instance_type, offer.region) != (kind, region) or group in seen:
            continue
        hourly = recommendation.on_demand(plan)
        percent = break_even_percent(offer, hourly) if hourly else None
        if hourly is None or percent is None:
            continue
        seen.add(group)
        less = hourly.amount * chosen.hours_per_month - plan.bill.items[0].monthly
        rows.append(
            (
                paper.fold(offer.purchase.name, 26),
                usd(offer.upfront),
                usd(plan.bill.items[0].monthly),
                f"{percent}% of the hours" if percent <= 100 else "never",
                f"{usd(less)} less" if less > 0 else f"{usd(-less)} more",
            )
        )
    if rows:
        hours = f"{plain(chosen.hours_per_month)} h"
        yield ""
        yield Text(f"Commitments for {kind.name}, paid around the clock", style="bold")
        numbers = ("Upfront", "Month", "Pays off from", f"At {hours}")
        table = paper.table("Purchase", *numbers, right=numbers)
        for row in rows:
            table.add_row(*row)
        yield table


def _why_not(plan: Plan, chosen: Plan | None, *, short: bool) -> str:
    if plan.rejected_because:
        return "; ".join(
            SHORT[reason.code] if short else reason.reason for reason in plan.rejected_because
        )
    if chosen is None or plan is chosen:
        return ""
    more = usd(plan.monthly - chosen.monthly)
    return f"+{more}" if short else f"{more} a month more"


def _explanation(
    plan: Plan, recommendation: Recommendation, paper: Paper, today: date
) -> Iterator[RenderableType]:
    yield ""
    yield Text(f"{plan.id} costs {total(plan.bill)} a month", style="bold")
    if plan.hours == "market":
        window = recommendation.workload.window
        hours = f"{plain(window.hours_a_day())} h ({window}) x 5 days x 365.25/84 weeks a month"
        yield f"{plain(plan.hours_per_month)} h = {hours}"
    numbers = ("Quantity", "Price", "Month")
    table = paper.table("Item", *numbers, "From", right=numbers)
    for item in plan.bill.items:
        source = f"{item.price.source}, {item.price.as_of} ({age(item.price.as_of, today)})"
        table.add_row(
            str(item.item),
            plain(item.quantity),
            f"${plain(item.price.amount)} / {item.price.unit}",
            f"${plain(item.monthly)}",
            f"{item.formula}; {source}",
        )
    table.add_row("total", "", "", f"${plain(plan.monthly)}", "", style="bold")
    yield table
    if plan.offer.spot and (history := plan.offer.history):
        figures = {
            "now": plan.offer.spot.current,
            "mean": history.mean,
            "median": history.p50,
            "95%": history.p95,
            "highest": history.maximum,
        }
        said = ", ".join(f"{name} ${plain(amount)}" for name, amount in figures.items())
        where = plan.offer.availability_zone_id
        yield f"Spot price in {where}, {history.days} days: {sparkline(history.samples)} {said}"


def _savings(recommendation: Recommendation, paper: Paper) -> Iterator[RenderableType]:
    if not recommendation.savings:
        return
    yield ""
    yield Text("What would lower the bill", style="bold")
    table = paper.table("Saves", "Month", "Accept", "Then", right=("Month", "Saves"))
    chosen = recommendation.recommended
    for saving in recommendation.savings:
        known = None if isinstance(saving.monthly, Unpriced) else saving.plan
        table.add_row(
            _saved(saving, chosen),
            total(known.bill, "≥ ") if known else "",
            "\n".join(saving.accept) if paper.terminal else " and ".join(saving.accept),
            _outcome(saving, chosen, wide=recommendation.market.is_wide),
        )
    yield table


def _saved(saving: Saving, chosen: Plan | None) -> str:
    if chosen is None:
        return ""
    if isinstance(saving.monthly, Unpriced):
        return "unknown"
    return usd(saving.monthly) if saving.monthly else "nothing"


def _outcome(saving: Saving, chosen: Plan | None, *, wide: bool) -> str:
    if isinstance(saving.monthly, Unpriced):
        return saving.monthly.reason
    if saving.plan is None:
        return "still nothing fits"
    offer = saving.plan.offer
    if chosen and (saving.plan.id, offer.region) == (chosen.id, chosen.offer.region):
        return "the same plan"
    where = f" in {offer.region}" if wide else ""
    risk = f", {offer.interruption.range} interrupted a month" if offer.interruption else ""
    return saving.plan.id + where + risk


def _notices(
    recommendation: Recommendation, paper: Paper, everything: bool
) -> Iterator[RenderableType]:
    missing: dict[str, dict[str, str]] = {}
    for plan in recommendation.unpriced:
        offers = missing.setdefault(plan.absence.code, {})
        where = f" in {plan.region}" if recommendation.market.is_wide else ""
        offers[f"{plan.instance_type}/{plan.purchase}{where}"] = plan.absence.reason
    # On a terminal these stand below, on standard error.
    told = () if paper.terminal else recommendation.market.notices
    notices = [
        one
        for one in recommendation.notices
        if one in told or one not in recommendation.market.notices
    ]
    if missing or notices:
        yield ""
    lacks: dict[str, list[str]] = {}
    for lack in recommendation.not_counted:
        lacks.setdefault(lack.absence.reason, []).append(lack.item)
    for reason, items in lacks.items():
        yield Text(f"Not counted: {', '.join(items)}: {reason}", style="yellow")
    for notice in notices:
        if notice.code != "not-counted":
            yield Text(f"Note: {notice.message}", style="yellow")
    for offers in missing.values():
        count = f"{len(offers)} offer{'s' if len(offers) > 1 else ''}"
        reasons = sorted(set(offers.values()))
        such = "" if len(reasons) == 1 else "such as: "
        named = "" if everything else " (--all names them)"
        yield f"Not priced: {count}{named}: {such}{reasons[0]}"
        if everything:
            yield from (
                f"  {offer}{f': {offers[offer]}' if such else ''}" for offer in sorted(offers)
            )


def _sources(recommendation: Recommendation, today: date) -> Iterator[RenderableType]:
    market = recommendation.market
    yield f"Prices: {market.mode}, {age(market.as_of, today)} where oldest"
    for source in market.sources:
        yield f"  {source.name}: {source.origin}, {source.as_of} ({age(source.as_of, today)})"
