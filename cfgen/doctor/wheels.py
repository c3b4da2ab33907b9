"""Whether the host can install what the bot requires, asked of pip here."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from cfgen.deploy.app import Pip, ask_wheels
from cfgen.deploy.requirements import NotChecked
from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok
from cfgen.errors import ConfigError, Refused


class Wheels(msgspec.Struct, frozen=True):
    """How many packages were found for each target, or what is missing, or why nobody can say."""

    packages: dict[str, int] = msgspec.field(default_factory=dict)
    missing: str = ""
    hint: str = ""
    reason: str = ""


def read_wheels(pip: Pip, folder: Path | None, source: str) -> Wheels:
    """Ask pip for each of the host's architectures; ``source`` is git's where there is no folder.

    Takes up to a minute. Raises nothing of its own.
    """
    try:
        return Wheels(ask_wheels(pip, folder, source))
    except (Refused, ConfigError) as error:
        return Wheels(missing=str(error), hint=error.hint)
    except NotChecked as error:
        return Wheels(reason=str(error))


def judge_wheels(wheels: Wheels) -> Iterator[Finding]:
    """See :class:`Wheels`."""
    if wheels.missing:
        yield found("wheels-missing", text=wheels.missing, hint=wheels.hint)
    elif wheels.reason:
        yield found("wheels-unchecked", reason=wheels.reason)
    else:
        each = "; ".join(f"{count} for {name}" for name, count in wheels.packages.items())
        yield ok("wheels", f"packages with wheels: {each}" if each else "none is required")
