"""Instance types: which there are, their hardware, and the zones that offer them."""

from collections.abc import Iterator
from decimal import Decimal

from pricing.errors import SourceError
from pricing.offers import InstanceType
from pricing.price import Unpriced
from pricing.sources.figures import Zones
from pricing.sources.interface import Aws, Page, rows
from pricing.sources.price_list import chunks

ORIGIN = "EC2's API"

TYPES_A_CALL = 100
"""Types a page of DescribeInstanceTypes can hold."""

MOST_OFFERINGS = 1000
"""Offerings a page of DescribeInstanceTypeOfferings can hold."""

BASELINE_PERCENT = {
    "nano": Decimal(5),
    "micro": Decimal(10),
    "small": Decimal(20),
    "medium": Decimal(20),
    "large": Decimal(30),
    "xlarge": Decimal(40),
    "2xlarge": Decimal(40),
}
"""Of each vCPU, of T3, T3a and T4g (EC2 User Guide, "Key concepts for burstable performance
instances"): no API gives it."""

T2_BASELINE_PERCENT = BASELINE_PERCENT | {"xlarge": Decimal("22.5"), "2xlarge": Decimal(17)}


def read_names(aws: Aws, region: str) -> list[str]:
    """Every type that the region offers. Raises :class:`SourceError`."""
    parameters = {"LocationType": "region", "MaxResults": MOST_OFFERINGS}
    pages = aws.pages("ec2", "describe_instance_type_offerings", region, parameters)
    return sorted({str(row["InstanceType"]) for row in rows(pages, "InstanceTypeOfferings")})


def queries(types: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The types of each call: few enough for its answer to be one page."""
    return chunks(types, TYPES_A_CALL)


def read_types(
    aws: Aws, region: str, types: tuple[str, ...]
) -> dict[tuple[str, str], InstanceType | Unpriced]:
    """Hardware by region and type. Raises :class:`SourceError`."""
    # By filter, for InstanceTypes fails as a whole where one name is unknown.
    parameters = {"Filters": [{"Name": "instance-type", "Values": list(types)}]}
    pages = aws.pages("ec2", "describe_instance_types", region, parameters)
    found = {str(row["InstanceType"]): row for row in rows(pages, "InstanceTypes")}
    return {
        (region, name): hardware(found[name]) if name in found else _not_offered(name, region)
        for name in types
    }


def hardware(row: Page) -> InstanceType | Unpriced:
    """One type of DescribeInstanceTypes' answer. Raises :class:`SourceError`."""
    try:
        name = str(row["InstanceType"])
        supported = row["ProcessorInfo"]["SupportedArchitectures"]
        vcpus = int(row["VCpuInfo"]["DefaultVCpus"])
        memory_mib = int(row["MemoryInfo"]["SizeInMiB"])
        burstable = bool(row["BurstablePerformanceSupported"])
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(
            "malformed", f"DescribeInstanceTypes: a type is damaged: {error!r}"
        ) from error
    family, _, size = name.partition(".")
    baseline = None
    if burstable:
        baseline = (T2_BASELINE_PERCENT if family == "t2" else BASELINE_PERCENT).get(size)
        if baseline is None or family not in ("t2", "t3", "t3a", "t4g"):
            return Unpriced("unknown-baseline", f"the CPU baseline of {name} is not known")
    if "arm64" in supported:
        return InstanceType(name, "arm64", vcpus, memory_mib, baseline)
    if "x86_64" in supported:
        return InstanceType(name, "x86_64", vcpus, memory_mib, baseline)
    return Unpriced("architecture", f"{name} is of {', '.join(supported)}, which has no image")


def read_zones(
    aws: Aws, region: str, types: tuple[str, ...]
) -> dict[tuple[str, str], Zones | Unpriced]:
    """Zone ids by region and type. Raises :class:`SourceError`."""
    parameters = {
        "LocationType": "availability-zone-id",
        "Filters": [{"Name": "instance-type", "Values": list(types)}],
        "MaxResults": MOST_OFFERINGS,
    }
    pages = aws.pages("ec2", "describe_instance_type_offerings", region, parameters)
    found: dict[str, set[str]] = {name: set() for name in types}
    for row in rows(pages, "InstanceTypeOfferings"):
        if row["InstanceType"] in found:
            found[row["InstanceType"]].add(str(row["Location"]))
    return {(region, name): Zones(tuple(sorted(found[name]))) for name in types}


def read_regions(aws: Aws, region: str) -> tuple[str, ...]:
    """Every region that the account may use. Raises :class:`SourceError`."""
    pages = aws.pages("ec2", "describe_regions", region, {})
    return tuple(sorted(str(row["RegionName"]) for row in rows(pages, "Regions")))


def _not_offered(name: str, region: str) -> Unpriced:
    return Unpriced("not-offered", f"{name} is not offered in {region}")
