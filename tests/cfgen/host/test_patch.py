"""Security updates, installed for real by ``scripts/patch``; dnf and systemd are stand-ins."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cfgen.host.conftest import SCRIPTS, Stands
from tests.cfgen.host.test_render import text
from tests.trees import plan, spot

# As dnf prints them on Amazon Linux 2023 (dnf-plugin-release-notification 1.2); the second is of
# a minor version that sorts before the first by its name.
LISTED = """\
WARNING:
  A newer release of "Amazon Linux" is available.
  Available Versions:
"""
for name in ("2023.9.20261110", "2023.10.20261118", "2023.10.20261123"):
    LISTED += f"""
  Version {name}:
    Run the following command to upgrade to {name}:

      dnf upgrade --releasever={name}

    Release notes:
     https://docs.aws.amazon.com/linux/al2023/release-notes/relnotes-{name}.html
"""

REBOOT = (
    "Core libraries or services have been updated since boot-up:\n  * glibc\n\nReboot is required"
)
NO_REBOOT = "No core libraries or services have been updated since boot-up."

Patch = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def patch(tmp_path: Path, stands: Stands) -> Patch:
    """Run the script on 2026-11-25; what dnf and systemd say lies in files of the test's folder."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    shutil.copy(SCRIPTS / "patch", folder)
    says = {
        "listed": LISTED,
        "listed-status": "100",
        "upgrade-status": "0",
        "reboot": NO_REBOOT,
        "reboot-status": "0",
        "services": "",
        "busy": "",
        "next": "",
        "kernel": "/boot/vmlinuz-6.1",
        "gate": "1",
    }
    for name, content in says.items():
        (tmp_path / name).write_text(content)
    stands.add(
        "dnf",
        f"""cd {tmp_path}
        case $* in
          check-release-update) cat listed; exit "$(cat listed-status)" ;;
          upgrade*) exit "$(cat upgrade-status)" ;;
          *--reboothint) cat reboot; exit "$(cat reboot-status)" ;;
          *--services) cat services ;;
          *) exit 3 ;;
        esac""",
    )
    stands.add(
        "systemctl",
        f"case $1 in list-units) cat {tmp_path}/busy ;; show) cat {tmp_path}/next ;; esac",
    )
    stands.add("pgrep", "exit 1")
    stands.add("grubby", f"cat {tmp_path}/kernel")
    stands.add("uname", "echo 6.1")
    for name, body in (("market-gate", f'exit "$(cat {tmp_path}/gate)"'), ("report", "")):
        stands.add(name, body)
        shutil.move(stands.folder / name, folder / name)

    def run(*arguments: str, **extra: str) -> "subprocess.CompletedProcess[str]":
        quick = {"RETRY_SECONDS": "0", "QUIET_SECONDS": "0", "QUIET_MINUTES": "3"}
        return subprocess.run(
            ["bash", str(folder / "patch"), *arguments],
            env={
                "PATH": f"{stands.folder}:{os.environ['PATH']}",
                "TODAY": "2026-11-25",
                "DAILY": "trading-bot.service",
                "SERVICES": "",
                **quick,
                **extra,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def upgrades(stands: Stands) -> list[str]:
    return [call for call in stands.calls if call.startswith("dnf upgrade")]


def reported(stands: Stands) -> dict[str, object]:
    [call] = [call for call in stands.calls if call.startswith("report ")]
    event: dict[str, object] = json.loads(call.removeprefix("report "))
    assert event.pop("event") == "patched"
    return event


@pytest.mark.parametrize(
    ("days", "release"),
    [
        ("0", "latest"),
        ("1", "2023.10.20261123"),
        ("2", "2023.10.20261123"),
        ("3", "2023.10.20261118"),
        ("7", "2023.10.20261118"),
        ("8", "2023.9.20261110"),
    ],
)
def test_the_newest_release_that_is_old_enough_is_taken(
    patch: Patch, stands: Stands, days: str, release: str
) -> None:
    result = patch(days, "when-closed")
    assert result.returncode == 0, result.stderr
    assert upgrades(stands) == [f"dnf upgrade --releasever={release} --security --assumeyes"]
    assert reported(stands) == {"release": release, "restarted": "nothing", "reboot_due": False}


def test_a_release_that_is_too_new_waits(patch: Patch, stands: Stands) -> None:
    assert patch("30", "when-closed").returncode == 0
    assert upgrades(stands) == []
    assert reported(stands)["release"] == ""


def test_a_host_that_has_the_newest_release_has_nothing_to_do(
    patch: Patch, stands: Stands, tmp_path: Path
) -> None:
    (tmp_path / "listed").write_text("")
    (tmp_path / "listed-status").write_text("0")
    assert patch("7", "when-closed").returncode == 0
    assert upgrades(stands) == []


def test_releases_that_cannot_be_listed_fail_in_dnfs_words(
    patch: Patch, stands: Stands, tmp_path: Path
) -> None:
    (tmp_path / "listed").write_text("Error: Failed to download metadata")
    (tmp_path / "listed-status").write_text("1")
    result = patch("7", "when-closed")
    assert result.returncode == 1
    assert stands.calls.count("dnf check-release-update") == 8
    assert "Failed to download metadata" in result.stderr


def test_the_lock_of_another_is_waited_for(patch: Patch, stands: Stands, tmp_path: Path) -> None:
    (tmp_path / "upgrade-status").write_text("1")
    assert patch("0", "when-closed").returncode == 1
    assert len(upgrades(stands)) == 8
    # Nothing was installed, and nothing is restarted for it.
    assert not [call for call in stands.calls if "needs-restarting" in call or "reboot" in call]


def due(folder: Path) -> None:
    """As the plugin has it: the status is 1 (dnf-plugins-core, needs_restarting.py)."""
    (folder / "reboot").write_text(REBOOT)
    (folder / "reboot-status").write_text("1")


def test_what_needs_a_reboot_reboots_after_the_close(
    patch: Patch, stands: Stands, tmp_path: Path
) -> None:
    due(tmp_path)
    assert patch("7", "when-closed").returncode == 0
    assert stands.calls[-1] == "systemctl reboot"
    # Before, or nobody would hear of it.
    assert reported(stands)["restarted"] == "host"


def test_a_kernel_that_the_plugin_does_not_know_reboots_too(
    patch: Patch, stands: Stands, tmp_path: Path
) -> None:
    (tmp_path / "kernel").write_text("/boot/vmlinuz-6.12")
    assert patch("7", "when-closed").returncode == 0
    assert stands.calls[-1] == "systemctl reboot"


@pytest.mark.parametrize(
    ("said", "status"), [("No such command: needs-restarting.", "1"), ("", "1")]
)
def test_an_error_of_dnfs_is_no_reason_to_reboot(
    patch: Patch, stands: Stands, tmp_path: Path, said: str, status: str
) -> None:
    (tmp_path / "reboot").write_text(said)
    (tmp_path / "reboot-status").write_text(status)
    (tmp_path / "kernel").write_text("")
    assert patch("7", "when-closed").returncode == 0
    assert "systemctl reboot" not in stands.calls


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("busy", "trading-bot.service loaded activating start", "trading-bot.service loaded"),
        ("gate", "0", "not known to be closed"),
        ("gate", "255", "not known to be closed"),
        ("next", "soon", "starts in less than three minutes"),
    ],
)
def test_no_job_and_no_session_is_disturbed(
    patch: Patch, stands: Stands, tmp_path: Path, name: str, content: str, why: str
) -> None:
    due(tmp_path)
    if content == "soon":
        content = subprocess.run(
            ["date", "--utc", "--date", "2 minutes", "+%a %F %T UTC"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    (tmp_path / name).write_text(content)
    result = patch("7", "when-closed")
    assert result.returncode == 0, result.stderr
    assert "systemctl reboot" not in stands.calls
    assert reported(stands) == {
        "release": "2023.10.20261118",
        "restarted": "nothing",
        "reboot_due": True,
    }
    [line] = [line for line in result.stdout.splitlines() if "left for another day" in line]
    assert why in line
    # It looked again and again before it gave up.
    assert len([call for call in stands.calls if "list-units" in call]) == 3


def test_a_market_that_never_closes_is_not_waited_for(
    patch: Patch, stands: Stands, tmp_path: Path
) -> None:
    due(tmp_path)
    (tmp_path / "gate").write_text("0")
    (tmp_path / "next").write_text("Wed 2027-11-25 09:00:00 UTC")
    assert patch("7", "any-time").returncode == 0
    assert stands.calls[-1] == "systemctl reboot"


def test_a_host_that_starts_anew_each_day_is_not_rebooted(
    patch: Patch, stands: Stands, tmp_path: Path
) -> None:
    due(tmp_path)
    (tmp_path / "services").write_text("sshd.service\n")
    assert patch("7", "next-start").returncode == 0
    assert upgrades(stands)
    assert not [call for call in stands.calls if call.startswith("systemctl")]


def test_what_runs_with_old_libraries_is_restarted(
    patch: Patch, stands: Stands, tmp_path: Path
) -> None:
    (tmp_path / "services").write_text(
        "trading-web.service\ntrading-patch.service\namazon-ssm-agent.service\n"
        "user@1000.service\nsystemd-logind.service\nA word on standard output\n"
    )
    assert patch("7", "when-closed").returncode == 0
    restarts = [call for call in stands.calls if "try-restart" in call]
    assert restarts == ["systemctl try-restart trading-web.service amazon-ssm-agent.service"]
    assert reported(stands)["restarted"] == "trading-web.service amazon-ssm-agent.service"


def test_without_a_reporter_it_works_as_well(patch: Patch, stands: Stands, tmp_path: Path) -> None:
    (tmp_path / "scripts/report").unlink()
    assert patch("7", "when-closed").returncode == 0
    assert upgrades(stands)


@pytest.mark.parametrize(
    ("locked", "sections", "expected"),
    [
        (plan(), {}, "7 when-closed"),
        (spot(), {"host": {"patch_delay_days": 0}}, "0 when-closed"),
        (plan("market"), {}, "7 next-start"),
        (plan(), {"market": {"calendar": "always"}}, "7 any-time"),
    ],
)
def test_the_unit_says_how_old_and_when(
    locked: object, sections: dict[str, object], expected: str
) -> None:
    unit = text("trading-patch.service", locked, **sections)  # type: ignore[arg-type]
    assert f"ExecStart=/usr/local/lib/trading-bot/patch {expected}" in unit.splitlines()
