"""Rates of everything around the host: tiers, and parts that are free for ever."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from pricing.price import Price, Unpriced


class Service(StrEnum):
    """What a bill may hold besides the instance. The values are the bill's item names."""

    EBS_GP3 = "ebs-gp3"
    EBS_SNAPSHOT = "ebs-snapshot"
    PUBLIC_IPV4 = "public-ipv4"
    CPU_CREDITS_T3 = "cpu-credits-t3"
    CPU_CREDITS_T4G = "cpu-credits-t4g"
    LOG_INGESTION = "log-ingestion"
    LOG_STORAGE = "log-storage"
    ALARM = "alarm"
    METRIC = "metric"
    SECRET = "secret"  # noqa: S105 - the name of a service, not a key
    SECRET_REQUESTS = "secret-requests"  # noqa: S105
    EGRESS = "egress"
    S3_STORAGE = "s3-storage"
    S3_PUT = "s3-put"
    S3_GET = "s3-get"
    HOSTED_ZONE = "hosted-zone"
    DNS_QUERIES = "dns-queries"


LOG_POOL = "cloudwatch-logs"

FREE_POOLS = {Service.LOG_INGESTION: LOG_POOL, Service.LOG_STORAGE: LOG_POOL}
"""Rates whose free units are shared."""

FREE = {
    Service.LOG_INGESTION: Decimal(5),
    Service.ALARM: Decimal(10),
    Service.METRIC: Decimal(10),
    Service.EGRESS: Decimal(100),
}
"""Units a month that are free for ever and for every account. The price list has them, if at all,
as products of no region, so they are kept here (pricing pages of CloudWatch and EC2, "free tier"
and "data transfer"). The credits of new accounts are not counted."""


class Tier(msgspec.Struct, frozen=True):
    """The price of the units from ``begin`` up to ``end`` (``None``: without end) of one month.

    Raises ``ValueError`` for limits that make no tier.
    """

    begin: Decimal
    end: Decimal | None
    price: Price

    def __post_init__(self) -> None:
        """Check the limits."""
        finite = self.begin.is_finite() and (self.end is None or self.end.is_finite())
        if not (finite and self.begin >= 0 and (self.end is None or self.begin < self.end)):
            raise ValueError(f"a tier from {self.begin} to {self.end}")


class Rate(msgspec.Struct, frozen=True, tag="rate"):
    """The price of a service by tiers, after ``free`` units a month.

    Rates that name the same ``free_pool`` share its free units: CloudWatch Logs gives 5 GB for
    ingestion and storage together. Raises ``ValueError`` without a tier.
    """

    tiers: tuple[Tier, ...]
    free: Decimal = Decimal(0)
    free_pool: str = ""

    def __post_init__(self) -> None:
        """Check that there is a price, and the free part."""
        if not (self.tiers and self.free.is_finite() and self.free >= 0):
            raise ValueError(f"a rate of {len(self.tiers)} tiers after {self.free} free units")

    def charges(self, billable: Decimal) -> list[tuple[Decimal, Price]] | Unpriced:
        """Split billable units (the free ones already taken off) over the tiers.

        Gives at least one pair, with quantity 0 where nothing is billable; ``Unpriced`` where a
        unit falls beyond or between the known tiers.
        """
        parts: list[tuple[Decimal, Price]] = []
        covered = Decimal(0)
        for tier in sorted(self.tiers, key=lambda tier: tier.begin):
            if tier.begin != covered or (parts and billable <= covered):
                break
            covered = billable if tier.end is None else min(billable, tier.end)
            parts.append((covered - tier.begin, tier.price))
        if not parts or covered < billable:
            return Unpriced("beyond-tiers", f"no price is known for unit {covered} and above")
        return parts
