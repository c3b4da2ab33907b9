"""What a linter found."""

from typing import Literal

import msgspec

Level = Literal["error", "warning", "informational"]


class Finding(msgspec.Struct, frozen=True):
    """One finding: ``path`` is its place in the template, ``line`` and ``column`` in the text."""

    rule: str
    level: Level
    message: str
    line: int
    column: int
    path: tuple[str, ...] = ()
    url: str = ""

    def located(self, file: str) -> str:
        """One line in the form that editors follow."""
        return f"{file}:{self.line}:{self.column}: {self.rule} {self.message}"
