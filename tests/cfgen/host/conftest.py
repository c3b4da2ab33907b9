"""Running what lies on the host: its scripts, with stand-ins for the programs of a real one."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

SCRIPTS = Path(str(resources.files("cfgen.host").joinpath("scripts")))

Script = Callable[..., "subprocess.CompletedProcess[str]"]


class Stands:
    """Programs that only write down how they were called, one line a call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls"
        folder.mkdir()
        self.log.touch()

    def add(self, name: str, body: str = "") -> None:
        program = self.folder / name
        program.write_text(f'#!/bin/bash\necho "{name} $*" >>{self.log}\n{body}\n')
        program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()


def set_brake(folder: Path, value: str, services: str = "") -> dict[str, str]:
    """A host's settings for ``scripts/brake``, and the value that it knows; none where empty."""
    (folder / "stack.env").write_text(
        f'AWS_REGION="ap-northeast-2"\nBRAKE="CFN-Brake-1"\nTIMEZONE="Asia/Seoul"\n'
        f'SERVICES="{services}"\n'
    )
    kept = folder / "brake"
    kept.mkdir(exist_ok=True)
    if value:
        (kept / "value").write_text(f"{value}\n")
    return {"SETTINGS": str(folder), "KEPT": str(kept / "value"), "DATA": str(folder)}


@pytest.fixture
def stands(tmp_path: Path) -> Stands:
    return Stands(tmp_path / "stands")


@pytest.fixture
def script(stands: Stands) -> Script:
    """Run a script of the host; the stand-ins come before the machine's own programs."""

    def run(name: str, *arguments: str, **extra: str) -> "subprocess.CompletedProcess[str]":
        path = SCRIPTS / name
        interpreter = sys.executable if "python3" in path.read_text()[:40] else "bash"
        return subprocess.run(
            [interpreter, str(path), *arguments],
            env={
                "PATH": f"{stands.folder}:{extra.pop('PROGRAMS', '')}:{os.environ['PATH']}",
                "TZ": "Asia/Seoul",
                "AWS_REGION": "ap-northeast-2",
                "AWS_EC2_METADATA_DISABLED": "true",
                "HOME": str(stands.folder),
                **extra,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def aws_cli() -> str:
    """Folder of the AWS CLI, which Amazon Linux brings along and make test installs here."""
    folder = Path(__file__).parents[3] / ".venv/aws/bin"
    assert (folder / "aws").exists(), "no AWS CLI: make test"
    return str(folder)
