"""AWS's price list, as GetProducts gives it: products, and the one price that holds of each.

Each element of ``PriceList`` is a JSON text (AWS Price List API, GetProducts). Reading one price
out of it follows one rule: one product, its newest term that has begun, the dimensions that the
caller expects. Whatever else is found is an :class:`NoPrice` that names it, never a guess.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from pricing.errors import SourceError
from pricing.price import Unpriced
from pricing.sources.interface import Aws, read_in_threads, rows

REGION = "us-east-1"
"""Where the Price List API is asked, whatever region the prices are for: it is served in a few."""

MOST_PRODUCTS = 100
"""Products a page can hold."""

LONGEST_VALUE = 1024
"""Characters that a filter's value may have (the API's model)."""

Filters = list[dict[str, str]]


class NoPrice(Exception):
    """A price that cannot be told, and why."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.unpriced = Unpriced(code, reason)


class Dimension(msgspec.Struct, frozen=True, rename="camel"):
    """A price for a range of units. Upfront fees have no range."""

    unit: str
    price_per_unit: dict[str, str]
    begin_range: str = "0"
    end_range: str = "Inf"
    applies_to: tuple[str, ...] = ()


class Term(msgspec.Struct, frozen=True, rename="camel"):
    """Prices from a day on; ``term_attributes`` are those of a reservation."""

    effective_date: str
    price_dimensions: dict[str, Dimension]
    term_attributes: dict[str, str] = {}


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    sku: str
    attributes: dict[str, str]
    product_family: str = ""


@read_in_threads
class Product(msgspec.Struct, frozen=True, rename="camel"):
    """A product and its terms: kind (``OnDemand``, ``Reserved``) -> code -> term."""

    product: _Body
    terms: dict[str, dict[str, Term]] = {}

    @property
    def sku(self) -> str:
        """The product's identity."""
        return self.product.sku

    @property
    def attributes(self) -> dict[str, str]:
        """What it is."""
        return self.product.attributes


def match(**attributes: str) -> Filters:
    """Filters for exact values."""
    return [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in attributes.items()
    ]


def any_of(field: str, values: Iterable[str]) -> Filters:
    """A filter for any of some values, which the API takes joined by commas."""
    return [{"Type": "ANY_OF", "Field": field, "Value": ",".join(values)}]


def fetch(aws: Aws, service_code: str, filters: Filters) -> Iterator[Product]:
    """Read products. Raises :class:`SourceError`, also for one that is not as documented."""
    parameters: Mapping[str, Any] = {
        "ServiceCode": service_code,
        "FormatVersion": "aws_v1",
        "Filters": filters,
        "MaxResults": MOST_PRODUCTS,
    }
    pages = aws.pages("pricing", "get_products", REGION, parameters)
    for text in rows(pages, "PriceList", str):
        try:
            yield msgspec.json.decode(text, type=Product)
        except msgspec.MsgspecError as error:
            raise SourceError(
                "malformed", f"GetProducts: a product of {service_code} is damaged: {error}"
            ) from error


def the_product(products: Sequence[Product], what: str) -> Product:
    """The one product among those found; the same one found twice is one."""
    distinct: list[Product] = []
    for product in products:
        if product not in distinct:
            distinct.append(product)
    if not distinct:
        raise NoPrice("not-listed", f"the price list has no {what}")
    if len(distinct) > 1:
        skus = ", ".join(product.sku for product in distinct)
        raise NoPrice("ambiguous", f"the price list has {len(distinct)} of {what}: {skus}")
    return distinct[0]


def newest(terms: Iterable[Term], now: datetime, what: str) -> Term:
    """The newest term that has begun."""
    begun = sorted(
        ((begins, term) for term in terms if (begins := _moment(term, what)) <= now),
        key=lambda pair: pair[0],
    )
    if not begun:
        raise NoPrice("no-term", f"no term of {what} is in force")
    if len(begun) > 1 and begun[-1][0] == begun[-2][0] and begun[-1][1] != begun[-2][1]:
        raise NoPrice("ambiguous", f"{what} has two terms from {begun[-1][1].effective_date}")
    return begun[-1][1]


def _moment(term: Term, what: str) -> datetime:
    try:
        moment = datetime.fromisoformat(term.effective_date)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise NoPrice("malformed", f"{what} has a term from {term.effective_date!r}")
    return moment


def amount(text: str, what: str) -> Decimal:
    """A number, 0 or more."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise NoPrice("bad-price", f"{what} has the price {text}")
    return number


def dollars(dimension: Dimension, what: str) -> Decimal:
    """The price of a dimension that holds for everyone, 0 or more."""
    if dimension.applies_to:
        raise NoPrice("conditional", f"{what} has a price for certain products only")
    if set(dimension.price_per_unit) != {"USD"}:
        currencies = ", ".join(dimension.price_per_unit) or "nothing"
        raise NoPrice("currency", f"{what} is priced in {currencies}, not in USD")
    return amount(dimension.price_per_unit["USD"], what)
