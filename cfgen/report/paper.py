"""Rendering with rich: colour and wrapping on a terminal, bare text where piped."""

import io
import textwrap
from collections.abc import Iterable

import msgspec
from rich.console import Console, RenderableType
from rich.table import Table

LEAST = 80
"""Columns that tables need."""

WIDE = 140
"""Columns from which on nothing is folded or shortened."""


class Paper(msgspec.Struct, frozen=True):
    """What is written on. ``width`` in columns; 0 leaves lines as long as they are."""

    terminal: bool = False
    color: bool = False
    width: int = 0

    def fits(self, columns: int) -> bool:
        """Whether a line of so many columns stays one line."""
        return not self.width or self.width >= columns

    def fold(self, name: str, columns: int) -> str:
        """A hyphenated name, on several lines where the paper is narrow."""
        return name if self.fits(WIDE) else "\n".join(textwrap.wrap(name, columns))

    def render(self, parts: Iterable[RenderableType]) -> str:
        """Render the parts one below the other."""
        file = io.StringIO()
        console = Console(
            file=file,
            force_terminal=self.terminal,
            no_color=not self.color,
            # Below that the terminal itself wraps, for a column would lose digits.
            width=max(self.width, LEAST) if self.width else 1000,
            highlight=False,
            emoji=False,
            markup=False,
            legacy_windows=False,
        )
        for part in parts:
            console.print(part, soft_wrap=not self.width and isinstance(part, str))
        return "\n".join(line.rstrip() for line in file.getvalue().split("\n"))

    def table(self, *headings: str, right: tuple[str, ...] = ()) -> Table:
        """A table with these columns; those named in ``right`` hold numbers.

        Only the last column may wrap, and only on a terminal; nothing is cut.
        """
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for number, heading in enumerate(headings, start=1):
            table.add_column(
                heading,
                justify="right" if heading in right else "left",
                no_wrap=number < len(headings) or not self.terminal,
                overflow="fold",
            )
        return table
