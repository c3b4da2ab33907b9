"""What was chosen, in a sentence."""

from cfgen.pipeline import Choice
from cfgen.report.numbers import total, usd


def choice_text(choice: Choice) -> str:
    """The plan, its cost, where its prices come from, and what a cheaper one would save."""
    market = choice.recommendation.market
    current = choice.current
    cost = f"{total(current.bill)} a month" if current else "not priced"
    kept = ", kept by cfgen.lock" if choice.lock else ""
    as_of = current.bill.as_of if current else market.as_of
    lines = [f"plan: {choice.plan.id}, {cost}{kept} (prices: {market.mode}, {as_of})"]
    if choice.cheaper and current:
        saving = usd(current.monthly - choice.cheaper.monthly)
        lines.append(
            f"note: {choice.cheaper.id} would save {saving} a month; "
            "cfgen recommend --write switches to it, which replaces the host"
        )
    return "\n".join(lines)
