"""How deep live prices are read: ``recommend`` against a fake AWS, at once and at 100 ms a call.

What the delay adds to a run, divided by the delay, is the number of round trips in a row.
"""

import os
import subprocess
import sys
import tempfile
import time

from tests.fake_aws import FakeAws, world

DELAY = 0.1
ROUNDS = 5
BUDGET = 4
CASES = {
    "three types in Seoul": (),
    "every type, by a glob": ("--type", "*"),
    "every region": ("--region", "all"),
}


def fastest(aws: FakeAws, arguments: tuple[str, ...], delay: float) -> float:
    """Seconds of the fastest run."""
    aws.latency = delay
    seconds = []
    line = [sys.executable, "-m", "cfgen", "recommend", "--prices", "live", "--no-cache"]
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as home:
            environment = os.environ | aws.environment | {"HOME": home}
            aws.seen.clear()
            start = time.perf_counter()
            subprocess.run([*line, *arguments], env=environment, capture_output=True, check=True)
            seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    """Measure and print."""
    print(f"{'live recommend':<24}{'calls':>6}{'at once':>9}{'100 ms':>8}{'deep':>6}  budget")
    with FakeAws(world()) as aws:
        for name, arguments in CASES.items():
            at_once, delayed = (fastest(aws, arguments, delay) for delay in (0.0, DELAY))
            deep = (delayed - at_once) / DELAY
            calls = len(aws.seen)
            print(f"{name:<24}{calls:>6}{at_once:>9.2f}{delayed:>8.2f}{deep:>6.1f}  {BUDGET}")


if __name__ == "__main__":
    main()
