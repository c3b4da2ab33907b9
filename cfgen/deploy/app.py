"""The bot's code, made certain before a deploy: its commit, and what it requires."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from cfgen.config.refs import split_source
from cfgen.deploy.requirements import (
    NotChecked,
    Package,
    Target,
    Wanted,
    is_lock_of,
    lock_changes,
    lock_name,
    lock_text,
    read_wanted,
)
from cfgen.deploy.source import GIT, QUIET, SECONDS
from cfgen.deploy.wheels import resolve
from cfgen.errors import Refused
from cfgen.files import read_text, write_atomically
from cfgen.programs import Run

Reach = Literal["deploy", "look", "offline"]
"""How far a command goes: a deploy asks the network and writes the locked list; to look asks only
for what it needs to show the same; offline nobody is asked."""


class Listener(Protocol):
    """Whoever is told."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def warning(self, text: str) -> None:
        """Something that a person should act on."""


class Pip(msgspec.Struct, frozen=True):
    """What is asked of pip: a requirements file's name, for which hosts, and how far to go.

    ``lock`` is the path of the locked lists without their ending, ``None`` for none. ``cache`` is a
    folder that remembers what had its wheels. ``check`` says whether pip is to be asked.
    """

    name: str
    targets: tuple[Target, ...]
    reach: Reach
    lock: Path | None
    cache: Path | None
    check: bool
    run: Run

    def lock_path(self, target: Target) -> Path | None:
        """Where the locked list of a target is kept."""
        lock = self.lock
        return lock and lock.with_name(f"{lock.stem}.requirements-{target.machine}.lock")


def locked_lists(pip: Pip, folder: Path, listener: Listener) -> dict[str, bytes]:
    """Check a folder's requirements; gives the files to pack with it, the lists that are locked.

    Raises :class:`Refused` where the host could not install them, or they are to be locked and
    cannot be; :class:`ConfigError` for a file that is not there.
    """
    found = {}
    for target in pip.targets if pip.name else ():
        try:
            wanted = read_wanted(pip.name, target, _reader(folder))
            if not pip.lock:
                _check(pip, wanted, target, listener)
            elif text := _locked(pip, wanted, target, listener):
                found[lock_name(target)] = text.encode()
        except NotChecked as error:
            _not_checked(pip, str(error), listener)
    return found


def check_commit(pip: Pip, source: str, listener: Listener) -> None:
    """Check the requirements of a git source at a commit. Raises :class:`Refused`.

    A host that reads from git gets nothing from us but the commit: a locked list must be in it.
    """
    unlocked = msgspec.structs.replace(pip, lock=None)
    # A locked list that is missing is told each time.
    seen = not pip.lock and _is_known(pip, source, pip.name, *map(str, pip.targets))
    if not pip.name or not pip.check or pip.reach != "deploy" or seen:
        return
    try:
        with _commit(source, pip.run) as read:
            for target in pip.targets:
                wanted = read_wanted(pip.name, target, read)
                if pip.lock and not wanted.hashed:
                    listener.warning(
                        f"bot.lock_requirements: {pip.name} comes out of git and has no "
                        "hashes, so each new host takes the newest versions that it allows; commit "
                        "a list with hashes (such as pip-compile --generate-hashes writes), or set "
                        "bot.source to a folder"
                    )
                _check(unlocked, wanted, target, listener)
    except NotChecked as error:
        _not_checked(unlocked, str(error), listener)
        return
    _know(pip, source, pip.name, *map(str, pip.targets))


def ask_wheels(pip: Pip, folder: Path | None, source: str) -> dict[str, int]:
    """How many packages there are by target, of a folder, or without one of a git source.

    Nothing is remembered or written. Raises :class:`Refused` where the host could not install them,
    :class:`ConfigError` for a file that is not there, and :class:`NotChecked`.
    """
    if not pip.name:
        return {}
    with _files(pip, folder, source) as read:
        wanted = {target: read_wanted(pip.name, target, read) for target in pip.targets}
        return {str(to): len(resolve(one, to, pip.run)) for to, one in wanted.items()}


@contextmanager
def _files(pip: Pip, folder: Path | None, source: str) -> Iterator[Callable[[str], str | None]]:
    if folder:
        yield _reader(folder)
    else:
        with _commit(source, pip.run) as read:
            yield read


def _check(pip: Pip, wanted: Wanted, target: Target, listener: Listener) -> None:
    """Say where wheels are missing. What had them once is not asked for again."""
    if not pip.check or pip.reach != "deploy" or _is_known(pip, wanted.digest):
        return
    listener.note(f"requirements: asking pip for the wheels of {pip.name}, for {target}")
    packages = _resolved(pip, wanted, target, listener)
    listener.note(f"requirements: {len(packages)} packages, each with its wheel for {target}")
    _know(pip, wanted.digest)


def _mark(cache: Path, words: tuple[str, ...]) -> Path:
    return cache / sha256("\n".join(words).encode()).hexdigest()


def _is_known(pip: Pip, *words: str) -> bool:
    """Whether this had its wheels before. A wheel that was there stays: pip takes no newer version
    that lacks it."""
    return pip.cache is not None and _mark(pip.cache, words).exists()


def _know(pip: Pip, *words: str) -> None:
    if pip.cache:
        # Not to remember costs time only.
        with suppress(OSError):
            pip.cache.mkdir(parents=True, exist_ok=True)
            _mark(pip.cache, words).touch()


def _locked(pip: Pip, wanted: Wanted, target: Target, listener: Listener) -> str:
    """The locked list: the one that is kept, or what pip finds now."""
    path = pip.lock_path(target)
    before = read_text(path) if path and path.is_file() else ""
    if is_lock_of(before, wanted):
        listener.note(f"requirements: kept by {path}, for {target}")
        return before
    if pip.reach == "offline":
        listener.note(
            f"requirements: not locked here, for {path} is not up to date; a deploy asks pip"
        )
        return ""
    if not pip.check:
        listener.warning(
            f"requirements: not locked, for {path} is not up to date and pip not asked"
        )
        return ""
    listener.note(f"requirements: asking pip what {pip.name} comes to, for {target}")
    text = lock_text(_resolved(pip, wanted, target, listener), wanted, target)
    for line in lock_changes(before, text) if before else ():
        listener.note(f"requirements: {line}")
    if path and pip.reach == "deploy":
        write_atomically(path, text)
        listener.note(f"requirements: wrote {path}: later deploys keep it until {pip.name} changes")
    return text


def _resolved(pip: Pip, wanted: Wanted, target: Target, listener: Listener) -> tuple[Package, ...]:
    packages = resolve(wanted, target, pip.run)
    if own := [one.name for one in packages if not one.url.startswith("https://")]:
        listener.warning(
            f"requirements: pip's settings on this machine gave {', '.join(own[:3])}"
            f"{f' and {len(own) - 3} more' if len(own) > 3 else ''} from places of their own; the "
            "host must find the same files at the public index"
        )
    return packages


def _not_checked(pip: Pip, why: str, listener: Listener) -> None:
    """Say that nobody could say; where a list is to be locked, refuse."""
    if pip.lock and pip.reach != "offline" and pip.check:
        raise Refused(
            f"bot.lock_requirements: {pip.name} cannot be resolved: {why}",
            "try again where pip reaches its index; bot.lock_requirements = false leaves the "
            "versions to each host",
        )
    if pip.check and pip.reach == "deploy":
        listener.note(f"requirements: whether all have wheels could not be checked: {why}")


def _reader(folder: Path) -> Callable[[str], str | None]:
    def read(name: str) -> str | None:
        path = folder / name
        return read_text(path) if path.is_file() else None

    return read


@contextmanager
def _commit(source: str, run: Run) -> Iterator[Callable[[str], str | None]]:
    """Files of a commit, fetched as the host fetches it. Raises :class:`NotChecked`."""
    url, commit = split_source(source)
    with tempfile.TemporaryDirectory(prefix="cfgen-") as place:
        folder = Path(place)
        for words in (["init", "--quiet"], ["fetch", "--quiet", "--depth", "1", url, commit]):
            done = run([*GIT, *words], folder, 2 * SECONDS, QUIET)
            if done.code:
                raise NotChecked(f"git: {done.last_words}")

        def read(name: str) -> str | None:
            done = run([*GIT, "show", f"FETCH_HEAD:{name}"], folder, SECONDS, QUIET)
            return None if done.code else done.out

        yield read
