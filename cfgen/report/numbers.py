"""How numbers and ages are written."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from pricing.bill import Bill

BARS = "▁▂▃▄▅▆▇█"


def plain(number: Decimal) -> str:
    """All digits, no exponent, no trailing zeros: ``7.592``, ``0.000005``, ``0``."""
    return f"{number.normalize():f}" if number else "0"


def usd(amount: Decimal) -> str:
    """Rounded to cents for reading: ``$12.37``."""
    return f"${amount.quantize(Decimal('0.01'), ROUND_HALF_UP):f}"


def total(bill: Bill, least: str = "at least ") -> str:
    """What a bill comes to, for reading; ``least`` stands before a sum that lacks something."""
    return f"{least if bill.not_counted else ''}{usd(bill.total)}"


def sparkline(amounts: Sequence[Decimal]) -> str:
    """A bar for each amount, from the lowest to the highest of them: ``▁▁▅█▅▁``."""
    low, high = min(amounts), max(amounts)
    steps = len(BARS) - 1
    return "".join(
        BARS[int((amount - low) * steps / (high - low))] if high > low else BARS[0]
        for amount in amounts
    )


def age(as_of: str, today: date) -> str:
    """``53 days old``, of an RFC 3339 date or date-time."""
    days = (today - date.fromisoformat(as_of[:10])).days
    return "from today" if days <= 0 else f"{days} day{'s' if days > 1 else ''} old"
