"""A price and its absence."""

from decimal import Decimal

import msgspec


class Source(msgspec.Struct, frozen=True):
    """Where figures come from.

    ``as_of`` is the day (RFC 3339 full-date) on which the oldest of them was true, ``fetched_at``
    the moment or day when they were read, ``origin`` a sentence on who published them.
    """

    name: str
    as_of: str
    fetched_at: str
    origin: str


class Price(msgspec.Struct, frozen=True):
    """An amount of money for one unit of something.

    Raises ``ValueError`` unless the amount is finite and above zero: a free part is a property of
    a :class:`pricing.rates.Rate`, and a missing price is an :class:`Unpriced`.
    """

    amount: Decimal
    unit: str
    as_of: str
    source: str
    currency: str = "USD"

    def __post_init__(self) -> None:
        """Check the amount."""
        if not (self.amount.is_finite() and self.amount > 0):
            raise ValueError(f"a price is finite and above zero, not {self.amount}")


class Unpriced(msgspec.Struct, frozen=True, tag="unpriced"):
    """The absence of a price: ``code`` for programs, ``reason`` for people."""

    code: str
    reason: str
