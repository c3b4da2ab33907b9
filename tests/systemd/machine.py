"""A container whose first process is a real systemd: the units' sandbox is the kernel's own."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
TARGET = "multi-user.target"

# The private /run is for what systemd-nspawn leaves there. A systemd of the machine's own is asked
# for a scope instead, by its socket in /run.
_START = """
set -e
for folder in $GROUPS_OF_OURS; do mkdir "$folder"; echo 0 >"$folder/cgroup.procs"; done
if [ -z "$MANAGED" ]; then mount -t tmpfs tmpfs /run; fi
exec systemd-nspawn "$@"
"""
# It shuts down where the tests are killed.
_ISOLATED = ("setpriv", "--pdeathsig", "TERM", "unshare", "--mount")
_SCOPE = ("systemd-run", "--scope", "--quiet", "--collect", "--property=Delegate=yes")


class Machine:
    """The container on ``root``. Its /usr is this machine's, read only, but for /usr/local."""

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self._name = name
        self._managed = Path("/run/systemd/system").is_dir()
        self._groups = [] if self._managed else [folder / name for folder in _hierarchies()]
        self._console = root.parent / f"{name}.console"

    def boot(self) -> None:
        """Start it, and wait until systemd is up. What it starts may still be starting."""
        with self._console.open("wb") as console:
            self._process = subprocess.Popen(
                [
                    *(_SCOPE if self._managed else ()),
                    *_ISOLATED,
                    *("sh", "-c", _START, "sh"),
                    *("--quiet", "--boot", "--register=no", "--keep-unit", "--private-network"),
                    *("--console=read-only", "--link-journal=no", f"--machine={self._name}"),
                    *(f"--directory={self.root}", "--bind-ro=/usr"),
                    f"--bind={self.root}/local:/usr/local",
                    *("--", f"systemd.unit={TARGET}"),
                ],
                env={
                    "PATH": os.environ["PATH"],
                    "GROUPS_OF_OURS": " ".join(map(str, self._groups)),
                    "MANAGED": "yes" if self._managed else "",
                },
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        self._leader = self._wait_for_leader()
        try:
            self.until("systemctl", "is-active", "--quiet", "basic.target")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.console}") from error

    def run(
        self, *command: str, check: bool = True, timeout: int = 120
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command in it as root."""
        result = subprocess.run(
            [
                *("nsenter", f"--target={self._leader}", "--mount", "--uts", "--ipc", "--net"),
                *("--pid", "--cgroup", *command),
            ],
            env={"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "Asia/Seoul"},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert not check or result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
        return result

    def until(self, *command: str, seconds: int = 30) -> None:
        """Wait until a command succeeds in it."""
        loop = 'until "$@" 2>/dev/null; do sleep 0.05; done'
        waited = self.run("timeout", str(seconds), "bash", "-c", loop, "-", *command, check=False)
        assert waited.returncode == 0, f"not in {seconds} s: {command}"

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", f"--property={name}", "--value", unit).stdout.strip()

    def path(self, path: str) -> Path:
        """Where a file of it lies on this machine, but for what it mounts (/usr, /run, /tmp)."""
        return self.root / path.lstrip("/")

    @property
    def console(self) -> str:
        return self._console.read_text(errors="replace")

    def end(self) -> None:
        """End it at once, as a power cut does."""
        if self._process.poll() is None:
            os.kill(self._leader, signal.SIGKILL)
        self._process.wait(60)
        for group in self._groups:
            for folder, _, _ in os.walk(group, topdown=False):
                Path(folder).rmdir()

    def remove(self) -> None:
        """End it, and leave nothing of it behind."""
        self.end()
        shutil.rmtree(self.root)

    def _wait_for_leader(self) -> int:
        """The number of its first process: systemd, below systemd-nspawn."""
        for _ in range(6000):
            found = _child(self._process.pid)
            if found and _name(found) == "systemd":
                return found
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.01)
                break
        raise AssertionError(f"no systemd came up: {self.console}")


def _hierarchies() -> list[Path]:
    """Where processes are grouped: by both versions of cgroups, or by the second alone."""
    both = [CGROUPS / name for name in ("systemd", "unified")]
    return [folder for folder in both if folder.is_dir()] or [CGROUPS]


def _child(process: int) -> int:
    """The first child, or 0."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return 0
    return int(children[0]) if children else 0


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""
