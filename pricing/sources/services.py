"""Rates of everything around the host, of any region, from the Price List API.

A product is told by the *suffix* of its usage type: the prefix of a region cannot be derived
(``APN2-`` for Seoul, nothing or ``USE1-`` for us-east-1, ``EU-`` for Ireland). Several services use
the same suffixes, so a suffix counts within its service only.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from pricing.price import Price, Source, Unpriced
from pricing.rates import FREE, FREE_POOLS, Rate, Service, Tier
from pricing.sources.interface import Aws
from pricing.sources.price_list import (
    Filters,
    NoPrice,
    Product,
    Term,
    amount,
    any_of,
    dollars,
    fetch,
    match,
    newest,
    the_product,
)


@dataclass(frozen=True)
class Selector:
    """Which product a rate is of: usage-type suffixes, and attributes that others lack."""

    suffixes: tuple[str, ...]
    units: tuple[str, ...]
    attributes: dict[str, str] = field(default_factory=dict)

    def takes(self, product: Product) -> bool:
        """Whether the product is the one."""
        usage = product.attributes.get("usagetype", "")
        return any(
            re.fullmatch(rf"(?:[A-Z0-9]+-)?{re.escape(suffix)}", usage) for suffix in self.suffixes
        ) and all(product.attributes.get(name) == value for name, value in self.attributes.items())


@dataclass(frozen=True)
class Query:
    """One call, and the rates that are read out of its answer."""

    service_code: str
    filters: Filters
    rates: dict[Service, Selector]
    region_field: str = "regionCode"


QUERIES = (
    Query(
        "AmazonEC2",
        match(productFamily="Storage", volumeApiName="gp3"),
        {Service.EBS_GP3: Selector(("EBS:VolumeUsage.gp3",), ("GB-Mo",))},
    ),
    Query(
        "AmazonEC2",
        any_of("productFamily", ("CPU Credits", "Storage Snapshot")),
        {
            Service.EBS_SNAPSHOT: Selector(("EBS:SnapshotUsage",), ("GB-Mo",)),
            Service.CPU_CREDITS_T3: Selector(("CPUCredits:t3",), ("vCPU-Hours",)),
            Service.CPU_CREDITS_T4G: Selector(("CPUCredits:t4g",), ("vCPU-Hours",)),
        },
    ),
    Query(
        "AmazonVPC",
        match(group="VPCPublicIPv4Address"),
        {Service.PUBLIC_IPV4: Selector(("PublicIPv4:InUseAddress",), ("Hrs",))},
    ),
    Query(
        "AmazonCloudWatch",
        any_of("productFamily", ("Data Payload", "Storage Snapshot", "Alarm", "Metric")),
        {
            Service.LOG_INGESTION: Selector(("DataProcessing-Bytes",), ("GB",)),
            Service.LOG_STORAGE: Selector(("TimedStorage-ByteHrs",), ("GB-Mo",)),
            Service.ALARM: Selector(
                ("CW:AlarmMonitorUsage",), ("Alarms",), {"alarmType": "Standard"}
            ),
            Service.METRIC: Selector(("CW:MetricMonitorUsage",), ("Metrics",)),
        },
    ),
    Query(
        "AWSSecretsManager",
        any_of("productFamily", ("Secret", "API Request")),
        {
            Service.SECRET: Selector(("AWSSecretsManager-Secrets",), ("Secrets",)),
            # Ireland writes it the second way.
            Service.SECRET_REQUESTS: Selector(
                ("AWSSecretsManagerAPIRequest", "AWSSecretsManager-APIRequests"),
                ("API Requests", "Requests"),
            ),
        },
    ),
    Query(
        "AWSDataTransfer",
        match(transferType="AWS Outbound", toLocation="External"),
        {Service.EGRESS: Selector(("DataTransfer-Out-Bytes",), ("GB",))},
        "fromRegionCode",
    ),
    Query(
        "AmazonS3",
        match(productFamily="Storage", volumeType="Standard"),
        {
            Service.S3_STORAGE: Selector(
                ("TimedStorage-ByteHrs",), ("GB-Mo",), {"volumeType": "Standard"}
            )
        },
    ),
    Query(
        "AmazonS3",
        any_of("group", ("S3-API-Tier1", "S3-API-Tier2")),
        {
            Service.S3_PUT: Selector(("Requests-Tier1",), ("Requests",)),
            Service.S3_GET: Selector(("Requests-Tier2",), ("Requests",)),
        },
    ),
    Query(
        "AmazonRoute53",
        any_of("productFamily", ("DNS Zone", "DNS Query")),
        {
            Service.HOSTED_ZONE: Selector(("HostedZone",), ("HostedZone", "HostedZones")),
            Service.DNS_QUERIES: Selector(("DNS-Queries",), ("Queries",)),
        },
        # Sold worldwide: its products name no region.
        "",
    ),
)


def read(
    aws: Aws, query: Query, regions: tuple[str, ...], now: datetime, source: Source
) -> dict[tuple[str, str], Rate | Unpriced]:
    """Rates by region and service. Raises :class:`pricing.errors.SourceError`."""
    filters = query.filters + (any_of(query.region_field, regions) if query.region_field else [])
    return parse(fetch(aws, query.service_code, filters), query, regions, now, source)


def parse(
    products: Iterable[Product],
    query: Query,
    regions: tuple[str, ...],
    now: datetime,
    source: Source,
) -> dict[tuple[str, str], Rate | Unpriced]:
    """Choose the one product of each rate in each region, and read its tiers."""
    found: dict[tuple[str, Service], list[Product]] = {}
    for product in products:
        region = product.attributes.get(query.region_field, "") if query.region_field else ""
        for service, selector in query.rates.items():
            if selector.takes(product):
                found.setdefault((region, service), []).append(product)
    return {
        (region, service.value): _rate(
            found.get((region if query.region_field else "", service), []),
            service,
            selector,
            now,
            source,
        )
        for region in regions
        for service, selector in query.rates.items()
    }


def _rate(
    products: list[Product], service: Service, selector: Selector, now: datetime, source: Source
) -> Rate | Unpriced:
    try:
        product = the_product(products, service)
        what = f"{service} ({product.sku})"
        term = newest(product.terms.get("OnDemand", {}).values(), now, what)
        return _tiers(term, service, selector, what, source)
    except NoPrice as absence:
        return absence.unpriced


def _tiers(term: Term, service: Service, selector: Selector, what: str, source: Source) -> Rate:
    """Tiers from 0 without a gap; a first tier at 0 is a free part."""
    tiers: list[Tier] = []
    end: Decimal | None = Decimal(0)
    listed_free = Decimal(0)
    for dimension in sorted(
        term.price_dimensions.values(), key=lambda one: amount(one.begin_range, what)
    ):
        begin = amount(dimension.begin_range, what)
        if begin != end:
            raise NoPrice("tiers", f"{what} has no price between {end} and {begin} units")
        end = None if dimension.end_range == "Inf" else amount(dimension.end_range, what)
        price = dollars(dimension, what)
        if not price and not tiers and end is not None:
            listed_free = end
            continue
        if not price:
            raise NoPrice("bad-price", f"{what} has the price 0")
        unit = _unit(dimension.unit, selector, what)
        tiers.append(
            Tier(
                begin - listed_free,
                None if end is None else end - listed_free,
                Price(price, unit, source.as_of, source.name),
            )
        )
    if not tiers:
        raise NoPrice("bad-price", f"{what} has no price above 0")
    return Rate(
        tuple(tiers), max(listed_free, FREE.get(service, Decimal(0))), FREE_POOLS.get(service, "")
    )


def _unit(unit: str, selector: Selector, what: str) -> str:
    """The unit as the bill writes it: AWS writes ``GB-Mo`` here and ``GB-month`` there."""
    plain = {_bare(known): selector.units[0] for known in selector.units}
    if _bare(unit) not in plain:
        raise NoPrice("unit", f"{what} is priced by {unit!r}, not by {selector.units[0]!r}")
    return plain[_bare(unit)]


def _bare(unit: str) -> str:
    return re.sub(r"[^a-z0-9]", "", unit.lower()).replace("month", "mo")
