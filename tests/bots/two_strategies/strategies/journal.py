"""When which strategy was at work, in a file that both write to."""

import argparse
import os
import time
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "data" / "runs.txt"


def write(what, name):
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("a", encoding="utf-8") as file:
        file.write(f"{time.time():.3f} {name} {os.getpid()} {what}\n")


def work(name):
    """Be at work for as long as ``--seconds`` or WORK_SECONDS says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", default="demo")
    parser.add_argument("--seconds", type=float, default=os.environ.get("WORK_SECONDS", "1"))
    seconds = parser.parse_args().seconds
    write("start", name)
    time.sleep(seconds)
    write("end", name)
