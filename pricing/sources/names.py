"""Instance types by name or glob."""

from collections.abc import Iterable
from fnmatch import fnmatchcase


def is_glob(pattern: str) -> bool:
    """Whether a pattern stands for several types."""
    return any(sign in pattern for sign in "*?[")


def matching(patterns: tuple[str, ...], names: Iterable[str]) -> dict[str, list[str]]:
    """The names that each pattern matches, sorted."""
    known = sorted(names)
    return {pattern: [name for name in known if fnmatchcase(name, pattern)] for pattern in patterns}
