"""The lock: the plan and the machine image that were chosen, and the prices they rest on.

It belongs to one configuration, beside which it lies, and to one stack, which it names. A cheaper
plan found later is mentioned, never switched to unasked: a switch may replace the host.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
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
SUFFIX = ".lock"
SCHEMA_VERSION = 2
WITHOUT_STACK = 1
"""The schema version whose locks do not name their stack: they are read as the stack's at hand."""

CONFLICT = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?:\s|$)", re.MULTILINE)
"""A line that git leaves in a file that it could not merge."""

IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}"
"""Public Systems Manager parameter with the newest Amazon Linux 2023 image of an architecture."""


ZONE = re.compile(r"[a-z0-9]+-az([0-9]+)")
"""A zone's id, with its number in the region. Local zones have a place before it (EC2 User Guide,
"Local Zones")."""


class Candidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A type that a Spot group may take."""

    instance_type: str
    arch: Architecture


class LockedPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the template needs of a plan. ``monthly_usd`` is what it cost when it was locked.

    ``candidates`` are the types that a Spot group takes whichever EC2 has to spare of; without them
    it takes the plan's own. ``zones`` are the ids of the zones that it takes them in, where one of
    them is offered at least; without them it takes the plan's own.
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
    zones: tuple[str, ...] = ()

    @classmethod
    def of(cls, plan: Plan, recommendation: Recommendation) -> "LockedPlan":
        """Keep of a recommendation's plan what outlives its prices."""
        kind = plan.offer.instance_type
        group = plan.shape == "group"
        candidates = tuple(_candidates(plan, recommendation)) if group else ()
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
            candidates,
            _zones(plan, candidates, recommendation),
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


def _zones(
    plan: Plan, candidates: tuple[Candidate, ...], recommendation: Recommendation
) -> tuple[str, ...]:
    """Zones of the plan's region in which a candidate is offered, but for local zones."""
    names = {one.instance_type for one in candidates}
    found = {
        offer.availability_zone_id
        for offer in recommendation.market.offers
        if offer.region == plan.offer.region
        and offer.purchase.kind == "spot"
        and offer.instance_type.name in names
    }
    return tuple(sorted(zone for zone in found if zone and ZONE.fullmatch(zone)))


class LockedPrices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the choice rested on."""

    mode: Literal["live", "cache", "snapshot"]
    as_of: str


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file. ``image`` is the image's public parameter.

    ``stack`` is the name of the stack that the plan was chosen for, empty in a lock of an earlier
    schema.
    """

    schema_version: int
    region: str
    locked_at: str
    plan: LockedPlan
    image: str
    prices: LockedPrices
    stack: str = ""

    def named(self, stack: str) -> "Lock":
        """The same, of the present schema."""
        return msgspec.structs.replace(self, schema_version=SCHEMA_VERSION, stack=stack)


def lock_path(config: Path | None) -> Path:
    """The lock lies beside its configuration and is called like it; ``None`` is ``cfgen.toml``.

    Raises :class:`ConfigError` for a configuration that it would overwrite.
    """
    if config is None:
        return Path(FILE_NAME)
    if config.suffix.lower() == SUFFIX:
        raise ConfigError(
            f"--config {config}: the lock of a configuration ends in {SUFFIX}, and would be "
            "written over it",
            f"call it {config.with_suffix('.toml')}",
        )
    return config.with_suffix(SUFFIX)


def lock_of(recommendation: Recommendation, plan: Plan, now: datetime, stack: str) -> Lock:
    """Lock a plan of a recommendation for a stack."""
    market = recommendation.market
    locked = LockedPlan.of(plan, recommendation)
    return Lock(
        SCHEMA_VERSION,
        market.region,
        timestamp(now),
        locked,
        locked.image_parameter,
        LockedPrices(market.mode, market.as_of),
        stack,
    )


Command = Callable[[str], str]


def read_lock(path: Path, command: Command = "cfgen {}".format) -> Lock | None:
    """Read the lock, or ``None`` where there is none.

    Raises :class:`ConfigError` for a file that is no lock, or was put together out of two.
    ``command`` writes a command of cfgen's for the same configuration.
    """
    if not os.path.lexists(path):
        return None
    text = read_text(path)
    anew = f"choose anew with: {command('recommend --write')}"
    back = f"restore it, as with: git checkout -- {path}; or {anew}"
    if marker := CONFLICT.search(text):
        line = text.count("\n", 0, marker.start()) + 1
        raise ConfigError(
            f"{path}: git could not merge it (line {line})",
            f"take one side whole: git checkout --ours -- {path}, or --theirs; a mixture of two "
            "locks is no plan",
        )
    if twice := _given_twice(text):
        raise ConfigError(f"{path}: {twice} is in it twice, as after a merge by hand", back)
    try:
        lock = msgspec.json.decode(text, type=Lock)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: not a lock that this version reads: {error}", back) from error
    if lock.schema_version not in (WITHOUT_STACK, SCHEMA_VERSION):
        raise ConfigError(
            f"{path}: schema version {lock.schema_version} is unknown",
            f"use the version of cfgen that wrote it; or {anew}",
        )
    if wrong := "; ".join(contradictions(lock)):
        raise ConfigError(f"{path}: does not hold together: {wrong}", back)
    return lock


def lock_for(
    path: Path, stack: str, region: str, command: Command = "cfgen {}".format
) -> Lock | None:
    """Read the lock of a stack in a region, or ``None`` where there is none.

    Raises :class:`ConfigError` for another stack's or region's as well.
    """
    lock = read_lock(path, command)
    if lock is None:
        return None
    check_stack(lock, path, stack, command)
    if lock.region != region:
        raise ConfigError(
            f"{path}: is for {lock.region}, not for {region}",
            f"set stack.region, or leave out --region; {_anew_for(command)}",
        )
    return lock


def check_stack(lock: Lock, path: Path, stack: str, command: Command = "cfgen {}".format) -> None:
    """Raise :class:`ConfigError` for a lock that names another stack."""
    if lock.stack not in ("", stack):
        raise ConfigError(
            f"{path}: is for stack {lock.stack}, not for {stack}",
            "give each stack a configuration of its own: the lock of demo.toml is demo.lock; "
            f"{_anew_for(command)}",
        )


def _anew_for(command: Command) -> str:
    return f"or choose anew for this one: {command('recommend --write')}"


def others_of_stack(path: Path, stack: str, region: str) -> list[Path]:
    """Other locks in the folder that are for the same stack; what is no lock of ours is none."""
    found = []
    for other in sorted(path.parent.glob(f"*{SUFFIX}")):
        try:
            lock = read_lock(other) if other.name != path.name else None
        except ConfigError:
            continue
        if lock and (lock.stack, lock.region) == (stack, region):
            found.append(other)
    return found


def _given_twice(text: str) -> str:
    """The first key that an object of a JSON text has twice; msgspec would keep its last value."""
    found: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        names = [name for name, _ in pairs]
        found.extend(name for name in names if names.count(name) > 1)

    try:
        json.loads(text, object_pairs_hook=look)
    except (ValueError, RecursionError):
        # What is no JSON at all is told by whoever reads it.
        return ""
    return found[0] if found else ""


def contradictions(lock: Lock) -> Iterator[str]:
    """What of a lock cannot have been written as it stands."""
    plan = lock.plan
    if lock.schema_version != WITHOUT_STACK and not lock.stack:
        yield "it names no stack"
    if plan.id != f"{plan.instance_type}/{plan.purchase}/{plan.hours}":
        yield (f"its id is {plan.id}, its plan {plan.instance_type}, {plan.purchase}, {plan.hours}")
    if (plan.shape == "group") != (plan.purchase == "spot"):
        yield f"{plan.purchase} has no shape {plan.shape}"
    if plan.candidates and plan.shape != "group":
        yield f"shape {plan.shape} has no candidates"
    if plan.candidates and Candidate(plan.instance_type, plan.arch) not in plan.candidates:
        yield f"{plan.instance_type} ({plan.arch}) is not among its candidates"
    if plan.zones and plan.shape == "instance":
        yield "an instance has the zones of a group"
    if wrong := [zone for zone in plan.zones if not ZONE.fullmatch(zone)]:
        yield f"{wrong[0]} is no id of a zone"
    if lock.image != plan.image_parameter:
        yield f"its image is not one of {plan.arch}"


def write_lock(path: Path, lock: Lock) -> None:
    """Replace the lock. Raises :class:`ConfigError`."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(lock)).decode() + "\n")
