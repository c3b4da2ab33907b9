"""``cfgen.toml``: its keys, defaults and limits.

Every key is optional. The classes below are the schema; their metadata is what ``cfgen init``
writes as comments. What a type cannot say is checked in ``checks.py``.
"""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from pricing.calendar import Window
from pricing.offers import Architecture
from pricing.workload import Cap, CommitmentLimit, HostShape, Hours, Usage, Workload

# The retention periods that AWS::Logs::LogGroup accepts (CloudFormation resource schema).
Retention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
]  # fmt: skip


LEAST_DISK_GIB = 8
"""The size of Amazon Linux 2023's image."""

SYSTEM_GIB = 6
"""What the system and the bot take of the disk, beside the swap file."""


DEFAULT_TIME = "09:00"
DEFAULT_SESSION = "09:00-15:30"
"""The Korea Exchange's regular session (global.krx.co.kr, "Trading hours")."""


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class Stack(_Section, frozen=True):
    """The CloudFormation stack and the account it belongs in."""

    name: Annotated[str, Meta(description="Name of the CloudFormation stack")] = "trading-bot"
    region: Annotated[str, Meta(description="AWS region; Seoul is ap-northeast-2")] = (
        "ap-northeast-2"
    )
    allowed_accounts: Annotated[
        list[str], Meta(description="12-digit ids of accounts to deploy to; empty allows any")
    ] = field(default_factory=list)
    tags: Annotated[dict[str, str], Meta(description="Tags for every resource")] = field(
        default_factory=dict
    )
    termination_protection: Annotated[
        bool, Meta(description="Protect the stack from deletion after a deploy")
    ] = True


class Job(_Section, frozen=True):
    """A program of the checkout and when it runs."""

    name: Annotated[str, Meta(description="Its name: lower-case letters, digits and -; unique")]
    entrypoint: Annotated[str, Meta(description="Its program, relative to the checkout")]
    arguments: Annotated[
        list[str], Meta(description="Its arguments; --mode is added before them")
    ] = field(default_factory=list)
    kind: Annotated[
        Literal["daily", "service"],
        Meta(description="daily: one pass, then exit; service: stays up. The timer starts either"),
    ] = "daily"
    days: Annotated[str, Meta(description="On which days, as systemd writes weekdays")] = "Mon..Fri"
    at: Annotated[
        list[str], Meta(description="When it is started, in bot.timezone: one time or several")
    ] = field(default_factory=lambda: [DEFAULT_TIME])
    every: Annotated[
        str,
        Meta(description='How often within the session instead, such as "5min"; empty: at "at"'),
    ] = ""
    retries: Annotated[
        int,
        Meta(
            description="How often a run that failed is tried again, 0 to 3. Not given, it is 0 "
            'with mode = "real", for a run that failed after an order would order again, and with '
            "every"
        ),
    ] = 3
    timeout: Annotated[
        str, Meta(description='How long a daily run may take, such as "90s", "20min" or "1h"')
    ] = "1h"
    market: Annotated[
        bool,
        Meta(
            description="Run only while the exchange is open; false: on its days, whatever the "
            "exchange does"
        ),
    ] = True
    exclusive: Annotated[
        str, Meta(description="Jobs with the same word here never run at the same time")
    ] = ""


class Bot(_Section, frozen=True):
    """What runs, and when."""

    source: Annotated[
        str,
        Meta(
            description="Git repository at a pinned ref, such as https://HOST/OWNER/REPO.git@v1.2, "
            "or a local folder such as ./bot"
        ),
    ] = ""
    entrypoint: Annotated[str, Meta(description="The bot's program, relative to the checkout")] = (
        "apps/daily_breakout_app.py"
    )
    arguments: Annotated[
        list[str], Meta(description="Its arguments; --mode is added before them")
    ] = field(default_factory=lambda: ["--symbol", "069500"])
    requirements: Annotated[
        str, Meta(description="pip requirements file in the checkout; empty for none")
    ] = "requirements.txt"
    mode: Annotated[
        Literal["demo", "real"], Meta(description="demo (paper trading) or real; passed as --mode")
    ] = "demo"
    mode_argument: Annotated[
        str, Meta(description="The argument that the mode follows; empty: it is not passed")
    ] = "--mode"
    kind: Annotated[
        Literal["daily", "service"],
        Meta(description="daily: one pass, then exit; service: stays up. The timer starts either"),
    ] = "daily"
    run_at: Annotated[str, Meta(description="When the timer starts it, in the timezone below")] = (
        DEFAULT_TIME
    )
    days: Annotated[str, Meta(description="On which days, as systemd writes weekdays")] = "Mon..Fri"
    timezone: Annotated[
        str, Meta(description="Time zone of run_at, of the window and the host")
    ] = "Asia/Seoul"
    python: Annotated[
        Literal["3.11", "3.12", "3.13"], Meta(description="Python of the bot's virtual environment")
    ] = "3.12"
    environment: Annotated[
        dict[str, str], Meta(description="Further environment variables; never keys or passwords")
    ] = field(default_factory=dict)
    allow_spot_for_real: Annotated[
        bool, Meta(description="Accept that an interruption leaves a real account's positions open")
    ] = False
    writable: Annotated[
        list[str],
        Meta(
            description="Further folders that are made for the bot to write to, such as "
            "~/KIS/config or /srv/data; its checkout and the folder above it are"
        ),
    ] = field(default_factory=list)
    key_file: Annotated[
        str,
        Meta(
            description="Where the bot reads the broker's kis_devlp.yaml, in the checkout or under "
            "~; the host writes it to memory; empty for none"
        ),
    ] = ""
    include: Annotated[
        list[str],
        Meta(description="What git ignores and is packed all the same, such as lib/"),
    ] = field(default_factory=list)
    lock_requirements: Annotated[
        bool,
        Meta(
            description="Resolve the requirements at each deploy and ship the list with hashes. "
            'Not given, it is true with mode = "real"'
        ),
    ] = False
    jobs: Annotated[
        list[Job],
        Meta(
            description="Several programs of one checkout, each a [[bot.jobs]] table; none: the "
            "one job that the keys above describe"
        ),
    ] = field(default_factory=list)


class Dashboard(_Section, frozen=True):
    """The bot's web page."""

    enabled: Annotated[bool, Meta(description="Run the dashboard")] = True
    entrypoint: Annotated[str, Meta(description="Its program, relative to the checkout")] = (
        "apps/flask_app.py"
    )
    port: Annotated[int, Meta(description="Its port, 1024 to 65535")] = 5001
    cidrs: Annotated[
        list[str],
        Meta(description="IPv4 CIDRs that may reach it; empty: only through Session Manager"),
    ] = field(default_factory=list)


class Network(_Section, frozen=True):
    """The VPC."""

    vpc_cidr: Annotated[str, Meta(description="IPv4 CIDR of the VPC, /16 to /28")] = "10.0.0.0/16"
    subnet_cidr: Annotated[
        str,
        Meta(
            description="IPv4 CIDR of its subnet; on Spot of the first, after which come those of "
            "the other zones"
        ),
    ] = "10.0.1.0/24"
    ssh_cidrs: Annotated[
        list[str], Meta(description="IPv4 CIDRs that may use SSH; empty: only Session Manager")
    ] = field(default_factory=list)
    key_name: Annotated[str, Meta(description="EC2 key pair for SSH; empty for none")] = ""
    elastic_ip: Annotated[
        bool, Meta(description="A fixed public address; billed while the host is stopped, too")
    ] = True
    flow_logs: Annotated[bool, Meta(description="Record the VPC's traffic in CloudWatch Logs")] = (
        True
    )


class Work(_Section, frozen=True):
    """What the bot needs from its machine."""

    instance_types: Annotated[
        list[str], Meta(description="Types to choose from; globs such as t4g.* work")
    ] = field(default_factory=lambda: ["t4g.micro", "t3.micro", "t3.small"])
    architectures: Annotated[
        list[Architecture], Meta(description="CPU architectures that the bot runs on")
    ] = field(default_factory=lambda: ["arm64", "x86_64"])
    memory_mib: Annotated[int, Meta(description="Memory that bot and dashboard need", ge=1)] = 700
    cpu_average_percent: Annotated[
        Decimal, Meta(description="Average load of each vCPU, 0 to 100")
    ] = Decimal(5)
    hours: Annotated[
        Hours, Meta(description="always, or market: up on weekdays in the window only")
    ] = "always"
    window: Annotated[str, Meta(description="When a market host is up, in bot.timezone")] = (
        "08:30-16:00"
    )
    max_interruption: Annotated[
        Cap, Meta(description="none (no Spot), <5%, 5-10%, 10-15%, 15-20%, or any")
    ] = "none"
    commitment: Annotated[
        CommitmentLimit, Meta(description="Longest commitment accepted: none, 1yr or 3yr")
    ] = "none"
    existing_commitment: Annotated[
        dict[str, Decimal],
        Meta(
            description="What is paid an hour for commitments that exist, in US dollars, such as "
            '{ "ap-northeast-2/t4g.micro/reserved-1yr-no-upfront" = "0.0065" }'
        ),
    ] = field(default_factory=dict)


class Host(_Section, frozen=True):
    """The machine."""

    disk_gib: Annotated[int, Meta(description="Size of the gp3 disk, 8 to 16384")] = 8
    swap_mib: Annotated[int, Meta(description="Size of the swap file, 0 to 4096; 0 for none")] = (
        1024
    )
    credits: Annotated[
        Literal["standard", "unlimited"],
        Meta(
            description="CPU credits: unlimited boots at full speed, and bills what a day takes "
            "above the baseline; standard throttles, a new host from its first minute"
        ),
    ] = "unlimited"
    patching: Annotated[
        bool,
        Meta(description="Install security updates after the close; the host may reboot for them"),
    ] = True
    patch_delay_days: Annotated[
        int,
        Meta(description="How old a release must be before its updates are installed, 0 to 90"),
    ] = 7


class MarketHours(_Section, frozen=True):
    """The exchange's calendar."""

    calendar: Annotated[
        str,
        Meta(description="XKRX, XNYS or another exchange's code (ISO 10383), weekdays, or always"),
    ] = "XKRX"
    closed: Annotated[list[str], Meta(description="Dates to take out of it")] = field(
        default_factory=list
    )
    open: Annotated[list[str], Meta(description="Dates to add to it")] = field(default_factory=list)
    half_days: Annotated[
        dict[str, str],
        Meta(
            description='Other sessions of single dates, such as { "2026-11-27" = "09:30-13:00" }'
        ),
    ] = field(default_factory=dict)
    session: Annotated[
        str,
        Meta(
            description="The regular session, or several with a comma between; a session that ends "
            "before it starts ends on the next day"
        ),
    ] = DEFAULT_SESSION
    session_timezone: Annotated[
        str, Meta(description="Time zone of the session; empty: the exchange's own")
    ] = ""


class Monitoring(_Section, frozen=True):
    """Who is told, and what is kept."""

    email: Annotated[str, Meta(description="Address for alarms; empty for none")] = ""
    log_retention_days: Annotated[
        Retention, Meta(description="How long CloudWatch keeps the bot's logs")
    ] = 30


class Backup(_Section, frozen=True):
    """Copies of the bot's data in S3."""

    enabled: Annotated[
        bool, Meta(description="Keep copies in a bucket of the stack; a Spot host always does")
    ] = False


class Dns(_Section, frozen=True):
    """A name for the address."""

    zone_id: Annotated[str, Meta(description="Id of a Route 53 hosted zone; empty for none")] = ""
    name: Annotated[str, Meta(description="Name of the record in that zone")] = ""


class Budget(_Section, frozen=True):
    """An alarm on the account's bill."""

    monthly_usd: Annotated[
        str, Meta(description='US dollars a month, such as "15"; empty for none')
    ] = ""


class Usages(_Section, frozen=True):
    """What the bill assumes of a month."""

    log_gb: Annotated[Decimal, Meta(description="Logs written, in GB")] = Decimal(1)
    egress_gb: Annotated[Decimal, Meta(description="Traffic to the internet, in GB")] = Decimal(1)
    backup_gb: Annotated[Decimal, Meta(description="Copies kept in S3, in GB")] = Decimal(1)
    secret_reads: Annotated[Decimal, Meta(description="Reads of the secret")] = Decimal(200)


class Config(_Section, frozen=True):
    """The whole file."""

    stack: Stack = field(default_factory=Stack)
    bot: Bot = field(default_factory=Bot)
    dashboard: Dashboard = field(default_factory=Dashboard)
    network: Network = field(default_factory=Network)
    workload: Work = field(default_factory=Work)
    host: Host = field(default_factory=Host)
    market: MarketHours = field(default_factory=MarketHours)
    monitoring: Monitoring = field(default_factory=Monitoring)
    backup: Backup = field(default_factory=Backup)
    dns: Dns = field(default_factory=Dns)
    budget: Budget = field(default_factory=Budget)
    usage: Usages = field(default_factory=Usages)


def workload_of(config: Config) -> Workload:
    """What the configuration asks of the market."""
    wanted = config.workload
    return Workload(
        tuple(wanted.instance_types),
        tuple(wanted.architectures),
        wanted.memory_mib,
        wanted.cpu_average_percent,
        wanted.hours,
        Window.parse(wanted.window),
        wanted.max_interruption,
        wanted.commitment,
        config.bot.mode == "real",
        config.bot.allow_spot_for_real,
    )


def commitments_of(config: Config) -> dict[tuple[str, str], Decimal]:
    """What is paid an hour for commitments that exist, by region and offer."""
    held = config.workload.existing_commitment
    return {
        (region, offer): hourly
        for name, hourly in held.items()
        for region, _, offer in [name.partition("/")]
    }


def host_shape_of(config: Config) -> HostShape:
    """The parts of the configured template that cost money."""
    host = config.host
    return HostShape(
        host.disk_gib,
        smallest_disk_gib(host),
        config.network.elastic_ip,
        host.credits,
        keeps_state=config.backup.enabled,
    )


def smallest_disk_gib(host: Host) -> int:
    """The disk that holds the swap file, the system and the bot."""
    return max(LEAST_DISK_GIB, -(-host.swap_mib // 1024) + SYSTEM_GIB)


def usage_of(config: Config) -> Usage:
    """What the bill assumes of a month."""
    usage = config.usage
    return Usage(
        usage.log_gb,
        config.monitoring.log_retention_days,
        usage.egress_gb,
        usage.secret_reads,
        usage.backup_gb,
    )
