"""A price and its absence."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")]
"""RFC 3339 full-date, perhaps with a time."""


class Source(msgspec.Struct, frozen=True):
    """Where figures come from.

    ``as_of`` is the day (RFC 3339 full-date) on which the oldest of them was true, ``fetched_at``
    the moment or day when they were read, ``origin`` a sentence on who published them.
    """

    name: str
    as_of: Day
    fetched_at: Day
    origin: str


LEAST, MOST = Decimal("1e-12"), Decimal("1e6")
"""US dollars between which every real price lies; what is outside is a mistake."""


class Price(msgspec.Struct, frozen=True):
    """An amount of money for one unit of something.

    Raises ``ValueError`` for an impossible amount: a free part is a property of a
    :class:`pricing.rates.Rate`, and a missing price is an :class:`Unpriced`.
    """

    amount: Decimal
    unit: str
    as_of: Day
    source: str
    currency: Literal["USD"] = "USD"

    def __post_init__(self) -> None:
        """Check the amount."""
        check_amount(self.amount)


def check_amount(amount: Decimal) -> None:
    """Raise ``ValueError`` unless an amount could be a price: finite, above zero and not absurd."""
    if not (amount.is_finite() and LEAST <= amount <= MOST):
        raise ValueError(f"a price is finite and above zero, and no millions, not {amount}")


class Unpriced(msgspec.Struct, frozen=True, tag="unpriced"):
    """The absence of a price: ``code`` for programs, ``reason`` for people."""

    code: str
    reason: str
