"""Instance types: which there are, their hardware, and the zones that offer them."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from pricing.offers import InstanceType
from pricing.price import Unpriced
from pricing.sources.figures import Zones
from pricing.sources.interface import Aws, read_in_threads, rows
from pricing.sources.names import chunks

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


@read_in_threads
class _Offering(msgspec.Struct, frozen=True, rename="pascal"):
    instance_type: str
    location: str


class _Processor(msgspec.Struct, frozen=True, rename="pascal"):
    supported_architectures: tuple[str, ...]


class _Cpus(msgspec.Struct, frozen=True):
    default_v_cpus: int = msgspec.field(name="DefaultVCpus")


class _Memory(msgspec.Struct, frozen=True):
    size_in_mib: int = msgspec.field(name="SizeInMiB")


@read_in_threads
class InstanceTypeInfo(msgspec.Struct, frozen=True, rename="pascal"):
    """What is needed of a type in DescribeInstanceTypes' answer."""

    instance_type: str
    processor_info: _Processor
    memory_info: _Memory
    burstable_performance_supported: bool
    v_cpu_info: _Cpus = msgspec.field(name="VCpuInfo")


@read_in_threads
class _Region(msgspec.Struct, frozen=True, rename="pascal"):
    region_name: str


def read_names(aws: Aws, region: str) -> list[str]:
    """Every type that the region offers. Raises :class:`SourceError`."""
    parameters = {"LocationType": "region", "MaxResults": MOST_OFFERINGS}
    pages = aws.pages("ec2", "describe_instance_type_offerings", region, parameters)
    return sorted({row.instance_type for row in rows(pages, "InstanceTypeOfferings", _Offering)})


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
    found = {row.instance_type: row for row in rows(pages, "InstanceTypes", InstanceTypeInfo)}
    return {
        (region, name): hardware(found[name]) if name in found else _not_offered(name, region)
        for name in types
    }


def hardware(row: InstanceTypeInfo) -> InstanceType | Unpriced:
    """One type of DescribeInstanceTypes' answer."""
    name, supported = row.instance_type, row.processor_info.supported_architectures
    vcpus, memory_mib = row.v_cpu_info.default_v_cpus, row.memory_info.size_in_mib
    family, _, size = name.partition(".")
    baseline = None
    if row.burstable_performance_supported:
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
    for row in rows(pages, "InstanceTypeOfferings", _Offering):
        if row.instance_type in found:
            found[row.instance_type].add(row.location)
    return {(region, name): Zones(tuple(sorted(found[name]))) for name in types}


def read_regions(aws: Aws, region: str) -> tuple[str, ...]:
    """Every region that the account may use. Raises :class:`SourceError`."""
    pages = aws.pages("ec2", "describe_regions", region, {})
    return tuple(sorted(row.region_name for row in rows(pages, "Regions", _Region)))


def _not_offered(name: str, region: str) -> Unpriced:
    return Unpriced("not-offered", f"{name} is not offered in {region}")
