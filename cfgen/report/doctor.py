"""What ``doctor`` found, for people and programs."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

import msgspec
from rich.console import RenderableType
from rich.text import Text

from cfgen.deploy.redact import printable
from cfgen.doctor.findings import COMMAND, GROUP_OF, Finding, Group, Level, remedies
from cfgen.report.paper import Paper
from cfgen.times import timestamp

SCHEMA_VERSION = 1

STYLES: dict[Level, str] = {
    "ok": "green",
    "warning": "yellow",
    "problem": "bold red",
    "unknown": "cyan",
}


class DoctorCheck(msgspec.Struct, frozen=True):
    """What one check says. ``code`` is the finding's (docs/doctor.md), ``null`` where all is well;
    ``commands`` are those that the remedy names, the one that puts it right first."""

    group: Group
    check: str
    level: Level
    code: str | None
    text: str
    remedy: str | None
    commands: tuple[str, ...]


class DoctorDocument(msgspec.Struct, frozen=True):
    """``doctor --json``. ``commands`` put right what was found, in their order."""

    schema_version: int
    generated_at: str
    stack: str
    region: str
    problems: int
    warnings: int
    unknown: int
    checks: tuple[DoctorCheck, ...]
    commands: tuple[str, ...]


def doctor_json(findings: Sequence[Finding], stack: str, region: str, now: datetime) -> str:
    """The document, with a final newline."""
    levels = [one.level for one in findings]
    document = DoctorDocument(
        SCHEMA_VERSION,
        timestamp(now),
        stack,
        region,
        levels.count("problem"),
        levels.count("warning"),
        levels.count("unknown"),
        tuple(
            DoctorCheck(
                GROUP_OF[one.check],
                one.check,
                one.level,
                one.code or None,
                one.text,
                COMMAND.sub(r"\1", one.remedy) or None,
                one.commands,
            )
            for one in findings
        ),
        remedies(findings),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def doctor_text(findings: Sequence[Finding], paper: Paper) -> str:
    """A line a check by group, below it what puts it right; then the commands that do."""
    parts: list[RenderableType] = []
    for group, members in groupby(findings, key=lambda one: GROUP_OF[one.check]):
        parts.append(Text(group, style="bold"))
        parts += [line for one in members for line in _lines(one)]
    commands = remedies(findings)
    if commands:
        parts += ["", Text("To put it right:", style="bold")]
        parts += [Text(f"  {printable(command)}") for command in commands]
    return paper.render(parts).rstrip("\n") + "\n"


def _lines(one: Finding) -> Iterator[Text]:
    line = Text("  ")
    line.append(f"{one.level:8}", style=STYLES[one.level])
    line.append(f" {one.check:14} {printable(one.text)}")
    yield line
    if one.level != "ok" and one.remedy:
        remedy = COMMAND.sub(r"\1", one.remedy)
        yield Text(f"{'':25} -> {printable(remedy)}")
