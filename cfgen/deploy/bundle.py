"""Packing a local app folder: what git tracks and what was asked for, and never a key.

The same files give the same key: nothing is uploaded or rolled out twice.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from cfgen.deploy.archive import Member, compress, tar
from cfgen.deploy.imports import Imports
from cfgen.deploy.packing import Ask, Group, PackPlan, check_files, count_of, left_out, plan_packing
from cfgen.deploy.worktree import LIMIT, File, Worktree, read_worktree
from cfgen.errors import ConfigError, Refused
from cfgen.key_patterns import find_key

MODULE_LIMIT = 4_000_000
"""Bytes up to which a file is read for its imports."""

CONFIGURATION = "the configuration"

CONFLICT = re.compile(rb"^<<<<<<< .*^=======\r?$.*^>>>>>>> ", re.MULTILINE | re.DOTALL)
TEXTS = (".py", ".txt", ".toml", ".yaml", ".yml", ".json", ".cfg", ".ini", ".sh")


class Bundle(msgspec.Struct, frozen=True):
    """A packed app: a ``.tar.gz``, how many files it holds, and the SHA-256 of the ``.tar``.

    Compressed bytes depend on the compressor, of which there are several (zlib, zlib-ng); what is
    in them does not.
    """

    data: bytes
    files: int
    digest: str

    @property
    def key(self) -> str:
        """Its key in S3, by its content."""
        return f"apps/{self.digest}.tar.gz"


class Packing(msgspec.Struct, frozen=True):
    """How to pack: what the bot ``needs``, what to ``include``, which files are cfgen's ``own``.

    ``more`` are further files of ours, asked for once the folder is known to be packable.
    ``ask`` asks a person, ``None`` where there is nobody; ``note`` tells what was packed.
    """

    needs: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    own: tuple[Path, ...] = ()
    ask: Ask | None = None
    note: Callable[[str], None] = lambda _: None
    git: str = "git"
    more: Callable[[], Mapping[str, bytes]] = dict


def pack(folder: Path, packing: Packing) -> Bundle:
    """Pack a folder.

    Raises :class:`ConfigError` for a folder that cannot be packed, and :class:`Refused` for a file
    that looks like a key, that the bot needs and git does not track, or that git cannot tell of.
    """
    if not folder.is_dir():
        raise ConfigError(f"bot.source: {folder} is not a folder", "name the bot's folder")
    worktree = read_worktree(folder, packing.git)
    _check_size(folder, worktree.tracked)
    reached, unreadable = _reached(folder, worktree, packing.needs)
    own = _own(folder, packing.own)
    plan = plan_packing(worktree, packing.include, own, reached)
    _check_needs(folder, packing.needs, plan)
    plan = _decide(plan, packing)
    if not plan.files:
        raise _nothing(folder, worktree)
    check_files(plan.files)
    _check_size(folder, plan.files)
    members = [_member(folder, file) for file in plan.files]
    members += [Member(name, data) for name, data in packing.more().items()]
    plain = tar(members)
    bundle = Bundle(compress(plain), len(members), sha256(plain).hexdigest())
    for line in _summary(folder, worktree, plan, bundle, unreadable):
        packing.note(line)
    return bundle


def _own(folder: Path, own: tuple[Path, ...]) -> frozenset[str]:
    """The names, within the folder, of files that are cfgen's."""
    top = folder.resolve()
    whole = [path.parent.resolve() / path.name for path in own]
    return frozenset(path.relative_to(top).as_posix() for path in whole if path.is_relative_to(top))


def _reached(
    folder: Path, worktree: Worktree, needs: tuple[str, ...]
) -> tuple[Mapping[str, str], list[str]]:
    """What the bot needs, each with who needs it, and what could not be read for its imports."""
    here = {file.name: file for file in (*worktree.tracked, *worktree.ignored, *worktree.untracked)}

    def read(name: str) -> bytes | None:
        file = here.get(name)
        if file is None or file.target or file.size > MODULE_LIMIT:
            return None
        return _content(folder, file)

    # What a submodule holds that was not fetched is not known: as much as that it is a package.
    absent = (f"{one}__init__.py" if one.endswith("/") else one for one in worktree.absent)
    imports = Imports({*here, *absent}, read)
    programs = [name for name in needs if name.endswith(".py")]
    for name in programs:
        imports.follow(name)
    return {**imports.reached, **dict.fromkeys(needs, CONFIGURATION)}, imports.unreadable


def _check_needs(folder: Path, needs: tuple[str, ...], plan: PackPlan) -> None:
    there = {file.name for file in plan.files} | {
        file.name for group in plan.open for file in group.files
    }
    for name in needs:
        if name not in there:
            raise ConfigError(
                f"bot.source: {folder} does not hold {name}",
                "name another, or put the file there",
            )


def _decide(plan: PackPlan, packing: Packing) -> PackPlan:
    """Ask about what nobody has decided, or refuse where the bot would miss it."""
    if tracked_not := [group for group in plan.missing if not group.ignored]:
        raise _missing(tracked_not)
    decided: list[str] = []
    for groups, why in ((plan.missing, "The bot imports"), (plan.spare, "No import leads to")):
        if not groups or packing.ask is None:
            continue
        named = ", ".join(map(str, groups))
        question = f"{why} {named}. Pack {'it' if len(groups) == 1 else 'them'}?"
        if packing.ask(question, groups == plan.missing):
            plan = plan.with_groups(groups)
            decided += [group.name for group in groups]
        elif groups == plan.spare:
            decided += [f"!{group.name}" for group in groups]
    if plan.missing:
        raise _missing(plan.missing, packing)
    if decided:
        packing.note(f"to be asked no more, set {_include(decided, packing)}")
    return plan


def _include(names: list[str], packing: Packing) -> str:
    quoted = ", ".join(f'"{name}"' for name in (*packing.include, *names))
    return f"bot.include = [{quoted}]"


def _missing(groups: "tuple[Group, ...] | list[Group]", packing: Packing | None = None) -> Refused:
    group = groups[0]
    verb = "needs" if group.importer == CONFIGURATION else "imports"
    message = f"bot.source: {group.importer} {verb} {group.imported}, which is in {group}"
    if packing is None:
        return Refused(message, f"add it to git: git add {group.name}")
    return Refused(
        message,
        f"pack it with {_include([one.name for one in groups], packing)}, or go without it with "
        f'"!{group.name}" there',
    )


def _nothing(folder: Path, worktree: Worktree) -> Refused:
    if not worktree.repository:
        return Refused(f"bot.source: {folder} holds nothing to pack", "name the bot's folder")
    return Refused(
        f"bot.source: git tracks nothing in {folder}",
        f"add the bot's files, and no keys: git -C {folder} add .",
    )


def _check_size(folder: Path, files: tuple[File, ...]) -> None:
    if sum(file.size for file in files) > LIMIT:
        raise ConfigError(
            f"bot.source: {folder} holds more than {LIMIT // 1_000_000} MB; the largest: "
            f"{_largest(files)}",
            "what is not code belongs elsewhere, such as in a .gitignore",
        )


def _largest(files: tuple[File, ...]) -> str:
    largest = sorted(files, key=lambda file: (-file.size, file.name))[:3]
    return ", ".join(f"{file.name} {file.size:,} bytes" for file in largest)


def _member(folder: Path, file: File) -> Member:
    """A file that holds no key, as it is packed."""
    if file.target:
        return Member(file.name, target=file.target)
    content = _content(folder, file)
    if found := find_key(content, file.name):
        raise Refused(
            f"bot.source: {folder / file.name}: line {found.line} looks as if it holds "
            f"{found.name}",
            "keys belong in the secret (cfgen secret set): take it out, and change it if it was "
            "committed; a false alarm is silenced by the comment pragma: allowlist secret there",
        )
    if file.name.endswith(TEXTS) and CONFLICT.search(content):
        raise Refused(f"bot.source: {folder / file.name} holds marks of a merge conflict",
                      "end the merge first")  # fmt: skip
    # A file system where every file is 777 says nothing: git's index does, or the file itself.
    runs = content.startswith(b"#!") if file.executable is None else file.executable
    return Member(file.name, content, runs)


def _content(folder: Path, file: File) -> bytes:
    path = folder / file.name
    try:
        # Whatever was put there since it was looked at: no link is followed, no pipe waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as opened:  # noqa: PTH123 - a descriptor
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Refused(f"bot.source: {path} is a pipe, a socket or a device", "remove it")
            return opened.read(LIMIT + 1)
    except OSError as error:
        raise ConfigError(f"bot.source: {path} cannot be read: {error.strerror}") from error


def _summary(
    folder: Path, worktree: Worktree, plan: PackPlan, bundle: Bundle, unreadable: list[str]
) -> Iterator[str]:
    """What was packed, and what was not."""
    size = sum(file.size for file in plan.files)
    compressed = len(bundle.data)
    yield (
        f"packed {folder}: {count_of(bundle.files, 'file')}, {size:,} bytes "
        f"({compressed:,} compressed); the largest: {_largest(plan.files)}"
    )
    if out := left_out(plan):
        yield f"left out: {'; '.join(out)}"
    for why in dict.fromkeys(worktree.absent.values()):
        names = [name for name, one in worktree.absent.items() if one == why]
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"left out: {names[0]}{more}, which {why}"
    if not worktree.repository:
        yield (
            f"{folder} is in no git repository: packed is what no .gitignore in it names; with "
            "git init and git add you say what belongs to the bot"
        )
    elif worktree.changed is None:
        yield "packed as it is in the working tree: nothing is committed yet"
    elif worktree.changed:
        count = "1 file differs" if worktree.changed == 1 else f"{worktree.changed} files differ"
        yield f"packed as it is in the working tree: {count} from the last commit"
    for name in unreadable:
        yield f"{name} could not be read as Python: what it imports is not known"
