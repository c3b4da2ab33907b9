"""What a bot may do and see, asked of the kernel by a bot of its own."""

from typing import Any

import pytest

from tests.systemd.conftest import Up
from tests.systemd.host import KEYS, Host

PROBE = '''
import ctypes, errno, json, os, sys
from pathlib import Path

def outcome(act):
    """The name of the error, or nothing."""
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno]
    return ""

def write(folder):
    path = Path(folder).expanduser() / "probe"
    path.write_text("x")
    path.unlink()

def trace_me():
    # Allowed to everybody by the kernel itself, and no part of @system-service (@debug).
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "ptrace")

FOLDERS = [
    ".", "..", "~", "/tmp",
    "/", "/etc", "/usr/local", "/usr/local/lib/trading-bot", "/opt", "/opt/trading-bot/venv",
    "/var/lib", "/var/log", "/var/log/trading-bot", "/srv", "/run", "/dev/shm",
]
seen = {
    "environment": dict(os.environ),
    "arguments": sys.argv[1:],
    "write": {folder: outcome(lambda: write(folder)) for folder in FOLDERS},
    "root": outcome(lambda: os.listdir("/root")),
    "home": outcome(lambda: os.listdir("/home")),
    "keys": outcome(lambda: open("/run/trading/env")),
    "trace": outcome(trace_me),
    "others": [int(name) for name in os.listdir("/proc") if name.isdigit()
               and os.stat(f"/proc/{name}").st_uid != os.getuid()],
    "umask": oct(os.umask(0o022)),
    "user": os.getuid(),
}
Path("seen.json").write_text(json.dumps(seen))
print("a line of the bot")
'''


@pytest.fixture(scope="module")
def host(up_for_all: Up) -> Host:
    """A host on which the probe ran as the bot, once."""
    foreign = {"AWS_ACCESS_KEY_ID": "canary-id", "AWS_SECRET_ACCESS_KEY": "canary-access"}
    host = up_for_all("breakout", {"apps/daily_breakout_app.py": PROBE}, keys={**KEYS, **foreign})
    assert host.start(), host.log()
    return host


@pytest.fixture
def seen(host: Host) -> Any:
    [seen] = host.records("seen.json")
    return seen


def test_the_bot_sees_its_keys(seen: Any) -> None:
    assert KEYS.items() <= seen["environment"].items()
    assert seen["arguments"] == ["--mode", "demo", "--symbol", "069500"]
    assert seen["keys"] == "EACCES"


def test_the_bot_sees_no_keys_of_aws(seen: Any) -> None:
    assert not [name for name in seen["environment"] if name.startswith("AWS_")]


def test_no_key_is_in_a_log_or_on_the_disk(host: Host) -> None:
    assert "a line of the bot" in host.log()
    journal = host.run("journalctl", "--no-pager", "--output=export").stdout
    assert "KIS_PAPER_APP_KEY" in host.log("host")
    found = [
        path
        for path in host.machine.root.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and path.name not in {"secret.json", "seen.json"}
        if b"canary" in path.read_bytes()
    ]
    assert found == []
    assert "canary" not in journal


@pytest.mark.parametrize("folder", [".", "..", "~", "/tmp"])
def test_the_bot_writes_in_its_places(seen: Any, folder: str) -> None:
    assert seen["write"][folder] == ""


def test_the_bot_writes_nowhere_else(seen: Any) -> None:
    opened = {folder for folder, error in seen["write"].items() if not error}
    assert opened <= {".", "..", "~", "/tmp", "/dev/shm"}
    assert set(seen["write"].values()) <= {"", "EROFS", "EACCES", "EPERM"}


def test_the_bot_is_alone(seen: Any) -> None:
    assert seen["user"] != 0
    assert seen["others"] == []
    assert seen["umask"] == "0o77"
    assert seen["home"] in {"EACCES", "ENOENT"}
    assert seen["root"] in {"EACCES", "ENOENT"}


def test_a_forbidden_system_call_fails_and_does_not_kill(seen: Any) -> None:
    assert seen["trace"] == "EPERM"
