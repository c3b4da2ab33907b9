"""What was chosen, in a sentence."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from cfgen.lock import LockedPlan
from cfgen.pipeline import Choice, bill_of
from cfgen.report.numbers import total, usd
from pricing.plans import Plan
from pricing.recommend import Recommendation


def choice_text(choice: Choice) -> str:
    """The plan, its cost, where its prices come from, and what a cheaper one would save."""
    recommendation = choice.recommendation
    market = recommendation.market
    current = choice.current
    cost = f"{total(current.bill)} a month" if current else "not priced"
    kept = ", kept by cfgen.lock" if choice.lock else ""
    as_of = current.bill.as_of if current else market.as_of
    lines = [f"plan: {choice.plan.id}, {cost}{kept} (prices: {market.mode}, {as_of})"]
    if absence := recommendation.absence(choice.plan.id):
        lines.append(f"note: not priced: {absence.reason}")
    if choice.cheaper and current:
        lines.append(f"note: {_would_save(choice.cheaper, current)}")
    return "\n".join(lines)


class CostChange(msgspec.Struct, frozen=True):
    """What a month costs before and after a deploy, in US dollars; ``None`` is not known.

    For a new stack nothing is known before. ``text`` is for people.
    """

    before: Decimal | None
    after: Decimal | None
    text: str


def cost_change(choice: Choice, built_for: Mapping[str, object] | None) -> CostChange:
    """Compare what a stack was built for with what is chosen, at today's prices."""
    current = choice.current
    if current is None:
        return CostChange(None, None, f"cost: {choice.plan.id} is not priced")
    after = total(current.bill)
    if built_for is None:
        return CostChange(None, current.bill.total, f"cost: {after} a month")
    bill = bill_of(choice, built_for)
    if bill is None:
        text = f"cost: {after} a month; what the stack costs now is not known"
        return CostChange(None, current.bill.total, text)
    delta = current.bill.total - bill.total
    change = f"{usd(abs(delta))} {'more' if delta > 0 else 'less'}" if delta else "no change"
    text = f"cost: {total(bill)} a month now, {after} after: {change}"
    return CostChange(bill.total, current.bill.total, text)


def switch_text(kept: LockedPlan, recommendation: Recommendation) -> str:
    """What the lock keeps, beside what is recommended now."""
    best, current = recommendation.recommended, recommendation.plan(kept.id)
    if best is None or best.id == kept.id:
        return f"cfgen.lock keeps {kept.id}"
    if current is None:
        absence = recommendation.absence(kept.id)
        reason = absence.reason if absence else "it is not among the wanted plans"
        return f"cfgen.lock keeps {kept.id}, which has no price: {reason}"
    if best.monthly >= current.monthly:
        return f"cfgen.lock keeps {kept.id}, which these options would not choose"
    return f"cfgen.lock keeps {kept.id}; {_would_save(best, current)}"


def _would_save(best: Plan, current: Plan) -> str:
    saving = usd(current.monthly - best.monthly)
    return (
        f"{best.id} would save {saving} a month; "
        "cfgen recommend --write switches to it, which replaces the host"
    )
