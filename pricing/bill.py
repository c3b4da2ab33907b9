"""The bill of one month, item by item."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import msgspec

from pricing.calendar import ALWAYS_HOURS, HOURS_A_YEAR
from pricing.offers import Offer
from pricing.price import Price, Unpriced
from pricing.rates import FREE, FREE_POOLS, Rate, Service
from pricing.workload import HostShape, Usage, Workload

Rates = Mapping[Service, Rate | Unpriced]
DAYS_A_MONTH = Decimal("365.25") / 12

STARTING_VCPU_HOURS = Decimal("0.1")
"""What the bootstrap of a new host takes: six minutes of one vCPU, rounded up from what
docs/decisions/0002-launch-credits.md adds up."""

SAVES_AN_HOUR = 4
"""How often a host saves its state in S3, where that has changed."""


class BillItem(msgspec.Struct, frozen=True):
    """One line: ``monthly`` is exactly ``quantity`` x ``price.amount``.

    ``quantity`` is what is charged for, free units taken off; ``formula`` says how it came about.
    """

    item: str
    quantity: Decimal
    price: Price
    formula: str

    @property
    def monthly(self) -> Decimal:
        """US dollars a month."""
        return self.quantity * self.price.amount


class NotCounted(msgspec.Struct, frozen=True):
    """What is used and has no price: ``formula`` says how much of it."""

    item: str
    formula: str
    absence: Unpriced


class Bill(msgspec.Struct, frozen=True):
    """The items of one month and, by name, what could not be counted."""

    items: tuple[BillItem, ...]
    not_counted: tuple[NotCounted, ...] = ()

    @property
    def as_of(self) -> str:
        """The day from which on all its prices hold."""
        return min(item.price.as_of for item in self.items)

    @property
    def total(self) -> Decimal:
        """US dollars a month: the exact sum of the items."""
        return sum((item.monthly for item in self.items), Decimal(0))


class _Used(msgspec.Struct, frozen=True):
    service: Service
    units: Decimal
    formula: str


def make_bill(
    offer: Offer,
    hours: Decimal,
    workload: Workload,
    host: HostShape,
    around: Bill,
    rates: Rates,
    held: Mapping[tuple[str, str], Price],
    assumed: str = "",
) -> Bill | Unpriced:
    """Add up a month of ``hours`` running hours on ``offer``, whose hourly price must be known.

    ``around`` is what :func:`surroundings` says of the same hours. A commitment is paid around the
    clock, whether or not the host runs; those that are ``held`` (by region and offer) are
    paid for beside whatever else runs. ``assumed`` says what the hourly price assumes. Gives
    ``Unpriced`` where CPU credits are used that have
    no price. Raises ``ValueError`` for an offer without a price.
    """
    if isinstance(offer.hourly, Unpriced):
        raise ValueError(f"{offer.instance_type.name}: {offer.hourly.reason}")
    paid_hours = ALWAYS_HOURS if offer.purchase.commitment else hours
    formula = f"{paid_hours} h"
    if offer.upfront:
        term = f"{offer.purchase.years} x {HOURS_A_YEAR} h"
        spread = f"{offer.upfront.normalize():f} upfront over {term}"
        formula += f", at a price that holds {spread}"
    formula += assumed
    items = [BillItem("instance", paid_hours, offer.hourly, formula)]
    own = (offer.region, offer.name) if offer.held else None
    items += [
        BillItem("existing-commitment", ALWAYS_HOURS, price, f"{key[1]}, paid whatever runs")
        for key, price in held.items()
        if key != own
    ]
    surplus = _charge(_credits(offer, hours, workload, host), rates)
    if surplus.not_counted:
        [lack] = surplus.not_counted
        return Unpriced(lack.absence.code, f"{lack.item} ({lack.formula}): {lack.absence.reason}")
    return Bill((*items, *surplus.items, *around.items), around.not_counted)


def surroundings(hours: Decimal, host: HostShape, usage: Usage, rates: Rates) -> Bill:
    """What everything around the instance costs, whichever instance that is."""
    return _charge(_around(hours, host, usage), rates)


def _charge(used: Iterable[_Used], rates: Rates) -> Bill:
    items: list[BillItem] = []
    not_counted = []
    pools: dict[str, Decimal] = {}
    for use in used:
        rate = rates.get(use.service) or Unpriced("no-rate", "the source has no rate for it")
        given, pool = (
            (rate.free, rate.free_pool)
            if isinstance(rate, Rate)
            else (FREE.get(use.service, Decimal(0)), FREE_POOLS.get(use.service))
        )
        pool = pool or use.service.value
        free = min(pools.setdefault(pool, given), use.units)
        pools[pool] -= free
        billable = use.units - free
        formula = use.formula + (f", less {free.normalize():f} free" if free else "")
        charges = rate if isinstance(rate, Unpriced) else rate.charges(billable)
        if isinstance(charges, Unpriced):
            # What is wholly free costs nothing, whatever its price.
            if billable or not free:
                not_counted.append(NotCounted(use.service, use.formula, charges))
        else:
            items += [BillItem(use.service, units, price, formula) for units, price in charges]
    return Bill(tuple(items), tuple(not_counted))


def _around(hours: Decimal, host: HostShape, usage: Usage) -> Iterator[_Used]:
    if host.fixed_address:
        yield _Used(Service.PUBLIC_IPV4, ALWAYS_HOURS, f"{ALWAYS_HOURS} h, in use or idle")
    else:
        yield _Used(Service.PUBLIC_IPV4, hours, f"{hours} h, while the host runs")
    yield _Used(Service.EBS_GP3, Decimal(host.disk_gib), f"{host.disk_gib} GiB")
    yield _Used(Service.SECRET, Decimal(host.secrets), f"{host.secrets} secret")
    yield _Used(Service.SECRET_REQUESTS, usage.secret_reads, f"{usage.secret_reads} reads")
    yield _Used(Service.ALARM, Decimal(host.alarms), f"{host.alarms} alarms")
    yield _Used(Service.METRIC, Decimal(host.metrics), f"{host.metrics} metrics")
    yield _Used(Service.LOG_INGESTION, usage.log_gb, f"{usage.log_gb} GB")
    # Uncompressed, so an upper bound: CloudWatch Logs bills storage after gzip.
    stored = (usage.log_gb * usage.log_retention_days / DAYS_A_MONTH).quantize(Decimal("0.0001"))
    yield _Used(
        Service.LOG_STORAGE,
        stored,
        f"{usage.log_gb} GB a month, kept {usage.log_retention_days} days",
    )
    yield _Used(Service.EGRESS, usage.egress_gb, f"{usage.egress_gb} GB")
    if host.keeps_state:
        saves = hours * SAVES_AN_HOUR
        yield _Used(Service.S3_STORAGE, usage.backup_gb, f"{usage.backup_gb} GB")
        yield _Used(Service.S3_PUT, saves, f"{hours} h x {SAVES_AN_HOUR} at the most")


def _credits(offer: Offer, hours: Decimal, workload: Workload, host: HostShape) -> Iterator[_Used]:
    surplus = surplus_vcpu_hours(offer, hours, workload, host)
    if surplus:
        kind = offer.instance_type
        over = f"({workload.cpu_average_percent}% - {kind.baseline_percent}%) x {kind.vcpus} vCPUs"
        starts = _starts(offer, hours, workload)
        boots = f" + {starts} starts x {STARTING_VCPU_HOURS} h" if starts else ""
        # T3a bursts at T3's price per surplus vCPU-hour (EC2 pricing, T2/T3/T4g Unlimited mode).
        service = Service.CPU_CREDITS_T4G if kind.family == "t4g" else Service.CPU_CREDITS_T3
        yield _Used(service, surplus, f"{over} x {hours} h{boots}")


def surplus_vcpu_hours(
    offer: Offer, hours: Decimal, workload: Workload, host: HostShape
) -> Decimal:
    """VCPU-hours a month above the baseline, which only ``unlimited`` credits give, for money.

    Each host's own are added up from its start to its end; what it earns beyond what it takes pays
    for the bootstrap. A host that stays has one bootstrap, long paid for.
    """
    baseline = offer.instance_type.baseline_percent
    if host.credits == "standard" or baseline is None:
        return Decimal(0)
    over = (workload.cpu_average_percent - baseline) / 100 * offer.instance_type.vcpus * hours
    return max(Decimal(0), over + _starts(offer, hours, workload) * STARTING_VCPU_HOURS)


def _starts(offer: Offer, hours: Decimal, workload: Workload) -> Decimal:
    """New hosts a month: on Spot in market hours one a day, each with a bootstrap."""
    if offer.purchase.kind != "spot" or hours == ALWAYS_HOURS:
        return Decimal(0)
    return (hours / workload.window.hours_a_day()).quantize(Decimal("0.01"))
