"""The host's files for a configuration. Pure: settings in, files out."""

import re
from importlib import resources
from typing import Literal

import msgspec

from cfgen.config.schema import Config
from cfgen.host.market import market_json
from pricing.calendar import Window

PLACEHOLDER = re.compile(r"@([A-Z_]+)@")
UNITS = "/etc/systemd/system"
SCRIPTS = "/usr/local/lib/trading-bot"
SETTINGS = "/etc/trading-bot"

PATCH_DELAY = 10
"""Minutes from the session's close to the security updates."""

_PLACES = (
    ("scripts/bootstrap", f"{SCRIPTS}/bootstrap", "0755"),
    ("scripts/install-app", f"{SCRIPTS}/install-app", "0755"),
    ("scripts/load-secrets", f"{SCRIPTS}/load-secrets", "0755"),
    ("scripts/market-gate", f"{SCRIPTS}/market-gate", "0755"),
    ("units/trading-bot.service", f"{UNITS}/trading-bot.service", "0644"),
    ("units/trading-bot.timer", f"{UNITS}/trading-bot.timer", "0644"),
    ("units/trading-web.service", f"{UNITS}/trading-web.service", "0644"),
    ("units/trading-secrets.service", f"{UNITS}/trading-secrets.service", "0644"),
    ("units/trading-patch.service", f"{UNITS}/trading-patch.service", "0644"),
    ("units/trading-patch.timer", f"{UNITS}/trading-patch.timer", "0644"),
    ("units/cfn-hup.service", f"{UNITS}/cfn-hup.service", "0644"),
    ("etc/stack.env", f"{SETTINGS}/stack.env", "0644"),
    ("etc/bot.env", f"{SETTINGS}/bot.env", "0644"),
    ("etc/agent.json", f"{SETTINGS}/agent.json", "0644"),
    ("etc/logrotate.conf", "/etc/logrotate.d/trading-bot", "0644"),
    ("etc/cfn-hup.conf", "/etc/cfn/cfn-hup.conf", "0400"),
    # Not in hooks.d: cfn-init leaves a copy of what it replaces, which cfn-hup would read there.
    ("etc/reload.conf", "/etc/cfn/hooks.conf", "0400"),
)


class HostFile(msgspec.Struct, frozen=True):
    """A file on the host. ``substituted`` ones still hold CloudFormation's ``${NAME}``."""

    path: str
    mode: Literal["0400", "0644", "0755"]
    text: str
    substituted: bool


def host_files(config: Config, year: int) -> tuple[HostFile, ...]:
    """Every file that cfn-init writes, in order. ``year`` is the first of the calendar."""
    settings = _settings(config)
    calendar = HostFile(f"{SETTINGS}/market.json", "0644", market_json(config, year), False)
    return (
        *(
            HostFile(path, mode, _fill(_read(name), settings), name in SUBSTITUTED)  # type: ignore[arg-type]
            for name, path, mode in _PLACES
        ),
        calendar,
    )


SUBSTITUTED = {"etc/stack.env", "etc/agent.json", "etc/cfn-hup.conf", "etc/reload.conf"}


def user_data() -> str:
    """The script of the first boot, with CloudFormation's ``${NAME}`` in it."""
    return _read("etc/user-data.sh")


def _read(name: str) -> str:
    return resources.files("cfgen.host").joinpath(name).read_text(encoding="utf-8")


def _fill(text: str, settings: dict[str, str]) -> str:
    """Fill every placeholder in one pass: what a value holds is not looked at again."""
    return PLACEHOLDER.sub(lambda match: settings[match[1]], text)


def _settings(config: Config) -> dict[str, str]:
    bot, dashboard = config.bot, config.dashboard
    return {
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
        "HARDENING": _read("units/hardening.conf").rstrip("\n"),
        "SWAP_MIB": str(config.host.swap_mib),
        "PATCHING": "yes" if config.host.patching else "no",
        "PATCH_AT": _patch_at(config),
    }


def _on_success(config: Config) -> str:
    """What starts once the keys are in memory: at boot, and when they are first stored."""
    units = ["trading-bot.service"] if config.bot.kind == "service" else []
    units += ["trading-web.service"] if config.dashboard.enabled else []
    return f"OnSuccess={' '.join(units)}" if units else ""


def _patch_at(config: Config) -> str:
    minute = (Window.parse(config.market.session).end + PATCH_DELAY) % (24 * 60)
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
