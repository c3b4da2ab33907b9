"""The sample bots on their owners' machines, and what cfgen makes of their cfgen.toml."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import command
from tests.samples import NAMES, working_folder

KEYS = {"KIS_PAPER_APP_KEY": "a", "KIS_PAPER_APP_SECRET": "b", "KIS_PAPER_STOCK": "12345678"}
KIS_DEVLP = 'paper_app: "a"\npaper_sec: "b"\nmy_paper_stock: "12345678"\n'


def run(folder: Path, program: str, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, program, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output(process: "subprocess.Popen[str]", code: int = 0) -> str:
    said, _ = process.communicate(timeout=60)
    assert process.returncode == code, said
    return said


@pytest.mark.parametrize("name", NAMES)
def test_cfgen_builds_a_template_without_findings(
    name: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = working_folder(name, tmp_path / "bot")
    built = subprocess.run(
        command(["build", "--prices", "offline"]),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert "trading-bot" in built.stdout


def test_the_brokers_library_is_ignored_by_git_and_needed(tmp_path: Path) -> None:
    folder = working_folder("breakout", tmp_path / "bot")
    tracked = subprocess.check_output(["git", "ls-files"], cwd=folder, text=True).splitlines()
    assert "apps/daily_breakout_app.py" in tracked
    assert not [path for path in tracked if path.startswith("lib/")]
    program = "apps/daily_breakout_app.py"
    output(run(folder, program, "--symbol", "069500", **KEYS))
    assert "no keys" in output(run(folder, program), code=1)
    shutil.rmtree(folder / "lib")
    assert "No module named 'broker'" in output(run(folder, program, **KEYS), code=1)


def test_the_log_folder_is_made_before_the_arguments_are_read(tmp_path: Path) -> None:
    folder = working_folder("breakout", tmp_path / "bot")
    output(run(folder, "apps/daily_breakout_app.py", "--nonsense"), code=2)
    assert (tmp_path / "data/logs").is_dir()


def test_a_token_that_is_there_is_used_again(tmp_path: Path) -> None:
    folder = working_folder("kis_sample", tmp_path / "bot")
    keys = tmp_path / "KIS/config/kis_devlp.yaml"
    keys.parent.mkdir(parents=True)
    keys.write_text(KIS_DEVLP)
    assert "3 keys, token asked for" in output(run(folder, "main.py", HOME=str(tmp_path)))
    assert "3 keys, token used again" in output(run(folder, "main.py", HOME=str(tmp_path)))


def test_a_service_saves_its_state_when_it_is_told_to_stop(tmp_path: Path) -> None:
    folder = working_folder("us_session", tmp_path / "bot")
    process = run(folder, "bot.py", **KEYS)
    while not (folder / "data/heartbeat.json").exists():
        assert process.poll() is None, output(process)
    process.send_signal(signal.SIGTERM)
    assert "stopped after" in output(process)
    assert (folder / "data/state.json").exists()


def test_both_strategies_write_to_one_journal(tmp_path: Path) -> None:
    folder = working_folder("two_strategies", tmp_path / "bot")
    for name in ("momentum", "rebalance"):
        output(run(folder, f"strategies/{name}.py", "--mode", "demo", "--seconds", "0"))
    lines = (folder / "data/runs.txt").read_text().splitlines()
    assert [(line.split()[1], line.split()[3]) for line in lines] == [
        ("momentum", "start"), ("momentum", "end"), ("rebalance", "start"), ("rebalance", "end"),
    ]  # fmt: skip
