"""Opening-range breakout, one pass: look at the price, decide, order, exit."""

import os
import sys
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT.parent / "data" / "logs"
LOGS.mkdir(parents=True, exist_ok=True)

sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "lib"))

import argparse
import json
import logging

from broker.client import Broker

CLOCK = ROOT.parent / "data" / "clock"
"""The time to take for now, for trying the rules; without it, the system's."""


def read_yaml(path):
    """Flat keys and lists, which is all that this bot's files have."""
    values, key = {}, ""
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].rstrip()
        if text.strip().startswith("- "):
            values.setdefault(key, []).append(text.strip()[2:].strip("\"'"))
        elif ":" in text:
            key, _, value = (part.strip() for part in text.partition(":"))
            if value:
                values[key] = value.strip("\"'")
    return values


def now():
    if CLOCK.exists():
        return CLOCK.read_text(encoding="utf-8").strip()
    return datetime.now().strftime("%H:%M")


def decide(rules, at, holding):
    if not holding and rules["enter_from"] <= at <= rules["enter_until"]:
        return "buy"
    if holding and at >= rules["leave_from"]:
        return "sell"
    return "hold"


def run(mode, symbol):
    rules = read_yaml(ROOT / "config" / "strategy.yaml")
    if symbol not in read_yaml(ROOT / "config" / "symbols.yaml")["symbols"]:
        raise ValueError(f"{symbol} is not in config/symbols.yaml")
    broker = Broker(mode)
    position = ROOT.parent / "data" / f"position-{symbol}.json"
    side = decide(rules, now(), position.exists())
    logging.info("%s: price %s, %s", symbol, broker.price(symbol), side)
    if side == "hold":
        return
    number = broker.order(side, symbol, int(rules["budget"]) // broker.price(symbol))
    logging.info("ordered %s", number)
    fails = os.environ.get("FAIL_AFTER_ORDER", rules["fail_after_order"])
    if fails.lower() == "true":
        raise RuntimeError("the answer to the order was not understood")
    if side == "buy":
        position.write_text(json.dumps({"order": number}), encoding="utf-8")
    else:
        position.unlink()


def main():
    today = datetime.now().strftime("%Y%m%d")
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=[
            logging.FileHandler(LOGS / f"breakout_{today}.log", encoding="utf-8"),
            logging.StreamHandler(),
        ],
    )
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["demo", "real"], default="demo")
    parser.add_argument("--symbol", default="069500")
    arguments = parser.parse_args()
    try:
        run(arguments.mode, arguments.symbol)
    except Exception:
        logging.exception("the pass failed")
        sys.exit(1)


if __name__ == "__main__":
    main()
