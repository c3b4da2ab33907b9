"""One pass: read the keys, take the token, write down what was seen, by name only."""

import argparse
import hashlib
import json
import os
from datetime import datetime

import kis_auth

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", default="demo")
    mode = parser.parse_args().mode
    keys = kis_auth.read_keys()
    prefix = {"demo": "paper", "real": "my"}[mode]
    needed = [f"{prefix}_app", f"{prefix}_sec"]
    missing = [name for name in needed if not keys.get(name)]
    if missing:
        raise SystemExit(f"kis_devlp.yaml has no {', '.join(missing)}")
    token, fresh = kis_auth.token()
    os.makedirs(DATA, exist_ok=True)
    seen = {
        "at": datetime.now().isoformat(),
        "mode": mode,
        "keys": sorted(keys),
        "token": hashlib.sha256(token.encode()).hexdigest()[:12],
        "fresh": fresh,
    }
    with open(os.path.join(DATA, "runs.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps(seen) + "\n")
    print(f"{len(keys)} keys, token {'asked for' if fresh else 'used again'}")


if __name__ == "__main__":
    main()
