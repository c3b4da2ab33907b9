"""A git source is pinned: whatever ref was typed, the host is told a commit.

The repository is read as the host reads it: by https, without anybody's password.
"""

import difflib
import re

import msgspec

from cfgen.aws import redact
from cfgen.config.refs import can_move, split_source
from cfgen.errors import ConfigError, Refused
from cfgen.programs import Run

SECONDS = 30
"""How long a repository may take to list its branches and tags."""

NEAR, SHOWN = 5, 8
"""How many refs of a like name are shown, and how many where none is."""

QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
         "LC_ALL": "C"}  # fmt: skip
GIT = ("git", "-c", "credential.helper=")
"""Without the user's keychain: what only the user can read, no host can."""


class Pinned(msgspec.Struct, frozen=True):
    """A source at a commit: ``source`` as the template takes it, ``said`` what a person is told."""

    source: str
    said: str


def pin(source: str, origin: str, run: Run) -> Pinned | None:
    """Find the commit of a source's ref; ``None`` where it is a commit, or no git source.

    ``origin`` says where the source was given. Raises :class:`ConfigError` for a ref that is not
    there, and :class:`Refused` where the repository cannot be read.
    """
    if not can_move(source):
        return None
    url, ref = split_source(source)
    refs = _refs(url, ref, origin, run)
    found = [name for name in _names(ref) if name in refs]
    if not found:
        raise ConfigError(f"{origin}: {url} has no branch or tag {ref}", _near(ref, refs))
    name = found[0]
    # What an annotated tag leads to stands under its name with ^{}.
    commit = refs.get(f"{name}^{{}}", refs[name])
    said = f"{origin}: {_kind(name)} {ref} of {url} is commit {commit}, which the host gets"
    others = {_kind(other) for other in found[1:] if other != name} - {_kind(name)}
    if others:
        twins = " and a ".join(sorted(others))
        said += f" (there is a {twins} of that name, too: git takes the {_kind(name)})"
    return Pinned(source.removesuffix(ref) + commit, said)


def _refs(url: str, ref: str, origin: str, run: Run) -> dict[str, str]:
    """Every branch and tag, by its full name."""
    asked = ["HEAD", "refs/heads/*", "refs/tags/*", *([ref] if ref.startswith("refs/") else [])]
    done = run([*GIT, "ls-remote", "--quiet", url, *asked], None, SECONDS, QUIET)
    if done.code:
        raise Refused(
            f"{origin}: the commit of {ref} cannot be looked up in {url}: "
            f"{redact(done.last_words)}",
            "the host reads it in the same way, without a password, so it must be public; where "
            f"only this machine has no way to it, give the full commit in place of {ref}",
        )
    lines = (line.split("\t", 1) for line in done.out.splitlines() if "\t" in line)
    return {name: commit for commit, name in lines}


def _names(ref: str) -> tuple[str, ...]:
    """Full names that a short one may stand for, in git's own order (gitrevisions(7))."""
    return ref, f"refs/{ref}", f"refs/tags/{ref}", f"refs/heads/{ref}"


def _kind(name: str) -> str:
    kinds = {"refs/tags/": "tag", "refs/heads/": "branch"}
    return next((kind for prefix, kind in kinds.items() if name.startswith(prefix)), "ref")


def _near(ref: str, refs: dict[str, str]) -> str:
    """What to give instead."""
    if re.fullmatch(r"[0-9a-fA-F]{7,63}", ref):
        return "if it is a commit, give all of its 40 digits: git rev-parse shows them"
    short = {re.sub(r"^refs/(heads|tags)/", "", name) for name in refs if not name.endswith("^{}")}
    close = difflib.get_close_matches(ref, sorted(short), NEAR, 0.4)
    names = close or sorted(short)[:SHOWN]
    return f"it has {', '.join(names)}" if names else "it has none at all: push something first"
