"""Types that several threads decode at once, each in a new interpreter."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from tests.fake_aws import hardware, instance, savings_rate, spot_row, world

NOW = datetime(2026, 11, 23, tzinfo=UTC).isoformat()
EXAMPLES = {
    "price_list.Product": instance("t4g.micro", "ap-northeast-2", "0.01"),
    "savings_plans._Rate": savings_rate(
        "t3.micro", "us-east-1", "0.01", "Compute", 1, "No Upfront"
    ),
    "spot._Change": spot_row("t4g.micro", "apne2-az1", "0.004", NOW),
    "instance_types._Offering": {"InstanceType": "t4g.micro", "Location": "apne2-az1"},
    "instance_types.InstanceTypeInfo": hardware("t4g.micro", "arm64", 2, 1024),
    "instance_types._Region": {"RegionName": "us-east-1"},
    "spot_advisor._File": world().advisor,
}

PROGRAM = """
import sys, threading
import msgspec
from pricing.sources.{module} import {name}

# Threads change places as often as they can.
sys.setswitchinterval(1e-6)
text = sys.stdin.read()
together = threading.Barrier(16)

def use():
    together.wait()
    msgspec.json.decode(text, type={name})

threads = [threading.Thread(target=use) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_type_may_be_used_first_by_many_threads_at_once(kind: str) -> None:
    """msgspec crashes the interpreter where it has not learnt the type before."""
    module, _, name = kind.partition(".")
    program = PROGRAM.format(module=module, name=name)
    for _ in range(3):
        result = subprocess.run(
            [sys.executable, "-c", program],
            input=json.dumps(EXAMPLES[kind]),
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
