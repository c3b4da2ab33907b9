"""How runs begin, end, are tried again and keep out of each other's way."""

import re
from itertools import pairwise
from typing import Any

from tests.systemd.conftest import Up
from tests.systemd.host import BOT, Host, days_around_today

QUICK = "[Service]\nRestartSec=50ms\n"
"""In place of a minute."""

COUNTED = """
import sys
from pathlib import Path

with Path("runs-" + sys.argv[-1]).open("a") as file:
    file.write("run\\n")
sys.exit(int(Path("code").read_text()) if Path("code").exists() else 3)
"""


def job(name: str = "bot", **keys: Any) -> dict[str, Any]:
    """A job that knows its own name."""
    program = "apps/daily_breakout_app.py"
    return {"name": name, "entrypoint": program, "arguments": [name], **keys}


def counted(up: Up, *jobs: dict[str, Any], **changes: Any) -> Host:
    """A host whose bot counts its runs and exits with 3."""
    bot = {"jobs": list(jobs), **changes.pop("bot", {})}
    host = up("breakout", {"apps/daily_breakout_app.py": COUNTED}, bot=bot, **changes)
    for each in jobs:
        host.drop_in(unit(each), QUICK)
    return host


def unit(of: dict[str, Any]) -> str:
    return BOT if of["name"] == "bot" else f"trading-bot-{of['name']}.service"


def runs(host: Host, name: str = "bot") -> int:
    return len(host.read(f"runs-{name}").splitlines()) if host.exists(f"runs-{name}") else 0


def test_a_run_that_failed_is_tried_again_as_often_as_was_said(up: Up) -> None:
    jobs = [job(f"tries-{retries}", retries=retries) for retries in (0, 1, 3)]
    host = counted(up, *jobs)
    for each in jobs:
        host.start(unit(each))
        host.until("systemctl", "is-failed", "--quiet", unit(each))
        assert runs(host, each["name"]) == each["retries"] + 1


def test_with_real_money_nothing_is_tried_again(up: Up) -> None:
    """The bot fails after an order, and would order again."""
    host = up("breakout", keys=REAL, bot={"mode": "real", "environment": {"BUDGET": "1"}})
    host.write(f"{host.data}/clock", "09:10")
    host.write("config/strategy.yaml", FAILING)
    host.drop_in(BOT, QUICK)
    host.start()
    host.until("systemctl", "is-failed", "--quiet", BOT)
    assert host.log().count("ordered real-buy-069500") == 1


REAL = {"KIS_APP_KEY": "a", "KIS_APP_SECRET": "b", "KIS_ACCT_STOCK": "12345678"}
FAILING = """enter_from: "09:05"
enter_until: "15:00"
leave_from: "15:20"
budget: 100000
fail_after_order: true
"""


def test_a_run_that_ended_well_is_not_repeated(up: Up) -> None:
    host = counted(up, job(retries=3))
    host.write("code", "0")
    assert host.start()
    assert host.state() == "inactive/dead"
    assert runs(host) == 1


def test_the_log_names_the_unit_that_failed_and_how(up: Up) -> None:
    host = counted(up, job(retries=0), job("report", retries=0))
    for name in (BOT, "trading-bot-report.service"):
        host.start(name)
        host.until("systemctl", "is-failed", "--quiet", name)
        # By systemd's own words: result, kind of exit, exit code.
        pattern = rf"(?m)^ERROR .*\b{re.escape(name)}\b.*exit-code.*exited.*\b3\b"
        host.until("grep", "-Pq", pattern.removeprefix("(?m)"), "/var/log/trading-bot/bot.log")
    assert len([line for line in host.errors() if "failed" in line]) == 2


def test_a_run_that_takes_too_long_is_ended(up: Up) -> None:
    program = "import time\ntime.sleep(3600)\n"
    jobs = [job(retries=0, timeout="20min")]
    host = up("breakout", {"apps/daily_breakout_app.py": program}, bot={"jobs": jobs})
    assert host.show(BOT, "TimeoutStartUSec") == "20min"
    host.drop_in(BOT, "[Service]\nTimeoutStartSec=1s\n")
    assert not host.start()
    assert host.show(BOT, "Result") == "timeout"
    host.until("grep", "-Pq", rf"^ERROR .*\b{BOT}\b.*timeout", "/var/log/trading-bot/bot.log")


def test_the_check_finds_the_run(up: Up) -> None:
    host = counted(up, job(retries=0))
    host.write("code", "0")
    assert host.start()
    assert host.start("trading-check.service"), host.log()
    assert "check-run: ok" in host.log()


def test_a_path_that_is_read_only_is_named_with_its_key(up: Up) -> None:
    program = "open('/srv/reports/today.csv', 'w')\n"
    host = up("breakout", {"apps/daily_breakout_app.py": program}, bot={"jobs": [job(retries=0)]})
    host.run("install", "-d", "-o", "trading", "/srv/reports")
    host.start()
    host.until("grep", "-q", "^ERROR .*bot.writable", "/var/log/trading-bot/bot.log")
    assert any("/srv/reports" in line and "bot.writable" in line for line in host.errors())


def test_a_folder_that_was_asked_for_is_there_to_write_to(up: Up) -> None:
    program = (
        "import os\nopen('/srv/reports/today.csv', 'w')\n"
        "open(os.path.expanduser('~/KIS/config/token'), 'w')\n"
    )
    host = up(
        "breakout",
        {"apps/daily_breakout_app.py": program},
        bot={"writable": ["/srv/reports", "~/KIS/config"], "jobs": [job(retries=0)]},
    )
    assert host.start(), host.log()
    assert host.exists("/srv/reports/today.csv")


def test_on_a_closed_day_only_what_does_not_mind_runs(up: Up) -> None:
    closed = {"open": [], "closed": days_around_today(), "session": "00:00-23:59"}
    trade, report = job(retries=0), job("report", market=False, retries=0)
    host = counted(up, trade, report, market=closed)
    host.write("code", "0")
    assert host.start()
    assert host.show(BOT, "Result") == "exec-condition"
    assert runs(host) == 0
    assert host.start(unit(report)), host.log()
    assert runs(host, "report") == 1


def test_the_timer_elapses_at_each_of_its_times_and_starts_the_job(up: Up) -> None:
    host = counted(up, job(at=["09:05", "15:20"], retries=0))
    said = host.show("trading-bot.timer", "TimersCalendar")
    assert sorted(re.findall(r"OnCalendar=(.*?) ;", said)) == [
        "Mon..Fri *-*-* 09:05:00 Asia/Seoul",
        "Mon..Fri *-*-* 15:20:00 Asia/Seoul",
    ]
    following = host.show("trading-bot.timer", "NextElapseUSecRealtime")
    assert re.search(r"(09:05|15:20):00 KST", following), following
    # Not waited for: now, and each second.
    host.drop_in("trading-bot.timer", "[Timer]\nOnCalendar=\nOnCalendar=*:*:*\n")
    host.run("systemctl", "restart", "trading-bot.timer")
    host.until("test", "-e", f"{host.app}/runs-bot")


def spans(host: Host) -> list[tuple[float, float, str]]:
    """When each run was at work, in the order of their starts."""
    begun: dict[str, float] = {}
    found = []
    for line in host.read("data/runs.txt").splitlines():
        moment, name, process, what = line.split()
        if what == "start":
            begun[process] = float(moment)
        else:
            found.append((begun.pop(process), float(moment), name))
    assert not begun
    return sorted(found)


def overlap(found: list[tuple[float, float, str]]) -> bool:
    return any(later[0] < earlier[1] for earlier, later in pairwise(found))


MOMENTUM, REBALANCE = (f"trading-bot-{name}.service" for name in ("momentum", "rebalance"))


def all_ended(host: Host, number: int) -> None:
    script = f'[ "$(grep -c end {host.app}/data/runs.txt)" = {number} ]'
    host.until("sh", "-c", script)


def test_two_runs_of_one_job_never_overlap(up: Up) -> None:
    host = up("two_strategies")
    host.run("systemctl", "start", "--no-block", MOMENTUM)
    host.until("test", "-e", f"{host.app}/data/runs.txt")
    # It is at work: this waits for the same run.
    assert host.start(MOMENTUM)
    assert [name for _, _, name in spans(host)] == ["momentum"]


def test_nothing_is_changed_under_a_run(up: Up) -> None:
    """cfn-hup's bootstrap fails at its first step, and is tried again later."""
    host = up("two_strategies", bot={"environment": {"WORK_SECONDS": "600"}})
    host.run("systemctl", "start", "--no-block", REBALANCE)
    host.until("test", "-e", f"{host.app}/data/runs.txt")
    refused = host.run("/usr/local/lib/trading-bot/bootstrap", "idle", check=False)
    assert refused.returncode == 1
    assert "at work" in refused.stdout + refused.stderr


def test_jobs_of_one_group_wait_for_each_other(up: Up) -> None:
    host = up("two_strategies")
    host.run("systemctl", "start", "--no-block", MOMENTUM, REBALANCE)
    all_ended(host, 2)
    found = spans(host)
    assert {name for _, _, name in found} == {"momentum", "rebalance"}
    assert not overlap(found)


def test_jobs_without_a_group_run_side_by_side(up: Up) -> None:
    jobs: list[dict[str, Any]] = [
        {"name": name, "entrypoint": f"strategies/{name}.py", "arguments": ["--seconds", "3"]}
        for name in ("momentum", "rebalance")
    ]
    host = up("two_strategies", bot={"jobs": jobs})
    host.run("systemctl", "start", "--no-block", MOMENTUM, REBALANCE)
    all_ended(host, 2)
    assert overlap(spans(host))
