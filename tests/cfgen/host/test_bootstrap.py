"""The bootstrap's steps, run for real in a scratch root, each twice."""

import shutil
import stat
import time
from pathlib import Path

import pytest

from cfgen.config.load import make_config
from cfgen.host.render import steps
from tests.cfgen.host.conftest import SCRIPTS, Script, Stands
from tests.trees import plan, spot

SETTINGS = """\
AWS_REGION="ap-northeast-2"
PYTHON="3.12"
TIMEZONE="Asia/Seoul"
SWAP_MIB="2"
PATCHING="yes"
DASHBOARD="yes"
DAILY="trading-bot.service trading-bot-sell.service"
SERVICES=""
SPOT="yes"
KEEPS_STATE="yes"
"""

STEPS = list(steps(make_config({}, "test"), spot()))


@pytest.fixture
def root(tmp_path: Path, stands: Stands) -> Path:
    """A host that has just started: what the machine must not really do is written down."""
    root = tmp_path / "root"
    for folder in ("etc/trading-bot", "run", "usr/local/lib/trading-bot", "etc/systemd/system",
                   "opt/aws/amazon-cloudwatch-agent/bin"):  # fmt: skip
        (root / folder).mkdir(parents=True)
    (root / "etc/trading-bot/stack.env").write_text(SETTINGS)
    (root / "etc/fstab").write_text("UUID=1 / xfs defaults 0 0\n")
    for name in ("dnf", "timedatectl", "runuser", "mkswap", "chown", "systemd-run"):
        stands.add(name)
    stands.add(
        "systemctl",
        """
        state=$(cat "$ROOT/state" 2>/dev/null)
        case $1 in
          show) echo "$state" ;;
          is-active) [ "$3" != cfn-hup.service ] || [ -e "$ROOT/old" ] || exit 3 ;;
          list-units) [ "$state" != activating ] || echo "trading-bot-gone.service loaded x" ;;
        esac""",
    )
    stands.add("id", 'test -e "$ROOT/trading"')
    stands.add("useradd", 'touch "$ROOT/trading"')
    stands.add("install", 'for last; do :; done; mkdir -p "$last"')
    stands.add("swapon", 'case $1 in --show*) cat "$ROOT/on" 2>/dev/null;; '
               '*) echo "$1" >>"$ROOT/on";; esac; exit 0')  # fmt: skip
    stands.add("swapoff", 'rm "$ROOT/on"')
    for name, folder in (
        ("take-address", "usr/local/lib/trading-bot"),
        ("report", "usr/local/lib/trading-bot"),
        ("amazon-cloudwatch-agent-ctl", "opt/aws/amazon-cloudwatch-agent/bin"),
    ):
        stands.add(name)
        shutil.copy(stands.folder / name, root / folder / name)
    return root


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_may_run_twice(script: Script, root: Path, step: str) -> None:
    first = script("bootstrap", step, ROOT=str(root))
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith(f"bootstrap: {step}\n")
    there = snapshot(root)
    again = script("bootstrap", step, ROOT=str(root))
    assert again.returncode == 0, again.stderr
    assert snapshot(root) == there


def test_the_whole_bootstrap_in_the_templates_order(
    script: Script, root: Path, stands: Stands
) -> None:
    for step in STEPS:
        assert script("bootstrap", step, ROOT=str(root)).returncode == 0, step
    said = [call.partition(" ")[0] for call in stands.calls]
    # Swap before dnf, which needs the memory; the address before connections that would break.
    order = ["swapon", "take-address", "dnf", "timedatectl", "useradd",
             "amazon-cloudwatch-agent-ctl", "runuser"]  # fmt: skip
    assert sorted(order, key=said.index) == order
    swap = root / "swapfile"
    assert swap.stat().st_size == 2 * 1024 * 1024
    assert stat.S_IMODE(swap.stat().st_mode) == 0o600
    assert (root / "etc/fstab").read_text().count("/swapfile none swap sw 0 0") == 1
    assert "timedatectl set-timezone Asia/Seoul" in stands.calls
    assert any("python3.12 python3.12-pip" in call for call in stands.calls)
    assert not (root / "run/bootstrap-failed").exists()


def test_another_size_of_swap_is_made_anew_and_none_is_taken_away(
    script: Script, root: Path, stands: Stands
) -> None:
    settings = root / "etc/trading-bot/stack.env"
    # The file is known to swapon under the scratch root's name.
    (root / "on").touch()
    for size in (2, 3, 0):
        settings.write_text(SETTINGS.replace('SWAP_MIB="2"', f'SWAP_MIB="{size}"'))
        assert script("bootstrap", "swap", ROOT=str(root)).returncode == 0
        swap = root / "swapfile"
        assert (swap.stat().st_size if swap.exists() else 0) == size * 1024 * 1024
    assert len([call for call in stands.calls if call.startswith("swapoff")]) == 2
    assert "/swapfile" not in (root / "etc/fstab").read_text()


def test_a_failed_step_is_the_reason_that_is_signalled(
    script: Script, root: Path, stands: Stands
) -> None:
    stands.add("dnf", "echo 'Error: Unable to find a match: python3.12' >&2; exit 1")
    result = script("bootstrap", "packages", ROOT=str(root), RETRY_SECONDS="0")
    assert result.returncode == 1
    assert len([call for call in stands.calls if call.startswith("dnf")]) == 8
    reason = (root / "run/bootstrap-failed").read_text()
    assert reason == "bootstrap step packages failed: Error: Unable to find a match: python3.12\n"
    # Once the step succeeds, nothing is left that a later failure could be blamed on.
    stands.add("dnf")
    assert script("bootstrap", "packages", ROOT=str(root)).returncode == 0
    assert not (root / "run/bootstrap-failed").exists()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Error: No match\\n\\n", "Error: No match"),
        (
            "Error: \\n Problem: conflicting requests\\n\\n  - nothing provides x\\n",
            "Error:   Problem: conflicting requests   - nothing provides x",
        ),
        (
            "ERROR: No distribution for x\\n[notice] There is a new pip\\n",
            "ERROR: No distribution for x",
        ),
        ("line one\\nKilled\\n   \\n\\n", "Killed"),
        ("", ""),
    ],
)
def test_the_last_words_are_those_that_say_why(
    script: Script, root: Path, stands: Stands, said: str, reason: str
) -> None:
    stands.add("timedatectl", f"printf '{said}'; exit 1")
    assert script("bootstrap", "timezone", ROOT=str(root)).returncode == 1
    assert f"report failed step=timezone reason={reason}" in [
        call.rstrip() for call in stands.calls
    ]
    told = (root / "run/bootstrap-failed").read_text().strip()
    assert told == f"bootstrap step timezone failed: {reason}".strip()


def test_each_step_is_reported_and_the_end(script: Script, root: Path, stands: Stands) -> None:
    for step in STEPS:
        assert script("bootstrap", step, ROOT=str(root)).returncode == 0, step
    deadline = time.monotonic() + 30
    # They are sent beside the steps, which do not wait for them.
    while time.monotonic() < deadline:
        told = [call for call in stands.calls if call.startswith("report")]
        if len(told) == len(STEPS) + 1:
            break
        time.sleep(0.05)
    assert sorted(told) == sorted(["report done", *(f"report step step={one}" for one in STEPS)])
    assert (root / "run/bootstrap-began").exists()


def test_a_report_that_cannot_be_sent_fails_no_step(script: Script, root: Path) -> None:
    (root / "usr/local/lib/trading-bot/report").unlink()
    assert script("bootstrap", "units", ROOT=str(root)).returncode == 0


def test_what_cfn_init_was_given_is_kept_once_it_is_done(script: Script, root: Path) -> None:
    given = root / "var/lib/cfn-init/data/metadata.json"
    given.parent.mkdir(parents=True)
    given.write_text('{"AWS::CloudFormation::Init": {}}')
    kept = root / "var/lib/trading-host/applied.json"
    (root / "state").write_text("activating")
    assert script("bootstrap", "units", ROOT=str(root)).returncode == 75
    assert not kept.exists()
    (root / "state").write_text("inactive")
    assert script("bootstrap", "units", ROOT=str(root)).returncode == 0
    assert kept.read_text() == given.read_text()


def test_the_unit_of_an_earlier_version_gives_way_once_it_has_ended(
    script: Script, root: Path, stands: Stands
) -> None:
    """It is the one in which this runs: stopped at once, it would take the bootstrap with it."""
    old = root / "etc/systemd/system/cfn-hup.service"
    old.touch()
    (root / "old").touch()
    assert script("bootstrap", "units", ROOT=str(root)).returncode == 0
    assert not old.exists()
    later = "systemd-run --on-active=60 systemctl start trading-changes.service"
    assert later in stands.calls
    assert "systemctl start trading-changes.service" not in stands.calls
    assert not [call for call in stands.calls if call.startswith("systemctl stop cfn-hup")]


def test_a_step_ends_at_its_first_failure(script: Script, root: Path, stands: Stands) -> None:
    stands.add("mkswap", "echo 'mkswap: no' >&2; exit 1")
    result = script("bootstrap", "swap", ROOT=str(root))
    assert result.returncode == 1
    assert not (root / "swapfile").exists()
    assert (root / "run/bootstrap-failed").read_text() == "bootstrap step swap failed: mkswap: no\n"


def test_dnf_is_tried_again_while_the_lock_is_held(
    script: Script, root: Path, stands: Stands
) -> None:
    stands.add("dnf", f'[ "$(grep -c ^dnf {stands.log})" -ge 3 ]')
    result = script("bootstrap", "packages", ROOT=str(root), RETRY_SECONDS="0")
    assert result.returncode == 0
    assert "attempt 2 failed" in result.stdout


@pytest.mark.parametrize(("state", "code"), [("activating", 75), ("inactive", 0), ("active", 0)])
def test_the_code_does_not_change_under_a_bot_at_work(
    script: Script, root: Path, state: str, code: int
) -> None:
    (root / "state").write_text(state)
    assert script("bootstrap", "idle", ROOT=str(root)).returncode == code


def test_the_state_is_not_waited_for(script: Script, root: Path, stands: Stands) -> None:
    assert script("bootstrap", "state", ROOT=str(root)).returncode == 0
    assert "systemctl start --no-block trading-state.service" in stands.calls


@pytest.mark.parametrize("step", ["app", "units"])
def test_a_bot_that_started_meanwhile_keeps_its_code(
    script: Script, root: Path, stands: Stands, step: str
) -> None:
    (root / "state").write_text("activating")
    assert script("bootstrap", step, ROOT=str(root)).returncode == 75
    assert not [call for call in stands.calls if "install-app" in call or "restart" in call]
    # It is no failure: whoever asked comes back.
    assert (root / "run/bootstrap-waiting").read_text() == "at work: trading-bot-gone.service\n"
    assert not (root / "run/bootstrap-failed").exists()
    said = f"report waiting step={step} reason=at work: trading-bot-gone.service"
    assert said in stands.calls


def test_what_is_not_wanted_is_switched_off_if_it_was_there(
    script: Script, root: Path, stands: Stands
) -> None:
    settings = root / "etc/trading-bot/stack.env"
    settings.write_text(SETTINGS.replace("yes", "no"))
    (root / "etc/systemd/system/trading-patch.timer").touch()
    assert script("bootstrap", "units", ROOT=str(root)).returncode == 0
    assert "systemctl disable --now trading-patch.timer" in stands.calls
    assert not [call for call in stands.calls if "trading-save.timer" in call]
    assert "systemctl stop trading-web.service" in stands.calls
    # What watches for changes of the stack comes last: it must not find this one half done.
    last = [call for call in stands.calls if not call.startswith("report")][-1]
    assert last == "systemctl start trading-changes.service"
    assert "systemctl disable cfn-hup.service" in stands.calls
    assert "systemctl enable trading-bot.timer" in stands.calls


def test_an_unknown_step_is_refused(script: Script) -> None:
    result = script("bootstrap", "frobnicate")
    assert result.returncode == 2
    assert "no step is called frobnicate" in result.stderr


def test_the_template_runs_no_step_that_the_script_lacks() -> None:
    text = (SCRIPTS / "bootstrap").read_text()
    assert [step for step in STEPS if f"\n{step}() {{" not in text] == []
    assert set(steps(make_config({}, "test"), plan())) < set(STEPS)


def test_a_job_that_was_taken_out_does_not_trade_on(
    root: Path, script: Script, stands: Stands
) -> None:
    units = root / "etc/systemd/system"
    for name in ("trading-bot", "trading-bot-sell", "trading-bot-former"):
        (units / f"{name}.timer").touch()
        (units / f"{name}.service").touch()
    assert script("bootstrap", "units", ROOT=str(root)).returncode == 0
    assert "systemctl disable --now trading-bot-former.timer" in stands.calls
    assert "systemctl stop trading-bot-former.service" in stands.calls
    left = {path.name for path in units.iterdir() if path.name.startswith("trading-bot")}
    assert left == {
        f"{name}.{kind}"
        for name in ("trading-bot", "trading-bot-sell")
        for kind in ("service", "timer")
    }
    assert not [call for call in stands.calls if "disable --now trading-bot.timer" in call]
