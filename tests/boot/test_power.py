"""A power cut, and hosts that come up late."""

import re

from tests.boot.conftest import Lab, Saw
from tests.boot.host import APP, BOT
from tests.boot.working import at_work


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
