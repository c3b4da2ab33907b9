"""A virtual machine under qemu, in software emulation, that can be frozen and thawed."""

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.boot.image import Image

MEMORY_MIB = 1024
"""A t4g.micro's; so are two processors."""

AGENT_PORT = 7
# Emulation pays for each guard against the processor's flaws, and for a fifth level of page tables.
KERNEL = (
    "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet mitigations=off nopti no5lvl nokaslr"
    " audit=0 random.trust_cpu=on panic=5 systemd.show_status=no"
)


@dataclass(frozen=True)
class Ran:
    """How a command ended in the machine."""

    returncode: int
    stdout: str
    stderr: str


class Machine:
    """A machine with a disk of its own over ``image``'s, both gone with ``folder``.

    ``aws`` and ``git`` are ports of this machine's loopback address; ``date`` is when its clock
    starts, in UTC. The serial console is ``<folder>/console``.
    """

    def __init__(self, image: Image, folder: Path, aws: int, git: int, date: str) -> None:
        self._image = image
        self._folder = folder
        self._date = date
        self._append = f"{KERNEL} boot.aws={aws} boot.git={git}"
        self.disk = folder / "disk.qcow2"
        self.console = folder / "console"
        folder.mkdir(parents=True, exist_ok=True)
        self.console.write_bytes(b"")
        self.disk.unlink(missing_ok=True)
        backing = ("-b", str(image.disk), "-F", "raw")
        _tool("qemu-img", "create", "-q", "-f", "qcow2", *backing, str(self.disk))

    def start(self, date: str = "") -> None:
        """Switch it on. Its clock shows ``date``, where one is given."""
        self._port = _free_port()
        monitor = self._folder / "monitor"
        monitor.unlink(missing_ok=True)
        network = f"user,id=net,ipv6=off,hostfwd=tcp:127.0.0.1:{self._port}-:{AGENT_PORT}"
        self._process = subprocess.Popen(
            [
                "qemu-system-x86_64",
                *("-M", "q35,hpet=off", "-cpu", "Nehalem", "-accel", "tcg,tb-size=512"),
                *("-m", str(MEMORY_MIB), "-smp", "2", "-display", "none", "-nodefaults"),
                *("-rtc", f"base={date or self._date},clock=vm"),
                *("-kernel", str(self._image.kernel), "-initrd", str(self._image.initrd)),
                *("-append", self._append),
                *(
                    "-drive",
                    f"file={self.disk},if=virtio,format=qcow2,cache=writeback,discard=unmap",
                ),
                *("-netdev", network, "-device", "virtio-net-pci,netdev=net,romfile="),
                *("-device", "virtio-rng-pci"),
                *("-chardev", f"file,id=console,path={self.console},append=on"),
                *("-serial", "chardev:console", "-no-shutdown"),
                *("-qmp", f"unix:{monitor},server=on,wait=off"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / "qemu.log").open("ab"),
        )
        self._monitor = _Monitor(monitor, self._process)
        self.until_answers()

    def until_answers(self, seconds: int = 400) -> None:
        """Wait until commands can be run in it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError, ValueError):
                self._ask({"command": ["true"], "input": "", "timeout": 10}, 10)
                return
            time.sleep(0.2)
        raise AssertionError(f"the machine does not answer:\n{self.console_end()}")

    def run(self, *command: str, check: bool = True, timeout: int = 300, given: str = "") -> Ran:
        """Run a command in it as root."""
        asked = {"command": command, "input": given, "timeout": timeout}
        ran = Ran(**self._ask(asked, timeout + 30))
        assert not check or ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
        return ran

    def until(self, *command: str, seconds: int = 120) -> None:
        """Wait until a command succeeds in it."""
        loop = 'until "$@" >/dev/null 2>&1; do sleep 1; done'
        # By this machine's clock, for a test may have set the other's.
        ran = self.run("bash", "-c", loop, "-", *command, check=False, timeout=seconds)
        assert ran.returncode == 0, f"not in {seconds} s: {command}"

    def freeze(self, name: str) -> None:
        """Keep memory and disk as they are now."""
        self._monitor.human(f"savevm {name}")

    def thaw(self, name: str) -> None:
        """Go back to where it was frozen."""
        self._monitor.human(f"loadvm {name}")

    def cpu_seconds(self) -> float:
        """What its emulation has used of this machine."""
        text = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(text[11]) + int(text[12])) / os.sysconf("SC_CLK_TCK")

    def set_clock(self, moment: str) -> None:
        """Set its clock to a moment such as ``2026-11-24 08:59:50``, in Seoul."""
        self.run("date", "--set", f"{moment} +0900")

    def cut_power(self) -> None:
        """End it at once. The disk keeps what the system had asked it to keep."""
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(60)

    def reset(self) -> None:
        """Press its reset button."""
        self._monitor.ask("system_reset")

    def power_off(self, seconds: int = 300) -> None:
        """Have it shut down in order."""
        self.run("systemctl", "poweroff", check=False)
        self._monitor.until_shut_down(seconds)
        self.cut_power()

    def reboot(self) -> None:
        """Have it shut down in order and come up again."""
        before = self.run("cat", "/proc/sys/kernel/random/boot_id").stdout
        self.run("systemctl", "reboot", check=False)
        end = time.monotonic() + 400
        while time.monotonic() < end:
            time.sleep(1)
            with suppress(OSError, ValueError, AssertionError):
                now = self.run("cat", "/proc/sys/kernel/random/boot_id", timeout=10).stdout
                if now != before:
                    return
        raise AssertionError(f"it does not come up again:\n{self.console_end()}")

    def raw_disk(self, path: Path) -> None:
        """Write what is on the disk now, without what was frozen, while it is off."""
        _tool("qemu-img", "convert", "-O", "raw", str(self.disk), str(path))

    def console_end(self, lines: int = 30) -> str:
        text = self.console.read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def remove(self) -> None:
        """End it, and leave nothing but its console."""
        self.cut_power()
        self.disk.unlink(missing_ok=True)

    def _ask(self, asked: dict[str, Any], seconds: float) -> dict[str, Any]:
        with socket.create_connection(("127.0.0.1", self._port), seconds) as connection:
            connection.sendall(json.dumps(asked).encode() + b"\n")
            with connection.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        return answer


class _Monitor:
    """qemu's own control, QMP."""

    def __init__(self, path: Path, process: "subprocess.Popen[bytes]") -> None:
        end = time.monotonic() + 60
        while not path.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rb")
        self._lines.readline()
        self.ask("qmp_capabilities")

    def ask(self, command: str, **arguments: Any) -> Any:
        """Run a command of QMP; gives what it returns."""
        asked = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(asked).encode() + b"\n")
        while True:
            answer = json.loads(self._lines.readline())
            if "return" in answer:
                return answer["return"]
            assert "error" not in answer, f"{command}: {answer}"

    def human(self, line: str) -> None:
        said = self.ask("human-monitor-command", **{"command-line": line})
        assert not said, f"{line}: {said}"

    def until_shut_down(self, seconds: int) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.ask("query-status")["status"] == "shutdown":
                return
            time.sleep(0.5)
        raise AssertionError(f"it does not shut down in {seconds} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _tool(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
