"""What all tests share: the program as a process, and an AWS in memory."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.fake_aws import FakeAws, world

Run = Callable[..., "subprocess.CompletedProcess[str]"]


OFFLINE = {
    # git reads folders only, and none of the machine's own settings; pip's index is away.
    "GIT_ALLOW_PROTOCOL": "file",
    "GIT_CONFIG_NOSYSTEM": "1",
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
}


def clean_environment(home: Path) -> dict[str, str]:
    """The environment without anything that AWS's SDK or cfgen would read."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(
            ("AWS_", "CFGEN_", "COV_", "COLUMNS", "GIT_", "NO_COLOR", "PIP_", "XDG_")
        )
    }
    return (
        kept
        | OFFLINE
        | {
            "HOME": str(home),
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONWARNINGS": "error",
        }
    )


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    return clean_environment(home)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The new empty folder in which the program runs."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def cfgen(folder: Path, environment: dict[str, str]) -> Run:
    """Run the program in the empty folder, without credentials or a terminal."""

    def run(
        *arguments: str, stdin: str = "", extra: dict[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        result = subprocess.run(
            command(arguments),
            cwd=folder,
            env=environment | (extra or {}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in result.stderr
        return result

    return run


def command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "cfgen", *arguments]


class Terminal:
    """The program with a person at it: standard input is a terminal, standard error is read."""

    def __init__(self, arguments: list[str], cwd: Path, environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            command(arguments),
            cwd=cwd,
            env=environment,
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        os.close(slave)
        self.read = ""

    def wait_for(self, text: str) -> None:
        assert self.process.stderr
        deadline = time.monotonic() + 60
        while text not in self.read:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stderr], [], [], max(left, 0))
            assert ready, f"{text!r} did not come:\n{self.read}"
            piece = os.read(self.process.stderr.fileno(), 65536).decode()
            assert piece, f"ended before {text!r}:\n{self.read}"
            self.read += piece

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> int:
        code = self.process.wait(60)
        assert self.process.stderr
        self.read += self.process.stderr.read().decode()
        os.close(self._master)
        return code


@pytest.fixture
def terminal(folder: Path, environment: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    """Run the program in the empty folder, with a person at it."""
    started: list[Terminal] = []

    def start(*arguments: str, extra: dict[str, str] | None = None) -> Terminal:
        started.append(Terminal(list(arguments), folder, environment | (extra or {})))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """The endpoint of a moto server, one a worker; tests use stacks of their own names."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def memory_aws(moto_server: str) -> dict[str, str]:
    """Environment variables that lead the program to the moto server."""
    return {
        "AWS_ENDPOINT_URL": moto_server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }


@pytest.fixture
def fake_aws() -> Iterator[FakeAws]:
    """An AWS that answers with prices; its world is the test's own."""
    with FakeAws(world()) as server:
        yield server
