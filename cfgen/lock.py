"""``cfgen.lock``: the plan and the machine image that were chosen, and the prices they rest on.

A cheaper plan found later is mentioned, never switched to unasked: a switch replaces the host.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import msgspec

from cfgen.errors import ConfigError
from cfgen.files import read_text, write_atomically
from cfgen.times import timestamp
from pricing.offers import Architecture
from pricing.plans import Plan
from pricing.recommend import Recommendation
from pricing.workload import Hours

FILE_NAME = "cfgen.lock"
SCHEMA_VERSION = 1
IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}"
"""Public Systems Manager parameter with the newest Amazon Linux 2023 image of an architecture."""


class Candidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A type that a Spot group may take."""

    instance_type: str
    arch: Architecture


class LockedPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the template needs of a plan. ``monthly_usd`` is what it cost when it was locked.

    ``candidates`` are the types that a Spot group takes whichever EC2 has to spare of; without them
    it takes the plan's own.
    """

    id: str
    instance_type: str
    arch: Architecture
    purchase: str
    hours: Hours
    shape: Literal["instance", "group"]
    availability_zone_id: str | None
    burstable: bool
    monthly_usd: Decimal
    candidates: tuple[Candidate, ...] = ()

    @classmethod
    def of(cls, plan: Plan, recommendation: Recommendation) -> "LockedPlan":
        """Keep of a recommendation's plan what outlives its prices."""
        kind = plan.offer.instance_type
        return cls(
            plan.id,
            kind.name,
            kind.arch,
            plan.offer.purchase.name,
            plan.hours,
            plan.shape,
            plan.offer.availability_zone_id,
            kind.baseline_percent is not None,
            plan.monthly,
            tuple(_candidates(plan, recommendation)) if plan.shape == "group" else (),
        )

    def is_like(self, other: "LockedPlan") -> bool:
        """Whether both say the same of all that an id stands for."""
        alike = ("id", "instance_type", "arch", "purchase", "hours", "shape", "burstable")
        return all(getattr(self, name) == getattr(other, name) for name in alike)

    @property
    def architectures(self) -> tuple[Architecture, ...]:
        """Those that the host may have, the plan's own first."""
        return tuple(dict.fromkeys((self.arch, *(one.arch for one in self.candidates))))

    @property
    def image_parameter(self) -> str:
        """The public parameter that names the newest image for this plan."""
        return image_parameter(self.arch)


def image_parameter(arch: Architecture) -> str:
    """The public parameter that names the newest image for an architecture."""
    return IMAGE_PARAMETER.format(arch=arch)


def _candidates(plan: Plan, recommendation: Recommendation) -> Iterator[Candidate]:
    """Types whose Spot plan fits as well, cheapest first, none dearer than on demand would be.

    All burst or none does, for the launch template sets the CPU credits of all.
    """
    alike = [
        other
        for other in recommendation.plans
        if other.hours == plan.hours and other.offer.region == plan.offer.region
    ]
    on_demand = [one.monthly for one in alike if one.offer.purchase.kind == "on-demand"]
    limit = min(on_demand, default=Decimal("Infinity"))
    bursts = plan.offer.instance_type.baseline_percent is not None
    for other in alike:
        kind = other.offer.instance_type
        fits = other is plan or (not other.rejected_because and other.monthly <= limit)
        if other.shape == "group" and fits and (kind.baseline_percent is not None) == bursts:
            yield Candidate(kind.name, kind.arch)


class LockedPrices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the choice rested on."""

    mode: Literal["live", "cache", "snapshot"]
    as_of: str


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file. ``image`` is the image's public parameter."""

    schema_version: int
    region: str
    locked_at: str
    plan: LockedPlan
    image: str
    prices: LockedPrices


def lock_of(recommendation: Recommendation, plan: Plan, now: datetime) -> Lock:
    """Lock a plan of a recommendation."""
    market = recommendation.market
    locked = LockedPlan.of(plan, recommendation)
    return Lock(
        SCHEMA_VERSION,
        market.region,
        timestamp(now),
        locked,
        locked.image_parameter,
        LockedPrices(market.mode, market.as_of),
    )


def read_lock(path: Path) -> Lock | None:
    """Read the lock, or ``None`` where there is none. Raises :class:`ConfigError`."""
    if not os.path.lexists(path):
        return None
    again = "write it anew with: cfgen recommend --write"
    try:
        lock = msgspec.json.decode(read_text(path), type=Lock)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: not a lock that this version reads: {error}", again) from error
    if lock.schema_version != SCHEMA_VERSION:
        raise ConfigError(f"{path}: schema version {lock.schema_version} is unknown", again)
    return lock


def write_lock(path: Path, lock: Lock) -> None:
    """Replace the lock. Raises :class:`ConfigError`."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(lock)).decode() + "\n")
