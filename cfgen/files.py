"""Reading and writing files so that nothing is lost or half-written."""

import contextlib
import os
from pathlib import Path

from cfgen.errors import ConfigError


def read_text(path: Path) -> str:
    """Read UTF-8 text. Raises :class:`ConfigError` with what the system said."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def write_atomically(path: Path, text: str) -> None:
    """Replace ``path`` by a new file with ``text``, whole or not at all.

    A symbolic link stays a link, and a file that exists keeps its mode. What is no regular file
    (``/dev/stdout``, a pipe) is written to directly. Raises :class:`ConfigError`.
    """
    import tempfile

    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        target = path.resolve()
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(_mode(target))
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except (OSError, RuntimeError) as error:
        # Before Python 3.13, resolve() calls a loop of links a RuntimeError.
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"{path}: cannot be written: {reason}", "choose a folder that you may write to"
        ) from error


def _mode(target: Path) -> int:
    if target.exists():
        return target.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
