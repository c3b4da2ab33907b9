"""Where text leaves the program: results on standard output, talk on standard error."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from cfgen.cli.boundary import was_interrupted
from cfgen.cli.options import settings
from cfgen.errors import CfgenError, ConfigError
from cfgen.files import read_text

if TYPE_CHECKING:
    from datetime import datetime

    from cfgen.config.schema import Config
    from cfgen.report.paper import Paper
    from pricing.market import Notice


class OutputClosed(CfgenError):
    """A result could not be delivered."""


def emit(text: str) -> None:
    """Write a result, whole. Raises :class:`OutputClosed` where it cannot be delivered."""
    if sys.stdout is None:
        raise OutputClosed("standard output is closed: the result was not written")
    try:
        # Bytes, so that a result is the same whatever the locale's encoding.
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        raise OutputClosed("standard output was closed before the result was written") from error
    except OSError as error:
        raise OutputClosed(f"standard output cannot be written: {error.strerror}") from error


def read_input(argument: str) -> tuple[str, str]:
    """The name and text of what an argument names: a file, or standard input for ``-``."""
    if argument != "-":
        return argument, read_text(Path(argument))
    name = "<stdin>"
    if sys.stdin is None:
        raise ConfigError("standard input is closed")
    try:
        return name, sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: not UTF-8 text (byte {error.start})") from error


def someone_to_ask() -> bool:
    """Whether a question could be answered."""
    return sys.stdin is not None and sys.stdin.isatty()


def answered(answer: object) -> object:
    """An answer, unless a Ctrl-C came that was swallowed: raises ``KeyboardInterrupt`` then."""
    if was_interrupted():
        raise KeyboardInterrupt
    return answer


def talk(text: str) -> None:
    """Say something that is not the result."""
    # Whoever closed standard error does not want to know, and a deploy must not end for it.
    with contextlib.suppress(OSError, ValueError):
        click.echo(text, err=True)


def warn(notices: "tuple[Notice, ...]") -> None:
    """Say what had to be replaced or could not be read."""
    for notice in notices:
        talk(f"warning: {notice.message}")


def advise(config: "Config") -> None:
    """Say what of the configuration may not be what was meant."""
    from cfgen.config.warnings import warnings

    for text in warnings(config):
        talk(f"warning: {text}")


def paper(stream: TextIO | None = None) -> "Paper":
    """What a stream (standard output, if none is given) is: a terminal with a width, or a pipe."""
    import os
    import shutil

    from cfgen.report.paper import Paper

    stream = stream or sys.stdout
    terminal = stream is not None and stream.isatty()
    color = terminal and not settings().no_color and not os.environ.get("NO_COLOR")
    width = shutil.get_terminal_size().columns if terminal else 0
    return Paper(terminal, color, width)


def now() -> "datetime":
    """The clock, in UTC."""
    from datetime import UTC, datetime

    return datetime.now(UTC)
