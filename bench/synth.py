"""``cfgen build``, lint included, beside ``cdk synth`` of an equivalent CDK app (``bench/cdk``).

Both run in turn, and the fastest run of each counts. Needs npm; ``make bench`` installs the CDK
under ``.venv/cdk`` first, and leaves this out where there is no npm.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3
ROOT = Path(__file__).parent.parent
CDK = ROOT / ".venv" / "cdk"
BUDGET = "1/8"


def seconds(line: list[str], folder: Path) -> float:
    """How long a command takes once."""
    environment = {**os.environ, "CDK_DISABLE_VERSION_CHECK": "1", "CI": "true"}
    start = time.perf_counter()
    subprocess.run(line, cwd=folder, env=environment, capture_output=True, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    build = [str(Path(sys.executable).parent / "cfgen"), "build", "--prices", "offline"]
    python = CDK / "bin" / "python"
    app = f"{python} {ROOT / 'bench' / 'cdk' / 'app.py'}"
    synth = [str(CDK / "node_modules" / ".bin" / "cdk"), "synth", "--quiet", "--app", app]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        taken = [(seconds(build, folder), seconds(synth, folder)) for _ in range(ROUNDS)]
    ours, theirs = (min(column) for column in zip(*taken, strict=True))
    print(f"cfgen build {ours:.2f} s, cdk synth {theirs:.2f} s: 1/{theirs / ours:.1f}")
    print(f"budget {BUDGET}")


if __name__ == "__main__":
    main()
