"""A bot that crashes, hangs, or eats memory, and where the broker's keys are to be found."""

import hashlib
import mmap
from pathlib import Path

import pytest

from tests.boot.conftest import Lab, Saw
from tests.boot.host import BOT, Host
from tests.boot.stack import KEYS

SHAPE = "on-demand-always"
OPEN = "2026-11-25 10:00:00"
QUICK = "[Service]\nRestartSec=1s\n"
CRASHES = "import sys\nprint('crashes', flush=True)\nsys.exit(3)\n"
HANGS = "import time\nprint('hangs', flush=True)\nwhile True:\n    time.sleep(3600)\n"
HOG = """
print("eats", flush=True)
held = []
while True:
    held.append(bytearray(b"x" * 1048576))
"""
SHOWS = """
import hashlib, os
key = os.environ["KIS_PAPER_APP_SECRET"]
print("the key is", hashlib.sha256(key.encode()).hexdigest(), flush=True)
"""
CONTROL = "control-word-7fd1a2"


@pytest.fixture
def host(lab: Lab) -> Host:
    host = lab.ready(SHAPE)
    host.jump(OPEN)
    return host


def test_a_bot_that_crashes_is_tried_again_and_then_told_of(host: Host, saw: Saw) -> None:
    host.put_program(CRASHES)
    host.drop_in(BOT, QUICK)
    host.run("systemctl", "start", "--no-block", BOT)
    host.until_log(rf"^ERROR .*{BOT}.*exit-code.*3")
    assert host.runs() == 4
    assert "crashes" in host.log()
    assert host.page()
    host.until("systemctl", "is-failed", "--quiet", BOT)
    host.until(
        "sh", "-c", "systemctl is-active 'trading-failure@*' | grep -q . && exit 1 || exit 0"
    )
    assert any(BOT in subject for subject, _ in host.stack.messages), host.stack.messages
    saw(
        "the bot exits with 3",
        SHAPE,
        "4 tries, ERROR in its log, the topic told; the dashboard answers",
    )


def test_a_bot_that_hangs_leaves_the_dashboard_alone(host: Host, saw: Saw) -> None:
    host.put_program(HANGS)
    host.jump("2026-11-25 08:59:50")
    host.until_log("^hangs$")
    assert host.page()
    host.set_clock("2026-11-25 09:04:55")
    host.until_log("check-run: ok: bot")
    saw("the bot hangs", SHAPE, "check-run says that it is running; the dashboard answers")


def test_a_bot_that_hangs_is_ended_with_the_session(host: Host, saw: Saw) -> None:
    host.put_program(HANGS)
    host.jump("2026-11-25 15:29:00")
    host.run("systemctl", "start", "--no-block", BOT)
    host.until_log("^hangs$")
    host.until("sh", "-c", f"! systemctl is-active {BOT} | grep -q activ", seconds=400)
    saw("the bot hangs past the close", SHAPE, "ended with the session")


def test_a_bot_that_eats_memory_is_killed_and_the_dashboard_answers(host: Host, saw: Saw) -> None:
    host.put_program(HOG)
    host.drop_in(BOT, "[Service]\nRestart=no\n")
    host.run("systemctl", "start", "--no-block", BOT)
    host.until_log("^eats$")
    assert host.page()
    host.until("systemctl", "is-failed", "--quiet", BOT, seconds=400)
    assert host.show(BOT, "Result") == "oom-kill"
    host.until_log(rf"^ERROR .*{BOT}.*oom-kill")
    assert host.page()
    saw(
        "the bot eats memory",
        SHAPE,
        "killed (oom-kill), ERROR in its log; the dashboard answers before and after",
    )


def holds(path: Path, words: list[str]) -> list[str]:
    """Which of the words are anywhere in a file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return [word for word in words if data.find(word.encode()) >= 0]


def test_the_keys_are_in_the_units_environment_and_nowhere_on_the_disk(
    host: Host, saw: Saw, tmp_path: Path
) -> None:
    secret = KEYS["KIS_PAPER_APP_SECRET"]
    host.put_program(SHOWS)
    host.run("systemctl", "start", BOT)
    assert hashlib.sha256(secret.encode()).hexdigest() in host.log()
    # After memory ran short, too.
    host.put_program(f"{HOG.replace('eats', CONTROL)}")
    host.drop_in(BOT, "[Service]\nRestart=no\n")
    host.run("systemctl", "start", "--no-block", BOT)
    host.until("systemctl", "is-failed", "--quiet", BOT, seconds=400)
    assert CONTROL in host.log()
    host.run("sync")
    # By a pattern that does not find itself in the search's own arguments.
    pattern = f"{secret[:-1]}[{secret[-1]}]"
    found = host.run("sh", "-c", f"cat /proc/[0-9]*/cmdline | grep -ac '{pattern}'", check=False)
    assert found.stdout.strip() == "0"
    assert (
        host.run("sh", "-c", f"journalctl | grep -c '{pattern}'", check=False).stdout.strip() == "0"
    )
    host.machine.power_off()
    raw = tmp_path / "disk"
    host.machine.raw_disk(raw)
    found_words = holds(raw, [CONTROL, *KEYS.values()][:3])
    raw.unlink()
    host.machine.start()
    assert found_words == [CONTROL]
    saw(
        "keys in memory, and memory run short",
        SHAPE,
        "in the unit's environment; on the raw disk only the control word",
    )
