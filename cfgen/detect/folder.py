"""Reading a bot's folder: names and contents of what git knows or ignores there."""

import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

MOST_FILES = 10_000
MOST_BYTES = 1_000_000
MOST_IN_ALL = 40_000_000

Git = Callable[[Sequence[str]], bytes]
"""Runs git with these arguments and gives its standard output, empty where it failed."""

READ = (".py", ".yaml", ".yml", ".json", ".toml", ".txt", ".in", ".python-version")
"""Endings of the files whose content is read."""

PASSED_OVER = {"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"}


class Folder(msgspec.Struct, frozen=True):
    """A folder's files; paths are relative to it, with slashes.

    ``tracked`` is ``None`` where git does not know the folder. ``ignored`` has the folders (with a
    slash behind) and files that git ignores. ``remote`` is a public address or empty.
    """

    names: tuple[str, ...]
    contents: dict[str, bytes]
    tracked: frozenset[str] | None = None
    ignored: tuple[str, ...] = ()
    remote: str = ""
    commit: str = ""
    cut_short: bool = False


def git_in(folder: Path) -> Git:
    """Git as it is installed, in this folder; it asks nothing and changes nothing."""

    def run(arguments: Sequence[str]) -> bytes:
        line = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
        environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
        try:
            done = subprocess.run(  # noqa: S603 - the arguments are ours
                line, capture_output=True, check=True, timeout=30, env=environment
            )
        except (OSError, subprocess.SubprocessError):
            return b""
        return done.stdout

    return run


def read_folder(folder: Path, git: Git) -> Folder:
    """Read a folder; what cannot be read, links and what is too large are passed over."""
    tracked = frozenset(_listed(git(("ls-files", "-z", "--cached"))))
    others = ("ls-files", "-z", "--others", "--exclude-standard")
    # Of a folder that git does not know, both lists are empty.
    known = sorted({*tracked, *_listed(git(others))}) or list(_walk(folder, ""))
    ignored = tuple(_listed(git((*others, "--ignored", "--directory")))) if tracked else ()
    libraries = [
        name
        for entry in ignored
        if entry.endswith("/") and not _passed_over(folder, entry)
        for name in _walk(folder, entry)
        if name.endswith(".py")
    ]
    names = list(dict.fromkeys([*known, *libraries, *(n for n in ignored if n.endswith(".py"))]))
    contents, whole = _contents(folder, names[:MOST_FILES])
    return Folder(
        tuple(known[:MOST_FILES]),
        contents,
        tracked or None,
        ignored,
        public_address(git(("remote", "get-url", "origin")).decode(errors="replace").strip()),
        git(("rev-parse", "HEAD")).decode(errors="replace").strip(),
        len(names) > MOST_FILES or not whole,
    )


def public_address(remote: str) -> str:
    """The https address of a git remote, without user and password; empty where it has none."""
    found = re.fullmatch(r"(?:ssh://)?[\w.-]+@([A-Za-z0-9.-]+)[:/](?!/)(.+)", remote) or (
        re.fullmatch(r"https?://(?:[^/@]*@)?([A-Za-z0-9.-]+)/(.+)", remote)
    )
    if not found:
        return ""
    host, path = found.groups()
    return f"https://{host}/{path.removesuffix('/').removesuffix('.git')}.git"


def _listed(output: bytes) -> list[str]:
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def _walk(folder: Path, under: str) -> Iterator[str]:
    """Files below a folder, without links, hidden folders and virtual environments."""
    found = 0
    for place, folders, files in os.walk(folder / under):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not _passed_over(Path(place), name)
        )
        for name in sorted(files):
            yield Path(place, name).relative_to(folder).as_posix()
            found += 1
            if found > MOST_FILES:
                return


def _passed_over(place: Path, name: str) -> bool:
    base = Path(name).name
    return base in PASSED_OVER or base.startswith(".") or (place / name / "pyvenv.cfg").exists()


def _contents(folder: Path, names: list[str]) -> tuple[dict[str, bytes], bool]:
    """Contents of the files that are worth reading, and whether that was all of them."""
    contents: dict[str, bytes] = {}
    size = 0
    for name in names:
        if not name.endswith(READ) or size > MOST_IN_ALL:
            continue
        try:
            status = (folder / name).lstat()
            # No link, and no pipe, which would hang.
            if stat.S_ISREG(status.st_mode) and status.st_size <= MOST_BYTES:
                contents[name] = (folder / name).read_bytes()
                size += len(contents[name])
        except OSError:
            continue
    return contents, size <= MOST_IN_ALL
