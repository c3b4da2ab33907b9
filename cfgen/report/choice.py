"""What was chosen, in a sentence."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cfgen.config.given import Given
from cfgen.pipeline import Choice, Kept, bill_of
from cfgen.report.numbers import total, usd
from pricing.plans import Plan
from pricing.recommend import Recommendation

if TYPE_CHECKING:
    from cfgen.template.switch import Effect


def choice_text(choice: Choice, lock: Path, given: Given) -> str:
    """The plan, its cost, where its prices come from, and what a switch saves and does.

    ``lock`` is the lock's path.
    """
    recommendation = choice.recommendation
    market = recommendation.market
    current = choice.current
    cost = f"{total(current.bill)} a month" if current else "not priced"
    kept = f", kept by {lock}" if choice.lock else ""
    as_of = current.bill.as_of if current else market.as_of
    lines = [f"plan: {choice.plan.id}, {cost}{kept} (prices: {market.mode}, {as_of})"]
    if absence := recommendation.absence(choice.plan.id):
        lines.append(f"note: not priced: {absence.reason}")
    if choice.cheaper and current:
        how = given.command("recommend --write")
        lines.append(f"note: {_would_save(choice.cheaper, current, choice.effect, how)}")
    if choice.left:
        does = _what_it_does(choice.effect)
        lines.append(f"note: instead of {choice.left.id}, which {lock} keeps{does}")
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


def switch_text(kept: Kept, recommendation: Recommendation, lock: Path, switching: str) -> str:
    """What the lock keeps, beside what is recommended now; ``switching`` is the command to it."""
    best, current = recommendation.recommended, recommendation.plan(kept.plan.id)
    keeps = f"{lock} keeps {kept.plan.id}"
    if best is None or best.id == kept.plan.id:
        return keeps
    if current is None:
        absence = recommendation.absence(kept.plan.id)
        reason = absence.reason if absence else "it is not among the wanted plans"
        return f"{keeps}, which has no price: {reason}"
    if best.monthly >= current.monthly:
        return f"{keeps}, which these options would not choose"
    return f"{keeps}; {_would_save(best, current, kept.effect, switching)}"


def written_text(lock: Path, plan: str, before: Kept | None) -> str:
    """What was locked, and what a deploy of it does where another plan was kept ``before``."""
    if before is None:
        return f"wrote {lock}: {plan}"
    return f"wrote {lock}: {plan} instead of {before.plan.id}{_what_it_does(before.effect)}"


def _would_save(best: Plan, current: Plan, effect: "Effect | None", switching: str) -> str:
    saving = usd(current.monthly - best.monthly)
    return (
        f"{best.id} would save {saving} a month; {switching} switches to it{_what_it_does(effect)}"
    )


DOES = {
    "leave": "leaves the host alone",
    "restart": "stops and starts the host, or replaces it where EC2 cannot change it in place",
    "replace": "replaces the host",
}
"""What a switch does to the host, by the kind of its effect."""


def _what_it_does(effect: "Effect | None") -> str:
    """What a switch does once it is deployed; nothing where that is not known."""
    if effect is None:
        return ""
    because = f" ({', '.join(effect.because)})" if effect.because else ""
    return f": a deploy {DOES[effect.kind]}{because}"
