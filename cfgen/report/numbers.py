"""How numbers and ages are written."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from pricing.bill import Bill


def plain(number: Decimal) -> str:
    """All digits, no exponent, no trailing zeros: ``7.592``, ``0.000005``, ``0``."""
    return f"{number.normalize():f}" if number else "0"


def usd(amount: Decimal) -> str:
    """Rounded to cents for reading: ``$12.37``."""
    return f"${amount.quantize(Decimal('0.01'), ROUND_HALF_UP):f}"


def total(bill: Bill, least: str = "at least ") -> str:
    """What a bill comes to, for reading; ``least`` stands before a sum that lacks something."""
    return f"{least if bill.not_counted else ''}{usd(bill.total)}"


def age(as_of: str, today: date) -> str:
    """``53 days old``, of an RFC 3339 date or date-time."""
    days = (today - date.fromisoformat(as_of[:10])).days
    return "from today" if days <= 0 else f"{days} day{'s' if days > 1 else ''} old"
