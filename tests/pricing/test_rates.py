from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.price import Price, Unpriced
from pricing.rates import Rate, Tier


def tier(begin: int, end: int | None, amount: str = "0.1") -> Tier:
    return Tier(
        Decimal(begin),
        None if end is None else Decimal(end),
        Price(Decimal(amount), "GB", "2026-10-01", "test"),
    )


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity"])
def test_a_price_is_finite_and_above_zero(amount: str) -> None:
    with pytest.raises(ValueError, match="finite and above zero"):
        Price(Decimal(amount), "GB", "2026-10-01", "test")


def test_units_are_split_over_the_tiers() -> None:
    rate = Rate((tier(10, None, "0.2"), tier(0, 10)))
    charges = rate.charges(Decimal(25))
    assert not isinstance(charges, Unpriced)
    assert [(units, price.amount) for units, price in charges] == [
        (Decimal(10), Decimal("0.1")),
        (Decimal(15), Decimal("0.2")),
    ]


def test_units_on_the_border_stay_in_the_lower_tier() -> None:
    charges = Rate((tier(0, 10), tier(10, None))).charges(Decimal(10))
    assert not isinstance(charges, Unpriced)
    assert [units for units, _ in charges] == [Decimal(10)]


@pytest.mark.parametrize("tiers", [(tier(0, 10),), (tier(0, 10), tier(11, None)), (tier(5, None),)])
def test_a_unit_without_a_tier_is_unpriced(tiers: tuple[Tier, ...]) -> None:
    assert isinstance(Rate(tiers).charges(Decimal(12)), Unpriced)


@given(
    st.lists(st.integers(1, 1000), min_size=1, max_size=5, unique=True),
    st.decimals(0, 2000, places=3),
)
def test_split_units_add_up(borders: list[int], units: Decimal) -> None:
    edges = [0, *sorted(borders)]
    tiers = [tier(begin, end) for begin, end in zip(edges, [*edges[1:], None], strict=True)]
    charges = Rate(tuple(tiers)).charges(units)
    assert not isinstance(charges, Unpriced)
    assert sum(part for part, _ in charges) == units
    assert all(part >= 0 for part, _ in charges)


@pytest.mark.parametrize("free", ["-1", "NaN", "Infinity"])
def test_a_rate_that_is_none(free: str) -> None:
    with pytest.raises(ValueError, match="free units"):
        Rate((tier(0, None),), Decimal(free))
    with pytest.raises(ValueError, match="0 tiers"):
        Rate(())


@pytest.mark.parametrize(("begin", "end"), [("-1", "5"), ("5", "5"), ("5", "1"), ("NaN", "5")])
def test_a_tier_that_is_none(begin: str, end: str) -> None:
    with pytest.raises(ValueError, match="a tier from"):
        Tier(Decimal(begin), Decimal(end), Price(Decimal(1), "GB", "2026-10-01", "test"))


@pytest.mark.parametrize("amount", ["1e-13", "1e7", "sNaN", "1e400"])
def test_an_absurd_amount_is_no_price(amount: str) -> None:
    with pytest.raises(ValueError, match="finite and above zero"):
        Price(Decimal(amount), "GB", "2026-10-01", "test")
