"""What a first boot with the usual libraries costs in CPU seconds, and a new host's credits."""

import subprocess
import sys

from tests.boot.conftest import Lab, Saw
from tests.boot.image import usual_wheels
from tests.boot.stack import SOURCE

SHAPE = "on-demand-always"
LOOP = "sum(i * i % 7 for i in range(1_000_000))"
EARNED = 12 * 60 / 3600
"""vCPU seconds a second that a t4g.micro may use for ever: 12 credits an hour, of a vCPU minute."""

TIMEOUT = 30 * 60
"""Seconds until CloudFormation gives up on the host's signal."""


def times_slower(lab: Lab) -> float:
    """How many of this machine's CPU seconds one of the emulated machine's work takes."""
    run = [sys.executable, "-c", f"import time; {LOOP}; print(time.process_time())"]
    own = float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    began = lab.machine.cpu_seconds()
    lab.machine.run("python3", "-c", LOOP)
    return (lab.machine.cpu_seconds() - began) / own


def test_the_bootstrap_fits_into_what_a_new_host_earns(lab: Lab, saw: Saw) -> None:
    requirements = "".join(f"{name}\n" for name in usual_wheels(lab.cloud.wheels))
    lab.git.publish("usual", {"requirements.txt": requirements})
    host = lab.fresh({}, source=f"{SOURCE}@usual")
    began = lab.machine.cpu_seconds()
    host.begin()
    assert host.signal(1800) == "SUCCESS", host.said()
    used = (lab.machine.cpu_seconds() - began) / times_slower(lab)
    crawling = used / EARNED
    assert crawling < TIMEOUT
    saw(
        "CPU seconds of a first boot with pandas, langgraph, flask ...",
        SHAPE,
        f"{used:.0f} s of a core like this machine's; without any credits {crawling / 60:.0f} min",
    )
