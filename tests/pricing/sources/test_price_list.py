"""On-demand and reserved prices out of products; the products are made by us, in AWS's form."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from pricing.errors import SourceError
from pricing.price import Unpriced
from pricing.sources.figures import Commitment, Terms
from pricing.sources.on_demand import parse, queries
from pricing.sources.price_list import LONGEST_VALUE, Product, fetch
from tests.fake_aws import LINUX, Pages, dimension, instance, product, term

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SEOUL = "ap-northeast-2"
MICRO = "t4g.micro"


def products(*found: dict[str, Any]) -> list[Product]:
    return [msgspec.convert(one, Product) for one in found]


def read(*found: dict[str, Any]) -> Terms | Unpriced:
    return parse(products(*found), (SEOUL,), (MICRO,), NOW)[SEOUL, MICRO]


def listed(**terms: Any) -> dict[str, Any]:
    attributes = LINUX | {"instanceType": MICRO, "regionCode": SEOUL}
    return product("SKU1", "Compute Instance", "AmazonEC2", attributes, terms)


def on_demand(*dimensions: dict[str, Any], **of_term: Any) -> Decimal | Unpriced:
    terms = read(listed(OnDemand=term("SKU1", "JRTCKXETXF", *dimensions, **of_term)))
    assert isinstance(terms, Terms)
    return terms.on_demand


def absence(found: object, code: str, *words: str) -> None:
    assert isinstance(found, Unpriced), found
    assert found.code == code
    for word in words:
        assert word in found.reason


def test_one_product_gives_one_price() -> None:
    terms = read(instance(MICRO, SEOUL, "0.0104000000"))
    assert isinstance(terms, Terms)
    assert terms.on_demand == Decimal("0.0104")


def test_reservations_are_read_by_length_class_and_payment() -> None:
    terms = read(instance(MICRO, SEOUL, "0.0104"))
    assert isinstance(terms, Terms)
    assert terms.reserved["reserved-1yr-no-upfront"] == Commitment(Decimal("0.006552"))
    # 0.0104 x 0.38 x 3 x 8760 h, rounded to dollars as AWS does, and nothing an hour.
    assert terms.reserved["reserved-3yr-all-upfront"] == Commitment(Decimal(0), Decimal(104))
    partial = terms.reserved["reserved-1yr-partial-upfront"]
    assert isinstance(partial, Commitment)
    assert partial.hourly > 0
    assert partial.upfront > 0


def test_no_product_is_not_listed() -> None:
    absence(read(), "not-listed", MICRO, SEOUL)


def test_a_second_distinct_product_is_named_never_chosen() -> None:
    found = read(instance(MICRO, SEOUL, "0.01", "SKUA"), instance(MICRO, SEOUL, "0.01", "SKUB"))
    absence(found, "ambiguous", "SKUA", "SKUB")


def test_the_same_product_twice_is_one() -> None:
    one = instance(MICRO, SEOUL, "0.01", "SKUA")
    assert isinstance(read(one, one), Terms)


@pytest.mark.parametrize(
    "changed",
    [
        {"operatingSystem": "Windows"},
        {"tenancy": "Dedicated"},
        {"capacitystatus": "AllocatedCapacityReservation"},
        {"preInstalledSw": "SQL Web"},
        {"licenseModel": "Bring your own license"},
        {"marketoption": "CapacityBlock"},
        {"operation": "RunInstances:0002"},
        {"regionCode": ""},
    ],
)
def test_another_product_is_not_taken_for_it(changed: dict[str, str]) -> None:
    """Even where a filter did not keep it out."""
    absence(read(instance(MICRO, SEOUL, "0.0000000000", "X", True, **changed)), "not-listed")


def test_a_price_from_the_future_does_not_hold_yet() -> None:
    absence(on_demand(dimension("0.01"), since="2026-11-24T00:00:00Z"), "no-term")


def test_the_newest_price_that_has_begun_holds() -> None:
    terms = read(
        listed(
            OnDemand=term("SKU1", "A", dimension("0.03"), since="2026-01-01T00:00:00Z")
            | term("SKU1", "B", dimension("0.02"), since="2026-11-22T23:59:59Z")
            | term("SKU1", "C", dimension("0.01"), since="2026-11-23T00:00:01Z")
        )
    )
    assert isinstance(terms, Terms)
    assert terms.on_demand == Decimal("0.02")


def test_two_prices_from_one_day_are_ambiguous() -> None:
    both = term("SKU1", "A", dimension("0.03")) | term("SKU1", "B", dimension("0.02"))
    terms = read(listed(OnDemand=both))
    assert isinstance(terms, Terms)
    absence(terms.on_demand, "ambiguous")


def test_a_reserved_term_is_no_on_demand_price() -> None:
    reserved = instance(MICRO, SEOUL, "0.01")["terms"]["Reserved"]
    only_reserved = read(listed(Reserved=reserved))
    assert isinstance(only_reserved, Terms)
    absence(only_reserved.on_demand, "no-term")
    misplaced = on_demand(dimension("0.01"), LeaseContractLength="1yr")
    absence(misplaced, "not-on-demand")


def test_a_unit_mismatch() -> None:
    absence(on_demand(dimension("0.01", "Quantity")), "unit", "Quantity")


@pytest.mark.parametrize("price", ["NaN", "Infinity", "0.0000000000", "-0.0104", "", "ten"])
def test_an_impossible_price(price: str) -> None:
    absence(on_demand(dimension(price)), "bad-price", "SKU1")


def test_a_price_for_certain_products_only() -> None:
    absence(on_demand(dimension("0.01", applies_to=["OTHER"])), "conditional")


def test_a_price_for_a_part_of_the_hours() -> None:
    absence(on_demand(dimension("0.01", end="750")), "tiers")
    absence(on_demand(dimension("0.01"), dimension("0.02")), "ambiguous")


def test_another_currency() -> None:
    absence(on_demand(dimension("0.07", currency="CNY")), "currency", "CNY")


def test_a_date_without_a_zone() -> None:
    absence(on_demand(dimension("0.01"), since="2026-07-01"), "malformed")


@pytest.mark.parametrize(
    ("dimensions", "code"),
    [
        ((dimension("0"), dimension("0", "Quantity")), "bad-price"),
        ((dimension("0.005"), dimension("20", "Quantity")), "bad-price"),
        ((dimension("0.005"), dimension("0.006")), "unit"),
        ((dimension("0.005", "Months"),), "unit"),
        ((dimension("-1"),), "bad-price"),
    ],
)
def test_a_reservation_that_does_not_fit_its_payment(
    dimensions: tuple[dict[str, Any], ...], code: str
) -> None:
    one = term(
        "SKU1",
        "R",
        *dimensions,
        LeaseContractLength="1yr",
        OfferingClass="standard",
        PurchaseOption="No Upfront",
    )
    terms = read(listed(OnDemand=term("SKU1", "J", dimension("0.01")), Reserved=one))
    assert isinstance(terms, Terms)
    assert terms.on_demand == Decimal("0.01")
    absence(terms.reserved["reserved-1yr-no-upfront"], code)
    absence(terms.reserved["reserved-3yr-no-upfront"], "not-listed")


def test_a_second_product_on_the_second_page_counts() -> None:
    both = [
        {"PriceList": [json.dumps(instance(MICRO, SEOUL, "0.01", sku))]} for sku in ("SKUA", "SKUB")
    ]
    found = parse(fetch(Pages(*both), "AmazonEC2", []), (SEOUL,), (MICRO,), NOW)
    absence(found[SEOUL, MICRO], "ambiguous", "SKUA", "SKUB")


@pytest.mark.parametrize("text", ["", "[]", '{"product": {}}', '{"product": {"sku": 1}}'])
def test_a_damaged_product_says_so(text: str) -> None:
    with pytest.raises(SourceError, match="AmazonEC2 is damaged") as caught:
        list(fetch(Pages({"PriceList": [text]}), "AmazonEC2", []))
    assert caught.value.code == "malformed"


@pytest.mark.parametrize(("regions", "types"), [(1, 1), (1, 1000), (34, 7), (100, 3), (150, 2)])
def test_calls_are_cut_to_fit_a_page_and_a_filter(regions: int, types: int) -> None:
    names = tuple(f"{family}-very-long.metal-48xl" for family in range(types))
    calls = list(queries(tuple(map(str, range(regions))), names))
    assert [name for call in calls for name in call] == list(names)
    for call in calls:
        assert len(call) * regions <= max(100, regions)
        assert len(",".join(call)) <= LONGEST_VALUE
