"""Installing the app out of git, with what it requires: a real git and a real pip."""

import platform
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cfgen.host.conftest import Script
from tests.wheels import make_wheel

LOCK = f"requirements.cfgen-{platform.machine()}.lock"

Install = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    return tmp_path / "wheels"


@pytest.fixture
def install(script: Script, home: Path, wheels: Path, tmp_path: Path) -> Install:
    """Commit files, and install them as the host does, with no index but a folder of wheels."""
    repository = tmp_path / "repository"
    repository.mkdir()
    author = ("-c", "user.name=t", "-c", "user.email=t@example.com")

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *author, *words], cwd=repository, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "--quiet")

    def run(**files: str) -> "subprocess.CompletedProcess[str]":
        for name in git("ls-files").split():
            (repository / name).unlink()
        for name, text in {"requirements.txt": "lean\n", "bot.py": "", **files}.items():
            (repository / name).write_text(text)
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "--message", "x")
        return script(
            "install-app",
            APP_HOME=str(home),
            APP=str(home / "app"),
            APP_SOURCE=f"file://{repository}@{git('rev-parse', 'HEAD')}",
            PYTHON="3",
            REQUIREMENTS="requirements.txt",
            PIP_CONFIG_FILE="/dev/null",
            PIP_NO_INDEX="1",
            PIP_FIND_LINKS=str(wheels),
        )

    return run


def version(home: Path) -> str:
    code = "import lean; print(lean.version)"
    done = subprocess.run(
        [home / "venv/bin/python", "-c", code], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_locked_list_is_installed_and_nothing_else(
    install: Install, home: Path, wheels: Path
) -> None:
    digest = make_wheel(wheels, "lean", "1.0", requires=["missing"])
    make_wheel(wheels, "lean", "2.0")
    first = install(**{LOCK: f"lean==1.0 --hash=sha256:{digest}\n", "bot.py": "one"})
    assert first.returncode == 0, first.stderr
    assert version(home) == "1.0"
    # Other bytes than those that were locked are not installed, and the old code stays.
    wrong = install(**{LOCK: f"lean==2.0 --hash=sha256:{digest}\n", "bot.py": "two"})
    assert wrong.returncode != 0
    assert "HASHES" in wrong.stderr.upper()
    assert (home / "app/bot.py").read_text() == "one"
    assert version(home) == "1.0"
    # Without a list, or with another architecture's, it is as the requirements say.
    other = install(**{"requirements.cfgen-other.lock": "nonsense", "requirements.txt": "lean>1\n"})
    assert other.returncode == 0, other.stderr
    assert version(home) == "2.0"
