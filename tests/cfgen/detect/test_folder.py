"""Reading folders, with the real git and without."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from cfgen.detect.folder import MOST_BYTES, git_in, public_address, read_folder


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def no_git(_: Sequence[str]) -> bytes:
    return b""


def test_what_git_knows_and_ignores(folder: Path) -> None:
    write(
        folder,
        bot_DOT_py="x = 1",
        _DOT_gitignore="lib/\nkeys.py\nvenv/\n",
        lib__broker_DOT_py="y = 2",
        lib__data_DOT_csv="1",
        venv__pyvenv_DOT_cfg="",
        venv__lib__other_DOT_py="",
        keys_DOT_py="z",
    )
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")
    git(folder, "remote", "add", "origin", "git@example.com:me/bot.git")
    write(folder, new_DOT_py="n = 1")
    found = read_folder(folder, git_in(folder))
    assert found.names == (".gitignore", "bot.py", "new.py")
    assert found.tracked == frozenset({".gitignore", "bot.py"})
    assert set(found.ignored) == {"lib/", "keys.py", "venv/"}
    assert set(found.contents) == {"bot.py", "new.py", "lib/broker.py", "keys.py"}
    assert found.remote == "https://example.com/me/bot.git"
    assert len(found.commit) == 40


def test_without_git_hidden_and_virtual_folders_are_passed_over(folder: Path) -> None:
    write(
        folder,
        bot_DOT_py="x",
        _DOT_hidden__a_DOT_py="x",
        env1__pyvenv_DOT_cfg="",
        env1__b_DOT_py="x",
        node_modules__c_DOT_py="x",
    )
    found = read_folder(folder, no_git)
    assert found.names == ("bot.py",)
    assert found.tracked is None


def test_links_pipes_and_large_files_are_not_read(folder: Path, tmp_path: Path) -> None:
    write(tmp_path, outside_DOT_py="SECRET = 1")
    write(folder, large_DOT_py="#" * (MOST_BYTES + 1), bot_DOT_py="x")
    (folder / "link.py").symlink_to(tmp_path / "outside.py")
    (folder / "folder").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.py")
    assert set(read_folder(folder, no_git).contents) == {"bot.py"}


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("git@github.com:me/bot.git", "https://github.com/me/bot.git"),
        ("ssh://git@github.com/me/bot", "https://github.com/me/bot.git"),
        ("https://me:secret@github.com/me/bot.git", "https://github.com/me/bot.git"),
        ("https://github.com/me/bot", "https://github.com/me/bot.git"),
        ("/srv/bot.git", ""),
        ("", ""),
    ],
)
def test_remotes(remote: str, address: str) -> None:
    assert public_address(remote) == address
