"""``recommend`` for people."""

from collections.abc import Iterator
from datetime import date

from rich.console import RenderableType
from rich.text import Text

from cfgen.report.numbers import age, plain, total, usd
from cfgen.report.paper import Paper
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
    yield _plans(recommendation, paper, chosen, everything)
    if explain:
        shown = recommendation.plans if everything else [chosen] if chosen else []
        for plan in shown:
            yield from _explanation(plan, recommendation, paper, today)
    yield from _savings(recommendation, paper)
    yield from _notices(recommendation, everything)
    yield ""
    yield from _sources(recommendation, today)


def _headline(recommendation: Recommendation, chosen: Plan | None) -> Text:
    region = recommendation.market.region
    if chosen is None:
        return Text(f"No plan fits in {region}: each one's reason is below", style="bold red")
    kind, purchase = chosen.offer.instance_type, chosen.offer.purchase
    name = {"on-demand": "on demand", "spot": "on Spot"}.get(purchase.name, purchase.name)
    text = Text(f"{kind.name} {name}, {HOURS[chosen.hours]}, in {region}: ", style="bold")
    text.append(f"{total(chosen.bill)} a month", style="bold green")
    return text


def _plans(
    recommendation: Recommendation, paper: Paper, chosen: Plan | None, everything: bool
) -> RenderableType:
    numbers = ("Compute", "Rest", "Month")
    zone = ("Zone",) if paper.fits(100) else ()
    columns = ("", "Type", "Purchase", "Hours", *zone, *numbers, "Risk", "Why not")
    table = paper.table(*columns, right=numbers)
    for plan in recommendation.plans:
        if chosen and plan is not chosen and not everything and not _telling(plan):
            continue
        offer = plan.offer
        instance = plan.bill.items[0].monthly
        table.add_row(
            "→" if plan is chosen else "",
            offer.instance_type.name,
            offer.purchase.name,
            plan.hours,
            *((offer.availability_zone_id or "any",) if zone else ()),
            usd(instance),
            "?" if plan.bill.not_counted else usd(plan.monthly - instance),
            total(plan.bill, "≥ "),
            offer.interruption.range if offer.interruption else "",
            _why_not(plan, chosen, short=not paper.fits(124)),
            style="bold" if plan is chosen else "dim" if plan.rejected_because else "",
        )
    return table


def _telling(plan: Plan) -> bool:
    """A plan worth a row: it fits, or was turned down for something its owner could accept."""
    hard = {"memory", "architecture"}
    return not any(reason.code in hard for reason in plan.rejected_because)


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
            _outcome(saving, chosen),
        )
    yield table


def _saved(saving: Saving, chosen: Plan | None) -> str:
    if chosen is None:
        return ""
    if isinstance(saving.monthly, Unpriced):
        return "unknown"
    return usd(saving.monthly) if saving.monthly else "nothing"


def _outcome(saving: Saving, chosen: Plan | None) -> str:
    if isinstance(saving.monthly, Unpriced):
        return saving.monthly.reason
    if saving.plan is None:
        return "still nothing fits"
    if chosen is not None and saving.plan.id == chosen.id:
        return "the same plan"
    interruption = saving.plan.offer.interruption
    risk = f", {interruption.range} interrupted a month" if interruption else ""
    return saving.plan.id + risk


def _notices(recommendation: Recommendation, everything: bool) -> Iterator[RenderableType]:
    missing: dict[str, set[str]] = {}
    for plan in recommendation.unpriced:
        missing.setdefault(plan.absence.reason, set()).add(f"{plan.instance_type}/{plan.purchase}")
    if missing or recommendation.notices:
        yield ""
    lacks: dict[str, list[str]] = {}
    for lack in recommendation.recommended.bill.not_counted if recommendation.recommended else ():
        lacks.setdefault(lack.absence.reason, []).append(lack.item)
    for reason, items in lacks.items():
        yield Text(f"Not counted: {', '.join(items)}: {reason}", style="yellow")
    for notice in recommendation.notices:
        if notice.code != "not-counted" or not lacks:
            yield Text(f"Note: {notice.message}", style="yellow")
    for reason, plans in missing.items():
        count = f"{len(plans)} offer{'s' if len(plans) > 1 else ''}"
        yield f"Not priced: {count}{'' if everything else ' (--all names them)'}: {reason}"
        if everything:
            yield from (f"  {plan}" for plan in sorted(plans))


def _sources(recommendation: Recommendation, today: date) -> Iterator[RenderableType]:
    market = recommendation.market
    kinds = {"snapshot": "the embedded snapshot", "cache": "the cache", "live": "the live APIs"}
    yield f"Prices: {kinds[market.mode]}, {age(market.as_of, today)} where oldest"
    for source in market.sources:
        yield f"  {source.name}: {source.origin}, {source.as_of} ({age(source.as_of, today)})"
