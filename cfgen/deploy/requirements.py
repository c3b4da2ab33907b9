"""What a requirements file asks for on a host, and the list that it resolves to. Pure.

pip judges environment markers by the machine that it runs on, whatever platform it is told ("pip
install", ``--platform``, in pip's documentation). So markers are applied here, for the host.
"""

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from cfgen.errors import ConfigError
from pricing.offers import Architecture

if TYPE_CHECKING:
    from packaging.requirements import Requirement

GLIBC = 34
"""The minor version of Amazon Linux 2023's glibc, 2.34 (AL2023 User Guide, "Core packages")."""

OLDEST = {"arm64": 17, "x86_64": 5}
"""The minor version of the oldest glibc for which there are wheels (PEP 600)."""

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
LEGACY = {
    "arm64": ("manylinux2014",),
    "x86_64": ("manylinux2014", "manylinux2010", "manylinux1"),
}

COMMENT = re.compile(r"(^|\s+)#.*$")
INCLUDE = re.compile(r"(-r|--requirement|-c|--constraint)[\s=]*(\S+)")
PLACE = re.compile(r"(?:-i|--index-url|--extra-index-url|-f|--find-links)[\s=]*(\S+)")
KEPT = re.compile(r"(-i|--index-url|--extra-index-url|-f|--find-links|--pre|--trusted-host)\b")
"""Lines that say where packages come from: the locked list needs them as well."""


class NotChecked(Exception):
    """Why it cannot be said beforehand what would be installed."""


class Target(msgspec.Struct, frozen=True):
    """A host's architecture, and the Python of its virtual environment, such as 3.12."""

    arch: Architecture
    python: str

    def __str__(self) -> str:
        return f"{self.arch} and Python {self.python}"

    @property
    def machine(self) -> str:
        """The architecture as ``uname -m`` and wheels name it."""
        return MACHINES[self.arch]

    @property
    def platforms(self) -> tuple[str, ...]:
        """Platform tags of the wheels that the host takes, the best first."""
        newer = (f"manylinux_2_{minor}" for minor in range(GLIBC, OLDEST[self.arch] - 1, -1))
        return tuple(f"{one}_{self.machine}" for one in (*newer, *LEGACY[self.arch], "linux"))

    @property
    def environment(self) -> dict[str, str]:
        """What environment markers are judged by (PEP 508)."""
        # Whichever patch release the host has, it is none of the first.
        full = f"{self.python}.99"
        return {
            "implementation_name": "cpython",
            "implementation_version": full,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full,
            "python_version": self.python,
            "sys_platform": "linux",
            "extra": "",
        }


class Wanted(msgspec.Struct, frozen=True):
    """What is asked for on a target: the files as pip shall read them, the first one first.

    ``roots`` are names of packages with their extras; ``places`` are lines that say where packages
    come from; ``hashed`` says whether every package has its hash already.
    """

    files: dict[str, str]
    roots: tuple[tuple[str, tuple[str, ...]], ...]
    places: tuple[str, ...]
    hashed: bool
    digest: str


class Package(msgspec.Struct, frozen=True):
    """A package that pip would install; ``url`` is where its wheel lies, ``requires`` as it says.

    ``direct`` says that the requirement itself names that place.
    """

    name: str
    version: str
    url: str
    direct: bool
    hashes: tuple[str, ...]
    requires: tuple[str, ...]


def read_wanted(name: str, target: Target, read: Callable[[str], str | None]) -> Wanted:
    """Read a requirements file and what it includes; ``read`` gives a file's text.

    Raises :class:`ConfigError` for a file that is not there, and :class:`NotChecked` for what is
    not installed from a wheel. No line is shown: an address may hold a password.
    """
    reader = _Reader(target, read)
    reader.take(name, "bot.requirements", constraint=False)
    content = json.dumps([target.arch, target.python, reader.files])
    return Wanted(
        reader.files,
        tuple(reader.roots),
        tuple(dict.fromkeys(reader.places)),
        reader.hashed,
        sha256(content.encode()).hexdigest(),
    )


class _Reader:
    def __init__(self, target: Target, read: Callable[[str], str | None]) -> None:
        self._target, self._read = target, read
        self.files: dict[str, str] = {}
        self.roots: list[tuple[str, tuple[str, ...]]] = []
        self.places: list[str] = []
        self.hashed = True

    def take(self, name: str, origin: str, *, constraint: bool) -> None:
        if name in self.files:
            return
        text = self._read(name)
        if text is None:
            raise ConfigError(f"{origin}: there is no {name}", "name another, or add it")
        self.files[name] = ""
        lines = [
            self._line(line, name, number, constraint=constraint) for number, line in _lines(text)
        ]
        self.files[name] = "".join(f"{line}\n" for line in lines if line)

    def _line(self, line: str, name: str, number: int, *, constraint: bool) -> str:
        """The line as pip shall read it, empty where it is not for this target."""
        where = f"{name}, line {number}"
        if match := INCLUDE.fullmatch(line):
            other = posixpath.normpath(posixpath.join(posixpath.dirname(name), match[2]))
            if "://" in match[2] or other.startswith(("/", "..")):
                raise NotChecked(f"{where} includes what lies outside the folder")
            self.take(other, where, constraint=constraint or "c" in match[1][:3])
            return line
        if line.startswith("-"):
            place = PLACE.fullmatch(line)
            if line.startswith(("-e", "--editable")) or (
                place and not place[1].startswith(("https://", "http://"))
            ):
                raise NotChecked(f"{where} names a place on a disk")
            self.places += [line] if KEPT.match(line) else []
            return line
        return self._requirement(line, where, constraint=constraint)

    def _requirement(self, line: str, where: str, *, constraint: bool) -> str:
        from packaging.requirements import InvalidRequirement, Requirement
        from packaging.utils import canonicalize_name

        text, *options = re.split(r"\s(?=--)", line, maxsplit=1)
        try:
            one = Requirement(text)
        except InvalidRequirement:
            raise NotChecked(f"{where} is no package by its name") from None
        if one.url and not re.fullmatch(r"https://.*\.whl", one.url.partition("#")[0]):
            raise NotChecked(f"{where} is built from its source")
        if one.marker and not one.marker.evaluate(self._target.environment):
            return ""
        if not constraint:
            self.roots.append((canonicalize_name(one.name), tuple(sorted(one.extras))))
            self.hashed = self.hashed and "--hash" in "".join(options)
        return " ".join([_unconditional(one), *options])


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, joined where they are continued, with the number of their first."""
    held, first = "", 0
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        first = first if held else number
        held += line
        if held.endswith("\\"):
            held = f"{held[:-1]} "
            continue
        if found := COMMENT.sub("", held).strip():
            yield first, found
        held = ""
    if held.strip():
        yield first, held.strip()


def _unconditional(one: "Requirement") -> str:
    one.marker = None
    return str(one)


def read_report(text: bytes) -> tuple[Package, ...]:
    """Read pip's installation report. Source: "Installation Report" in pip's documentation."""
    from packaging.utils import canonicalize_name

    report: dict[str, Any] = msgspec.json.decode(text)
    found = []
    for item in report["install"]:
        about, origin = item["metadata"], item["download_info"]
        archive = origin.get("archive_info", {})
        hashes = archive.get("hashes") or dict([archive.get("hash", "=").split("=", 1)])
        found.append(
            Package(
                canonicalize_name(about["name"]),
                about["version"],
                origin["url"],
                item.get("is_direct", False),
                tuple(f"{kind}:{value}" for kind, value in sorted(hashes.items()) if kind),
                tuple(about.get("requires_dist", ())),
            )
        )
    return tuple(sorted(found, key=lambda one: one.name))


def needed(
    packages: Sequence[Package], wanted: Wanted, target: Target
) -> tuple[tuple[Package, ...], tuple[str, ...]]:
    """The packages that the target needs, and what it needs beside them, as pip takes it.

    pip leaves out, or adds, what is for another machine than this one.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    there = {one.name: one for one in packages}
    reached: set[tuple[str, str]] = set()
    lacking: dict[str, None] = {}
    ahead = [(name, extra) for name, extras in wanted.roots for extra in ("", *extras)]
    while ahead:
        name, extra = ahead.pop()
        if (name, extra) in reached or name not in there:
            continue
        reached.add((name, extra))
        for one in map(Requirement, there[name].requires):
            if one.marker and not one.marker.evaluate({**target.environment, "extra": extra}):
                continue
            other = canonicalize_name(one.name)
            found = there.get(other)
            if found is None or not (one.url or one.specifier.contains(found.version, True)):
                lacking[_unconditional(one)] = None
            ahead += [(other, more) for more in ("", *one.extras)]
    names = {name for name, _ in reached}
    return tuple(one for one in packages if one.name in names), tuple(lacking)


# The locked list


def lock_name(target: Target) -> str:
    """The locked list's name in the packed app; ``cfgen/host/scripts/install-app`` looks for it."""
    return f"requirements.cfgen-{target.machine}.lock"


def lock_text(packages: Sequence[Package], wanted: Wanted, target: Target) -> str:
    """The list that the host installs, and nothing else. Raises :class:`NotChecked`."""
    name = next(iter(wanted.files))
    lines = [
        f"# What {name} came to for {target}. Written by cfgen deploy, and kept until {name}",
        "# changes: delete this file to have it resolved anew. The host installs just this.",
        f"# of {wanted.digest}",
        *wanted.places,
    ]
    for one in packages:
        if not one.hashes:
            raise NotChecked(f"{one.name} has no hash")
        what = f"{one.name} @ {one.url}" if one.direct else f"{one.name}=={one.version}"
        lines.append(" ".join([what, *(f"--hash={value}" for value in one.hashes)]))
    return "".join(f"{line}\n" for line in lines)


def is_lock_of(text: str, wanted: Wanted) -> bool:
    """Whether a locked list was made of what is wanted now."""
    return f"# of {wanted.digest}" in text.splitlines()


def locked_versions(text: str) -> dict[str, str]:
    """Name -> version (or address) of a locked list."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:==| @ )(\S+)", text, re.MULTILINE)
    return dict(found)


def lock_changes(before: str, after: str) -> tuple[str, ...]:
    """What differs between two locked lists, a line a package."""
    old, new = locked_versions(before), locked_versions(after)
    return tuple(
        f"{name} {old.get(name, 'not there')} -> {new.get(name, 'gone')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )
