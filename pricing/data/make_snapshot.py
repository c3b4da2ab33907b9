"""Write ``snapshot.json`` from the figures in ``figures/``.

Run as ``python -m pricing.data.make_snapshot``; ``--check`` only compares. Figures keep the day
and the source that their files name. A figure marked ``unconfirmed`` becomes an ``Unpriced``: it
was recalled, not read, and must not reach a bill.
"""

import csv
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from pricing.offers import Architecture, InstanceType, Range, SpotPrices
from pricing.price import Price, Source, Unpriced
from pricing.rates import FREE_POOLS, Rate, Service, Tier
from pricing.sources.figures import (
    INTERRUPTION,
    RATES,
    SPOT,
    TERMS,
    SpotZones,
    Terms,
)
from pricing.sources.instance_types import BASELINE_PERCENT
from pricing.sources.snapshot import SCHEMA_VERSION, RegionFigures, Snapshot, encode

HERE = Path(__file__).parent
FIGURES = HERE / "figures"
TARGET = HERE / "snapshot.json"

SOURCES = (
    Source(
        "ec2-prices",
        # Collected between 2025-10-05 and 2025-10-19: the older end, so that no age is understated.
        "2025-10-05",
        "2025-10-19",
        "a public catalogue of EC2 prices",
    ),
    Source(
        "ec2-seoul",
        "2026-10-01",
        "2026-10-01",
        "the same on-demand prices, seen unchanged in Seoul",
    ),
    Source("spot-advisor", "2025-06-28", "2025-06-28", "AWS's public Spot Advisor data"),
    Source(
        "aws-offer-files",
        "2026-09-16",
        "2026-10-06",
        "readings of AWS's public offer files, Seoul only",
    ),
)
ON_DEMAND_SOURCES = {"ap-northeast-2": "ec2-seoul"}
"""Regions whose on-demand prices were seen unchanged at a later day, and where."""

SERVICES = {
    ("AmazonEC2", "EBS:VolumeUsage.gp3"): Service.EBS_GP3,
    ("AmazonEC2", "EBS:SnapshotUsage"): Service.EBS_SNAPSHOT,
    ("AmazonVPC", "PublicIPv4:InUseAddress"): Service.PUBLIC_IPV4,
    ("AmazonEC2", "CPUCredits:t3"): Service.CPU_CREDITS_T3,
    ("AmazonEC2", "CPUCredits:t4g"): Service.CPU_CREDITS_T4G,
    ("AmazonCloudWatch", "DataProcessing-Bytes"): Service.LOG_INGESTION,
    ("AmazonCloudWatch", "TimedStorage-ByteHrs"): Service.LOG_STORAGE,
    ("AmazonCloudWatch", "CW:AlarmMonitorUsage"): Service.ALARM,
    ("AmazonCloudWatch", "CW:MetricMonitorUsage"): Service.METRIC,
    ("AWSSecretsManager", "AWSSecretsManager-Secrets"): Service.SECRET,
    ("AWSSecretsManager", "AWSSecretsManagerAPIRequest"): Service.SECRET_REQUESTS,
    ("AWSDataTransfer", "DataTransfer-Out-Bytes"): Service.EGRESS,
    ("AmazonS3", "TimedStorage-ByteHrs"): Service.S3_STORAGE,
    ("AmazonS3", "Requests-Tier1"): Service.S3_PUT,
    ("AmazonS3", "Requests-Tier2"): Service.S3_GET,
    ("AmazonRoute53", "HostedZone"): Service.HOSTED_ZONE,
    ("AmazonRoute53", "DNS-Queries"): Service.DNS_QUERIES,
}
COUNTED_ELSEWHERE = {("AmazonVPC", "PublicIPv4:IdleAddress")}
"""An idle address costs what one in use does; the bill counts both as ``public-ipv4``."""


def make_snapshot(figures: Path) -> Snapshot:
    """Read the three files. Raises ``ValueError`` or ``KeyError`` for a row that does not fit."""
    types, regions = _ec2(_rows(figures / "ec2_2025-10.csv"))
    for row in _rows(figures / "spot_advisor_2025-06-28.csv"):
        if row["region"] in regions:
            known = regions[row["region"]].interruption
            known[row["instance_type"]] = msgspec.convert(row["interruption_range"], Range)
    rates = _rates(_rows(figures / "services_ap-northeast-2_2026-10.csv"))
    regions["ap-northeast-2"].rates.update(rates)
    return Snapshot(
        SCHEMA_VERSION,
        {source.name: source for source in SOURCES},
        "ec2-prices",
        dict(sorted(types.items())),
        dict(sorted(regions.items())),
    )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _ec2(
    rows: Iterator[dict[str, str]],
) -> tuple[dict[str, InstanceType], dict[str, RegionFigures]]:
    types: dict[str, InstanceType] = {}
    regions: dict[str, RegionFigures] = {}
    spot: dict[tuple[str, str], dict[str, SpotPrices | Unpriced]] = {}
    for row in rows:
        name, region = row["instance_type"], row["region"]
        types[name] = InstanceType(
            name,
            msgspec.convert(row["arch"], Architecture),
            int(row["vcpus"]),
            int(Decimal(row["memory_gib"]) * 1024),
            BASELINE_PERCENT[name.partition(".")[2]],
        )
        figures = regions.setdefault(region, _empty(region))
        terms = Terms(Decimal(row["on_demand_usd_per_hour"]))
        if figures.terms.setdefault(name, terms) != terms:
            raise ValueError(f"{name} has two on-demand prices in {region}")
        observed = SpotPrices(Decimal(row["spot_usd_per_hour"]))
        spot.setdefault((region, name), {})[row["availability_zone_id"]] = observed
    for (region, name), zones in spot.items():
        regions[region].spot[name] = SpotZones(zones)
    return types, regions


def _empty(region: str) -> RegionFigures:
    sources = {
        TERMS.name: ON_DEMAND_SOURCES.get(region, "ec2-prices"),
        SPOT.name: "ec2-prices",
        INTERRUPTION.name: "spot-advisor",
        RATES.name: "aws-offer-files",
    }
    return RegionFigures(sources, terms={}, spot={}, interruption={}, rates={})


def _rates(rows: Iterator[dict[str, str]]) -> dict[Service, Rate | Unpriced]:
    rates: dict[Service, Rate | Unpriced] = {}
    for row in rows:
        key = row["service_code"], row["usagetype_suffix"]
        if key in COUNTED_ELSEWHERE:
            continue
        service = SERVICES[key]
        if row["as_of"] == "unconfirmed":
            rates[service] = Unpriced("unconfirmed", "the figure at hand was not read from AWS")
            continue
        price = Price(Decimal(row["usd_per_unit"]), row["unit"], row["as_of"], "aws-offer-files")
        end = None if row["tier_end"] == "Inf" else Decimal(row["tier_end"])
        rates[service] = Rate(
            (Tier(Decimal(row["tier_begin"]), end, price),),
            Decimal(row["free_per_month"]),
            FREE_POOLS.get(service, ""),
        )
    return rates


def main(arguments: list[str]) -> int:
    """Write the snapshot, or with ``--check`` say whether it is stale."""
    data = encode(make_snapshot(FIGURES))
    if arguments == ["--check"]:
        stale = not TARGET.exists() or TARGET.read_bytes() != data
        if stale:
            sys.stderr.write(f"{TARGET.name} is stale: run make snapshot\n")
        return int(stale)
    TARGET.write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
