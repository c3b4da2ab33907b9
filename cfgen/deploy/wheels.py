"""What pip would install on a host, asked before anything is changed.

The host installs wheels only: building from source takes more memory than it has, and runs foreign
code. So a package without a wheel for its architecture ends in a bootstrap that fails.
"""

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cfgen.aws import redact
from cfgen.deploy.requirements import (
    NotChecked,
    Package,
    Target,
    Wanted,
    needed,
    read_report,
)
from cfgen.errors import Refused
from cfgen.programs import MISSING, TOO_LONG, Ran, Run

SECONDS = 300
"""How long pip may take: a large list needs a minute."""

ROUNDS = 5
"""How often pip is asked anew with what the host needs and this machine does not."""

PATIENCE = {"PIP_RETRIES": "1", "PIP_DEFAULT_TIMEOUT": "8", "PIP_NO_INPUT": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "LC_ALL": "C"}  # fmt: skip
"""Without a network it shall be said soon."""

UNREACHABLE = re.compile(r"Could not fetch URL (\S+): (?!404 )")
"""pip's log names these; on the screen an index that is away looks like a package without wheels
(``LinkCollector`` in pip's sources)."""

ABSENT = re.compile(r"No matching distribution found for (.+)")
CONFLICT = re.compile(r"Cannot install .*conflicting dependencies.*|ResolutionImpossible.*")


def resolve(wanted: Wanted, target: Target, run: Run) -> tuple[Package, ...]:
    """The packages that the host would install, by name.

    Raises :class:`NotChecked` where nobody can say, and :class:`Refused` where the host could not
    install them.
    """
    with tempfile.TemporaryDirectory(prefix="cfgen-") as place:
        folder = Path(place)
        for name, text in wanted.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        also: tuple[str, ...] = ()
        for _ in range(ROUNDS):
            packages = _ask(folder, next(iter(wanted.files)), also, target, run)
            packages, lacking = needed(packages, wanted, target)
            if not lacking:
                return packages
            also += lacking
    raise NotChecked("pip's answers do not settle for another machine than this one")


def _ask(
    folder: Path, name: str, also: Sequence[str], target: Target, run: Run
) -> tuple[Package, ...]:
    log, report = folder / "pip.log", folder / "report.json"
    log.unlink(missing_ok=True)
    arguments = [
        sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed",
        "--only-binary", ":all:", "--target", "target", "--report", report.name, "--log", log.name,
        "--implementation", "cp", "--abi", f"cp{target.python.replace('.', '')}",
        "--python-version", target.python,
        *(word for one in target.platforms for word in ("--platform", one)),
        "-r", name, *also,
    ]  # fmt: skip
    done = run(arguments, folder, SECONDS, PATIENCE)
    if done.code:
        said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        _explain(done, said, name, target)
    try:
        return read_report(report.read_bytes())
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise NotChecked(f"pip's report cannot be read: {type(error).__name__}") from error


def _explain(done: Ran, log: str, name: str, target: Target) -> None:
    """Raise what a failure of pip's means."""
    if done.code in (MISSING, TOO_LONG):
        raise NotChecked(f"pip: {done.last_words}")
    if "No module named pip" in done.err:
        raise NotChecked("the Python that runs cfgen has no pip: python3 -m ensurepip installs it")
    if "no such option" in done.err:
        raise NotChecked("pip is older than 22.2, and gives no report")
    if away := UNREACHABLE.search(log):
        raise NotChecked(f"the package index is out of reach: {redact(away[1])}")
    if match := ABSENT.search(done.err):
        raise Refused(
            f"bot.requirements: {name}: there is no wheel of {redact(match[1])} for {target}, and "
            "the host builds nothing from source",
            "require another version or package, or another of workload.architectures or "
            "bot.python; where the host's index is another than yours, --no-wheel-check goes on",
        )
    if match := CONFLICT.search(done.err):
        raise Refused(
            f"bot.requirements: {name}: no versions with wheels for {target} fit together: "
            f"{redact(match[0])}",
            f"python3 -m pip install --dry-run -r {name} shows which; --no-wheel-check goes on",
        )
    raise NotChecked(f"pip: {redact(done.last_words)}")
