"""The host's files for a configuration. Pure: settings in, files out."""

import re
from collections.abc import Iterator
from importlib import resources
from typing import Literal

import msgspec

from cfgen.config.checks import is_folder, minute_of, parse_days
from cfgen.config.schema import Config
from cfgen.host.market import market_json
from cfgen.lock import LockedPlan
from pricing.calendar import Window

PLACEHOLDER = re.compile(r"@([A-Z_]+)@")
UNITS = "/etc/systemd/system"
SCRIPTS = "/usr/local/lib/trading-bot"
SETTINGS = "/etc/trading-bot"

KEY_FOLDER = "/run/trading-keys"
"""Where the host keeps ``bot.key_file`` and the access tokens beside it; /run is a tmpfs."""

PATCH_DELAY = 10
"""Minutes from the session's close to the security updates."""

CHECK_DELAY = 5
"""Minutes from the bot's time to the look whether it ran."""

HOSTS = {"instance": "Host", "group": "HostGroup"}
"""Logical id of the resource that runs the bot, by the plan's shape."""

_SCRIPTS = ("bootstrap", "install-app", "load-secrets", "market-gate", "check-run")
_UNITS = (
    "trading-bot.service",
    "trading-bot.timer",
    "trading-check.service",
    "trading-check.timer",
    "trading-failure.service",
    "trading-web.service",
    "trading-secrets.service",
    "trading-patch.service",
    "trading-patch.timer",
    "cfn-hup.service",
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
    settings = _settings(config, plan)
    scripts, units = list(_SCRIPTS), list(_UNITS)
    if keeps_state(config, plan):
        scripts.append("state")
        units += _STATE_UNITS
    if plan.shape == "group":
        scripts += ["metadata", "tell", "watch-interruption", "start-late"]
        units += ["trading-interruption.service", "trading-late.service"]
    if takes_address(config, plan):
        scripts.append("take-address")
    if config.bot.key_file:
        scripts.append("key-file")
    return (
        *(HostFile(f"{SCRIPTS}/{name}", "0755", _read(f"scripts/{name}")) for name in scripts),
        *(
            HostFile(f"{UNITS}/{name}", "0644", _fill(_read(f"units/{name}"), settings))
            for name in units
        ),
        *(
            HostFile(path, mode, _fill(_read(f"etc/{name}"), settings), name in _SUBSTITUTED)  # type: ignore[arg-type]
            for name, path, mode in _SETTINGS
        ),
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
    return resources.files("cfgen.host").joinpath(name).read_text(encoding="utf-8")


def _fill(text: str, settings: dict[str, str]) -> str:
    """Fill every placeholder in one pass: what a value holds is not looked at again."""
    return PLACEHOLDER.sub(lambda match: settings[match[1]], text)


def _settings(config: Config, plan: LockedPlan) -> dict[str, str]:
    bot, dashboard = config.bot, config.dashboard
    folder = is_folder(bot.source)
    return {
        "HOST": HOSTS[plan.shape],
        "APP_SOURCE": "s3://${AppBundleBucket}/${AppBundleKey}" if folder else "${AppSource}",
        "SHAPE_SETTINGS": "\n".join(_shape_settings(config, plan)),
        "REQUIRES_STATE": "\nRequires=trading-state.service" if keeps_state(config, plan) else "",
        "RUN_DAYS": "".join(str(day + 1) for day in sorted(parse_days(bot.days))),
        "CHECK_AT": _clock(min(minute_of(bot.run_at) + CHECK_DELAY, 24 * 60 - 1)),
        "BOT_KIND": bot.kind,
        "BOT_TYPE": {"daily": "oneshot", "service": "simple"}[bot.kind],
        "BOT_ENTRYPOINT": quote_argument(bot.entrypoint),
        "BOT_ARGUMENTS": " ".join(map(quote_argument, bot.arguments)),
        "MODE": bot.mode,
        "ENVIRONMENT": "".join(
            f"{name}={quote_value(value)}\n" for name, value in sorted(bot.environment.items())
        ),
        "DAYS": bot.days,
        "RUN_AT": bot.run_at,
        "TIMEZONE": bot.timezone,
        "PYTHON": bot.python,
        "REQUIREMENTS": bot.requirements,
        "DASHBOARD": "yes" if dashboard.enabled else "no",
        "DASHBOARD_ENTRYPOINT": quote_argument(dashboard.entrypoint),
        "DASHBOARD_HOST": "0.0.0.0" if dashboard.cidrs else "127.0.0.1",  # noqa: S104
        "DASHBOARD_PORT": str(dashboard.port),
        "ON_SUCCESS": _on_success(config),
        "HARDENING": "\n".join(_hardening(config)),
        "KEY_FOLDER": "".join(f"\n{line}" for line in _key_folder(config)),
        "SWAP_MIB": str(config.host.swap_mib),
        "PATCHING": "yes" if config.host.patching else "no",
        "PATCH_AT": _patch_at(config),
    }


def _on_success(config: Config) -> str:
    """What starts once the keys are in memory: at boot, and when they are first stored."""
    units = ["trading-bot.service"] if config.bot.kind == "service" else []
    units += ["trading-web.service"] if config.dashboard.enabled else []
    return f"OnSuccess={' '.join(units)}" if units else ""


def _hardening(config: Config) -> Iterator[str]:
    """Lines of the bot's and the dashboard's sandbox."""
    yield _read("units/hardening.conf").rstrip("\n")
    if config.bot.key_file:
        yield f"ReadWritePaths={KEY_FOLDER}"


def _key_folder(config: Config) -> Iterator[str]:
    """Lines of the unit that loads the keys: a folder in memory, which restarts leave alone.

    A ``RuntimeDirectory=`` would be root's again at every start, and its files with it.
    """
    if config.bot.key_file:
        yield f"ExecStartPre=+/usr/bin/install -d -o trading -g trading -m 0700 {KEY_FOLDER}"
        # As the bot's user: where the bot may write, root follows no link.
        run = f"exec runuser -u trading -- {SCRIPTS}/key-file </run/trading-bot/env"
        yield f"ExecStartPost=/bin/sh -c '{run}'"
        # The sign: for the command that makes the folder it is not there yet.
        yield f"ReadWritePaths=-{KEY_FOLDER} /var/lib/trading-bot"


def _shape_settings(config: Config, plan: LockedPlan) -> Iterator[str]:
    yield f'SPOT="{"yes" if plan.shape == "group" else "no"}"'
    if plan.shape == "group":
        yield 'TOPIC_ARN="${AlertTopic}"'
    if takes_address(config, plan):
        yield 'ALLOCATION_ID="${Address.AllocationId}"'
    if keeps_state(config, plan):
        yield 'KEEPS_STATE="yes"'
        yield 'STATE_BUCKET="${StateBucket}"'
    if config.bot.key_file:
        yield f'KEY_FILE="{config.bot.key_file}"'


def _patch_at(config: Config) -> str:
    return _clock((Window.parse(config.market.session).end + PATCH_DELAY) % (24 * 60))


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def quote_argument(text: str) -> str:
    """Write one argument of ``ExecStart=``.

    systemd splits at blanks, reads C escapes within double quotes, and expands ``%`` and ``$``
    everywhere unless doubled (systemd.service(5), "COMMAND LINES"; systemd.unit(5), "SPECIFIERS").
    """
    if re.fullmatch(r"[A-Za-z0-9_./:=,+@-]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def quote_value(text: str) -> str:
    """Write a value in an ``EnvironmentFile=``, whose double quotes work as a shell's do."""
    return '"' + re.sub(r'([\\"`$])', r"\\\1", text) + '"'
