"""A git source: its address and its ref. Pure."""

import re

from cfgen.config.checks import GIT_SOURCE

COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
"""A full commit, by SHA-1 or SHA-256."""


def is_git(source: str) -> bool:
    """Whether a source is a git repository at a ref."""
    return re.fullmatch(GIT_SOURCE, source) is not None


def split_source(source: str) -> tuple[str, str]:
    """The address as git takes it, and the ref."""
    url, _, ref = source.removeprefix("git+").rpartition("@")
    return url, ref


def can_move(source: str) -> bool:
    """Whether a git source stands at a branch or tag: what is there may be another tomorrow."""
    return is_git(source) and not COMMIT.fullmatch(split_source(source)[1])
