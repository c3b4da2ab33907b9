"""A Spot host that is taken back, a power cut, and hosts that come up late."""

import re
import time

import pytest

from tests.boot.conftest import Lab, Saw
from tests.boot.host import APP, BOT, Host, wait

WRITES = """
import os, time
print("at work", flush=True)
number = 0
while True:
    number += 1
    with open("../data/position.new", "w") as file:
        file.write(f"{number}\\n" * 1000)
        file.flush()
        os.fsync(file.fileno())
    os.replace("../data/position.new", "../data/position")
    time.sleep(0.2)
"""
NOTICE = '{"action": "terminate", "time": "2026-11-25T00:03:00Z"}'


def at_work(host: Host) -> None:
    """Have the bot run since 09:00."""
    host.put_program(WRITES)
    host.run("install", "-d", "-o", "trading", "-g", "trading", f"{APP}/../data")
    host.jump("2026-11-25 08:59:50")
    host.until_log("^at work$")
    host.until("test", "-s", f"{APP}/../data/position")


@pytest.mark.xdist_group("spot-always")
def test_the_notice_stops_the_bot_saves_its_state_and_tells(lab: Lab, saw: Saw) -> None:
    host = lab.ready("spot-always")
    at_work(host)
    host.stack.empty_bucket()
    lab.cloud.notice = NOTICE
    began = time.monotonic()
    wait(lambda: any("taken back" in subject for subject, _ in host.stack.messages), 400, "no word")
    took = time.monotonic() - began
    assert host.stack.saved()
    [text] = [text for subject, text in host.stack.messages if "taken back" in subject]
    assert "its state is saved" in text
    assert host.show(BOT, "ActiveState") in ("inactive", "failed")
    assert host.show("trading-web.service", "ActiveState") == "inactive"
    stopped = host.show(BOT, "InactiveEnterTimestampMonotonic")
    saved = host.show("trading-state.service", "InactiveEnterTimestampMonotonic")
    assert 0 < int(stopped) < int(saved)
    assert host.errors() == []
    assert took < 240
    saw(
        "Spot's notice while the bot is at work",
        "spot-always",
        f"bot stopped, then state saved, then the topic told, in {took:.0f} s",
    )


@pytest.mark.xdist_group("on-demand-always")
def test_after_a_power_cut_the_next_boot_is_whole(lab: Lab, saw: Saw) -> None:
    host = lab.ready("on-demand-always")
    at_work(host)
    host.machine.cut_power()
    host.machine.start("2026-11-25T00:10:00")
    host.until("systemctl", "is-active", "--quiet", "multi-user.target", seconds=400)
    lines = host.read(f"{APP}/../data/position").splitlines()
    assert len(lines) == 1000
    assert len(set(lines)) == 1
    host.until("systemctl", "is-active", "--quiet", "trading-web.service", seconds=300)
    assert host.page()
    assert host.failed() == []
    saw(
        "power cut while the bot is at work",
        "on-demand-always",
        "its file is whole, nothing failed, the dashboard answers",
    )


@pytest.mark.xdist_group("on-demand-always")
def test_a_host_that_comes_up_after_the_bots_time_makes_up_for_it_once(lab: Lab, saw: Saw) -> None:
    host = lab.ready("on-demand-always")
    host.machine.power_off()
    host.machine.start("2026-11-25T00:20:00")
    host.until_log("^run-ended: bot success 0$", seconds=400)
    started = host.show(BOT, "ExecMainStartTimestamp")
    assert re.search(r"2026-11-25 09:2\d", started), started
    host.machine.reboot()
    host.until("systemctl", "is-active", "--quiet", "trading-web.service", seconds=400)
    host.run("sleep", "60")
    assert host.runs() == 1
    assert host.errors() == []
    saw(
        "the host comes up at 09:20, and again",
        "on-demand-always",
        f"one run, at {started.split()[2]}",
    )
