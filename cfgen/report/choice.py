"""What was chosen, in a sentence."""

from cfgen.lock import LockedPlan
from cfgen.pipeline import Choice
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
