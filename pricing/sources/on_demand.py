"""On-demand and reserved prices of instance types, from the Price List API.

One call takes many types. The filters, and why each is needed: without ``marketoption`` a capacity
block at $0.00 can come back, without ``capacitystatus`` a plausible wrong price does.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from pricing.offers import COMMITTED, PAYMENTS, Purchase
from pricing.price import Unpriced
from pricing.sources.figures import Commitment, Terms
from pricing.sources.interface import Aws
from pricing.sources.names import chunks
from pricing.sources.price_list import (
    LONGEST_VALUE,
    MOST_PRODUCTS,
    NoPrice,
    Product,
    Term,
    any_of,
    dollars,
    fetch,
    match,
    newest,
    the_product,
)

LINUX = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "preInstalledSw": "NA",
    "licenseModel": "No License required",
    "marketoption": "OnDemand",
    "operation": "RunInstances",
}
"""A plain Linux instance that runs on shared hardware."""

RESERVED = tuple(purchase for purchase in COMMITTED if purchase.kind == "reserved")


def queries(regions: tuple[str, ...], types: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The types of each call: few enough for its answer to be one page."""
    most = max(1, MOST_PRODUCTS // len(regions))
    return chunks(types, most, LONGEST_VALUE)


def read(
    aws: Aws, regions: tuple[str, ...], types: tuple[str, ...], now: datetime
) -> dict[tuple[str, str], Terms | Unpriced]:
    """Terms by region and type. Raises :class:`pricing.errors.SourceError`."""
    filters = match(**LINUX) + any_of("regionCode", regions) + any_of("instanceType", types)
    return parse(fetch(aws, "AmazonEC2", filters), regions, types, now)


def parse(
    products: Iterable[Product], regions: tuple[str, ...], types: tuple[str, ...], now: datetime
) -> dict[tuple[str, str], Terms | Unpriced]:
    """Choose the one product of each type in each region, and read its terms."""
    found: dict[tuple[str, str], list[Product]] = {}
    for product in products:
        attributes = product.attributes
        if all(attributes.get(name) == value for name, value in LINUX.items()):
            key = attributes.get("regionCode", ""), attributes.get("instanceType", "")
            found.setdefault(key, []).append(product)
    return {
        (region, name): _terms(found.get((region, name), []), f"{name} in {region}", now)
        for region in regions
        for name in types
    }


def _terms(products: list[Product], what: str, now: datetime) -> Terms | Unpriced:
    try:
        product = the_product(products, what)
    except NoPrice as absence:
        return absence.unpriced
    return Terms(
        _on_demand(product, what, now),
        {purchase.name: _reserved(product, purchase, what, now) for purchase in RESERVED},
    )


def _on_demand(product: Product, what: str, now: datetime) -> Decimal | Unpriced:
    try:
        term = newest(product.terms.get("OnDemand", {}).values(), now, f"{what} on demand")
        return _only_hourly(term, f"{what} on demand ({product.sku})")
    except NoPrice as absence:
        return absence.unpriced


def _only_hourly(term: Term, what: str) -> Decimal:
    if term.term_attributes:
        raise NoPrice("not-on-demand", f"{what} has the terms of a reservation")
    if len(term.price_dimensions) != 1:
        raise NoPrice("ambiguous", f"{what} has {len(term.price_dimensions)} prices")
    [dimension] = term.price_dimensions.values()
    if dimension.unit != "Hrs":
        raise NoPrice("unit", f"{what} is priced by {dimension.unit!r}, not by the hour")
    if (dimension.begin_range, dimension.end_range) != ("0", "Inf"):
        raise NoPrice("tiers", f"{what} is priced for a part of its hours only")
    hourly = dollars(dimension, what)
    if not hourly:
        raise NoPrice("bad-price", f"{what} has the price 0")
    return hourly


def _reserved(
    product: Product, purchase: Purchase, what: str, now: datetime
) -> Commitment | Unpriced:
    wanted = {
        "LeaseContractLength": f"{purchase.years}yr",
        "OfferingClass": "standard",
        "PurchaseOption": PAYMENTS[purchase.payment],
    }
    what = f"{what}, {purchase.name} ({product.sku})"
    terms = [
        term
        for term in product.terms.get("Reserved", {}).values()
        if all(term.term_attributes.get(name) == value for name, value in wanted.items())
    ]
    if not terms:
        return Unpriced("not-listed", f"the price list has no {what}")
    try:
        return _commitment(newest(terms, now, what), purchase, what)
    except NoPrice as absence:
        return absence.unpriced


def _commitment(term: Term, purchase: Purchase, what: str) -> Commitment:
    parts = {"Hrs": Decimal(0), "Quantity": Decimal(0)}
    seen: set[str] = set()
    for dimension in term.price_dimensions.values():
        if dimension.unit not in parts or dimension.unit in seen:
            raise NoPrice("unit", f"{what} has a second price or one by {dimension.unit!r}")
        seen.add(dimension.unit)
        parts[dimension.unit] = dollars(dimension, what)
    expected = {
        "no-upfront": (True, False),
        "partial-upfront": (True, True),
        "all-upfront": (False, True),
    }
    if (parts["Hrs"] > 0, parts["Quantity"] > 0) != expected[purchase.payment]:
        raise NoPrice(
            "bad-price", f"{what} costs {parts['Quantity']} at once and {parts['Hrs']} an hour"
        )
    return Commitment(parts["Hrs"], parts["Quantity"])
