"""Hosts under a real systemd, for one test or for a file of them."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.systemd.host import Host, bring_up
from tests.systemd.machine import Machine

Up = Callable[..., Host]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Bring a host up, as :func:`bring_up` does."""
    machines: list[Machine] = []
    yield partial(bring_up, tmp_path, machines)
    for machine in machines:
        machine.remove()


@pytest.fixture(scope="module")
def up_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The same, for a file of tests that do not get in each other's way."""
    machines: list[Machine] = []
    yield partial(bring_up, tmp_path_factory.mktemp("host"), machines)
    for machine in machines:
        machine.remove()
