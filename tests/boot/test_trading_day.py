"""Which runs there are on which day, with the clock moved to just before them."""

import re

import pytest

from tests.boot.conftest import Lab, Saw
from tests.boot.host import APP, BOT, Host

SHAPE = "on-demand-always"
SLOW = """
import time
with open("runs", "a") as file:
    file.write("run\\n")
print("at work", flush=True)
time.sleep(3600)
"""


@pytest.fixture
def host(lab: Lab) -> Host:
    return lab.ready(SHAPE)


def began(host: Host) -> str:
    return host.show(BOT, "ExecMainStartTimestamp")


def test_on_a_trading_day_the_bot_runs_at_its_time(host: Host, saw: Saw) -> None:
    host.jump("2026-11-25 08:59:50")
    host.until_log("^run-ended: bot success 0$")
    started = began(host)
    assert re.search(r"2026-11-25 09:00:[0-5]\d KST", started), started
    assert host.runs() == 1
    assert host.errors() == []
    saw("trading day, 08:59:50", SHAPE, f"one run, begun at {started.split()[2]}")


@pytest.mark.parametrize("day", ["2026-12-25", "2026-12-31"])
def test_on_a_holiday_it_is_skipped(host: Host, saw: Saw, day: str) -> None:
    host.jump(f"{day} 08:59:50")
    host.until_log("^run-ended: bot exec-condition")
    assert host.runs() == 0
    assert host.failed() == []
    assert host.errors() == []
    saw(f"the exchange's holiday {day}, 08:59:50", SHAPE, "skipped, nothing failed")


def test_on_a_weekend_its_timer_waits_for_monday(host: Host, saw: Saw) -> None:
    host.jump("2026-11-28 08:59:50")
    host.until("sh", "-c", '[ "$(date +%H%M)" -ge 0901 ]')
    following = host.show("trading-bot.timer", "NextElapseUSecRealtime")
    assert "2026-11-30 09:00:00 KST" in following
    assert began(host) == ""
    saw("Saturday, 08:59:50", SHAPE, "no start; the timer waits for Monday 09:00")


def test_after_the_close_it_is_skipped(host: Host, saw: Saw) -> None:
    host.jump("2026-11-25 15:31:30")
    host.run("systemctl", "start", BOT, check=False)
    assert host.show(BOT, "Result") == "exec-condition"
    assert host.runs() == 0
    saw("started at 15:31:30, after the close", SHAPE, "skipped")


def test_it_is_never_at_work_twice(host: Host, saw: Saw) -> None:
    host.put_program(SLOW)
    host.jump("2026-11-25 08:59:50")
    host.until_log("^at work$")
    for _ in range(3):
        host.run("systemctl", "start", "--no-block", BOT)
    host.run("systemctl", "restart", "trading-bot.timer")
    host.run("sleep", "5")
    assert host.read(f"{APP}/runs") == "run\n"
    saw("started thrice more while it runs", SHAPE, "one run")
