"""Wheels, asked of a real pip that finds a folder's and no index."""

from pathlib import Path

import pytest

from cfgen.deploy.app import Pip
from cfgen.deploy.requirements import Target
from cfgen.doctor.wheels import Wheels, judge_wheels, read_wheels
from tests.wheels import make_wheel, pip_of

TARGETS = (Target("arm64", "3.12"), Target("x86_64", "3.12"))


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    folder = tmp_path / "bot"
    folder.mkdir()
    return folder


@pytest.fixture
def pip(tmp_path: Path) -> Pip:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    make_wheel(wheels, "plain", "1.0")
    return Pip("requirements.txt", TARGETS, "look", None, None, check=True, run=pip_of(wheels))


def test_each_architecture_is_counted(bot: Path, pip: Pip) -> None:
    (bot / "requirements.txt").write_text("plain>=1\n")
    found = read_wheels(pip, bot, "")
    assert found == Wheels({str(target): 1 for target in TARGETS})
    [one] = judge_wheels(found)
    assert one.text.startswith("packages with wheels: 1 for arm64")


def test_a_package_without_one_is_named(bot: Path, pip: Pip) -> None:
    (bot / "requirements.txt").write_text("plain>=2\n")
    [one] = judge_wheels(read_wheels(pip, bot, ""))
    assert one.code == "wheels-missing"
    assert "plain>=2" in one.text


def test_a_file_that_is_not_there_is_a_problem(bot: Path, pip: Pip) -> None:
    [one] = judge_wheels(read_wheels(pip, bot, ""))
    assert one.code == "wheels-missing"
    assert "there is no requirements.txt" in one.text


def test_what_nobody_can_say_has_its_reason(bot: Path, pip: Pip) -> None:
    (bot / "requirements.txt").write_text("git+https://git.example.com/x.git\n")
    [one] = judge_wheels(read_wheels(pip, bot, ""))
    assert (one.code, one.level) == ("wheels-unchecked", "unknown")


def test_a_repository_that_is_away_has_its_reason(pip: Pip, tmp_path: Path) -> None:
    [one] = judge_wheels(read_wheels(pip, None, f"file://{tmp_path}/none.git@main"))
    assert one.code == "wheels-unchecked"
    assert "git" in one.text
