"""Keys and token, in the home folder."""

import os
from datetime import datetime

FOLDER = os.path.join(os.path.expanduser("~"), "KIS", "config")
KEYS = os.path.join(FOLDER, "kis_devlp.yaml")


def read_keys():
    """Flat keys with their values."""
    keys = {}
    with open(KEYS, encoding="utf-8") as file:
        for line in file:
            name, colon, value = line.partition(":")
            if colon and not name.lstrip().startswith("#"):
                keys[name.strip().strip("\"'")] = value.strip().strip("\"'")
    return keys


def token():
    """The day's token, and whether it is new: one that is there is used again."""
    path = os.path.join(FOLDER, "KIS" + datetime.now().strftime("%Y%m%d"))
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            return file.read().strip(), False
    fresh = f"token-{os.getpid()}-{datetime.now():%H%M%S%f}"
    with open(path, "w+", encoding="utf-8") as file:
        file.write(fresh)
    return fresh, True
