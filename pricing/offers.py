"""What AWS offers: instance types under purchase options."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from pricing.price import Day, Price, Unpriced, check_amount

Architecture = Literal["arm64", "x86_64"]
Range = Literal["<5%", "5-10%", "10-15%", "15-20%", ">20%"]

RANGES: tuple[Range, ...] = ("<5%", "5-10%", "10-15%", "15-20%", ">20%")
"""The Spot Advisor's interruption ranges, rarest first: the share of instances of a type that
were reclaimed in the trailing month, averaged over the region's zones."""


class InstanceType(msgspec.Struct, frozen=True, tag="instance-type"):
    """The hardware behind a name.

    ``baseline_percent`` is the share of each vCPU that CPU credits sustain for ever, ``None`` for
    types that do not burst (EC2 User Guide, "Key concepts for burstable performance instances").
    """

    name: str
    arch: Architecture
    vcpus: Annotated[int, msgspec.Meta(ge=1)]
    memory_mib: Annotated[int, msgspec.Meta(ge=1)]
    baseline_percent: Decimal | None

    def __post_init__(self) -> None:
        """Check the baseline."""
        baseline = self.baseline_percent
        if baseline is not None and not (baseline.is_finite() and 0 < baseline <= 100):
            raise ValueError(f"a baseline of {baseline}%")

    @property
    def family(self) -> str:
        """``t4g`` of ``t4g.micro``."""
        return self.name.partition(".")[0]


Payment = Literal["", "no-upfront", "partial-upfront", "all-upfront"]

PAYMENTS: dict[Payment, str] = {
    "no-upfront": "No Upfront",
    "partial-upfront": "Partial Upfront",
    "all-upfront": "All Upfront",
}
"""How a commitment is paid for: our words, and those of AWS's APIs."""


class Purchase(msgspec.Struct, frozen=True):
    """A way to pay. ``years`` is 0 and ``payment`` empty where nothing is committed."""

    kind: Literal[
        "on-demand", "spot", "reserved", "compute-savings-plan", "ec2-instance-savings-plan"
    ]
    years: Literal[0, 1, 3] = 0
    payment: Payment = ""

    @property
    def name(self) -> str:
        """The contract's name, such as ``spot`` or ``reserved-1yr-no-upfront``."""
        return f"{self.kind}-{self.years}yr-{self.payment}" if self.years else self.kind

    @property
    def commitment(self) -> Literal["1yr", "3yr"] | None:
        """The term that one is bound for, if any."""
        return {0: None, 1: "1yr", 3: "3yr"}[self.years]


ON_DEMAND = Purchase("on-demand")
SPOT = Purchase("spot")
COMMITTED: tuple[Purchase, ...] = tuple(
    Purchase(kind, years, payment)
    for kind in ("reserved", "compute-savings-plan", "ec2-instance-savings-plan")
    for years in (1, 3)
    for payment in PAYMENTS
)

PURCHASES = {purchase.name: purchase for purchase in (ON_DEMAND, SPOT, *COMMITTED)}


class Interruption(msgspec.Struct, frozen=True):
    """How often Spot instances of a type are reclaimed in a region, and when that was observed."""

    range: Range
    as_of: Day


class SpotHistory(msgspec.Struct, frozen=True):
    """How a Spot price moved over the last ``days``, in US dollars an hour.

    Each price counts for as long as it was in force; ``maximum`` is never below the current price,
    however new that is. ``samples`` are the prices in force at the end
    of equal slices of the time, oldest first. Raises ``ValueError`` for an impossible price.
    """

    days: Annotated[int, msgspec.Meta(ge=1)]
    mean: Decimal
    p50: Decimal
    p95: Decimal
    maximum: Decimal
    samples: Annotated[tuple[Decimal, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        """Check the amounts."""
        for amount in (self.mean, self.p50, self.p95, self.maximum, *self.samples):
            check_amount(amount)


class SpotPrices(msgspec.Struct, frozen=True, tag="spot", omit_defaults=True):
    """A zone's newest price, in US dollars an hour, and how it moved, where that is known."""

    current: Decimal
    history: SpotHistory | None = None

    def __post_init__(self) -> None:
        """Check the amount."""
        check_amount(self.current)


class Offer(msgspec.Struct, frozen=True):
    """An instance type under a purchase option in a region.

    ``availability_zone_id`` is the zone that a Spot price holds in. For what costs the same in
    every zone it is the first zone known to offer the type, and ``None`` if none is known.
    ``hourly`` is what an hour costs with ``upfront``, the US dollars paid at the start of a
    commitment, spread over its term. ``interruption`` is ``None`` where it does not apply (not
    Spot) or is not known (Spot); so is ``spot``. ``held`` marks a commitment that is paid for
    already.
    """

    instance_type: InstanceType
    purchase: Purchase
    region: str
    availability_zone_id: str | None
    hourly: Price | Unpriced
    upfront: Decimal = Decimal(0)
    interruption: Interruption | None = None
    spot: SpotPrices | None = None
    held: bool = False

    @property
    def history(self) -> SpotHistory | None:
        """How the Spot price moved, where that is known."""
        return self.spot.history if self.spot else None

    @property
    def name(self) -> str:
        """``<instance type>/<purchase>``, unique within a region and zone."""
        return f"{self.instance_type.name}/{self.purchase.name}"
