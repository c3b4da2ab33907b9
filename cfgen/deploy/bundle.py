"""Packing a local app folder: what git tracks, and never a key.

The same files give the same bytes, and so the same key: nothing is uploaded or rolled out twice.
"""

import fnmatch
import gzip
import io
import os
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from cfgen.errors import ConfigError, Refused

LIMIT = 200_000_000
"""Bytes of all files together: an app of this kind has a few thousandths of that."""

KEY_FILES = (
    ".env", ".env.*", "*.env", "kis_devlp.yaml", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks",
    "id_rsa*", "id_ed25519*", "credentials", ".netrc", ".pypirc", "*token*.json", "KIS20??????",
)  # fmt: skip
"""Names of files that hold keys; the broker's own examples keep theirs in ``kis_devlp.yaml``."""

EXAMPLES = ("*.example", "*.sample", "*.template", "*.dist")

KEYS = {
    "an AWS access key": re.compile(rb"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
    "a private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    # App keys of the Korea Investment & Securities Open API have 36 characters and begin with PS,
    # app secrets have 180 of base64 (the API's portal, "appkey" and "appsecret").
    "a broker's app key": re.compile(rb"(?<![A-Za-z0-9+/])PS[A-Za-z0-9]{34}(?![A-Za-z0-9+/=])"),
    "a broker's app secret": re.compile(rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{178}[A-Za-z0-9+/=]{2}"
                                        rb"(?![A-Za-z0-9+/=])"),
}  # fmt: skip

IGNORED = {
    ".git", ".hg", ".svn", ".venv", "venv", "env", "__pycache__", "node_modules", ".tox", ".nox",
    ".mypy_cache", ".pytest_cache", ".ruff_cache", ".idea", ".vscode", ".DS_Store", "build", "dist",
    ".ipynb_checkpoints",
}  # fmt: skip
"""Names that are left out of a folder that git does not know."""


class Bundle(msgspec.Struct, frozen=True):
    """A packed app: a ``.tar.gz``, and how many files it holds."""

    data: bytes
    files: int

    @property
    def key(self) -> str:
        """Its key in S3, by its content."""
        return f"apps/{sha256(self.data).hexdigest()}.tar.gz"


def pack(
    folder: Path, needed: tuple[str, ...], more: Callable[[], Mapping[str, bytes]] = dict
) -> Bundle:
    """Pack a folder, which must hold the ``needed`` files, and ``more`` that is ours.

    ``more`` is asked for once the folder itself is known to be packable.

    Raises :class:`ConfigError` for a folder that cannot be packed, and :class:`Refused` for a file
    that looks like a key.
    """
    if not folder.is_dir():
        raise ConfigError(f"bot.source: {folder} is not a folder", "name the bot's folder")
    names = sorted(set(_names(folder)))
    for name in needed:
        if name not in names:
            raise ConfigError(
                f"bot.source: {folder} does not hold {name}",
                "name another in cfgen.toml, or add it to git: what git does not track stays here",
            )
    contents = {}
    size = 0
    for name in names:
        contents[name] = _read(folder, name)
        size += len(contents[name])
        if size > LIMIT:
            raise ConfigError(
                f"bot.source: {folder} holds more than {LIMIT // 1_000_000} MB",
                "what is not code belongs elsewhere, such as in a .gitignore",
            )
    contents |= more()
    return Bundle(_archive(folder, contents), len(contents))


def _names(folder: Path) -> Iterator[str]:
    """Paths of the files, with slashes: those that git tracks, or all but the usual leavings."""
    try:
        listed = subprocess.run(  # noqa: S603 - the folder is the user's own
            ["git", "-C", str(folder), "ls-files", "-z", "--cached"],  # noqa: S607
            capture_output=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        listed = b""
    if listed:
        for raw in listed.split(b"\0"):
            name = os.fsdecode(raw)
            # Tracked, and deleted in the work tree.
            if name and (folder / name).exists():
                yield name
        return
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in IGNORED]
        for name in files:
            if name not in IGNORED and not name.endswith((".pyc", ".pyo")):
                yield Path(place, name).relative_to(folder).as_posix()


def _read(folder: Path, name: str) -> bytes:
    """The content of a file that holds no key."""
    path = folder / name
    base = path.name
    if any(fnmatch.fnmatch(base, one) for one in KEY_FILES) and not any(
        fnmatch.fnmatch(base, one) for one in EXAMPLES
    ):
        raise Refused(f"bot.source: {path} looks like a file of keys", _HINT)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Refused(f"bot.source: {path} leads out of the folder", "put the file itself there")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"bot.source: {path} cannot be read: {error.strerror}") from error
    for what, pattern in KEYS.items():
        if pattern.search(content):
            raise Refused(f"bot.source: {path} looks as if it holds {what}", _HINT)
    return content


_HINT = "keys belong in the secret (cfgen secret set): take it out of git, and out of this folder"


def _archive(folder: Path, contents: dict[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            # Whoever packs it, and when: the same bytes.
            entry.mode = 0o755 if os.access(folder / name, os.X_OK) else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)
