"""A host with a sample bot on it, brought up as its own bootstrap does it, under a real systemd."""

import json
import tarfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cfgen.config.load import Override, load_config
from cfgen.config.schema import Config
from cfgen.host.render import host_files, steps
from cfgen.lock import LockedPlan
from tests.samples import working_folder
from tests.systemd.machine import Machine
from tests.systemd.root import BUCKETS, make_root, put_secret
from tests.trees import plan

KEYS = {
    "KIS_PAPER_APP_KEY": "canary-app-key",
    "KIS_PAPER_APP_SECRET": "canary-app-secret",
    "KIS_PAPER_STOCK": "12345678",
}
SKIPPED = {"idle", "swap", "address", "packages", "timezone", "agent"}
"""Steps of the bootstrap that are about Amazon Linux, or about AWS."""


class Host:
    """A host that has come up."""

    def __init__(self, machine: Machine, config: Config) -> None:
        self.machine = machine
        self.config = config
        self.run = machine.run
        self.show = machine.show
        self.until = machine.until

    @property
    def app(self) -> str:
        """The checkout, where the units say it is."""
        [unit] = [*self.machine.path("/etc/systemd/system").glob("trading-bot*.service")][:1]
        [line] = [x for x in unit.read_text().splitlines() if x.startswith("WorkingDirectory=")]
        return line.partition("=")[2]

    def read(self, path: str) -> str:
        """A file of the host; a relative path is one in the checkout."""
        return self.run("cat", path if path.startswith("/") else f"{self.app}/{path}").stdout

    def log(self, name: str = "bot") -> str:
        return self.machine.path(f"/var/log/trading-bot/{name}.log").read_text()

    def start(self, unit: str = "trading-bot.service", *, check: bool = False) -> int:
        """Start a unit and wait for it: a daily job's start ends when the job does."""
        return self.run("systemctl", "start", unit, check=check).returncode

    def put_secret(self, keys: dict[str, str]) -> None:
        put_secret(self.machine.root, keys)


Up = Callable[..., Host]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Bring a host up with a sample bot. Further files of its checkout by name; keys by path."""
    started: list[Machine] = []

    def bring(
        bot: str,
        extra: dict[str, str] | None = None,
        keys: dict[str, str] | None = KEYS,
        locked: LockedPlan | None = None,
        **changes: Any,
    ) -> Host:
        folder = working_folder(bot, tmp_path / "bot")
        for name, text in (extra or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        config = load_config(folder / "cfgen.toml", (*_open_now(), *_overrides(changes)))
        locked = locked or plan()
        root = tmp_path / "root"
        make_root(
            root,
            host_files(config, locked, datetime.now(UTC).year),
            config.bot.timezone,
            config.bot.python,
        )
        _bundle(folder, root / BUCKETS / "bundles/app.tar.gz")
        if keys is not None:
            put_secret(root, keys)
        machine = Machine(root, f"cfgen-{uuid.uuid4().hex[:8]}")
        started.append(machine)
        machine.boot()
        for step in steps(config, locked):
            if step not in SKIPPED:
                machine.run("/usr/local/lib/trading-bot/bootstrap", step)
        if keys is not None:
            machine.until("test", "-e", "/run/trading-bot/env")
        return Host(machine, config)

    yield bring
    for machine in started:
        machine.stop()


def _overrides(changes: dict[str, Any]) -> Iterator[Override]:
    """``bot={"kind": "service"}`` as the command line would give it."""
    for section, values in changes.items():
        for key, value in values.items():
            yield Override(f"{section}.{key}", value, f"{section}.{key}")


def _open_now() -> Iterator[Override]:
    """A market that is open at any hour of these days: the clock of a container cannot be set."""
    today = datetime.now(UTC).date()
    days = [(today + timedelta(days=step)).isoformat() for step in (-1, 0, 1)]
    yield Override("market.open", days, "market.open")
    yield Override("market.session", "00:00-23:59", "market.session")


def _bundle(folder: Path, bundle: Path) -> None:
    """What the checkout needs, packed: what is packed by ``deploy`` is told by its own tests."""
    bundle.parent.mkdir(parents=True)
    with tarfile.open(bundle, "w:gz") as archive:
        for path in sorted(folder.iterdir()):
            if path.name != ".git":
                archive.add(path, path.name)


def lines(host: Host, path: str) -> list[Any]:
    """A file of one JSON a line."""
    return [json.loads(line) for line in host.read(path).splitlines()]
