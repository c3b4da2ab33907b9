"""Rates of Compute and EC2 Instance Savings Plans, from DescribeSavingsPlansOfferingRates.

A rate is what an hour costs under the plan, however it is paid: paying upfront gives a lower rate,
and the upfront part is a share of what the commitment comes to over its term.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from pricing.offers import COMMITTED, PAYMENTS
from pricing.price import Unpriced
from pricing.sources.figures import SavingsPlanRates
from pricing.sources.interface import Aws, Page, read_in_threads, rows
from pricing.sources.names import chunks
from pricing.sources.price_list import NoPrice, amount

REGION = "us-east-1"
"""The API is global and signed for this region."""

KINDS = {"compute-savings-plan": "Compute", "ec2-instance-savings-plan": "EC2Instance"}
"""The purchases' words for plans, and AWS's."""

PURCHASES = tuple(purchase for purchase in COMMITTED if purchase.kind in KINDS)

MOST_RATES = 1000
"""Rates a page can hold."""

SECONDS_A_YEAR = 365 * 24 * 3600


class _Offering(msgspec.Struct, frozen=True, rename="camel"):
    offering_id: str
    payment_option: str
    plan_type: str
    duration_seconds: int
    currency: str = ""


class _Property(msgspec.Struct, frozen=True):
    name: str
    value: str


@read_in_threads
class _Rate(msgspec.Struct, frozen=True, rename="camel"):
    savings_plan_offering: _Offering
    rate: str
    unit: str
    usage_type: str
    operation: str
    properties: tuple[_Property, ...]


def queries(regions: tuple[str, ...], types: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The types of each call: few enough for its answer to be one page."""
    return chunks(types, max(1, MOST_RATES // len(PURCHASES) // len(regions)))


def read(
    aws: Aws, regions: tuple[str, ...], types: tuple[str, ...]
) -> dict[tuple[str, str], SavingsPlanRates | Unpriced]:
    """Rates by region and type. Raises :class:`SourceError`."""
    filters = {
        "region": regions,
        "instanceType": types,
        "productDescription": ("Linux/UNIX",),
        "tenancy": ("shared",),
    }
    parameters = {
        "savingsPlanTypes": list(KINDS.values()),
        "savingsPlanPaymentOptions": list(PAYMENTS.values()),
        "products": ["EC2"],
        "serviceCodes": ["AmazonEC2"],
        "filters": [{"name": name, "values": list(values)} for name, values in filters.items()],
        "maxResults": MOST_RATES,
    }
    pages = aws.pages("savingsplans", "describe_savings_plans_offering_rates", REGION, parameters)
    return parse(pages, regions, types)


def parse(
    pages: Iterable[Page], regions: tuple[str, ...], types: tuple[str, ...]
) -> dict[tuple[str, str], SavingsPlanRates | Unpriced]:
    """Choose the one rate of each type in each region under each purchase."""
    found: dict[tuple[str, str, str], list[_Rate]] = {}
    for rate in rows(pages, "searchResults", _Rate):
        if key := _key(rate):
            found.setdefault(key, []).append(rate)
    return {
        (region, name): SavingsPlanRates(
            {
                purchase.name: _hourly(
                    found.get((region, name, purchase.name), []),
                    f"{name} in {region}, {purchase.name}",
                )
                for purchase in PURCHASES
            }
        )
        for region in regions
        for name in types
    }


def _key(rate: _Rate) -> tuple[str, str, str] | None:
    """Region, type and purchase of a plain Linux instance's rate; ``None`` of any other's."""
    properties = {one.name: one.value for one in rate.properties}
    name = properties.get("instanceType", "")
    plain = (
        properties.get("productDescription") == "Linux/UNIX"
        and properties.get("tenancy") == "shared"
        and rate.operation == "RunInstances"
        and re.fullmatch(rf"(?:[A-Z0-9]+-)?BoxUsage:{re.escape(name)}", rate.usage_type)
    )
    offering = rate.savings_plan_offering
    years, rest = divmod(offering.duration_seconds, SECONDS_A_YEAR)
    for purchase in PURCHASES:
        if (
            plain
            and rest == 0
            and purchase.years == years
            and KINDS[purchase.kind] == offering.plan_type
            and PAYMENTS[purchase.payment] == offering.payment_option
        ):
            return properties.get("region", ""), name, purchase.name
    return None


def _hourly(rates: list[_Rate], what: str) -> Decimal | Unpriced:
    distinct = {(rate.rate, rate.unit, rate.savings_plan_offering.currency): rate for rate in rates}
    if not distinct:
        return Unpriced("not-listed", f"AWS lists no rate for {what}")
    if len(distinct) > 1:
        plans = ", ".join(rate.savings_plan_offering.offering_id for rate in distinct.values())
        return Unpriced("ambiguous", f"AWS lists {len(distinct)} rates for {what}: {plans}")
    [(text, unit, currency)] = distinct
    if unit != "Hrs":
        return Unpriced("unit", f"{what} is priced by {unit!r}, not by the hour")
    if currency != "USD":
        return Unpriced("currency", f"{what} is priced in {currency}, not in USD")
    try:
        hourly = amount(text, what)
    except NoPrice as absence:
        return absence.unpriced
    return hourly or Unpriced("bad-price", f"{what} has the price 0")
