"""Spot prices, from DescribeSpotPriceHistory, and what they say of a zone.

The facts that the reading rests on (EC2 API Reference and User Guide): a row says when a price
*changed*, so an old row is not stale; a query by time also returns the last change before its
start; rows come in no particular order; pages may be empty and yet have a successor.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

import msgspec

from pricing.errors import SourceError
from pricing.offers import SpotHistory, SpotPrices
from pricing.price import Unpriced
from pricing.sources.figures import SpotZones
from pricing.sources.interface import Aws, Page, read_in_threads, rows
from pricing.sources.names import chunks
from pricing.sources.price_list import NoPrice, amount

LINUX = "Linux/UNIX"
"""The product of a Linux host in a VPC; rows of ``Linux/UNIX (Amazon VPC)`` can come along."""

SAMPLES = 24
MOST_ROWS = 1000
"""Rows a page can hold."""

PLACES = 10
"""Decimal places of prices and means; AWS writes six. The database holds whole numbers of them."""

MOST_CALLS = 32
"""Calls among which the types of all regions are shared out."""

_SCHEMA = "CREATE TABLE changes (type TEXT, zone TEXT, at INTEGER, price INTEGER)"

_IN_FORCE = """
SELECT price, SUM(until - since) FROM (
    SELECT price,
           MAX(at, :start) AS since,
           MIN(:end, LEAD(at, 1, :end) OVER (ORDER BY at, price)) AS until
    FROM changes WHERE type = :type AND zone = :zone
) WHERE until > since GROUP BY price ORDER BY price
"""
"""Seconds for which each price was in force within the window, cheapest first."""

_AT = """
SELECT price FROM changes WHERE type = :type AND zone = :zone AND at <= :at
ORDER BY at DESC, price DESC LIMIT 1
"""
"""The price in force at a moment."""


@read_in_threads
class _Change(msgspec.Struct, frozen=True, rename="pascal"):
    product_description: str
    instance_type: str
    availability_zone_id: str
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    spot_price: str


def queries(types: tuple[str, ...], regions: int) -> Iterator[tuple[str, ...]]:
    """The types of each call: one, of which a month fits into a page, unless there are many."""
    return chunks(types, -(-len(types) * regions // MOST_CALLS))


def read(
    aws: Aws, region: str, types: tuple[str, ...], now: datetime, days: int
) -> dict[tuple[str, str], SpotZones | Unpriced]:
    """Prices by region and type, over the last ``days``. Raises :class:`SourceError`."""
    start = now - timedelta(days=days)
    parameters = {
        "InstanceTypes": list(types),
        "ProductDescriptions": [LINUX],
        "StartTime": start,
        "EndTime": now,
        "MaxResults": MOST_ROWS,
    }
    pages = aws.pages("ec2", "describe_spot_price_history", region, parameters)
    found = statistics(pages, now, days)
    return {
        (region, name): SpotZones(dict(found[name]))
        if name in found
        else Unpriced("no-spot-price", f"EC2 has no Spot price of {name} in {region}")
        for name in types
    }


def statistics(
    pages: Iterable[Page], now: datetime, days: int
) -> dict[str, dict[str, SpotPrices | Unpriced]]:
    """Statistics by type and zone id, of rows in any order, in memory that does not grow.

    SQLite sorts the rows in a temporary database, which moves to the disk when it grows. Each price
    is in force from its change to the next one, the last until ``now``; what lies before the window
    does not count. Of two changes at one moment the dearer price is taken. Where the window holds
    no time at all, every figure is the current price. Raises :class:`SourceError`.
    """
    try:
        return _sorted_out(pages, now, days)
    except sqlite3.Error as error:
        # A temporary folder that is full, say.
        raise SourceError("failed", f"the Spot price history cannot be sorted: {error}") from error


def _sorted_out(
    pages: Iterable[Page], now: datetime, days: int
) -> dict[str, dict[str, SpotPrices | Unpriced]]:
    with closing(sqlite3.connect("")) as table:
        table.execute(_SCHEMA)
        bad: dict[tuple[str, str], Unpriced] = {}
        table.executemany("INSERT INTO changes VALUES (?, ?, ?, ?)", _changes(pages, bad))
        table.execute("CREATE INDEX by_time ON changes (type, zone, at, price)")
        found: dict[str, dict[str, SpotPrices | Unpriced]] = {}
        for name, zone in table.execute("SELECT DISTINCT type, zone FROM changes").fetchall():
            found.setdefault(name, {})[zone] = _zone(table, name, zone, now, days)
    for (name, zone), absence in bad.items():
        found.setdefault(name, {})[zone] = absence
    return found


def _changes(
    pages: Iterable[Page], bad: dict[tuple[str, str], Unpriced]
) -> Iterator[tuple[str, str, int, int]]:
    """Rows for the database; a zone with an impossible price goes into ``bad``."""
    for row in rows(pages, "SpotPriceHistory", _Change):
        if row.product_description != LINUX:
            continue
        name, zone = row.instance_type, row.availability_zone_id
        try:
            price = _whole(row.spot_price, f"Spot {name} in {zone}")
        except NoPrice as absence:
            bad[name, zone] = absence.unpriced
        else:
            yield name, zone, int(row.timestamp.timestamp()), price


def _whole(text: str, what: str) -> int:
    price = amount(text, what).scaleb(PLACES)
    # What does not fit into SQLite's integers is no price either.
    if not (0 < price < 1 << 63 and price == int(price)):
        raise NoPrice("bad-price", f"{what} has the price {text}")
    return int(price)


def _price(whole: int) -> Decimal:
    return Decimal(whole).scaleb(-PLACES)


def _zone(table: sqlite3.Connection, name: str, zone: str, now: datetime, days: int) -> SpotPrices:
    end = int(now.timestamp())
    start = end - days * 86400
    where = {"type": name, "zone": zone, "start": start, "end": end}
    # A clock that is behind AWS's must not hide the newest price.
    [current] = table.execute(_AT, where | {"at": 1 << 62}).fetchone()
    in_force = table.execute(_IN_FORCE, where)
    [first] = table.execute(
        "SELECT MIN(at) FROM changes WHERE type = :type AND zone = :zone", where
    ).fetchone()
    total = end - max(start, first)
    if total <= 0:
        flat = _price(current)
        return SpotPrices(flat, SpotHistory(days, flat, flat, flat, flat, (flat,)))
    passed = weighted = maximum = 0
    quantiles: dict[int, int] = {}
    for maximum, seconds in in_force:
        passed += seconds
        weighted += maximum * seconds
        for percent in (50, 95):
            if passed * 100 >= total * percent:
                quantiles.setdefault(percent, maximum)
    moments = (start + (end - start) * slice_ // SAMPLES for slice_ in range(1, SAMPLES + 1))
    samples = (table.execute(_AT, where | {"at": at}).fetchone() for at in moments)
    history = SpotHistory(
        days,
        round(_price(weighted) / total, PLACES),
        _price(quantiles[50]),
        _price(quantiles[95]),
        _price(max(maximum, current)),
        tuple(_price(row[0]) for row in samples if row),
    )
    return SpotPrices(_price(current), history)
