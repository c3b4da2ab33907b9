"""Limits of ``cfgen.toml`` that a type cannot say. Pure: a configuration in, problems out."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from ipaddress import IPv4Network

from cfgen.config.exchanges import calendar_problem
from cfgen.config.job_limits import job_problems
from cfgen.config.jobs import seconds_of
from cfgen.config.market import market_problems, sessions_problem
from cfgen.config.schema import LEAST_DISK_GIB, Config, smallest_disk_gib
from cfgen.config.weekdays import parse_days
from cfgen.key_patterns import is_key_name, key_in_variable, keys_in_arguments
from pricing.calendar import Window
from pricing.offers import COMMITTED

GIT_SOURCE = r"(git\+)?https://[A-Za-z0-9.-]+/[A-Za-z0-9._~/+-]+@[A-Za-z0-9][A-Za-z0-9._/+-]*"
"""A git repository at a ref. No user, password or token before the host: it would be public. No
port: the security group lets https out, and little else."""

EMAIL = r"[A-Za-z0-9.!#%&'*+/=?^_`|~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
DNS_NAME = r"(?=.{1,253}$)([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])\.?"
DECIDED = re.compile(r"PATH|HOME|USER|SHELL|ENV_MODE|LD_.*|PYTHON.*|FLASK_.*")
"""Variables that the units set; ``cfgen/host/scripts/load-secrets`` leaves out the same."""

ITS_PLACE = (
    "a key belongs in the secret, not in a file or template: store it with cfgen secret set "
    "--from-env-file FILE, and the bot finds it in its environment"
)

SYSTEM_FOLDERS = frozenset(
    [
        "bin",
        "boot",
        "dev",
        "etc",
        "home",
        "lib",
        "lib64",
        "proc",
        "root",
        "run",
        "sbin",
        "sys",
        "usr",
        "var",
    ]
)
"""Where no bot may write, or where its unit shows it nothing (``ProtectHome=``)."""
OUR_FOLDERS = ("/opt/trading-bot", "/opt/aws", "/swapfile")

WIDEST = 8
"""Prefix length of the widest address range that may reach a port."""

REGION = r"[a-z]{2}(-[a-z]+)+-\d"

Check = Callable[[object], str]
"""Gives what is wrong with a value and what is allowed, or the empty string."""


def _matches(pattern: str, allowed: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: "" if compiled.fullmatch(str(value)) else f"{value!r} is not {allowed}"


def _between(least: int, most: int) -> Check:
    def check(value: object) -> str:
        number = Decimal(value) if isinstance(value, int | Decimal) else Decimal("NaN")
        if not (number.is_finite() and least <= number <= most):
            return f"is not from {least} to {most}"
        # Six places keep every product and sum of a bill exact in 28 digits.
        return "" if number == round(number, 6) else "has more than 6 decimal places"

    return check


def _cidr(value: object) -> str:
    try:
        network = IPv4Network(str(value))
    except ValueError as error:
        return f"is not an IPv4 CIDR such as 10.0.0.0/16: {error}"
    if str(network) != value:
        return f"{value!r} is not written as {network}"
    if network.prefixlen < WIDEST:
        return f"{value} opens the port to the world; name your own address, such as 203.0.113.7/32"
    return ""


def _vpc_cidr(value: object) -> str:
    # VPC and subnet sizes: Amazon VPC User Guide, "VPC CIDR blocks".
    return _cidr(value) or (
        "" if 16 <= IPv4Network(str(value)).prefixlen <= 28 else f"{value} is not from /16 to /28"
    )


def _window(value: object) -> str:
    try:
        Window.parse(str(value))
    except ValueError as error:
        return str(error)
    return ""


def _days(value: object) -> str:
    try:
        parse_days(str(value))
    except ValueError as error:
        return str(error)
    return ""


def _date(value: object) -> str:
    try:
        known = date.fromisoformat(str(value)).isoformat() == value
    except ValueError:
        known = False
    return "" if known else f"{value!r} is not a date such as 2026-11-19"


def _timezone(value: object) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(str(value))
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return f"{value!r} is not a time zone such as Asia/Seoul"
    return ""


def _variable(value: object) -> str:
    name = str(value)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return f"{name!r} is not the name of an environment variable"
    if DECIDED.fullmatch(name):
        return f"{name} is decided by the bot's units"
    if is_key_name(name):
        return f"{name} looks like a key: {ITS_PLACE}"
    return ""


def _duration(value: object) -> str:
    try:
        seconds_of(str(value))
    except ValueError as error:
        return str(error)
    return ""


def _every(value: object) -> str:
    if problem := _duration(value):
        return problem
    seconds = seconds_of(str(value))
    return "" if seconds % 60 == 0 and seconds <= 12 * 3600 else f"{value!r} is not 1min to 12h"


def _writable(value: object) -> str:
    text = str(value)
    if not re.fullmatch(r"(~|/[A-Za-z0-9._+@-]+)(/[A-Za-z0-9._+@-]+)*", text) or ".." in text:
        return f"{text!r} is not a folder such as ~/KIS/config or /srv/data"
    first = text.split("/")[1] if text.startswith("/") else ""
    if first in SYSTEM_FOLDERS or text.startswith(OUR_FOLDERS):
        return f"{text} belongs to the system; name a folder under ~ or one such as /srv/data"
    return ""


def _no_keys(config: Config) -> Iterator[tuple[str, str]]:
    """What looks like a key in a value, which the template would publish; never shown."""
    for name, value in config.bot.environment.items():
        if what := key_in_variable(name, value):
            yield "bot.environment", f"the value of {name} looks like {what}: {ITS_PLACE}"
    jobs = [(f"bot.jobs: {job.name}: arguments", job.arguments) for job in config.bot.jobs]
    for path, arguments in (("bot.arguments", config.bot.arguments), *jobs):
        for what in keys_in_arguments(arguments):
            yield path, f"{what}: {ITS_PLACE}"


def _source(value: object) -> str:
    text = str(value)
    if not text or re.fullmatch(GIT_SOURCE, text) or is_folder(text):
        return ""
    if re.match(r"(git\+)?https://[^/]*@", text):
        return "carries a user or token before the host, which the template would publish"
    # Not shown: what is wrong with it may be a password in it.
    return (
        "is not a git repository at a ref, such as https://HOST/OWNER/REPO.git@v1.2, "
        "nor a local folder such as ./bot"
    )


def is_folder(source: str) -> bool:
    """Whether ``bot.source`` names a local folder and no repository."""
    return re.fullmatch(r"[./~][^\x00-\x1f\x7f]*", source) is not None


def _budget(value: object) -> str:
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,2})?", str(value)) and Decimal(str(value)):
        return ""
    return f"{value!r} is not US dollars a month, such as 15 or 12.50"


def _commitment(value: object) -> str:
    region, _, offer = str(value).partition("/")
    name, _, purchase = offer.partition("/")
    committed = [one.name for one in COMMITTED]
    known = re.fullmatch(REGION, region) and re.fullmatch(r"[a-z0-9-]+\.[a-z0-9-]+", name)
    if not known or purchase not in committed:
        example = f"ap-northeast-2/t4g.micro/{committed[0]}"
        return f"{value!r} is not a region, an instance type and a commitment, such as {example}"
    return ""


def _hourly(value: object) -> str:
    number = Decimal(str(value))
    if not (number.is_finite() and 0 < number <= 1000):
        return "is not US dollars an hour, above 0 and up to 1000"
    return "" if number == round(number, 6) else "has more than 6 decimal places"


_path = _matches(r"(?![/-])(?!.*(^|/)\.\.(/|$))[A-Za-z0-9._/+-]+", "a path within the checkout")
_key_file = _matches(
    r"(?!.*(^|/)\.\.?(/|$))(?!~/app/)(~/)?[A-Za-z0-9._+][A-Za-z0-9._/+-]*\.ya?ml",
    "a .yaml file in the checkout or in the bot's home, such as config/kis_devlp.yaml or "
    "~/KIS/config/kis_devlp.yaml",
)
_line = _matches(
    r"(?!.*\$\{)[^\x00-\x1f\x7f\ud800-\udfff]*", "one line of printable text without ${"
)
_clock = _matches(r"([01][0-9]|2[0-3]):[0-5][0-9]", "a time such as 09:00")
_region = _matches(REGION, "an AWS region such as ap-northeast-2")


def _or_empty(check: Check) -> Check:
    return lambda value: check(value) if value else ""


CHECKS: tuple[tuple[str, Check], ...] = (
    # Stack names: CreateStack in the CloudFormation API Reference.
    ("stack.name", _matches(r"[A-Za-z][A-Za-z0-9-]{0,127}", "a letter, then letters, digits, -")),
    ("stack.region", _region),
    ("stack.allowed_accounts", _matches(r"[0-9]{12}", "a 12-digit account id")),
    # Tag keys and values: Tag in the CloudFormation API Reference; aws: is reserved.
    (
        "stack.tags",
        _matches(
            r"(?i:(?!aws:))[^\x00-\x1f\x7f]{1,128}", "a tag key of 1 to 128 characters without aws:"
        ),
    ),
    ("stack.tags=", _matches(r"[^\x00-\x1f\x7f]{1,256}", "a tag value of 1 to 256 characters")),
    ("bot.source", _source),
    ("bot.entrypoint", _path),
    ("bot.mode_argument", _or_empty(_matches(r"--?[A-Za-z][\w-]*", "an option such as --mode"))),
    ("bot.arguments", _line),
    ("bot.requirements", _or_empty(_path)),
    ("bot.key_file", _or_empty(_key_file)),
    ("bot.run_at", _clock),
    ("bot.days", _days),
    ("bot.timezone", _timezone),
    ("bot.environment", _variable),
    ("bot.environment=", _line),
    ("bot.writable", _writable),
    ("dashboard.entrypoint", _path),
    ("dashboard.port", _between(1024, 65535)),
    ("dashboard.cidrs", _cidr),
    ("network.vpc_cidr", _vpc_cidr),
    ("network.subnet_cidr", _vpc_cidr),
    ("network.ssh_cidrs", _cidr),
    ("network.key_name", _matches(r"[\x20-\x7e]{0,255}", "a key pair's name")),
    ("workload.instance_types", _matches(r"[a-z0-9*?\[\].-]+", "an instance type or glob")),
    ("workload.memory_mib", _between(1, 1 << 25)),
    ("workload.cpu_average_percent", _between(0, 100)),
    ("workload.window", _window),
    ("workload.existing_commitment", _commitment),
    ("workload.existing_commitment=", _hourly),
    ("host.disk_gib", _between(LEAST_DISK_GIB, 16384)),
    ("host.swap_mib", _between(0, 4096)),
    ("host.patch_delay_days", _between(0, 90)),
    ("market.calendar", lambda value: calendar_problem(str(value))),
    ("market.closed", _date),
    ("market.open", _date),
    ("market.half_days", _date),
    ("market.half_days=", sessions_problem),
    ("market.session", sessions_problem),
    ("market.session_timezone", _or_empty(_timezone)),
    ("dns.zone_id", _or_empty(_matches("Z[A-Z0-9]{1,31}", "the id of a Route 53 hosted zone"))),
    ("dns.name", _or_empty(_matches(DNS_NAME, "a name such as bot.example.com"))),
    ("budget.monthly_usd", _or_empty(_budget)),
    ("monitoring.email", _or_empty(_matches(EMAIL, "an e-mail address"))),
    ("usage.log_gb", _between(0, 10**9)),
    ("usage.egress_gb", _between(0, 10**9)),
    ("usage.backup_gb", _between(0, 10**9)),
    ("usage.secret_reads", _between(0, 10**9)),
)
"""Key path -> check; a list is checked item by item, a table by its keys or, with ``=``, values."""

JOB_CHECKS: tuple[tuple[str, Check], ...] = (
    # What is called token is not saved with the state, and so would be its time of the last run.
    (
        "name",
        _matches(
            r"(?!.*token)[a-z][a-z0-9-]{0,30}", "a name such as rebalance: a-z, 0-9, -, no token"
        ),
    ),
    ("entrypoint", _path),
    ("arguments", _line),
    ("days", _days),
    ("at", _clock),
    ("every", _or_empty(_every)),
    ("retries", _between(0, 3)),
    ("timeout", _duration),
    ("exclusive", _or_empty(_matches(r"[a-z][a-z0-9-]{0,30}", "a word such as account"))),
)
"""Key of a ``[[bot.jobs]]`` table -> check; a list is checked item by item."""


def problems(config: Config) -> list[tuple[str, str]]:
    """Everything that is wrong: pairs of a key's path and what is allowed there."""
    # Keys first, and alone: what another check says of a value shows it.
    found = list(_no_keys(config)) or [*_each_key(config), *_each_job(config)]
    return found or list(_together(config))


def _each_key(config: Config) -> Iterator[tuple[str, str]]:
    for path, check in CHECKS:
        value = _value(config, path.rstrip("="))
        if isinstance(value, dict):
            value = list(value.values() if path.endswith("=") else value)
        for one in value if isinstance(value, list) else [value]:
            if problem := check(one):
                yield path.rstrip("="), problem


def _each_job(config: Config) -> Iterator[tuple[str, str]]:
    for index, job in enumerate(config.bot.jobs):
        for key, check in JOB_CHECKS:
            value = getattr(job, key)
            for one in value if isinstance(value, list) else [value]:
                if problem := check(one):
                    yield f"bot.jobs[{index}].{key}", problem


def _together(config: Config) -> Iterator[tuple[str, str]]:
    network = config.network
    if not IPv4Network(network.subnet_cidr).subnet_of(IPv4Network(network.vpc_cidr)):
        yield "network.subnet_cidr", f"{network.subnet_cidr} is not within {network.vpc_cidr}"
    if len(config.stack.tags) > 40:
        yield "stack.tags", "more than 40 tags (AWS allows 50, some are ours)"
    if config.host.disk_gib < smallest_disk_gib(config.host):
        yield "host.swap_mib", f"leaves too little of a disk of {config.host.disk_gib} GiB"
    if not config.workload.instance_types:
        yield "workload.instance_types", "is empty; name at least one type"
    if not config.workload.architectures:
        yield "workload.architectures", "is empty; allowed are arm64, x86_64"
    yield from _dns(config)
    if wrong := list(market_problems(config)):
        yield from wrong
        return
    yield from job_problems(config)


def _dns(config: Config) -> Iterator[tuple[str, str]]:
    dns = config.dns
    if bool(dns.zone_id) != bool(dns.name):
        missing = "zone_id" if dns.name else "name"
        yield f"dns.{missing}", "is missing: a record needs both a zone and a name"
    if dns.name and not config.network.elastic_ip:
        yield "dns.name", "needs network.elastic_ip = true: any other address moves away from it"


def _value(config: Config, path: str) -> object:
    section, _, key = path.partition(".")
    return getattr(getattr(config, section), key)
