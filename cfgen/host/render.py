"""The host's files for a configuration. Pure: settings in, files out."""

import hashlib
import re
from collections.abc import Iterator
from importlib import resources
from typing import Literal

import msgspec

from cfgen.config.checks import is_folder
from cfgen.config.exchanges import ALWAYS
from cfgen.config.jobs import jobs_of, unit_of
from cfgen.config.schema import Config
from cfgen.config.sessions import session_zone, sessions_of, trading_weekdays
from cfgen.config.weekdays import days_text, shifted
from cfgen.host.jobs import check_times, jobs_json, key_times, log_settings, unit_settings, units_of
from cfgen.host.market import market_json
from cfgen.host.quoting import quote_argument, quote_value
from cfgen.lock import LockedPlan
from pricing.calendar import DAY, clock

PLACEHOLDER = re.compile(r"@([A-Z_]+)@")
COMMENT = re.compile(r"^[ \t]*#(?!!).*\n", re.MULTILINE)
"""A line that is nothing else."""

UNITS = "/etc/systemd/system"
SCRIPTS = "/usr/local/lib/trading-bot"
SETTINGS = "/etc/trading-bot"
HOME = "/var/lib/trading-bot"
"""The bot's home folder, which holds its checkout in ``app`` and all that it writes."""

KEY_FOLDER = "/run/trading/keys"
"""Where the host keeps ``bot.key_file`` and the access tokens beside it, on a ramfs."""

PATCH_DELAY = 10
"""Minutes from the last session's close to the security updates."""

QUIET = "04:40"
"""When updates are installed where the market never closes: after the hours that clocks skip or
repeat, and not on the hour, when bots are at work."""

HOSTS = {"instance": "Host", "group": "HostGroup"}
"""Logical id of the resource that runs the bot, by the plan's shape."""

BRAKE = "Brake"
"""Logical id of the parameter that ``scripts/brake`` reads."""

BRAKE_DESCRIPTION = "Whether the trading bot may run: set by cfgen pause and cfgen resume"

_SCRIPTS = (
    "bootstrap",
    "install-app",
    "load-secrets",
    "market-gate",
    "check-run",
    "patch",
    "metadata",
    "report-failure",
    "start-late",
    "tell",
    "report",
    "apply-change",
    "brake",
    "wait-alone",
)
_UNITS = (
    "run-trading.mount",
    "trading-alone.service",
    "trading-late.service",
    "trading-check.service",
    "trading-check.timer",
    "trading-failure@.service",
    "trading-brake@.service",
    "trading-brake.timer",
    "trading-web.service",
    "trading-secrets.service",
    "trading-secrets.timer",
    "trading-patch.service",
    "trading-patch.timer",
    "trading-changes.service",
)
_STATE_UNITS = ("trading-state.service", "trading-save.service", "trading-save.timer")
_SETTINGS = (
    ("stack.env", f"{SETTINGS}/stack.env", "0644"),
    ("bot.env", f"{SETTINGS}/bot.env", "0644"),
    ("agent.json", f"{SETTINGS}/agent.json", "0644"),
    ("logrotate.conf", "/etc/logrotate.d/trading-bot", "0644"),
    ("cfn-hup.conf", "/etc/cfn/cfn-hup.conf", "0400"),
    # Not in hooks.d: cfn-init leaves a copy of what it replaces, which cfn-hup would read there.
    ("reload.conf", "/etc/cfn/hooks.conf", "0400"),
)
_SUBSTITUTED = {"stack.env", "agent.json", "cfn-hup.conf", "reload.conf"}


class HostFile(msgspec.Struct, frozen=True):
    """A file on the host. ``substituted`` ones still hold CloudFormation's ``${NAME}``."""

    path: str
    mode: Literal["0400", "0644", "0755"]
    text: str
    substituted: bool = False


def host_files(config: Config, plan: LockedPlan, year: int) -> tuple[HostFile, ...]:
    """Every file that cfn-init writes, in order. ``year`` is the first of the calendar."""
    return _host_files(config, plan, year, host_version(config, plan, year))


def host_version(config: Config, plan: LockedPlan, year: int) -> str:
    """A name for all that lies on the host, but for what the stack fills in: 12 digits, hex.

    The same files and steps have the same name.
    """
    unnamed = _host_files(config, plan, year, ""), tuple(steps(config, plan))
    return hashlib.sha256(msgspec.json.encode(unnamed)).hexdigest()[:12]


def _host_files(config: Config, plan: LockedPlan, year: int, version: str) -> tuple[HostFile, ...]:
    settings = {**_settings(config, plan), "VERSION": version}
    scripts, units = list(_SCRIPTS), list(_UNITS)
    if keeps_state(config, plan):
        scripts.append("state")
        units += _STATE_UNITS
    if plan.shape == "group":
        scripts.append("watch-interruption")
        units.append("trading-interruption.service")
    if takes_address(config, plan):
        scripts.append("take-address")
    if any(job.exclusive for job in jobs_of(config)):
        scripts.append("take-turn")
    if config.bot.key_file:
        scripts.append("key-file")
    return (
        *(HostFile(f"{SCRIPTS}/{name}", "0755", _script(name)) for name in scripts),
        *(
            HostFile(
                f"{UNITS}/{unit_of(job)}.{kind}",
                "0644",
                _fill(
                    _read(f"units/trading-bot.{kind}"), {**settings, **unit_settings(config, job)}
                ),
            )
            for job in jobs_of(config)
            for kind in ("service", "timer")
        ),
        *(
            HostFile(f"{UNITS}/{name}", "0644", _fill(_read(f"units/{name}"), settings))
            for name in units
        ),
        *(
            HostFile(path, mode, _fill(_read(f"etc/{name}"), settings), name in _SUBSTITUTED)  # type: ignore[arg-type]
            for name, path, mode in _SETTINGS
        ),
        HostFile(f"{SETTINGS}/jobs.json", "0644", jobs_json(config)),
        HostFile(f"{SETTINGS}/market.json", "0644", market_json(config, year)),
    )


def steps(config: Config, plan: LockedPlan) -> Iterator[str]:
    """Steps of ``scripts/bootstrap``, in order.

    Swap before dnf, which needs the memory; the address before what would lose its connections by
    it; the agent before the app, so that the log of a failure leaves the host.
    """
    yield from ("idle", "swap")
    if takes_address(config, plan):
        yield "address"
    yield from ("packages", "timezone", "user", "agent", "app")
    if keeps_state(config, plan):
        yield "state"
    yield "units"


def keeps_state(config: Config, plan: LockedPlan) -> bool:
    """Whether what the bot writes is kept in S3: always where the host may go at any time."""
    return config.backup.enabled or plan.shape == "group"


def takes_address(config: Config, plan: LockedPlan) -> bool:
    """Whether the host takes the fixed address itself, for it is one of many over time."""
    return config.network.elastic_ip and plan.shape == "group"


def user_data(plan: LockedPlan) -> str:
    """The script of the first boot, with CloudFormation's ``${NAME}`` in it."""
    return _fill(_read("etc/user-data.sh"), {"HOST": HOSTS[plan.shape]})


def _read(name: str) -> str:
    """A file of the package; programs and units without their comments, which cost a tenth of what
    a template may hold.
    """
    text = resources.files("cfgen.host").joinpath(name).read_text(encoding="utf-8")
    return COMMENT.sub("", text) if name.startswith(("scripts/", "units/")) else text


def _script(name: str) -> str:
    """A program without its comments, which stay in its source: a template's size is bounded.

    The first lines, which say what it is for, go along.
    """
    text = _read(f"scripts/{name}")
    head = re.match(r"(#.*\n)*", text)
    start = head.end() if head else 0
    return text[:start] + re.sub(r"(?m)^ *# .*\n", "", text[start:])


def _fill(text: str, settings: dict[str, str]) -> str:
    """Fill every placeholder in one pass: what a value holds is not looked at again."""
    return PLACEHOLDER.sub(lambda match: settings[match[1]], text)


def _settings(config: Config, plan: LockedPlan) -> dict[str, str]:
    bot, dashboard = config.bot, config.dashboard
    folder = is_folder(bot.source)
    writable = "".join(f"\nReadWritePaths=-{path}" for path in _far(config))
    return {
        "HOST": HOSTS[plan.shape],
        "APP_SOURCE": "s3://${AppBundleBucket}/${AppBundleKey}" if folder else "${AppSource}",
        "SHAPE_SETTINGS": "\n".join(_shape_settings(config, plan)),
        "REQUIRES_STATE": REQUIRES_STATE if keeps_state(config, plan) else "",
        "WRITABLE": writable,
        "DAILY": " ".join(units_of(config, "daily")),
        "SERVICES": " ".join(units_of(config, "service")),
        "CHECK_TIMES": "\n".join(check_times(config)),
        "KEY_TIMES": "\n".join(key_times(config)),
        "SANDBOX": _read("units/sandbox.conf").rstrip("\n"),
        "JOB_LOGS": "".join(map(log_settings, jobs_of(config))),
        "MODE": bot.mode,
        "ENVIRONMENT": "".join(
            f"{name}={quote_value(value)}\n" for name, value in sorted(bot.environment.items())
        ),
        "TIMEZONE": bot.timezone,
        "PYTHON": bot.python,
        "REQUIREMENTS": bot.requirements,
        "DASHBOARD": "yes" if dashboard.enabled else "no",
        "DASHBOARD_ENTRYPOINT": quote_argument(dashboard.entrypoint),
        "DASHBOARD_HOST": "0.0.0.0" if dashboard.cidrs else "127.0.0.1",  # noqa: S104
        "DASHBOARD_PORT": str(dashboard.port),
        "START_ONCE": _start_once(config),
        "HARDENING": "\n".join(_hardening(config, writable)),
        "KEY_FOLDER": "".join(f"\n{line}" for line in _key_folder(config)),
        "SWAP_MIB": str(config.host.swap_mib),
        "PATCHING": "yes" if config.host.patching else "no",
        "PATCH_AT": _patch_at(config),
        "PATCH_DELAY_DAYS": str(config.host.patch_delay_days),
        "PATCH_RESTART": _patch_restart(config, plan),
    }


REQUIRES_STATE = "\nRequires=trading-state.service\nAfter=trading-state.service"


def _start_once(config: Config) -> str:
    """Start what stays up when the keys are first in memory after a boot, or a change of the stack.

    Not at each load: every daily run loads them, and would start anew what has failed for good.
    """
    units = units_of(config, "service")
    units += ["trading-web.service"] if config.dashboard.enabled else []
    once = "mkdir /run/trading/started 2>/dev/null && systemctl start --no-block"
    return f"\nExecStartPost=-/bin/sh -c '{once} {' '.join(units)}'" if units else ""


def writable_paths(config: Config) -> tuple[str, ...]:
    """Folders of ``bot.writable`` as the host has them."""
    return tuple(f"{HOME}{path[1:]}" if path[0] == "~" else path for path in config.bot.writable)


def _far(config: Config) -> list[str]:
    """Writable folders that do not lie in the bot's home, all of which is."""
    return [path for path in writable_paths(config) if not path.startswith(f"{HOME}/")]


def _hardening(config: Config, writable: str) -> Iterator[str]:
    """Lines of the bot's and the dashboard's sandbox."""
    yield _fill(_read("units/hardening.conf").rstrip("\n"), {"WRITABLE": writable})
    if config.bot.key_file:
        yield f"ReadWritePaths={KEY_FOLDER}"


def _key_folder(config: Config) -> Iterator[str]:
    """Lines of the unit that loads the keys: a folder in memory, which restarts leave alone.

    It is the bot's user that writes there: where the bot may write, root follows no link.
    """
    if config.bot.key_file:
        yield f"ExecStartPre=+/usr/bin/install -d -o trading -g trading -m 0700 {KEY_FOLDER}"
        run = f"exec runuser -u trading -- {SCRIPTS}/key-file </run/trading/env"
        yield f"ExecStartPost=+/bin/sh -c '{run}'"


def _shape_settings(config: Config, plan: LockedPlan) -> Iterator[str]:
    yield f'SPOT="{"yes" if plan.shape == "group" else "no"}"'
    if config.bot.writable:
        yield f'WRITABLE="{" ".join(writable_paths(config))}"'
    if takes_address(config, plan):
        yield 'ALLOCATION_ID="${Address.AllocationId}"'
    if keeps_state(config, plan):
        yield 'KEEPS_STATE="yes"'
        yield 'STATE_BUCKET="${StateBucket}"'
    if config.bot.key_file:
        yield f'KEY_FILE="{config.bot.key_file}"'


def _patch_at(config: Config) -> str:
    """After each trading day's last close, in the session's time zone, whose clocks it follows."""
    if config.market.calendar == ALWAYS:
        return f"*-*-* {QUIET}:00 {config.bot.timezone}"
    minute = sessions_of(config)[-1].end + PATCH_DELAY
    days = days_text(shifted(trading_weekdays(config), minute // DAY))
    return f"{days} {clock(minute)}:00 {session_zone(config)}"


def _patch_restart(config: Config, plan: LockedPlan) -> str:
    """When ``scripts/patch`` may restart what runs; a host in market hours starts anew each day."""
    if plan.hours == "market":
        return "next-start"
    return "any-time" if config.market.calendar == ALWAYS else "when-closed"
