"""What a host does when it comes up, and as it goes down."""

from tests.systemd.conftest import Up
from tests.systemd.counting import BOT_LOG, COUNTED, PROGRAM, job, runs, unit
from tests.systemd.host import BOT, KEYS, LOADER, Host
from tests.systemd.root import OWN, put_instances

ALONE, LATE, STATE = (f"trading-{name}.service" for name in ("alone", "late", "state"))
OLDER = "i-00000000000000001"


def test_a_run_waits_for_the_older_host_and_then_begins(up: Up) -> None:
    jobs = [job("well"), job("stream", kind="service", retries=0)]
    host = up("breakout", {PROGRAM: COUNTED}, bot={"jobs": jobs}, backup={"enabled": True},
              others=[OLDER, OWN])  # fmt: skip
    host.until("grep", "-q", f"older host {OLDER}", BOT_LOG)
    # What the timer does at the job's time.
    host.run("systemctl", "start", "--no-block", unit("well"))
    assert host.state(ALONE) == "activating/start"
    assert host.state(unit("well")) == host.state(STATE) == "inactive/dead"
    assert runs(host, "stream") == 0
    # A change of the stack is taken up meanwhile.
    host.run("/usr/local/lib/trading-bot/bootstrap", "idle")
    host.bootstrap()
    assert runs(host, "well") == 0
    put_instances(host.machine.root, OWN)
    host.until("grep", "-q", "^run-ended: well success 0", "/var/log/trading-bot/bot-well.log")
    assert runs(host, "well") == 1
    assert host.state(STATE) == "active/exited"
    host.until("test", "-e", f"{host.app}/runs-stream")
    host.until("systemctl", "is-active", "--quiet", "trading-web.service")


def test_the_keys_are_in_memory_that_is_never_swapped(up: Up) -> None:
    host = up("kis_sample")
    kinds = host.run("stat", "--file-system", "--format=%T", "/run/trading", "/run/trading/keys")
    assert kinds.stdout == "ramfs\nramfs\n"
    modes = host.run(
        "stat", "--format=%a %U", "/run/trading", "/run/trading/env", "/run/trading/keys"
    )
    assert modes.stdout == "711 root\n600 root\n700 trading\n"
    for name in (BOT, LOADER, "trading-web.service"):
        assert host.show(name, "MemorySwapMax") == "0"


def missed(host: Host) -> list[str]:
    return [line for line in host.log().splitlines() if line.startswith("start-late:")]


EARLIER = {"at": ["00:00"], "days": "Mon..Sun", "market": False}


def test_a_missed_run_is_made_up_for_once_and_told_of(up: Up) -> None:
    host = up("breakout", {PROGRAM: COUNTED}, bot={"jobs": [job("well", **EARLIER)]}, grace="3")
    host.until("grep", "-q", "^check-run: ok: well: it ran at", BOT_LOG)
    assert runs(host, "well") == 1
    # After a change of the stack nothing is late, nor after a second boot.
    host.bootstrap()
    host.reboot()
    host.until("grep", "-q", "well: it was started already", BOT_LOG)
    assert runs(host, "well") == 1


def test_a_run_without_keys_is_made_up_for_when_they_come(up: Up) -> None:
    jobs = [job("well", **EARLIER)]
    host = up("breakout", {PROGRAM: COUNTED}, bot={"jobs": jobs}, keys=None, grace="1")
    host.until("grep", "-q", "^ERROR check-run: well: .*no keys are loaded", BOT_LOG)
    assert not host.start(unit("well"))
    host.store(KEYS)
    host.until("grep", "-q", "^check-run: ok: well: it ran at", BOT_LOG)
    assert runs(host, "well") == 1


PATIENT = "import time\nprint('at work', flush=True)\ntime.sleep(600)\n"


def test_an_orderly_stop_is_no_failure(up: Up) -> None:
    host = up("breakout", {PROGRAM: PATIENT}, bot={"jobs": [job("bot")]})
    host.run("systemctl", "start", "--no-block", BOT)
    host.until("grep", "-q", "at work", BOT_LOG)
    host.run("systemctl", "stop", BOT)
    assert host.state() == "inactive/dead"
    assert host.show(BOT, "Result") == "success"
    # Stopped is not ended: status tells them apart.
    assert "run-ended: bot success TERM" in host.log().splitlines()
    assert host.errors() == []


def test_a_run_takes_the_keys_that_are_there(up: Up) -> None:
    host = up("breakout", {PROGRAM: COUNTED}, bot={"jobs": [job("well")]})
    loads = host.log("host").count("variables loaded")
    assert host.start(unit("well")), host.log()
    assert host.log("host").count("variables loaded") == loads
    timer = host.show("trading-secrets.timer", "TimersCalendar")
    assert "08:55:00 Asia/Seoul" in timer
