"""Rates around the host out of products; the products are made by us, in AWS's form."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from pricing.price import Price, Source, Unpriced
from pricing.rates import Rate, Service, Tier
from pricing.sources.price_list import Product
from pricing.sources.services import QUERIES, parse
from tests.fake_aws import dimension, product, term

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SOURCE = Source("aws-price-list", "2026-11-23", "2026-11-23T00:00:00Z", "test")
QUERY = {service: query for query in QUERIES for service in query.rates}


def listed(
    usagetype: str, *dimensions: dict[str, Any], sku: str = "SKU1", **attributes: str
) -> dict[str, Any]:
    terms = {"OnDemand": term(sku, "JRTCKXETXF", *dimensions)}
    return product(sku, "", "", {"usagetype": usagetype} | attributes, terms)


def read(
    service: Service, *found: dict[str, Any], region: str = "ap-northeast-2"
) -> Rate | Unpriced:
    products = [msgspec.convert(one, Product) for one in found]
    return parse(products, QUERY[service], (region,), NOW, SOURCE)[region, service.value]


def gp3(*dimensions: dict[str, Any], **attributes: str) -> dict[str, Any]:
    return listed(
        "APN2-EBS:VolumeUsage.gp3",
        *dimensions,
        **({"regionCode": "ap-northeast-2"} | attributes),
    )


def test_every_service_is_asked_for_once() -> None:
    asked = [service for query in QUERIES for service in query.rates]
    assert sorted(asked) == sorted(Service)


def test_the_price_lists_calls_fit_into_its_bucket_of_ten() -> None:
    """One more call reads the instances; the API answers ten at once (reference: throttling)."""
    assert len(QUERIES) + 1 <= 10


@pytest.mark.parametrize(
    ("region", "usagetype"),
    [
        ("ap-northeast-2", "APN2-EBS:VolumeUsage.gp3"),
        ("us-east-1", "EBS:VolumeUsage.gp3"),
        ("us-east-1", "USE1-EBS:VolumeUsage.gp3"),
        ("eu-west-1", "EU-EBS:VolumeUsage.gp3"),
    ],
)
def test_a_product_is_known_by_its_suffix(region: str, usagetype: str) -> None:
    found = read(
        Service.EBS_GP3,
        listed(usagetype, dimension("0.0912", "GB-Mo"), regionCode=region),
        region=region,
    )
    price = Price(Decimal("0.0912"), "GB-Mo", "2026-11-23", "aws-price-list")
    assert found == Rate((Tier(Decimal(0), None, price),))


@pytest.mark.parametrize(
    "usagetype",
    ["APN2-EBS:VolumeUsage.gp2", "APN2-EBS:VolumeUsage.gp3x", "APN2-Outposts-EBS:VolumeUsage.gp3",
     "x EBS:VolumeUsage.gp3", ""],
)  # fmt: skip
def test_another_suffix_is_another_product(usagetype: str) -> None:
    one = listed(usagetype, dimension("0.01", "GB-Mo"), regionCode="ap-northeast-2")
    found = read(Service.EBS_GP3, one)
    assert isinstance(found, Unpriced)
    assert found.code == "not-listed"


def test_irelands_other_name_for_requests() -> None:
    one = listed(
        "EU-AWSSecretsManager-APIRequests",
        dimension("0.000005", "Requests"),
        regionCode="eu-west-1",
    )
    found = read(Service.SECRET_REQUESTS, one, region="eu-west-1")
    assert isinstance(found, Rate)
    assert found.tiers[0].price.unit == "API Requests"


def test_storage_that_shares_a_usage_type_is_told_by_its_volume() -> None:
    right = listed(
        "APN2-TimedStorage-ByteHrs",
        dimension("0.025", "GB-Mo"),
        regionCode="ap-northeast-2",
        volumeType="Standard",
    )
    other = listed(
        "APN2-TimedStorage-ByteHrs",
        dimension("0.001", "GB-Mo"),
        sku="SKU2",
        regionCode="ap-northeast-2",
        volumeType="IntelligentTieringObjectOverhead",
    )
    found = read(Service.S3_STORAGE, other, right)
    assert isinstance(found, Rate)
    assert found.tiers[0].price.amount == Decimal("0.025")


def test_a_rate_of_no_region_is_every_regions() -> None:
    zone = listed("HostedZone", dimension("0.5", "HostedZone", "0", "25"), regionCode="")
    assert isinstance(read(Service.HOSTED_ZONE, zone), Rate)
    assert isinstance(read(Service.HOSTED_ZONE, zone, region="us-east-1"), Rate)


@pytest.mark.parametrize("unit", ["GB-Mo", "GB-month", "gb-mo", "GB-Month"])
def test_units_are_written_in_one_way(unit: str) -> None:
    found = read(Service.EBS_GP3, gp3(dimension("0.0912", unit)))
    assert isinstance(found, Rate)
    assert found.tiers[0].price.unit == "GB-Mo"


def test_tiers_in_any_order() -> None:
    found = read(
        Service.EBS_GP3,
        gp3(
            dimension("0.07", "GB-Mo", "51200"),
            dimension("0.09", "GB-Mo", "0", "10240"),
            dimension("0.08", "GB-Mo", "10240", "51200"),
        ),
    )
    assert isinstance(found, Rate)
    assert [(tier.begin, tier.end, tier.price.amount) for tier in found.tiers] == [
        (Decimal(0), Decimal(10240), Decimal("0.09")),
        (Decimal(10240), Decimal(51200), Decimal("0.08")),
        (Decimal(51200), None, Decimal("0.07")),
    ]


def test_a_first_tier_at_nothing_is_a_free_part() -> None:
    found = read(
        Service.EBS_GP3,
        gp3(dimension("0.0000000000", "GB-Mo", "0", "5"), dimension("0.09", "GB-Mo", "5")),
    )
    assert isinstance(found, Rate)
    assert found.free == 5
    [tier] = found.tiers
    assert (tier.begin, tier.end) == (Decimal(0), None)


def test_perpetual_free_parts_come_with_the_rate() -> None:
    """The list gives alarms a flat price from 0 (reference, section 2)."""
    alarm = listed(
        "APN2-CW:AlarmMonitorUsage",
        dimension("0.10", "Alarms"),
        regionCode="ap-northeast-2",
        alarmType="Standard",
    )
    found = read(Service.ALARM, alarm)
    assert isinstance(found, Rate)
    assert found.free == 10


@pytest.mark.parametrize(
    ("dimensions", "code"),
    [
        ((dimension("0.09", "GB-Mo", "0", "10"), dimension("0.08", "GB-Mo", "20")), "tiers"),
        ((dimension("0.09", "GB-Mo", "1"),), "tiers"),
        ((dimension("0.09", "GB-Mo", "0", "10"), dimension("0.08", "GB-Mo", "5")), "tiers"),
        ((dimension("0.09", "GB-Mo"), dimension("0.08", "GB-Mo")), "tiers"),
        ((dimension("0.09", "IOPS-Mo"),), "unit"),
        ((dimension("0.00", "GB-Mo"),), "bad-price"),
        ((dimension("NaN", "GB-Mo"),), "bad-price"),
        ((dimension("-0.09", "GB-Mo"),), "bad-price"),
        ((dimension("0.09", "GB-Mo", "zero"),), "bad-price"),
        ((dimension("0.09", "GB-Mo", applies_to=["FREE"]),), "conditional"),
        ((), "bad-price"),
    ],
)
def test_what_cannot_be_read_is_unpriced(dimensions: tuple[Any, ...], code: str) -> None:
    found = read(Service.EBS_GP3, gp3(*dimensions))
    assert isinstance(found, Unpriced)
    assert found.code == code


def test_a_free_pseudo_product_of_no_region_is_not_the_regions() -> None:
    free = gp3(dimension("0", "GB-Mo", "0", "750", ["OTHER"]), sku="FREE", regionCode="")
    found = read(Service.EBS_GP3, free, gp3(dimension("0.0912", "GB-Mo")))
    assert isinstance(found, Rate)


def test_two_products_are_named() -> None:
    found = read(
        Service.EBS_GP3,
        gp3(dimension("0.09", "GB-Mo"), sku="SKUA"),
        gp3(dimension("0.08", "GB-Mo"), sku="SKUB"),
    )
    assert isinstance(found, Unpriced)
    assert found.code == "ambiguous"
    assert "SKUA" in found.reason
    assert "SKUB" in found.reason
