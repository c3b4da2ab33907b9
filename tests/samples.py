"""The sample bots under tests/bots/, as their owners have them: working folders under git."""

import shutil
import subprocess
from pathlib import Path

BOTS = Path(__file__).parent / "bots"
NAMES = ("breakout", "kis_sample", "two_strategies", "us_session")


def working_folder(name: str, folder: Path) -> Path:
    """Copy a bot to ``folder`` and commit there what git does not ignore: ``lib/`` is not in it."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(BOTS / name, folder, ignore=ignored, dirs_exist_ok=True)
    git = ("git", "-c", "user.name=Kim", "-c", "user.email=kim@example.com")
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "A bot")):
        subprocess.run([*git, *command], cwd=folder, check=True)
    return folder
