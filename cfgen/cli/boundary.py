"""The one place where errors become a message and an exit code."""

import contextlib
import os
import signal
import sys
from typing import NoReturn

import click

from cfgen.errors import CfgenError
from pricing.errors import PricingError, SnapshotError, SourceError

INTERRUPTED = 130
USAGE = 2


def run(command: click.Command) -> NoReturn:
    """Run the command line and exit: 0, or the code of what went wrong."""
    # What ends a job or a terminal is an interrupt: what was begun is taken back or told.
    for ending in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        # A program that was told to ignore Ctrl-C, as by nohup, goes on ignoring it.
        if ending is not signal.SIGINT or signal.getsignal(ending) is signal.default_int_handler:
            signal.signal(ending, _interrupt)
    try:
        code = command.main(prog_name="cfgen", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        code = INTERRUPTED
    except click.ClickException as error:
        with contextlib.suppress(OSError, ValueError):
            error.show()
        code = error.exit_code
    except CfgenError as error:
        code = _report(error, error.exit_code, error.hint)
    except PricingError as error:
        theirs = isinstance(error, SnapshotError | SourceError)
        code = _report(error, 1 if theirs else USAGE, error.hint)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        code = _report(
            CfgenError(f"internal error: {what}"), 1, "run it again with --debug and report it"
        )
    # Standard output may be closed by now; the interpreter's last flush must not say so again.
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code if isinstance(code, int) else 0)


_interrupts: list[int] = []


def _interrupt(number: int, frame: object) -> NoReturn:
    del frame
    _interrupts.append(number)
    raise KeyboardInterrupt


def was_interrupted() -> bool:
    """Whether an interrupt came.

    One that comes while ``input()`` flushes standard error is swallowed by the interpreter, which
    clears whatever that raises (CPython, ``builtin_input_impl``).
    """
    return bool(_interrupts)


def by_person() -> bool:
    """Whether the last interrupt was a Ctrl-C, and not the end of a job or of a terminal."""
    return bool(_interrupts) and _interrupts[-1] == signal.SIGINT


def forget_interrupts() -> None:
    """Begin anew: what came so far was answered."""
    _interrupts.clear()


def _report(error: Exception, code: int, hint: str) -> int:
    if "--debug" in sys.argv or os.environ.get("CFGEN_DEBUG", "0").lower() not in (
        "",
        "0",
        "false",
    ):
        import traceback

        traceback.print_exc()
    _say(f"error: {_plain(str(error))}")
    if hint:
        _say(f"  next: {_plain(hint)}")
    return code


def _plain(text: str) -> str:
    """What AWS says may hold what steers a terminal."""
    return "".join(one if one.isprintable() or one == "\n" else "?" for one in text)


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        click.echo(f"cfgen: {text}" if not text.startswith(" ") else text, err=True)
