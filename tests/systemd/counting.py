"""A bot that counts its runs, as several jobs."""

from typing import Any

from tests.systemd.host import Host

BOT_LOG = "/var/log/trading-bot/bot.log"
PROGRAM = "apps/daily_breakout_app.py"

QUICK = "[Service]\nRestartSec=50ms\n"
"""In place of a minute."""

COUNTED = """
import sys
from pathlib import Path

name = sys.argv[-1]
with Path("runs-" + name).open("a") as file:
    file.write("run\\n")
sys.exit(0 if name == "well" else 3)
"""
"""A bot that counts its runs and fails, unless it is called well."""


def job(name: str, **keys: Any) -> dict[str, Any]:
    """A job that knows its own name."""
    return {"name": name, "entrypoint": PROGRAM, "arguments": [name], "retries": 0, **keys}


def unit(name: str) -> str:
    return f"trading-bot-{name}.service"


def runs(host: Host, name: str) -> int:
    return len(host.read(f"runs-{name}").splitlines()) if host.exists(f"runs-{name}") else 0
