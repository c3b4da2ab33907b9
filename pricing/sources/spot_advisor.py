"""How often Spot instances are interrupted, from the Spot Advisor's public file.

It needs no credentials. The share of instances of a type that were reclaimed in the trailing month,
averaged over a region's zones; it may lag.
"""

import msgspec

from pricing.errors import SourceError
from pricing.offers import RANGES, Range
from pricing.price import Unpriced
from pricing.sources.interface import Aws, read_in_threads

BUCKET, KEY = "spot-bid-advisor", "spot-advisor-data.json"


class _Advice(msgspec.Struct, frozen=True):
    r: int


class _Label(msgspec.Struct, frozen=True):
    index: int
    label: str


@read_in_threads
class _File(msgspec.Struct, frozen=True):
    ranges: tuple[_Label, ...]
    spot_advisor: dict[str, dict[str, dict[str, _Advice]]]


def read(
    aws: Aws, regions: tuple[str, ...], types: tuple[str, ...]
) -> dict[tuple[str, str], Range | Unpriced]:
    """Ranges by region and type. Raises :class:`SourceError`."""
    return parse(aws.public_object(BUCKET, KEY), regions, types)


def parse(
    data: bytes, regions: tuple[str, ...], types: tuple[str, ...]
) -> dict[tuple[str, str], Range | Unpriced]:
    """Read the file; a type that it lacks is unknown, not rarely interrupted."""
    try:
        file = msgspec.json.decode(data, type=_File)
        labels = {
            one.index: msgspec.convert(one.label.replace(" ", ""), Range) for one in file.ranges
        }
    except msgspec.MsgspecError as error:
        raise SourceError("malformed", f"Spot Advisor: the file is damaged: {error}") from error
    if sorted(labels.values()) != sorted(RANGES):
        raise SourceError("malformed", f"Spot Advisor: the ranges are {', '.join(labels.values())}")
    found: dict[tuple[str, str], Range | Unpriced] = {}
    for region in regions:
        linux = file.spot_advisor.get(region, {}).get("Linux", {})
        for name in types:
            advice = linux.get(name)
            label = labels.get(advice.r) if advice else None
            found[region, name] = label or Unpriced(
                "unknown", f"the Spot Advisor says nothing of {name} in {region}"
            )
    return found
