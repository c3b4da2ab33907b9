"""Where the bots' code comes from: a git server, and an index of wheels."""

import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.samples import working_folder
from tests.wheels import make_wheel

REQUIREMENTS = "quotes==1.2\n"
REBALANCE = 'print("rebalanced")\n'
"""What the templates' examples name beside the breakout bot's own programs."""


class GitServer:
    """Serves the repository ``trading/bot.git``, with a tag for each version."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "git"
        self._work = folder / "work"
        self._bare = self._root / "trading/bot.git"
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.rmtree(self._root, ignore_errors=True)
        working_folder("breakout", self._work)
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._bare.parent.mkdir(parents=True)
        self._git("clone", "--quiet", "--bare", str(self._work), str(self._bare))
        self._git(
            "config", "--file", f"{self._bare}/config", "uploadpack.allowAnySHA1InWant", "true"
        )
        self._git("tag", "first")
        self.publish(
            "v1.2.0", {"requirements.txt": REQUIREMENTS, "apps/rebalance_app.py": REBALANCE}
        )
        self.start()

    def publish(self, tag: str, files: Mapping[str, str]) -> str:
        """Commit files on what was there at first, and give it a tag; gives the commit."""
        self._git("reset", "--quiet", "--hard", "first")
        for name, text in files.items():
            path = self._work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self._git("add", "--all", "--force")
        self._git("commit", "--quiet", "--allow-empty", "-m", tag)
        self._git("tag", "--force", tag)
        self._git("push", "--quiet", "--force", str(self._bare), tag)
        return self._git("rev-parse", "HEAD")

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *("git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={self.port}"),
                *("--export-all", f"--base-path={self._root}", str(self._root)),
            ],
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """Be away. A host that calls is refused."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def _git(self, *command: str) -> str:
        by = ("-c", "user.name=Kim", "-c", "user.email=kim@example.com")
        ran = subprocess.run(
            ["git", *by, *command], cwd=self._work, check=True, capture_output=True, text=True
        )
        return ran.stdout.strip()


def make_index(folder: Path) -> Path:
    """Wheels of what the bots require."""
    make_wheel(folder, "quotes", "1.2")
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
