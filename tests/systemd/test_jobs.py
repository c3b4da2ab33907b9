"""How runs begin, end and are tried again: jobs of one host, each for one test."""

import re

import pytest

from tests.systemd.conftest import Up
from tests.systemd.counting import BOT_LOG, COUNTED, PROGRAM, QUICK, job, runs, unit
from tests.systemd.host import Host


@pytest.fixture(scope="module")
def host(up_for_all: Up) -> Host:
    jobs = [
        *(job(f"tries-{retries}", retries=retries) for retries in (0, 1, 3)),
        *(job(name) for name in ("fails-0", "fails-1")),
        job("well", retries=3),
        job("slow", entrypoint="slow.py", timeout="20min"),
        job("timed", at=["09:05", "15:20"]),
    ]
    extra = {PROGRAM: COUNTED, "slow.py": "import time\ntime.sleep(3600)\n"}
    return up_for_all("breakout", extra, bot={"jobs": jobs}, workload={"memory_mib": 950})


def fail(host: Host, name: str) -> None:
    host.drop_in(unit(name), QUICK)
    host.start(unit(name))
    host.until("systemctl", "is-failed", "--quiet", unit(name))


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_run_that_failed_is_tried_again_as_often_as_was_said(host: Host, retries: int) -> None:
    fail(host, f"tries-{retries}")
    assert runs(host, f"tries-{retries}") == retries + 1


def test_a_run_that_ended_well_is_not_repeated(host: Host) -> None:
    assert host.start(unit("well"))
    assert host.state(unit("well")) == "inactive/dead"
    assert runs(host, "well") == 1


def test_the_log_names_the_unit_that_failed_and_how(host: Host) -> None:
    for name in ("fails-0", "fails-1"):
        fail(host, name)
        # By systemd's own words: the result, and the exit code.
        pattern = rf"^ERROR .*\b{unit(name)}\b.*exit-code.*\b3\b"
        host.until("grep", "-Pq", pattern, BOT_LOG)
    named = [line for line in host.errors() if "fails-" in line]
    assert len(named) == 2


def test_a_run_that_takes_too_long_is_ended(host: Host) -> None:
    assert host.show(unit("slow"), "TimeoutStartUSec") == "20min"
    host.drop_in(unit("slow"), "[Service]\nTimeoutStartSec=1s\n")
    assert not host.start(unit("slow"))
    assert host.show(unit("slow"), "Result") == "timeout"
    host.until("grep", "-q", "^run-ended: slow timeout", "/var/log/trading-bot/bot-slow.log")
    host.until("grep", "-Pq", rf"^ERROR .*\b{unit('slow')}\b.*timeout", BOT_LOG)


def test_the_timer_elapses_at_each_of_its_times_and_starts_the_job(host: Host) -> None:
    timer = "trading-bot-timed.timer"
    said = host.show(timer, "TimersCalendar")
    assert sorted(re.findall(r"OnCalendar=(.*?) ;", said)) == [
        "Mon..Fri *-*-* 09:05:00 Asia/Seoul",
        "Mon..Fri *-*-* 15:20:00 Asia/Seoul",
    ]
    following = host.show(timer, "NextElapseUSecRealtime")
    assert re.search(r"(09:05|15:20):00 KST", following), following
    # Not waited for: now, and each second.
    host.drop_in(timer, "[Timer]\nOnCalendar=\nOnCalendar=*:*:*\n")
    host.run("systemctl", "restart", timer)
    host.until("test", "-e", f"{host.app}/runs-timed")
    host.run("systemctl", "stop", timer)
