"""The sample bots as they are, unchanged, each under its own units."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.systemd.conftest import Up
from tests.systemd.host import BOT, KEYS, LOADER, Host

POSITION = "position-069500.json"
FETCH = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"


def nothing_failed(host: Host) -> None:
    assert host.run("systemctl", "list-units", "--failed", "--no-legend").stdout == ""


# The seed's habits


def at(host: Host, time: str) -> None:
    """Have the bot take this for now, and make a pass."""
    host.write(f"{host.data}/clock", time)
    assert host.start(), host.log()


def test_it_buys_and_sells_by_its_own_rules(up: Up) -> None:
    host = up("breakout")
    position = f"{host.data}/{POSITION}"
    at(host, "09:00")
    assert not host.exists(position)
    at(host, "09:05")
    assert host.exists(position)
    at(host, "15:20")
    assert not host.exists(position)
    today = datetime.now(ZoneInfo("Asia/Seoul")).strftime("%Y%m%d")
    written = host.read(f"{host.data}/logs/breakout_{today}.log")
    assert "ordered demo-buy-069500" in written
    assert "ordered demo-sell-069500" in written
    assert "ordered demo-sell-069500" in host.log()
    assert host.start("trading-check.service"), host.log()
    assert "check-run: ok" in host.log()
    nothing_failed(host)


def test_the_dashboard_shows_what_the_bot_wrote(up: Up) -> None:
    host = up("breakout")
    at(host, "09:05")
    host.until("/usr/bin/python3", "-c", FETCH, "http://127.0.0.1:5001/")
    page = host.run("/usr/bin/python3", "-c", FETCH, "http://127.0.0.1:5001/").stdout
    shown: dict[str, Any] = json.loads(page)
    assert "demo-buy-069500" in shown[POSITION]
    assert "listening on 127.0.0.1:5001, debugger: false" in host.log("web")


def test_what_the_bot_wrote_is_kept_in_the_state(up: Up) -> None:
    host = up("breakout", backup={"enabled": True})
    at(host, "09:05")
    assert host.start("trading-save.service"), host.log("host")
    kept = host.run("tar", "--list", "--file", "/srv/buckets/state/state/state.tar.gz").stdout
    names = [Path("/", name) for name in kept.splitlines()]
    assert Path(host.data, POSITION) in names
    assert not [name for name in names if Path(host.app) in name.parents]


# A KIS sample: keys from ~/KIS/config/kis_devlp.yaml


FOLDER = "KIS/config"


def home(host: Host) -> str:
    """The bot's home folder, as its units say."""
    words = host.show(BOT, "Environment").split()
    [folder] = [word.removeprefix("HOME=") for word in words if word.startswith("HOME=")]
    return folder


def test_it_finds_its_key_file(up: Up) -> None:
    host = up("kis_sample")
    assert host.start(), host.log()
    [run] = host.records("data/runs.jsonl")
    assert {"paper_app", "paper_sec", "my_paper_stock"} <= set(run["keys"])
    file = f"{home(host)}/{FOLDER}/kis_devlp.yaml"
    assert host.run("stat", "--dereference", "--format=%a %U", file).stdout == "600 trading\n"
    target = host.run("stat", "--dereference", "--file-system", "--format=%T", file).stdout
    assert target == "ramfs\n"
    nothing_failed(host)


def test_the_token_is_asked_for_once(up: Up) -> None:
    host = up("kis_sample")
    for _ in range(2):
        assert host.start(), host.log()
    # Also after the keys were loaded anew.
    host.store(KEYS)
    assert host.start(), host.log()
    runs = host.records("data/runs.jsonl")
    assert [run["fresh"] for run in runs] == [True, False, False]
    assert len({run["token"] for run in runs}) == 1


def test_neither_keys_nor_token_reach_the_disk_or_the_state(up: Up) -> None:
    host = up("kis_sample", backup={"enabled": True})
    assert host.start(), host.log()
    assert host.start("trading-save.service"), host.log("host")
    kept = host.run("tar", "--list", "--file", "/srv/buckets/state/state/state.tar.gz").stdout
    assert "runs.jsonl" in kept
    assert "kis_devlp" not in kept
    assert "KIS20" not in kept
    found = [
        path
        for path in host.machine.root.rglob("*")
        if path.is_file() and not path.is_symlink() and path.name != "secret.json"
        if b"canary" in path.read_bytes() or path.name.startswith("KIS20")
    ]
    assert found == []


# A service for New York's session


def beat(host: Host) -> Any:
    [heartbeat] = host.records("data/heartbeat.json")
    return heartbeat


def has_turned(host: Host, turns: int) -> None:
    script = "import json, sys; sys.exit(json.load(open(sys.argv[1]))['turn'] < int(sys.argv[2]))"
    file = f"{host.app}/data/heartbeat.json"
    host.until("/usr/bin/python3", "-c", script, file, str(turns))


def stays_up(host: Host) -> None:
    has_turned(host, 1)
    first = beat(host)
    has_turned(host, first["turn"] + 4)
    assert beat(host)["pid"] == first["pid"] == int(host.show(BOT, "MainPID"))
    assert host.state() == "active/running"
    assert host.show(BOT, "NRestarts") == "0"


def test_it_starts_with_the_host_and_stays_up(up: Up) -> None:
    host = up("us_session")
    stays_up(host)
    calendar = host.show("trading-bot.timer", "TimersCalendar")
    assert "OnCalendar=Mon..Fri *-*-* 09:30:00 America/New_York" in calendar
    # The loader is done: it is not started again and again by what it starts.
    assert host.log("host").count("variables loaded") == 1
    nothing_failed(host)


def test_it_comes_back_after_a_reboot(up: Up) -> None:
    host = up("us_session")
    stays_up(host)
    host.run("systemctl", "stop", BOT)
    host.run("rm", f"{host.app}/data/heartbeat.json")
    host.reboot()
    stays_up(host)


def test_it_waits_for_its_keys(up: Up) -> None:
    host = up("us_session", keys=None)
    host.until("grep", "-q", "ResourceNotFound", "/var/log/trading-bot/host.log")
    assert not host.exists("data/heartbeat.json")
    host.store(KEYS)
    stays_up(host)
    assert host.show(LOADER, "Result") == "success"


def test_it_saves_its_state_when_it_is_stopped(up: Up) -> None:
    host = up("us_session")
    has_turned(host, 2)
    last = beat(host)
    host.run("systemctl", "stop", BOT)
    [state] = host.records("data/state.json")
    assert state["pid"] == last["pid"]
    assert state["turns"] >= last["turn"]
    assert host.show(BOT, "Result") == "success"


def test_a_service_that_dies_comes_back(up: Up) -> None:
    host = up("us_session")
    has_turned(host, 1)
    host.drop_in(BOT, "[Service]\nRestartSec=50ms\n")
    first = beat(host)["pid"]
    host.run("systemctl", "kill", "--signal=KILL", BOT)
    script = f"import json, sys; sys.exit(json.load(open(sys.argv[1]))['pid'] == {first})"
    host.until("/usr/bin/python3", "-c", script, f"{host.app}/data/heartbeat.json")
    assert host.show(BOT, "NRestarts") == "1"
