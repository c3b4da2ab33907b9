"""How long commands take, beside a bare interpreter and the cfn-lint command, in one run.

Each command runs several times in turn with the others, and its fastest run counts: the rest is
what else the machine was doing. Prints a table with the budget of each; fails on none.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 10
BIN = Path(sys.executable).parent
CFGEN = str(BIN / "cfgen")
BARE, BUILD, LINT = "bare interpreter", "cfgen build", "cfn-lint, same file"


def commands(template: Path) -> dict[str, list[str]]:
    """Name -> command line."""
    return {
        BARE: [sys.executable, "-c", "pass"],
        "cfgen --help": [CFGEN, "--help"],
        "cfgen recommend": [CFGEN, "recommend", "--prices", "offline"],
        "cfgen build --no-lint": [CFGEN, "build", "--no-lint", "--prices", "offline"],
        BUILD: [CFGEN, "build", "--prices", "offline"],
        LINT: [str(BIN / "cfn-lint"), str(template)],
    }


BUDGETS = {"cfgen --help": 0.1, "cfgen recommend": 0.2, "cfgen build --no-lint": 0.3}
"""Seconds, where a bare interpreter takes BARE_SECONDS."""
BARE_SECONDS = 0.012
LINT_RATIO = 1.15


def fastest(lines: dict[str, list[str]], folder: Path) -> dict[str, float]:
    """Seconds of each command's fastest run."""
    seconds = dict.fromkeys(lines, float("inf"))
    for _ in range(ROUNDS):
        for name, line in lines.items():
            start = time.perf_counter()
            subprocess.run(line, cwd=folder, capture_output=True, check=True)
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    return seconds


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = folder / "template.yaml"
        subprocess.run(
            [CFGEN, "build", "-o", template], cwd=folder, capture_output=True, check=True
        )
        seconds = fastest(commands(template), folder)
    bare = seconds[BARE]
    print(f"{'command':<24}{'seconds':>9}{'x bare':>9}  budget")
    for name, taken in seconds.items():
        budget = ""
        if name in BUDGETS:
            budget = f"{BUDGETS[name] / BARE_SECONDS:.1f} x bare"
        if name == BUILD:
            budget = f"{LINT_RATIO} x cfn-lint; is {taken / seconds[LINT]:.2f}"
        print(f"{name:<24}{taken:>9.3f}{taken / bare:>9.1f}  {budget}")


if __name__ == "__main__":
    main()
