"""What of a folder is packed, and what has to be asked or refused first. Pure."""

import posixpath
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

import msgspec
from pathspec import GitIgnoreSpec

from cfgen.deploy.worktree import KEYS, File, Worktree
from cfgen.errors import ConfigError, Refused
from cfgen.key_patterns import is_key_file

OWN = "cfgen's own"
IGNORED = "ignored by git"
UNTRACKED = "not tracked by git"
DECIDED = "left out by bot.include"

SOURCE = (".py", ".so", ".pyd", ".pyx")
"""Endings of what a program could import."""

Ask = Callable[[str, bool], bool]
"""Asks a question; the second is what Enter answers."""


class Group(msgspec.Struct, frozen=True):
    """Files that are not tracked, under one name, of which nobody has decided.

    ``importer`` is a file that imports one of them, ``imported`` which, if the bot needs them.
    """

    name: str
    files: tuple[File, ...]
    ignored: bool
    imported: str = ""
    importer: str = ""

    @property
    def sources(self) -> int:
        """How many of the files a program could import."""
        return sum(file.name.endswith(SOURCE) for file in self.files)

    def __str__(self) -> str:
        count = f", {count_of(self.sources, 'source file')}" if self.name.endswith("/") else ""
        return f"{self.name} ({'ignored' if self.ignored else 'not tracked'} by git{count})"


class PackPlan(msgspec.Struct, frozen=True):
    """What goes, what stays and why, and what nobody has decided: ``open``."""

    files: tuple[File, ...]
    left_out: Mapping[str, int]
    open: tuple[Group, ...] = ()

    @property
    def missing(self) -> tuple[Group, ...]:
        """What the bot imports and nobody has decided."""
        return tuple(group for group in self.open if group.importer)

    @property
    def spare(self) -> tuple[Group, ...]:
        """Ignored source files that no import leads to."""
        return tuple(
            group for group in self.open if not group.importer and group.ignored and group.sources
        )

    def with_groups(self, groups: Collection[Group]) -> "PackPlan":
        """The plan that packs these groups, too."""
        more = tuple(file for group in groups for file in group.files)
        rest = tuple(group for group in self.open if group not in groups)
        return PackPlan((*self.files, *more), self.left_out, rest)


def plan_packing(
    worktree: Worktree,
    include: Collection[str],
    own: Collection[str],
    reached: Mapping[str, str],
) -> PackPlan:
    """Decide. ``own`` are files of cfgen; ``reached`` are needed files, each with who needs it.

    ``include`` are patterns as in a ``.gitignore``: what one matches is packed, what one with a
    ``!`` matches is left out for good. Raises :class:`ConfigError` and :class:`Refused`.
    """
    spec = spec_of(include)
    counts = Counter(worktree.left_out)
    files = [file for file in worktree.tracked if file.name not in own]
    if worktree.repository:
        _check_key_files(files)
    else:
        counts[KEYS] += sum(is_key_file(file.name) for file in files)
        files = [file for file in files if not is_key_file(file.name)]
    groups: dict[str, list[File]] = {}
    ignored = {file.group for file in worktree.ignored}
    for file in (*worktree.ignored, *worktree.untracked):
        if file.name in own:
            continue
        decided = spec.check_file(file.name).include
        if decided:
            files.append(file)
        elif decided is False:
            counts[DECIDED] += 1
        else:
            groups.setdefault(file.group or file.name, []).append(file)
    counts[OWN] += sum(file.name in own for file in worktree.tracked)
    undecided = tuple(
        _group(name, tuple(some), name in ignored, reached) for name, some in groups.items()
    )
    _check_absent(worktree.absent, reached)
    return PackPlan(tuple(files), +counts, undecided)


def spec_of(include: Collection[str]) -> GitIgnoreSpec:
    """The patterns of ``bot.include``. Raises :class:`ConfigError`."""
    try:
        return GitIgnoreSpec.from_lines(include)
    except ValueError as error:
        raise ConfigError(
            f"bot.include: {error}", "write it as in a .gitignore, such as lib/ or data/*.csv"
        ) from error


def check_files(files: Collection[File]) -> None:
    """Raise :class:`Refused` for names that cannot be packed and links that would lead nowhere."""
    by_name = {file.name: file for file in files}
    folders = {
        name[:at] for name in by_name for at, letter in enumerate(name) if letter == "/"
    }  # fmt: skip
    cases: dict[tuple[str, int], str] = {}
    for file in files:
        other = cases.setdefault((file.name.casefold(), file.inode), file.name)
        if file.inode and other != file.name:
            raise Refused(
                f"bot.source: git tracks {other} and {file.name}, which are one file here",
                "rename one of them: on the host they are two",
            )
        try:
            file.name.encode()
        except UnicodeEncodeError:
            raise Refused(
                f"bot.source: the name of {file.name!r} is not UTF-8", "rename the file"
            ) from None
        if file.target and not _leads(file, by_name, folders):
            raise Refused(
                f"bot.source: {file.name} is a link to {file.target!r}, which is not packed",
                "put the file itself there, or add what the link leads to",
            )


def left_out(plan: PackPlan) -> list[str]:
    """What stays here and why, the most first: ``ignored by git: 12 (lib/)``."""
    counts = Counter(plan.left_out)
    names: dict[str, list[str]] = {}
    for group in plan.open:
        reason = IGNORED if group.ignored else UNTRACKED
        counts[reason] += len(group.files)
        names.setdefault(reason, []).append(group.name)
    lines = []
    for reason, count in counts.most_common():
        some = sorted(names.get(reason, ()))
        more = f" and {len(some) - 3} more" if len(some) > 3 else ""
        lines.append(f"{reason}: {count}" + (f" ({', '.join(some[:3])}{more})" if some else ""))
    return lines


def count_of(count: int, what: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def _group(name: str, files: tuple[File, ...], ignored: bool, reached: Mapping[str, str]) -> Group:
    imported = next((file.name for file in files if file.name in reached), "")
    return Group(name, files, ignored, imported, reached.get(imported, ""))


def _check_key_files(files: Collection[File]) -> None:
    for file in files:
        if is_key_file(file.name):
            raise Refused(
                f"bot.source: {file.name} looks like a file of keys, and git tracks it",
                f"keys belong in the secret (cfgen secret set): git rm --cached {file.name}, "
                "and change keys that were committed",
            )


def _check_absent(absent: Mapping[str, str], reached: Mapping[str, str]) -> None:
    for name, why in absent.items():
        needed = next((one for one in reached if one == name or one.startswith(name)), "")
        if needed and (name.endswith("/") or needed == name):
            remedy = {
                "was deleted": f"git restore {name}",
                "is a submodule that was not fetched": "git submodule update --init",
            }.get(why, f"git sparse-checkout add {posixpath.dirname(name) or '.'}")
            raise Refused(
                f"bot.source: {name} {why}, and {reached[needed]} needs it", f"get it: {remedy}"
            )


def _leads(link: File, by_name: Mapping[str, File], folders: Collection[str]) -> bool:
    """Whether a link leads to something that is packed, as it will on the host."""
    waiting = list(_steps(link, posixpath.dirname(link.name)))
    place = ""
    for _ in range(1000):
        if not waiting:
            return place in by_name or place in folders
        step = waiting.pop(0)
        if step == "..":
            if not place:
                return False
            place = posixpath.dirname(place)
            continue
        place = posixpath.join(place, step)
        found = by_name.get(place)
        if found and found.target:
            waiting = [*_steps(found, posixpath.dirname(place)), *waiting]
            place = ""
    return False


def _steps(link: File, place: str) -> Iterator[str]:
    if link.target.startswith("/"):
        # Out of the folder wherever it is unpacked.
        yield ".."
    for part in (*place.split("/"), *link.target.split("/")):
        if part not in ("", "."):
            yield part
