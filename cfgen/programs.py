"""Running other programs: git and pip."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

MISSING, TOO_LONG = 127, 124
"""Codes of a program that is not there and of one that took too long, as the shell and timeout(1)
give them."""


class Ran(msgspec.Struct, frozen=True):
    """How a program ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def last_words(self) -> str:
        """The last line of what it complained of, which names the reason."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        return lines[-1] if lines else f"it ended with {self.code}"


Run = Callable[[Sequence[str], Path | None, float, Mapping[str, str]], Ran]
"""Runs a program in a folder, for so many seconds at the most, with further variables."""


def run(
    arguments: Sequence[str], folder: Path | None, seconds: float, variables: Mapping[str, str]
) -> Ran:
    """Run a program that asks nothing. See :data:`Run`."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the programs are named in our own code
            arguments,
            cwd=folder,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        return Ran(MISSING, "", f"{arguments[0]} is not installed")
    except subprocess.TimeoutExpired:
        return Ran(TOO_LONG, "", f"no answer within {seconds:.0f} s")
    return Ran(done.returncode, done.stdout, done.stderr)
