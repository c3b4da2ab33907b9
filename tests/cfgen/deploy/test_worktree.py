"""A folder in no repository, held against git itself."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cfgen.deploy.worktree import read_worktree

NAMES = st.sampled_from(["a", "b", "lib", "data", "x.py", "y.log", "한"])
PATTERNS = st.sampled_from(
    ["lib/", "/lib", "*.log", "!*.log", "data/*", "!data/x.py", "a/**/x.py", "**/b", "# c", "",
     "x.py ", "!lib/", "lib/*", "!lib/x.py", "[ab]", "/a/b/", "한", "\\\\!x"]
)  # fmt: skip
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=4).map("/".join), min_size=1, max_size=10)
LINES = st.lists(PATTERNS, max_size=5)


def without_clashes(paths: list[str]) -> list[str]:
    return [one for one in dict.fromkeys(paths)
            if not any(other.startswith(f"{one}/") for other in paths)]  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PATHS.map(without_clashes), LINES, LINES)
def test_without_git_the_same_is_ignored_as_with_it(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str], outer: list[str], inner: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("bot")
    for name in paths:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (folder / ".gitignore").write_text("\n".join(outer))
    if (folder / "lib").is_dir():
        (folder / "lib/.gitignore").write_text("\n".join(inner))
    ours = {file.name for file in read_worktree(folder).tracked}
    clean = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", "init", "-q", str(folder)], check=True, env=clean)
    listed = subprocess.check_output(
        ["git", "-C", str(folder), "ls-files", "-o", "--exclude-standard", "-z"], env=clean
    )
    assert ours == set(filter(None, listed.decode().split("\0")))
    # And as soon as there is a repository, the rest is what it ignores.
    tree = read_worktree(folder)
    assert {file.name for file in tree.untracked} == ours
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*")
             if path.is_file() and ".git" not in path.relative_to(folder).parts}  # fmt: skip
    assert {file.name for file in tree.ignored} == there - ours
    assert Path(folder, ".git").is_dir()
