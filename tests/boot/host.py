"""A host: a virtual machine that came up by a template's user data, and what is asked of it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.boot.machine import Machine
from tests.boot.stack import Stack

BOT = "trading-bot.service"
SEED = "/var/lib/cloud/seed/nocloud"
APP = "/var/lib/trading-bot/app"
PROGRAM = "apps/daily_breakout_app.py"
LOGS = "/var/log/trading-bot"

SAID = """
tail -n 25 /var/log/cfn-init-cmd.log
tail -n 10 /var/log/cloud-init-output.log
tail -n 10 /var/log/trading-bot/*.log
systemctl list-units --failed --no-legend --plain
journalctl --no-pager --lines 30 --output short-precise
"""
"""What a person looks at first where a host does not do as it should."""


class Host:
    """The host of ``stack`` on ``machine``."""

    def __init__(self, machine: Machine, stack: Stack) -> None:
        self.machine = machine
        self.stack = stack
        self.run = machine.run
        self.until = machine.until
        self.set_clock = machine.set_clock

    def begin(self) -> None:
        """Let the first boot begin with the stack's user data."""
        self.run("mkdir", "--parents", SEED)
        self.write(f"{SEED}/user-data", self.stack.user_data)
        self.write(f"{SEED}/meta-data", f"instance-id: {self.stack.instance_id}\n")
        self.run("touch", "/run/stand-ins/go")

    def signal(self, seconds: int = 900) -> str:
        """Wait for the signal of the first boot; gives SUCCESS or FAILURE."""
        wait(lambda: bool(self.stack.cloud.signals), seconds, "no signal")
        [said] = self.stack.cloud.signals
        assert said["UniqueId"] == self.stack.instance_id
        return said["Status"]

    def reported(self, event: str, **fields: str) -> dict[str, Any]:
        """Wait until the host has said this of itself in the stack's log; gives all it said."""

        def found() -> list[dict[str, Any]]:
            wanted = {"event": event, **fields}.items()
            return [one for one in self.stack.cloud.reports if wanted <= one.items()]

        wait(lambda: bool(found()), 180, f"no report of {event} {fields}")
        return found()[-1]

    def settle(self) -> None:
        """Wait until cloud-init has ended, and with it the boot."""
        self.until("systemctl", "is-active", "--quiet", "cloud-final.service")

    def write(self, path: str, text: str) -> None:
        """Write a file as root."""
        self.run("sh", "-c", 'mkdir -p "$(dirname "$0")" && cat >"$0"', path, given=text)

    def read(self, path: str) -> str:
        """A file's text; empty where there is none."""
        return self.run("cat", path, check=False).stdout

    def log(self, name: str = "bot") -> str:
        return self.read(f"{LOGS}/{name}.log")

    def errors(self) -> list[str]:
        """What the alarm on errors counts."""
        return [line for line in self.log().splitlines() if line.startswith("ERROR")]

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", f"--property={name}", "--value", unit).stdout.strip()

    def failed(self) -> list[str]:
        units = self.run("systemctl", "list-units", "--failed", "--no-legend", "--plain").stdout
        return [line.split()[0] for line in units.splitlines()]

    def runs(self, job: str = "bot") -> int:
        """How many runs of a job have ended, skipped ones aside."""
        lines = self.log("bot" if job == "bot" else f"bot-{job}").splitlines()
        ended = [line for line in lines if line.startswith(f"run-ended: {job} ")]
        return len([line for line in ended if "exec-condition" not in line])

    def said(self) -> str:
        """What it says of itself, for a test that failed."""
        try:
            self.machine.until_answers(5)
            return self.run("sh", "-c", SAID, check=False, timeout=60).stdout
        except (OSError, ValueError, AssertionError):
            return self.machine.console_end()

    def jump(self, moment: str) -> None:
        """Set the clock without having the times in between come by, as if it were off."""
        command = ("systemctl", "list-units", "--plain", "--no-legend", "--state=active", "*.timer")
        timers = [line.split()[0] for line in self.run(*command).stdout.splitlines()]
        self.run("systemctl", "stop", *timers)
        self.set_clock(moment)
        self.run("systemctl", "start", *timers)

    def put_program(self, text: str, path: str = PROGRAM) -> None:
        """Put another program in the place of the bot's, as the bot's user has it."""
        self.write(f"{APP}/{path}", text)

    def drop_in(self, unit: str, text: str) -> None:
        """Change a unit, for what a test cannot wait for."""
        self.write(f"/run/systemd/system/{unit}.d/test.conf", text)
        self.run("systemctl", "daemon-reload")

    def until_log(self, pattern: str, name: str = "bot", seconds: int = 180) -> None:
        """Wait for a line of a log."""
        self.until(
            "grep", "--quiet", "--extended-regexp", pattern, f"{LOGS}/{name}.log", seconds=seconds
        )

    def page(self) -> str:
        """What the dashboard answers."""
        address = "http://127.0.0.1:5001/"
        return self.run("curl", "--silent", "--fail", "--max-time", "60", address).stdout

    def keep_journal(self, path: Path) -> None:
        path.write_text(self.run("journalctl", "--no-pager", "-o", "short-precise").stdout)


def wait(done: Callable[[], bool], seconds: int, otherwise: str) -> None:
    """Wait until something holds, by this machine's clock."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"{otherwise} in {seconds} s"
        time.sleep(0.5)
