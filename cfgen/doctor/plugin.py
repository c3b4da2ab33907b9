"""The Session Manager plugin on this machine. Pure."""

from collections.abc import Iterator

from cfgen.bot.session import FROM_ENVIRONMENT
from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok


def judge_plugin(version: tuple[int, ...] | None) -> Iterator[Finding]:
    """``version`` is ``None`` where there is no plugin, empty where it does not tell."""
    said = ".".join(map(str, version or ()))
    if version is None:
        yield found("plugin-missing")
    elif version and version < FROM_ENVIRONMENT:
        yield found("plugin-old", version=said)
    else:
        yield ok("plugin", f"version {said}" if said else "there, of a version it does not tell")
