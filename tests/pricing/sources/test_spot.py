"""Spot statistics; the rows are made by us, in the form of botocore's answers."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pricing.errors import SourceError
from pricing.offers import SpotHistory, SpotPrices
from pricing.price import Unpriced
from pricing.sources.spot import SAMPLES, queries, statistics
from tests.fake_aws import spot_row

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
MICRO, ZONE = "t4g.micro", "apne2-az1"


def row(price: str, ago: timedelta, zone: str = ZONE, **changed: Any) -> dict[str, Any]:
    return spot_row(MICRO, zone, price, NOW - ago) | changed


def read(*rows: dict[str, Any], days: int = 30) -> dict[str, SpotPrices | Unpriced]:
    return statistics([{"SpotPriceHistory": list(rows)}], NOW, days).get(MICRO, {})


def history(*rows: dict[str, Any], days: int = 30) -> SpotHistory:
    prices = read(*rows, days=days)[ZONE]
    assert isinstance(prices, SpotPrices)
    assert prices.history is not None
    return prices.history


def current(*rows: dict[str, Any]) -> Decimal:
    prices = read(*rows)[ZONE]
    assert isinstance(prices, SpotPrices)
    return prices.current


def days(number: int) -> timedelta:
    return timedelta(days=number)


def test_a_price_counts_for_as_long_as_it_was_in_force() -> None:
    found = history(row("0.004", days(60)), row("0.010", days(10)), row("0.004", days(4)))
    # 20 days at 0.004, 6 at 0.010, 4 at 0.004.
    assert found.mean == Decimal("0.0052")
    assert found.maximum == Decimal("0.010")
    assert found.p50 == Decimal("0.004")
    assert found.p95 == Decimal("0.010")


def test_the_newest_price_counts_until_now() -> None:
    """Known from other tools: the newest price weighted 0."""
    assert history(row("0.001", days(20)), row("0.003", days(10))).mean == Decimal("0.002")


def test_one_spot_row_is_its_own_mean() -> None:
    """Known from other tools: 0/0 with a single row."""
    found = history(row("0.0043", timedelta(0)))
    assert found.mean == found.p50 == found.p95 == found.maximum == Decimal("0.0043")
    assert current(row("0.0043", timedelta(0))) == Decimal("0.0043")


def test_an_old_price_is_not_stale() -> None:
    """A row says when a price changed; only the last change before the window came."""
    found = history(row("0.0043", days(80)))
    assert found.mean == found.maximum == Decimal("0.0043")
    assert len(found.samples) == SAMPLES


def test_what_lies_before_the_window_does_not_count() -> None:
    found = history(row("0.9", days(80)), row("0.004", days(40)), days=30)
    assert found.maximum == Decimal("0.004")


def test_unsorted_spot_rows() -> None:
    """The newest change wins, not the first row seen."""
    rows = [row("0.005", days(3)), row("0.004", days(1)), row("0.006", days(9))]
    assert current(*rows) == Decimal("0.004")
    assert history(*rows) == history(*reversed(rows))


def test_zones_are_kept_apart() -> None:
    """Known from other tools: the first zone seen taken for all."""
    found = read(row("0.005", days(3)), row("0.004", days(3), "apne2-az2"))
    assert {zone: prices.current for zone, prices in found.items()} == {  # type: ignore[union-attr]
        ZONE: Decimal("0.005"),
        "apne2-az2": Decimal("0.004"),
    }


@pytest.mark.parametrize("other", ["Linux/UNIX (Amazon VPC)", "Windows", "SUSE Linux"])
def test_rows_of_other_products_are_not_taken(other: str) -> None:
    rows = (row("0.005", days(3)), row("0.001", days(1), ProductDescription=other))
    assert current(*rows) == Decimal("0.005")
    assert read(rows[1]) == {}


@pytest.mark.parametrize("price", ["0", "0.000000", "-0.004", "NaN", "free", "1E+9", "1E-11"])
def test_an_impossible_price_makes_its_zone_unpriced(price: str) -> None:
    """Known from other tools: -1 or 0.0 standing for missing, and so winning cheapest."""
    found = read(row(price, days(3)), row("0.005", days(2)), row("0.004", days(2), "apne2-az2"))
    bad = found[ZONE]
    assert isinstance(bad, Unpriced)
    assert bad.code == "bad-price"
    assert isinstance(found["apne2-az2"], SpotPrices)


def test_of_two_changes_at_one_moment_the_dearer_holds() -> None:
    rows = [row("0.004", days(3)), row("0.005", days(3))]
    assert current(*rows) == current(*reversed(rows)) == Decimal("0.005")


def test_a_change_in_the_future_is_the_current_price_and_weighs_nothing() -> None:
    """A clock that is behind AWS's."""
    rows = [row("0.004", days(3)), row("0.005", timedelta(minutes=-5))]
    assert current(*rows) == Decimal("0.005")
    assert history(*rows).mean == history(*rows).p95 == Decimal("0.004")
    assert history(*rows).maximum == Decimal("0.005")
    assert history(rows[1]).maximum == Decimal("0.005")


@pytest.mark.parametrize(
    "changed",
    [
        {"Timestamp": None},
        {"Timestamp": "yesterday"},
        {"Timestamp": datetime(2026, 11, 23)},  # noqa: DTZ001
        {"SpotPrice": 1},
        {"AvailabilityZoneId": None},
    ],
)
def test_a_damaged_row_says_so(changed: dict[str, Any]) -> None:
    with pytest.raises(SourceError, match="a row of SpotPriceHistory is damaged"):
        read(row("0.004", days(1), **changed))
    with pytest.raises(SourceError, match="a row of SpotPriceHistory is damaged"):
        read({key: value for key, value in row("1", days(1)).items() if "Id" not in key})


def test_one_call_for_each_type_unless_there_are_many() -> None:
    assert list(queries(("t3.micro", "t4g.micro"), 1)) == [("t3.micro",), ("t4g.micro",)]
    assert list(queries(("t3.micro", "t4g.micro"), 34)) == [("t3.micro", "t4g.micro")]
    many = tuple(map(str, range(1000)))
    assert len(list(queries(many, 1))) <= 32
    assert [name for call in queries(many, 1) for name in call] == list(many)


# Against a slow plain model

moments = st.integers(0, 90 * 86400)
prices = st.integers(1, 500).map(lambda number: f"{Decimal(number) / 10000:f}")
rows = st.lists(
    st.tuples(moments, prices, st.sampled_from(["az1", "az2"])), min_size=1, max_size=20
)


def plain_model(changes: list[tuple[int, Decimal]], window: int) -> tuple[Decimal, ...]:
    """Second by second would be slower still: every stretch between two changes, clipped."""
    changes = sorted(changes)
    ends = [at for at, _ in changes[1:]] + [0]
    weighted: list[tuple[Decimal, int]] = []
    for (at, price), end in zip(changes, ends, strict=True):
        seconds = min(end, 0) - max(at, -window)
        if seconds > 0:
            weighted.append((price, seconds))
    newest = changes[-1][1]
    if not weighted:
        return newest, newest, newest, newest
    total = sum(seconds for _, seconds in weighted)
    mean = sum((price * seconds for price, seconds in weighted), Decimal(0)) / total

    def quantile(percent: int) -> Decimal:
        passed = 0
        for price, seconds in sorted(weighted):
            passed += seconds
            if passed * 100 >= total * percent:
                return price
        raise AssertionError

    highest = max([newest, *(price for price, _ in weighted)])
    return round(mean, 10), quantile(50), quantile(95), highest


@given(rows, st.integers(1, 90))
@example([(0, "0.01", "az1")], 30)
@example([(86400, "0.01", "az1"), (86400, "0.02", "az1")], 1)
def test_the_statistics_are_those_of_a_plain_model(
    changes: list[tuple[int, str, str]], window: int
) -> None:
    pages = [{"SpotPriceHistory": [row(price, timedelta(seconds=ago), zone)]}
             for ago, price, zone in changes]  # fmt: skip
    found = statistics(pages, NOW, window)[MICRO]
    for zone in {zone for _, _, zone in changes}:
        of_zone = [(-ago, Decimal(price)) for ago, price, there in changes if there == zone]
        known = found[zone]
        assert isinstance(known, SpotPrices)
        assert known.history is not None
        assert known.current == sorted(of_zone)[-1][1]
        expected = plain_model(of_zone, window * 86400)
        seen = known.history
        assert (seen.mean, seen.p50, seen.p95, seen.maximum) == expected
        assert 1 <= len(seen.samples) <= SAMPLES
        assert seen.samples[-1] == known.current


def test_a_long_history_is_read_page_by_page() -> None:
    """Pages come one after the other and are not gathered."""
    alive: list[int] = []

    class Rows(list[dict[str, Any]]):
        def __del__(self) -> None:
            alive.remove(id(self))

    def pages(count: int) -> Iterator[dict[str, Iterable[dict[str, Any]]]]:
        for number in range(count):
            page = Rows([row("0.004", timedelta(minutes=number))])
            alive.append(id(page))
            yield {"SpotPriceHistory": page}
            del page
            assert len(alive) <= 2

    assert statistics(pages(50), NOW, 30)[MICRO][ZONE]
