"""Each template of templates_out/: its host comes up, signals once, and boots again the same."""

import re

import pytest

from templates_out.generate import SHAPES
from tests.boot.conftest import Lab, Saw
from tests.boot.host import APP, BOT, LOGS, PROGRAM, Host
from tests.boot.stack import SOURCE

STAYS_UP = "import time\nprint('up')\nwhile True:\n    time.sleep(60)\n"
TIMERS = {
    "two-jobs": {"trading-bot.timer": ["09:05", "15:20"], "trading-bot-rebalance.timer": ["09:00"]},
    "everything": {"trading-bot.timer": ["09:00"]},
}


def files_of(host: Host) -> str:
    """What the bootstrap laid down, by hash, and which units are on."""
    folders = "/etc/trading-bot /etc/cfn /etc/logrotate.d /usr/local/lib/trading-bot"
    script = f"""
    find {folders} /etc/systemd/system {APP} -path '*/.git' -prune -o -type f -print0 |
      sort -z | xargs -0 sha256sum
    find /etc/systemd/system -type l | sort
    cat /etc/fstab; readlink /etc/localtime
    """
    return host.run("sh", "-c", script).stdout


def lists_of_timers(host: Host) -> str:
    command = ("systemctl", "list-timers", "--all", "--no-legend", "--no-pager", "trading-*")
    return host.run(*command).stdout


@pytest.mark.parametrize("shape", SHAPES)
def test_the_template_comes_up_and_a_second_boot_changes_nothing(
    lab: Lab, saw: Saw, shape: str
) -> None:
    service = SHAPES[shape].get("bot", {}).get("kind") == "service"  # type: ignore[attr-defined]
    lab.git.publish("stays-up", {PROGRAM: STAYS_UP})
    source = f"{SOURCE}@{'stays-up' if service else 'v1.2.0'}"
    host = lab.ready(shape, source=source)
    assert len(host.stack.cloud.signals) == 0  # ready() saw the one, and it is not sent again
    assert host.failed() == []
    assert (
        host.run("timedatectl", "show", "--property=Timezone", "--value").stdout.strip()
        == "Asia/Seoul"
    )
    armed = lists_of_timers(host)
    for timer, times in TIMERS.get(shape, {"trading-bot.timer": ["09:00"]}).items():
        following = host.show(timer, "NextElapseUSecRealtime")
        assert re.search(rf"2026-11-24 ({'|'.join(times)}):00 KST", following), following
    assert "trading-check.timer" in armed
    assert "trading-patch.timer" in armed
    calls = host.read("/var/log/dnf-calls").splitlines()
    assert any(line.startswith("install") and "python3.12" in line for line in calls)
    assert host.read("/var/log/agent-calls").count("fetch-config") == 1
    assert host.run("/opt/trading-bot/venv/bin/python", "-c", "import quotes").returncode == 0
    assert "/swapfile" in host.run("swapon", "--show=NAME", "--noheadings").stdout
    if service:
        host.until("systemctl", "is-active", "--quiet", BOT)
    host.until("systemctl", "is-active", "--quiet", "trading-web.service")
    before = files_of(host)
    logs = host.run("sh", "-c", f"cat {LOGS}/*.log").stdout
    assert "ERROR" not in logs, logs
    seconds = host.run(
        "systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "cloud-final.service"
    )
    began = host.run(
        "systemctl", "show", "-P", "InactiveExitTimestampMonotonic", "cloud-final.service"
    )
    took = (int(seconds.stdout) - int(began.stdout)) / 1e6

    host.machine.reboot()
    host.until("systemctl", "is-active", "--quiet", "multi-user.target", seconds=400)
    host.until("systemctl", "is-active", "--quiet", "trading-web.service", seconds=300)
    if service:
        host.until("systemctl", "is-active", "--quiet", BOT)
    assert host.stack.cloud.signals == []
    assert files_of(host) == before
    [done] = [one for one in host.stack.first_reports if one["event"] == "done"]
    assert done["source"] == source
    assert host.failed() == []
    assert host.read("/var/log/dnf-calls").splitlines() == calls
    host.keep_journal(host.machine.console.with_name(f"{shape}.journal"))
    saw(
        "first boot and a second one",
        shape,
        f"success signalled once, after {took:.0f} s; nothing changed by the second boot",
    )
