"""A bot that is at work, and writes all the while."""

from tests.boot.host import APP, Host

WRITES = """
import os, time
print("at work", flush=True)
number = 0
while True:
    number += 1
    with open("../data/position.new", "w") as file:
        file.write(f"{number}\\n" * 1000)
        file.flush()
        os.fsync(file.fileno())
    os.replace("../data/position.new", "../data/position")
    time.sleep(0.2)
"""


def at_work(host: Host) -> None:
    """Have the bot run since 09:00."""
    host.put_program(WRITES)
    host.run("install", "-d", "-o", "trading", "-g", "trading", f"{APP}/../data")
    host.jump("2026-11-25 08:59:50")
    host.until_log("^at work$")
    host.until("test", "-s", f"{APP}/../data/position")
