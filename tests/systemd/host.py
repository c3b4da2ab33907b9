"""A host with a sample bot on it, brought up as its own bootstrap does it."""

import json
import tarfile
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cfgen.config.load import Override, load_config
from cfgen.config.schema import DEFAULT_SESSION, Config
from cfgen.host.render import host_files, steps
from cfgen.lock import LockedPlan
from tests.samples import working_folder
from tests.systemd.machine import Machine
from tests.systemd.root import (
    BUCKETS,
    OWN,
    make_root,
    put_instances,
    put_secret,
    put_setting,
)
from tests.trees import plan

BOT = "trading-bot.service"
LOADER = "trading-secrets.service"

KEYS = {
    "KIS_PAPER_APP_KEY": "canary-app-key",
    "KIS_PAPER_APP_SECRET": "canary-app-secret",
    "KIS_PAPER_STOCK": "12345678",
}
ALWAYS = {"calendar": "always", "session": DEFAULT_SESSION, "session_timezone": ""}
OPEN: dict[str, dict[str, Any]] = {"market": ALWAYS}
"""The gate is real, but the clock of a container cannot be set."""

SKIPPED = {"idle", "swap", "address", "packages", "timezone", "agent"}
"""Steps of the bootstrap that are about Amazon Linux, or about AWS."""


class Host:
    """A host: its machine, and what the configuration put on it."""

    def __init__(self, machine: Machine, config: Config, locked: LockedPlan) -> None:
        self.machine = machine
        self._steps = [step for step in steps(config, locked) if step not in SKIPPED]
        self.run = machine.run
        self.show = machine.show
        self.until = machine.until

    def bootstrap(self) -> None:
        for step in self._steps:
            self.run("/usr/local/lib/trading-bot/bootstrap", step)

    @property
    def app(self) -> str:
        """The checkout, where the units say it is."""
        units = sorted(self.machine.path("/etc/systemd/system").glob("trading-bot*.service"))
        lines = units[0].read_text().splitlines()
        [folder] = [line.partition("=")[2] for line in lines if line.startswith("WorkingDirectory")]
        return folder

    @property
    def data(self) -> str:
        """The folder beside the checkout in which such bots write."""
        return f"{Path(self.app).parent}/data"

    def read(self, path: str) -> str:
        """A file; a relative path is one in the checkout."""
        return self.run("cat", self._path(path)).stdout

    def records(self, path: str) -> list[Any]:
        """A file of one JSON a line."""
        return [json.loads(line) for line in self.read(path).splitlines()]

    def exists(self, path: str) -> bool:
        return self.run("test", "-e", self._path(path), check=False).returncode == 0

    def write(self, path: str, text: str) -> None:
        """Write a file as the bot's user."""
        script = 'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1"'
        self.run("runuser", "-u", "trading", "--", "sh", "-c", script, "-", self._path(path), text)

    def drop_in(self, unit: str, text: str) -> None:
        """Change a unit, for what a test cannot wait for."""
        path = f"/run/systemd/system/{unit}.d/test.conf"
        self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1"', "-", path, text)
        self.run("systemctl", "daemon-reload")

    def log(self, name: str = "bot") -> str:
        path = self.machine.path(f"/var/log/trading-bot/{name}.log")
        return path.read_text() if path.exists() else ""

    def errors(self) -> list[str]:
        """What the alarm on errors counts."""
        return [line for line in self.log().splitlines() if line.startswith("ERROR")]

    def start(self, unit: str = BOT) -> bool:
        """Start a unit and wait for it: a daily job's start ends when the job does."""
        return self.run("systemctl", "start", unit, check=False).returncode == 0

    def state(self, unit: str = BOT) -> str:
        return f"{self.show(unit, 'ActiveState')}/{self.show(unit, 'SubState')}"

    def reboot(self) -> None:
        """Lose what is in memory, and come up again by itself."""
        self.machine.end()
        self.machine.boot()

    def store(self, keys: dict[str, str]) -> None:
        """Store the keys, and have them loaded as the loader's next try does."""
        put_secret(self.machine.root, keys)
        self.run("systemctl", "restart", LOADER)

    def _path(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.app}/{path}"


def bring_up(
    folder: Path,
    machines: list[Machine],
    sample: str,
    extra: dict[str, str] | None = None,
    keys: dict[str, str] | None = KEYS,
    locked: LockedPlan | None = None,
    others: Sequence[str] = (OWN,),
    grace: str = "",
    **changes: Any,
) -> Host:
    """Bring a host up with a sample bot on it.

    ``extra`` are further files of its checkout, ``changes`` tables of its cfgen.toml. With ``keys``
    it is up when they are loaded. The machine is added to ``machines``, to be removed. ``others``
    are the stack's instances, the oldest first; with ``grace`` what the clock
    on the wall says is late is made up for, and looked at after so many seconds.
    """
    checkout = working_folder(sample, folder / "bot")
    for name, text in (extra or {}).items():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(text)
    config = load_config(checkout / "cfgen.toml", tuple(_overrides(OPEN | changes)))
    locked = locked or plan()
    root = folder / "root"
    files = host_files(config, locked, datetime.now(UTC).year)
    make_root(root, files, config.bot.timezone, config.bot.python)
    put_instances(root, *others)
    put_setting(
        root,
        "trading-late.service",
        *(
            [f"Environment=GRACE_SECONDS={grace}"]
            if grace
            else ["ExecStart=", "ExecStart=/bin/true"]
        ),
    )
    put_setting(root, "trading-alone.service", "RETRY_SECONDS=0.2")
    _bundle(checkout, root / BUCKETS / "bundles/app.tar.gz")
    if keys is not None:
        put_secret(root, keys)
    machine = Machine(root, f"cfgen-{uuid.uuid4().hex[:8]}")
    machines.append(machine)
    machine.boot()
    host = Host(machine, config, locked)
    host.bootstrap()
    if keys is not None:
        host.until("test", "-e", "/run/trading/env")
    return host


def days_around_today() -> list[str]:
    """Today in any time zone."""
    today = datetime.now(UTC).date()
    return [(today + timedelta(days=step)).isoformat() for step in (-1, 0, 1)]


def _overrides(changes: dict[str, dict[str, Any]]) -> Iterator[Override]:
    """``{"bot": {"kind": "service"}}`` as the command line would give it."""
    for section, values in changes.items():
        for key, value in values.items():
            yield Override(f"{section}.{key}", value, f"{section}.{key}")


def _bundle(folder: Path, bundle: Path) -> None:
    """The whole checkout, packed: what ``deploy`` packs of it is told by its own tests."""
    bundle.parent.mkdir(parents=True)
    with tarfile.open(bundle, "w:gz") as archive:
        for path in sorted(folder.iterdir()):
            if path.name != ".git":
                archive.add(path, path.name)
