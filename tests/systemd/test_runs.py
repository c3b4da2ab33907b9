"""Which runs there are at all, and which at the same time."""

from itertools import pairwise
from typing import Any

from cfgen.bot.runs import SKIPPED
from tests.systemd.conftest import Up
from tests.systemd.counting import COUNTED, PROGRAM, QUICK, job, runs, unit
from tests.systemd.host import BOT, Host, days_around_today

# With real money


REAL = {"KIS_APP_KEY": "a", "KIS_APP_SECRET": "b", "KIS_ACCT_STOCK": "12345678"}
FAILING = """enter_from: "09:05"
enter_until: "15:00"
leave_from: "15:20"
budget: 100000
fail_after_order: true
"""


def test_with_real_money_nothing_is_tried_again(up: Up) -> None:
    """The bot fails after an order, and would order again."""
    host = up("breakout", {"config/strategy.yaml": FAILING}, keys=REAL, bot={"mode": "real"})
    host.write(f"{host.data}/clock", "09:10")
    host.drop_in(BOT, QUICK)
    host.start()
    host.until("systemctl", "is-failed", "--quiet", BOT)
    assert host.log().count("ordered real-buy-069500") == 1


def test_a_service_that_is_over_is_not_started_by_other_jobs(up: Up) -> None:
    """Each daily run loads the keys, which start what stays up: once a boot, and no more."""
    jobs = [job("well"), job("stream", kind="service")]
    host = up("breakout", {PROGRAM: COUNTED}, bot={"jobs": jobs})
    host.until("systemctl", "is-failed", "--quiet", unit("stream"))
    for _ in range(2):
        assert host.start(unit("well")), host.log()
    assert runs(host, "well") == 2
    assert runs(host, "stream") == 1


# The exchange's calendar


def test_on_a_closed_day_only_what_does_not_mind_runs(up: Up) -> None:
    closed = {"closed": days_around_today()}
    jobs = [job("trade"), job("well", market=False)]
    host = up("breakout", {PROGRAM: COUNTED}, bot={"jobs": jobs}, market=closed)
    assert host.start(unit("trade"))
    assert host.show(unit("trade"), "Result") == "exec-condition"
    assert runs(host, "trade") == 0
    assert host.start(unit("well")), host.log()
    assert runs(host, "well") == 1
    # What status reads: a run that was skipped is none.
    assert "run-ended: well success 0" in host.log("bot-well").splitlines()
    ended = [line for line in host.log("bot-trade").splitlines() if "run-ended" in line]
    assert [line.split()[:3] for line in ended] == [["run-ended:", "trade", SKIPPED]]


# Several at a time


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
    """The bootstrap ends at its first step, and is tried again later."""
    host = up("two_strategies", bot={"environment": {"WORK_SECONDS": "600"}})
    host.run("systemctl", "start", "--no-block", REBALANCE)
    host.until("test", "-e", f"{host.app}/data/runs.txt")
    refused = host.run("/usr/local/lib/trading-bot/bootstrap", "idle", check=False)
    assert refused.returncode == 75
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
