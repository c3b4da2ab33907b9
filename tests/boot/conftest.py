"""Virtual machines for the tests: each is brought up once, frozen, and thawed for each test.

A worker of pytest has one machine. What a test finds goes into build/boot/results.jsonl, of which
``table.py`` makes the table in docs/boot.md.
"""

import json
import os
import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from templates_out.generate import SHAPES
from tests.boot.cloud import Cloud
from tests.boot.host import Host
from tests.boot.image import image
from tests.boot.machine import Machine
from tests.boot.source import GitServer, make_index
from tests.boot.stack import KEYS, Stack

BUILD = Path("build/boot")
RESULTS = BUILD / "results.jsonl"
MORNING = "2026-11-23T22:00:00"
"""When the machines are switched on: Tuesday, 07:00 in Seoul."""

FRESH = "fresh"
HOST_OF = {
    "test_bot_trouble.py": "on-demand-always",
    "test_change.py": "on-demand-always",
    "test_power.py": "on-demand-always",
    "test_spot.py": "spot-always",
    "test_trading_day.py": "on-demand-always",
    "test_two_hosts.py": "spot-always",
}
"""Whose tests go on from the host of which shape; the others begin afresh, each by itself."""


@dataclass
class Lab:
    """A machine, frozen before its first boot goes on, and all that it speaks to."""

    machine: Machine
    cloud: Cloud
    git: GitServer
    folder: Path
    up: dict[str, Stack] = field(default_factory=dict)
    """Stacks whose hosts are frozen after a good first boot, by name."""

    down: set[str] = field(default_factory=set)
    """Those that did not come up, and are not tried again by each test."""

    host: Host | None = None
    _count: int = 0

    def fresh(
        self,
        settings: Mapping[str, Any],
        keys: Mapping[str, str] | None = KEYS,
        name: str = "",
        **more: Any,
    ) -> Host:
        """A host before its first boot, of a stack of its own."""
        self._count += 1
        stack = Stack(self.cloud, f"{name or 'stack'}-{self._count}", settings, keys, **more)
        self.machine.thaw(FRESH)
        self.host = Host(self.machine, stack)
        return self.host

    def ready(self, name: str, settings: Mapping[str, Any] | None = None, **more: Any) -> Host:
        """A host after a good first boot: of a shape of templates_out/, or of ``settings``."""
        assert name not in self.down, (
            f"the host of {name} did not come up: see the first test of it"
        )
        if name not in self.up:
            self.down.add(name)
            host = self.fresh(SHAPES[name] if settings is None else settings, name=name, **more)
            host.begin()
            assert host.signal() == "SUCCESS", host.said()
            host.settle()
            host.until("test", "-e", "/run/trading/env", "-o", "-e", "/run/trading-bot/env")
            self.machine.freeze(name)
            self.up[name] = host.stack
            self.down.remove(name)
            host.stack.first_reports = tuple(self.cloud.reports)
        self.machine.thaw(name)
        self.up[name].use()
        self.host = Host(self.machine, self.up[name])
        return self.host


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("boot")
    BUILD.mkdir(parents=True, exist_ok=True)
    cloud = Cloud(make_index(folder / "wheels"))
    git = GitServer(folder)
    machine = Machine(image(), BUILD.absolute() / worker_id, cloud.port, git.port, MORNING)
    try:
        machine.start()
        machine.until("systemctl", "is-active", "--quiet", "stand-ins.service")
        machine.freeze(FRESH)
        yield Lab(machine, cloud, git, folder)
    finally:
        machine.remove()
        git.stop()
        cloud.close()


Saw = Callable[[str, str, str], None]


@pytest.fixture
def saw(request: pytest.FixtureRequest) -> Saw:
    """Write a row of the table: the case, the template's shape, and what was seen."""
    began = time.monotonic()

    def write(case: str, shape: str, what: str) -> None:
        row = {
            "test": request.node.nodeid.split("@")[0],
            "case": case,
            "shape": shape,
            "seconds": round(time.monotonic() - began),
            "seen": what,
        }
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    return write


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """What the host says of itself goes with a test that failed."""
    report = yield
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.when == "call" and report.failed and lab is not None and lab.host is not None:
        report.sections.append(("the host", lab.host.said()))
        report.sections.append(("its console", lab.machine.console_end()))
    return report


class ByHost(LoadScopeScheduling):  # type: ignore[misc]
    """Hands tests that go on from the same host to the same worker, which has it frozen."""

    def _split_scope(self, nodeid: str) -> str:
        shape = re.search(r"\[([\w-]+)\]$", nodeid)
        if shape and shape[1] in SHAPES:
            return shape[1]
        file = nodeid.partition("::")[0].rpartition("/")[2]
        return HOST_OF.get(file, nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByHost:
    return ByHost(config, log)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Only one process begins the results anew."""
    if "PYTEST_XDIST_WORKER" not in os.environ and not session.config.option.collectonly:
        RESULTS.unlink(missing_ok=True)
