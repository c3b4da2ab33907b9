"""Instance types by name or glob, and lists cut into calls."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase


def is_glob(pattern: str) -> bool:
    """Whether a pattern stands for several types."""
    return any(sign in pattern for sign in "*?[")


def matching(patterns: Iterable[str], names: Iterable[str]) -> dict[str, list[str]]:
    """The names that each pattern matches, sorted."""
    known = sorted(names)
    return {pattern: [name for name in known if fnmatchcase(name, pattern)] for pattern in patterns}


def chunks(values: Sequence[str], most: int, longest: int = 0) -> Iterator[tuple[str, ...]]:
    """Cut into pieces of at most ``most`` values, and ``longest`` characters joined by commas."""
    piece: list[str] = []
    for value in values:
        too_long = longest and len(",".join((*piece, value))) > longest
        if piece and (len(piece) >= most or too_long):
            yield tuple(piece)
            piece = []
        piece.append(value)
    if piece:
        yield tuple(piece)
