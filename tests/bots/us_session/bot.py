"""Stays up; writes a heartbeat at each turn, and its state when it is told to stop."""

import argparse
import json
import os
import signal
import threading
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

DATA = Path(__file__).resolve().parent / "data"
NEW_YORK = ZoneInfo("America/New_York")
OPEN, CLOSE = time(9, 30), time(16)
TURN_SECONDS = 0.5

stopped = threading.Event()


def in_session(moment):
    return moment.weekday() < 5 and OPEN <= moment.time() < CLOSE


def replace(name, content):
    new = DATA / f"{name}.new"
    new.write_text(json.dumps(content), encoding="utf-8")
    new.replace(DATA / name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", default="demo")
    mode = parser.parse_args().mode
    if not os.environ.get("KIS_PAPER_APP_KEY" if mode == "demo" else "KIS_APP_KEY"):
        raise SystemExit("no key")
    DATA.mkdir(exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    turns = 0
    while not stopped.is_set():
        turns += 1
        moment = datetime.now(NEW_YORK)
        beat = {"turn": turns, "pid": os.getpid(), "new_york": moment.isoformat()}
        replace("heartbeat.json", beat | {"in_session": in_session(moment)})
        stopped.wait(TURN_SECONDS)
    replace("state.json", {"turns": turns, "pid": os.getpid()})
    print(f"stopped after {turns} turns")


if __name__ == "__main__":
    main()
