"""First boots that are broken on purpose: each signals failure with its step, or recovers."""

from collections.abc import Mapping
from typing import Any

from tests.boot.conftest import Lab, Saw
from tests.boot.host import BOT, Host
from tests.boot.stack import KEYS, SOURCE

SHAPE = "on-demand-always"
SETTINGS: Mapping[str, Any] = {}
QUICK = "[Service]\nEnvironment=RETRY_SECONDS=1\n"
"""Every retry of the bootstrap, without a quarter of a minute between them."""

INIT_LOG = "/var/log/cfn-init-cmd.log"


def begin(host: Host) -> None:
    host.write("/run/systemd/system/cloud-final.service.d/quick.conf", QUICK)
    host.run("systemctl", "daemon-reload")
    host.begin()


def fails(host: Host, step: str, words: str) -> str:
    """It signals failure; the host's log says at which step, and why. Gives the line."""
    assert host.signal() == "FAILURE", host.said()
    log = host.read(INIT_LOG)
    [line] = [one for one in log.splitlines() if f"bootstrap step {step} failed: " in one]
    assert words in line, line
    assert f"step {step} failed" in host.read("/run/bootstrap-failed")
    # SignalResource has no field for a reason: this is where the one who deploys reads it.
    assert words in host.reported("failed", step=step)["reason"]
    told = [text for _, text in host.stack.messages]
    assert any(f"step {step} failed" in text and words in text for text in told), told
    return line.partition("failed: ")[2]


def test_a_lock_of_dnf_that_is_held_twice_is_waited_for(lab: Lab, saw: Saw) -> None:
    host = lab.fresh(SETTINGS)
    host.write("/run/stand-ins/dnf-fails", "2")
    begin(host)
    assert host.signal() == "SUCCESS", host.said()
    tried = [line for line in host.read("/var/log/dnf-calls").splitlines() if "install" in line]
    assert len(tried) == 3
    saw("dnf's lock held twice", SHAPE, "success at the third try")


def test_a_lock_of_dnf_that_is_held_for_ever_fails_the_packages(lab: Lab, saw: Saw) -> None:
    host = lab.fresh(SETTINGS)
    host.write("/run/stand-ins/dnf-fails", "1000")
    begin(host)
    said = fails(host, "packages", "Could not run transaction")
    saw("dnf's lock held for ever", SHAPE, f"failure signalled: packages: {said}")


def test_without_a_way_to_git_the_app_fails(lab: Lab, saw: Saw) -> None:
    host = lab.fresh(SETTINGS)
    lab.git.stop()
    try:
        begin(host)
        said = fails(host, "app", "cannot fetch v1.2.0")
    finally:
        lab.git.start()
    saw("no way to the git server", SHAPE, f"failure signalled: app: {said}")


def test_a_pin_that_is_gone_fails_the_app(lab: Lab, saw: Saw) -> None:
    host = lab.fresh(SETTINGS, source=f"{SOURCE}@v9.9.9")
    begin(host)
    said = fails(host, "app", "cannot fetch v9.9.9")
    saw("a tag that is gone", SHAPE, f"failure signalled: app: {said}")


def test_a_wheel_that_is_missing_fails_the_app(lab: Lab, saw: Saw) -> None:
    lab.git.publish("no-wheel", {"requirements.txt": "nowhere==1.0\n"})
    lab.git.publish("v1.2.0", {"requirements.txt": "quotes==1.2\n"})
    host = lab.fresh(SETTINGS, source=f"{SOURCE}@no-wheel")
    begin(host)
    said = fails(host, "app", "nowhere")
    saw("a requirement without a wheel", SHAPE, f"failure signalled: app: {said}")


def test_a_full_disk_fails_the_step_that_fills_it(lab: Lab, saw: Saw) -> None:
    host = lab.fresh(SETTINGS)
    free = int(host.run("stat", "--file-system", "--format=%a", "/").stdout)
    # 4 KiB blocks: 300 MiB are left, which swap of a GiB does not fit into.
    host.run("fallocate", "--length", str((free - 76800) * 4096), "/var/filled")
    begin(host)
    said = fails(host, "swap", "No space left on device")
    saw("a full disk", SHAPE, f"failure signalled: swap: {said}")


def test_with_an_empty_secret_it_comes_up_and_starts_once_the_keys_are_there(
    lab: Lab, saw: Saw
) -> None:
    """The documented order of a new stack; a service bot and the dashboard wait, and stay well."""
    lab.git.publish("stays", {"apps/daily_breakout_app.py": "import time\ntime.sleep(9999)\n"})
    settings = {"bot": {"kind": "service"}, "market": {"calendar": "always"}}
    host = lab.fresh(settings, keys=None, source=f"{SOURCE}@stays")
    begin(host)
    assert host.signal() == "SUCCESS", host.said()
    host.settle()
    # Longer than the loader's pause, so that it has been tried again.
    host.run("sleep", "150")
    assert host.errors() == []
    for unit in (BOT, "trading-web.service"):
        assert host.show(unit, "ActiveState") == "inactive"
    host.stack.store(KEYS)
    for unit in (BOT, "trading-web.service"):
        host.until("systemctl", "is-active", "--quiet", unit, seconds=300)
    assert host.errors() == []
    saw(
        "the keys come after the host",
        "on-demand-always, service",
        "waits without an error, starts once they are there",
    )
