"""What lies in an app's folder: by git where the folder is in a repository, else by .gitignore.

Nothing is read of the files but their size and kind. Where git refuses, it is said: nothing here
falls back to "everything".
"""

import fnmatch
import os
import stat
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from pathspec import GitIgnoreSpec

from cfgen.errors import Refused
from cfgen.key_patterns import is_key_file

CACHES = frozenset({
    ".git", ".hg", ".svn", ".venv", "venv", "__pycache__", "node_modules", ".tox", ".nox", ".eggs",
    ".mypy_cache", ".pytest_cache", ".ruff_cache", ".cache", ".idea", ".vscode", ".DS_Store",
    ".ipynb_checkpoints", ".hypothesis", "htmlcov", ".coverage", "Thumbs.db",
})  # fmt: skip
"""Names that are never packed, whoever put them under git."""

CACHE = "caches and virtual environments"
KEYS = "files of keys"
SPECIAL = "neither file nor link"

LIMIT = 200_000_000
"""Bytes of all files together: an app of this kind has a few thousandths of that."""

LOCAL = frozenset({
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
})  # fmt: skip
"""What a hook of git finds set, and what would lead to another repository."""


class File(msgspec.Struct, frozen=True):
    """A file or a link. ``target`` is where a link leads. ``executable`` is what git keeps of it.

    ``group`` is the folder (or the file) that git ignores or does not track as a whole. ``inode``
    tells two files of one name in two cases from one file on a file system that knows no cases.
    """

    name: str
    size: int
    executable: bool | None = None
    target: str = ""
    group: str = ""
    inode: int = 0


class Worktree(msgspec.Struct, frozen=True):
    """A folder. ``absent`` are tracked files that are not there, each with the reason.

    ``tracked`` are, where there is no repository, the files that no ``.gitignore`` names.
    ``changed`` counts what differs from the last commit, ``None`` where there is no commit.
    """

    tracked: tuple[File, ...]
    ignored: tuple[File, ...] = ()
    untracked: tuple[File, ...] = ()
    absent: Mapping[str, str] = {}
    left_out: Mapping[str, int] = {}
    repository: bool = True
    changed: int | None = 0


def read_worktree(folder: Path, program: str = "git") -> Worktree:
    """Read a folder; ``program`` is git. Raises :class:`Refused` where git cannot tell."""
    top = folder.resolve()
    if not any((place / ".git").exists() for place in (top, *top.parents)):
        return _plain(folder)
    return _repository(folder, program)


def _git(program: str, folder: Path, *arguments: str) -> bytes:
    environment = {name: value for name, value in os.environ.items() if name not in LOCAL}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    # Where every file is 777, no file was changed for it.
    command = [program, "-C", str(folder), "-c", "core.fileMode=false", *arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, check=False)  # noqa: S603 - the folder is the user's own
    except OSError as error:
        raise Refused(
            f"bot.source: {folder} is a git repository, and git cannot be run: {error.strerror}",
            "install git: it tells what belongs to the bot and what does not",
        ) from error
    if done.returncode:
        raise _refusal(folder, done.stderr.decode(errors="replace").strip())
    return done.stdout


def _refusal(folder: Path, said: str) -> Refused:
    if "dubious ownership" in said:
        return Refused(
            f"bot.source: git does not read {folder}, because the folder belongs to another user",
            "run cfgen as its owner, or trust it: git config --global --add safe.directory "
            f"{folder.resolve()}",
        )
    first = next((line for line in said.splitlines() if line.strip()), "git gave no reason")
    return Refused(
        f"bot.source: git cannot read {folder}: {first}",
        f"find out with: git -C {folder} status",
    )


def _repository(folder: Path, program: str) -> Worktree:
    tracked: list[File] = []
    absent: dict[str, str] = {}
    counts: Counter[str] = Counter()
    unmerged: set[str] = set()
    real: dict[Path, bool] = {}
    caches: dict[Path, bool] = {}
    inner: list[tuple[str, Worktree]] = []
    for row in filter(None, _git(program, folder, "ls-files", "-t", "-s", "-z").split(b"\0")):
        fields, _, raw = row.partition(b"\t")
        tag, mode, _, stage = fields.decode().split()
        name = os.fsdecode(raw)
        if stage != "0":
            unmerged.add(name)
        elif _is_in_cache(folder, folder / name, caches):
            counts[CACHE] += 1
        elif mode == "160000":
            if (folder / name / ".git").exists():
                inner.append((f"{name}/", _repository(folder / name, program)))
            else:
                absent[f"{name}/"] = "is a submodule that was not fetched"
        elif isinstance(file := _tracked(folder, name, mode, tag, real), File):
            tracked.append(file)
        else:
            absent[name] = file
    if unmerged:
        raise Refused(
            f"bot.source: {folder} has files that are not merged: {_some(unmerged)}",
            "end the merge first: git status shows it",
        )
    ignored = list(_others(program, folder, ("-i",), counts))
    names = {file.name for file in ignored}
    # A new folder is named as a whole, with what is ignored in it.
    untracked = [one for one in _others(program, folder, (), counts) if one.name not in names]
    # To compare a huge file git reads it whole, and it is refused anyhow.
    small = sum(file.size for file in tracked) <= LIMIT
    changed = _changed(program, folder) if small else None
    for prefix, one in inner:
        tracked += _below(prefix, one.tracked)
        ignored += _below(prefix, one.ignored)
        untracked += _below(prefix, one.untracked)
        absent |= {prefix + name: why for name, why in one.absent.items()}
        counts.update(one.left_out)
        changed = None if changed is None else changed + (one.changed or 0)
    return Worktree(tuple(tracked), tuple(ignored), tuple(untracked), absent, counts, True, changed)


def _others(
    program: str, folder: Path, which: tuple[str, ...], counts: Counter[str]
) -> Iterator[File]:
    """What git does not track: what it ignores (``-i``), or the rest."""
    listed = _git(program, folder, "ls-files", "-o", *which, "--exclude-standard", "--directory",
                  "-z")  # fmt: skip
    for raw in filter(None, listed.split(b"\0")):
        yield from _walk(folder, os.fsdecode(raw), counts)


def _below(prefix: str, files: tuple[File, ...]) -> Iterator[File]:
    for file in files:
        group = prefix + file.group if file.group else ""
        yield msgspec.structs.replace(file, name=prefix + file.name, group=group)


def _changed(program: str, folder: Path) -> int | None:
    try:
        _git(program, folder, "rev-parse", "--quiet", "--verify", "HEAD")
    except Refused:
        return None
    return _git(program, folder, "diff", "--name-only", "-z", "HEAD", "--", ".").count(b"\0")


def _tracked(folder: Path, name: str, mode: str, tag: str, real: dict[Path, bool]) -> File | str:
    """A file that git tracks, or why it is not there."""
    path = folder / name
    try:
        # What stands behind a link in place of its folder is not what git tracks.
        if not _is_real(folder, path.parent, real):
            return "was deleted"
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return "is not checked out (git sparse-checkout)" if tag == "S" else "was deleted"
    if stat.S_ISDIR(found.st_mode):
        return "was deleted"
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        raise Refused(
            f"bot.source: {path} is a pipe, a socket or a device",
            "put back the file that git tracks there",
        )
    target = os.fspath(path.readlink()) if stat.S_ISLNK(found.st_mode) else ""
    if mode == "120000" and not target and found.st_size < 4096:
        # A file system without links: the file holds the target (core.symlinks).
        target = path.read_text(encoding="utf-8", errors="surrogateescape").strip()
    return File(name, 0 if target else found.st_size, mode == "100755", target, "", found.st_ino)


def _is_real(folder: Path, parent: Path, known: dict[Path, bool]) -> bool:
    if parent == folder:
        return True
    if parent not in known:
        known[parent] = _is_real(folder, parent.parent, known) and not parent.is_symlink()
    return known[parent]


def _walk(folder: Path, group: str, counts: Counter[str]) -> Iterator[File]:
    """Files of what git names as a whole; caches and files of keys are counted only."""
    top = group.rstrip("/")
    if _is_in_cache(folder, folder / top, {}):
        counts[CACHE] += 1
    elif not group.endswith("/"):
        yield from _other(folder, top, group, counts)
    else:
        for place, folders, files in os.walk(folder / top):
            inside = Path(place).relative_to(folder).as_posix()
            yield from _level(folder, inside, folders, files, group, counts)


def _level(
    folder: Path,
    inside: str,
    folders: list[str],
    files: list[str],
    group: str,
    counts: Counter[str],
) -> Iterator[File]:
    """One level of a walk; takes what is not gone into out of ``folders``."""
    prefix = "" if inside == "." else f"{inside}/"
    for name in sorted(folders):
        path = folder / inside / name
        if _is_cache(path) or path.is_symlink():
            folders.remove(name)
            counts[CACHE] += _is_cache(path)
            if path.is_symlink():
                yield from _other(folder, prefix + name, group, counts)
    for name in sorted(files):
        yield from _other(folder, prefix + name, group, counts)


def _is_in_cache(folder: Path, path: Path, known: dict[Path, bool]) -> bool:
    if path == folder:
        return False
    if path not in known:
        known[path] = _is_cache(path) or _is_in_cache(folder, path.parent, known)
    return known[path]


def _is_cache(path: Path) -> bool:
    return (
        path.name in CACHES
        or path.name.endswith((".egg-info", ".pyc", ".pyo"))
        or (path / "pyvenv.cfg").is_file()
    )


def _other(folder: Path, name: str, group: str, counts: Counter[str]) -> Iterator[File]:
    path = folder / name
    found = path.lstat()
    if _is_cache(path):
        counts[CACHE] += 1
    elif is_key_file(name):
        counts[KEYS] += 1
    elif stat.S_ISLNK(found.st_mode):
        yield File(name, 0, None, os.fspath(path.readlink()), group)
    elif stat.S_ISREG(found.st_mode):
        yield File(name, found.st_size, None, "", group)
    else:
        counts[SPECIAL] += 1


def _plain(folder: Path) -> Worktree:
    """A folder in no repository: what no ``.gitignore`` in it names."""
    kept: list[File] = []
    ignored: list[File] = []
    counts: Counter[str] = Counter()
    rules: list[Rule] = []
    for place, folders, files in os.walk(folder):
        inside = Path(place).relative_to(folder).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        if ".gitignore" in files:
            text = Path(place, ".gitignore").read_text(encoding="utf-8", errors="replace")
            rules += (
                Rule(prefix, one, GitIgnoreSpec.from_lines([one])) for one in text.splitlines()
            )
        for name in [one for one in folders if _is_ignored(f"{prefix}{one}/", rules)]:
            folders.remove(name)
            ignored += _walk(folder, f"{prefix}{name}/", counts)
        for file in _level(folder, inside, folders, files, "", counts):
            if _is_ignored(file.name, rules):
                ignored.append(msgspec.structs.replace(file, group=file.name))
            else:
                kept.append(file)
    return Worktree(tuple(kept), tuple(ignored), (), {}, counts, False, None)


class Rule(NamedTuple):
    """A line of a ``.gitignore`` in the folder ``prefix``."""

    prefix: str
    line: str
    spec: GitIgnoreSpec

    def decides(self, name: str) -> bool | None:
        """Whether it ignores a name, or takes it back; ``None`` where it does not speak of it."""
        base = name.rstrip("/").rpartition("/")[2]
        last = self.line.rstrip().rstrip("/").rpartition("/")[2].removeprefix("!").replace("\\", "")
        # pathspec lets a rule for a folder speak of all in it, for git it does of the folder alone.
        if not (name.startswith(self.prefix) and fnmatch.fnmatchcase(base, last)):
            return None
        return self.spec.check_file(name[len(self.prefix) :]).include


def _is_ignored(name: str, rules: list[Rule]) -> bool:
    """The last rule that speaks of a name decides, of the deepest file first (gitignore(5))."""
    decided = (rule.decides(name) for rule in reversed(rules))
    return next((one for one in decided if one is not None), False)


def _some(names: set[str]) -> str:
    first = sorted(names)[:3]
    return ", ".join(first) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
