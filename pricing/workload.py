"""What the bot needs, and what its host is made of."""

from decimal import Decimal
from typing import Literal

import msgspec

from pricing.calendar import Window
from pricing.offers import Architecture

Hours = Literal["always", "market"]
Cap = Literal["none", "<5%", "5-10%", "10-15%", "15-20%", "any"]
CommitmentLimit = Literal["none", "1yr", "3yr"]


class Workload(msgspec.Struct, frozen=True):
    """What the bot needs and what its owner puts up with.

    ``instance_types`` are names or globs; ``cpu_average_percent`` is of each vCPU;
    ``max_interruption`` is ``none`` (no Spot), a Spot Advisor range or ``any``; ``window`` is the
    part of a weekday, in the market's time zone, in which a ``market`` host runs.
    """

    instance_types: tuple[str, ...] = ("t4g.micro", "t3.micro", "t3.small")
    architectures: tuple[Architecture, ...] = ("arm64", "x86_64")
    memory_mib: int = 700
    cpu_average_percent: Decimal = Decimal(5)
    hours: Hours = "always"
    window: Window = Window(8 * 60 + 30, 16 * 60)
    max_interruption: Cap = "none"
    commitment: CommitmentLimit = "none"
    real_account: bool = False
    allow_spot_for_real: bool = False


class HostShape(msgspec.Struct, frozen=True):
    """The parts of the template that cost money, counted.

    ``smallest_disk_gib`` is the disk that would do. ``alarms`` is the most that any shape has;
    ``metrics`` are CloudWatch's custom ones. ``keeps_state`` says that an instance's data is saved
    in S3; a Spot host's always is.
    """

    disk_gib: int = 8
    smallest_disk_gib: int = 8
    fixed_address: bool = True
    credits: Literal["standard", "unlimited"] = "unlimited"
    secrets: int = 1
    alarms: int = 8
    metrics: int = 6
    keeps_state: bool = False


class Usage(msgspec.Struct, frozen=True):
    """What the bill assumes about a month that nobody has seen yet."""

    log_gb: Decimal = Decimal(1)
    log_retention_days: int = 30
    egress_gb: Decimal = Decimal(1)
    secret_reads: Decimal = Decimal(200)
    backup_gb: Decimal = Decimal(1)
