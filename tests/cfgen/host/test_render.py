"""What lies on the host, checked by the tools that will read it there."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgen.config.checks import DECIDED
from cfgen.config.load import make_config
from cfgen.host.quoting import quote_argument, quote_value
from cfgen.host.render import HostFile, host_files, steps, user_data
from cfgen.lock import LockedPlan
from cfgen.secret.refusals import AWS_NAME, AWS_VALUE
from tests.trees import plan, spot

SCRIPTS = Path(str(resources.files("cfgen.host").joinpath("scripts")))
NASTY = ["plain", "two words", 'quo"te', "back\\slash", "100%", "$HOME", "it's", ""]
SEED = "apps/daily_breakout_app.py --mode demo --symbol 069500"


def files(locked: LockedPlan | None = None, **config: object) -> dict[str, HostFile]:
    rendered = host_files(make_config(config, "test"), locked or plan(), 2026)
    return {file.path.rpartition("/")[2]: file for file in rendered}


def text(name: str, locked: LockedPlan | None = None, **config: object) -> str:
    return files(locked, **config)[name].text


def run(*command: str, **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """All units of a Spot host, arguments that are hard to quote, their programs made to exist."""
    config: dict[str, Any] = {"bot": {"arguments": NASTY}, "dashboard": {"port": 8080}}
    for file in files(spot(), **config).values():
        if file.path.startswith("/etc/systemd/system/"):
            program = sys.executable
            content = re.sub(r"(?m)^(Exec[A-Z][a-z]+)=[^-\s]\S*", rf"\1={program}", file.text)
            (tmp_path / Path(file.path).name).write_text(content)
    return tmp_path


def test_the_seeds_commands_are_the_defaults() -> None:
    command = f"ExecStart=/opt/trading-bot/venv/bin/python {SEED}"
    assert command in text("trading-bot.service").splitlines()
    assert text("trading-web.service").count("apps/flask_app.py") == 1
    assert "FLASK_PORT=5001" in text("trading-web.service")
    assert "OnCalendar=Mon..Fri 09:00:00 Asia/Seoul" in text("trading-bot.timer").splitlines()


def test_systemd_accepts_every_unit(units: Path) -> None:
    names = sorted(str(path) for path in units.iterdir())
    assert len(names) == 20
    result = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *names)
    assert result.stdout + result.stderr == ""
    assert result.returncode == 0


ROOTS = ("alone", "check", "failure@", "interruption", "late", "secrets")


@pytest.mark.parametrize("name", ROOTS)
def test_what_runs_as_root_is_hardened_too(units: Path, name: str) -> None:
    unit = units / f"trading-{name}.service"
    result = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(unit))
    found = re.search(r"exposure level for \S+ ([\d.]+)", result.stdout)
    assert found, result.stderr
    assert float(found[1]) <= 3.0


@pytest.mark.parametrize("unit", ["trading-bot.service", "trading-web.service"])
def test_bot_and_dashboard_are_hardened(units: Path, unit: str) -> None:
    result = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(units / unit))
    found = re.search(r"exposure level for \S+ ([\d.]+)", result.stdout)
    assert found, result.stderr
    assert float(found[1]) <= 2.0


@pytest.mark.parametrize(
    ("timer", "expected"),
    [
        ("trading-bot.timer", "Mon..Fri *-*-* 09:00:00 Asia/Seoul"),
        ("trading-patch.timer", "Mon..Fri *-*-* 15:40:00 Asia/Seoul"),
        ("trading-check.timer", "*-*-* 09:05:00 Asia/Seoul"),
        ("trading-save.timer", "*-*-* *:00/15:00 Asia/Seoul"),
    ],
)
def test_systemd_reads_the_timers_in_korean_time(timer: str, expected: str) -> None:
    [calendar] = re.findall(r"(?m)^OnCalendar=(.+)$", text(timer, spot()))
    assert f"Normalized form: {expected}" in run("systemd-analyze", "calendar", calendar).stdout


NEW_YORK: dict[str, Any] = {
    "market": {"calendar": "XNYS", "session": "09:30-16:00"},
    "bot": {"run_at": "23:35"},
}
LONDON: dict[str, Any] = {
    "market": {"calendar": "XLON", "session": "08:00-16:30"},
    "bot": {"run_at": "17:30"},
}
CHICAGO: dict[str, Any] = {
    "market": {"calendar": "XCME", "session": "17:00-16:00"},
    "bot": {"run_at": "09:00"},
}
RIYADH: dict[str, Any] = {
    "market": {"calendar": "XSAU", "session": "10:00-15:00"},
    "bot": {"run_at": "16:30"},
}
TOKYO: dict[str, Any] = {
    "market": {"calendar": "XJPX", "session": "09:00-11:30,12:30-15:30"},
}
NIGHT: dict[str, Any] = {
    "market": {"calendar": "weekdays", "session": "22:30-23:55"},
    "bot": {"run_at": "22:30"},
}


@pytest.mark.parametrize(
    ("sections", "base", "expected"),
    [
        # The nights on which New York and London change their clocks.
        (NEW_YORK, "2026-03-06", ["Fri 2026-03-06 21:10", "Mon 2026-03-09 20:10"]),
        (NEW_YORK, "2026-10-30", ["Fri 2026-10-30 20:10", "Mon 2026-11-02 21:10"]),
        (LONDON, "2026-03-27", ["Fri 2026-03-27 16:40", "Mon 2026-03-30 15:40"]),
        (TOKYO, "2026-03-06", ["Fri 2026-03-06 06:40", "Mon 2026-03-09 06:40"]),
        # Monday's session ends on Tuesday, and Friday's on Saturday.
        (CHICAGO, "2026-01-09", ["Fri 2026-01-09 22:10", "Sat 2026-01-10 22:10",
                                 "Tue 2026-01-13 22:10"]),
        # Ten minutes after five to midnight is the next day.
        (NIGHT, "2026-01-09", ["Fri 2026-01-09 15:05", "Mon 2026-01-12 15:05"]),
        (RIYADH, "2026-01-08", ["Thu 2026-01-08 12:10", "Sun 2026-01-11 12:10"]),
        ({"market": {"calendar": "always"}}, "2026-01-09", ["Fri 2026-01-09 19:40",
                                                            "Sat 2026-01-10 19:40"]),
    ],
)  # fmt: skip
def test_updates_come_ten_minutes_after_the_close_all_year(
    sections: dict[str, Any], base: str, expected: list[str]
) -> None:
    [calendar] = re.findall(
        r"(?m)^OnCalendar=(.+)$", text("trading-patch.timer", plan(), **sections)
    )
    options = f"--iterations={len(expected)}", f"--base-time={base} 00:00:00 UTC"
    utc = {"PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C"}
    shown = run("systemd-analyze", "calendar", *options, calendar, env=utc).stdout
    assert re.findall(r"(?:elapse|#\d+): (\w{3} [0-9-]+ [0-9:]{5}):00 UTC", shown) == expected


BASH = sorted(path.name for path in SCRIPTS.iterdir() if path.read_text().startswith("#!/bin/bash"))


@pytest.mark.parametrize("script", BASH)
def test_shellcheck_finds_nothing(script: str) -> None:
    assert run("bash", "-n", str(SCRIPTS / script)).stderr == ""
    assert run("shellcheck", str(SCRIPTS / script)).stdout == ""


def test_shellcheck_finds_nothing_in_the_user_data(tmp_path: Path) -> None:
    script = tmp_path / "user-data"
    script.write_text(re.sub(r"\$\{AWS::\w+\}", "x", user_data(spot())))
    assert run("shellcheck", str(script)).stdout == ""
    # cfn-signal must be reached whatever cfn-init did.
    assert "set -e" not in user_data(spot())


def test_the_bootstrap_has_every_step_that_the_template_runs() -> None:
    script = (SCRIPTS / "bootstrap").read_text()
    every = list(steps(make_config({}, "test"), spot()))
    assert [step for step in every if f"\n{step}() {{" not in script] == []
    [listed] = re.findall(r"(?m)^  (idle \|.+)\) ;;$", script)
    assert listed.split(" | ") == every
    assert set(steps(make_config({}, "test"), plan())) < set(every)


def test_the_bootstrap_refuses_an_unknown_step() -> None:
    result = run("bash", str(SCRIPTS / "bootstrap"), "frobnicate")
    assert result.returncode == 2
    assert "frobnicate" in result.stderr


def test_no_placeholder_is_left() -> None:
    for file in (*files().values(), *files(spot()).values()):
        assert not re.search(r"@[A-Z_]+@", file.text), file.path


def test_files_are_readable_in_yaml() -> None:
    """A tab or a blank at a line's end would turn the block into one long quoted string."""
    for file in (*files().values(), *files(spot()).values()):
        assert "\t" not in file.text
        assert not re.search(r"(?m) $", file.text), file.path
        assert file.text.endswith("\n")


def test_the_agents_configuration_is_json() -> None:
    agent = json.loads(text("agent.json"))
    collected = agent["logs"]["logs_collected"]["files"]["collect_list"]
    assert "/var/log/trading-bot/bot.log" in {entry["file_path"] for entry in collected}


def test_a_disabled_dashboard_is_not_started() -> None:
    off: dict[str, Any] = {"dashboard": {"enabled": False}}
    assert "systemctl start" in text("trading-secrets.service")
    assert "systemctl start" not in text("trading-secrets.service", **off)
    assert 'DASHBOARD="no"' in text("stack.env", **off)


def test_the_dashboard_listens_where_it_may_be_reached() -> None:
    assert "FLASK_HOST=127.0.0.1" in text("trading-web.service")
    opened = text("trading-web.service", dashboard={"cidrs": ["203.0.113.7/32"]})
    assert "FLASK_HOST=0.0.0.0" in opened


def test_a_bot_that_stays_up_starts_with_its_keys() -> None:
    """At boot, too: the loader is enabled, and starts what stays up."""
    service: dict[str, Any] = {"bot": {"kind": "service"}}
    assert "Type=simple" in text("trading-bot.service", **service)
    loader = text("trading-secrets.service", **service)
    assert "start --no-block trading-bot.service trading-web.service'" in loader
    assert "start --no-block trading-web.service'" in text("trading-secrets.service")


def test_a_daily_bot_is_never_restarted_by_a_change() -> None:
    """Requires= or a restart of the loader would kill and repeat a run: two sets of orders."""
    required = re.findall(r"(?m)^Requires=(.+)$", text("trading-bot.service", spot()))
    assert required == ["trading-alone.service", "trading-state.service"]
    # Which nothing restarts.
    for unit in required:
        assert f"restart {unit}" not in (SCRIPTS / "bootstrap").read_text()
    script = (SCRIPTS / "bootstrap").read_text()
    assert "restart --no-block" not in script
    assert re.findall(r"(?m)restart (\S*(?:DAILY|SERVICES|trading-bot)\S*)", script) == [
        "$SERVICES"
    ]


@pytest.mark.parametrize("unit", ["trading-bot.service", "trading-web.service"])
def test_nothing_runs_before_its_state_is_there(unit: str) -> None:
    """What it wrote without would stand in the way of what was saved."""
    assert "Requires=trading-state.service" in text(unit, spot()).splitlines()
    assert "After=trading-state.service" in text(unit, spot()).splitlines()
    state = text("trading-state.service", spot())
    # Failed and started again it would fail what waits for it: it goes on by itself.
    assert "Restart=" not in state
    assert "TimeoutStartSec=infinity" in state


def test_the_loader_and_the_configuration_leave_out_the_same_names() -> None:
    [pattern] = re.findall(r'OURS = re\.compile\(r"(.+)"\)', (SCRIPTS / "load-secrets").read_text())
    assert pattern == DECIDED.pattern


def test_the_loader_and_the_command_line_know_the_same_credentials_of_aws() -> None:
    loader = (SCRIPTS / "load-secrets").read_text()
    assert "".join(re.findall(r'^    r"(.+)"$', loader, re.MULTILINE)) == AWS_NAME.pattern
    assert re.findall(r'AWS_VALUE = re\.compile\(r"(.+)"\)', loader) == [AWS_VALUE.pattern]


def test_a_value_is_not_searched_for_placeholders() -> None:
    unit = text("trading-bot.service", bot={"arguments": ["@MODE@"]})
    assert '"@MODE@"' in unit or " @MODE@" in unit


@pytest.mark.parametrize(
    ("argument", "quoted"),
    [
        ("069500", "069500"),
        ("--symbol=069500", "--symbol=069500"),
        ("two words", '"two words"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("100%", '"100%%"'),
        ("$HOME", '"$$HOME"'),
        (";", '";"'),
        ("", '""'),
    ],
)
def test_arguments_are_quoted_as_systemd_reads_them(argument: str, quoted: str) -> None:
    assert quote_argument(argument) == quoted


@given(st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", codec="utf-8")))
def test_any_argument_comes_back_by_systemds_rules(argument: str) -> None:
    """shlex splits double quotes and backslashes as systemd does; % and $ are doubled besides."""
    [word] = shlex.split(quote_argument(argument))
    assert word.replace("%%", "%").replace("$$", "$") == argument


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", codec="utf-8")))
def test_any_value_comes_back_from_a_shell(value: str) -> None:
    script = f'X={quote_value(value)}\nprintf %s "$X"'
    assert run("bash", "-c", script).stdout == value


class TestLoadSecrets:
    """The loader, run for real; the AWS CLI is a stand-in that prints what it is told to."""

    @pytest.fixture
    def load(self, tmp_path: Path) -> object:
        def load(
            answer: str, code: int = 0, hurry: str = "0", then: str = ""
        ) -> "subprocess.CompletedProcess[str]":
            stub = tmp_path / "aws"
            (tmp_path / "answer").write_text(answer)
            stream = " >&2" if code else ""
            stub.write_text(
                f'#!/bin/sh\necho "$@" > {tmp_path}/called\n'
                f"cat {tmp_path}/answer{stream}\n{then}\nexit {code}\n"
            )
            stub.chmod(0o755)
            environment = {
                "PATH": f"{tmp_path}:/usr/bin:/bin",
                "KEYS": str(tmp_path),
                "HURRY_SECONDS": hurry,
                "SECRET_ARN": "arn:aws:secretsmanager:ap-northeast-2:1:secret:x",
                "AWS_REGION": "ap-northeast-2",
            }
            return run(sys.executable, str(SCRIPTS / "load-secrets"), env=environment)

        return load

    @pytest.mark.parametrize(
        "value",
        ["PSabc/+=", 'a"b', "a\\b", "$HOME", "`id`", "it's", "%h", "two\n#lines\\\n\tx", "# 앱"],
    )
    def test_keys_arrive_as_they_were_stored(self, tmp_path: Path, load, value: str) -> None:  # type: ignore[no-untyped-def]
        result = load(json.dumps(json.dumps({"KIS_APP_KEY": value})))
        assert result.returncode == 0, result.stderr
        env = tmp_path / "env"
        assert env.stat().st_mode & 0o777 == 0o600
        assert run("bash", "-c", f'. {env}; printf %s "$KIS_APP_KEY"').stdout == value
        assert value not in result.stdout
        assert "KIS_APP_KEY" in result.stdout
        assert "--secret-id arn:aws:secretsmanager" in (tmp_path / "called").read_text()

    def test_what_the_units_decide_is_left_out(self, tmp_path: Path, load) -> None:  # type: ignore[no-untyped-def]
        load(
            json.dumps(json.dumps({"FLASK_HOST": "0.0.0.0", "LD_PRELOAD": "x", "KIS_HTS_ID": "me"}))
        )
        assert (tmp_path / "env").read_text() == 'KIS_HTS_ID="me"\n'

    @pytest.mark.parametrize(
        "secret",
        ["", "not json: canary", "[]", '{"a-b": "canary"}', '{"A": 1}', '{"A": "x\\u0007canary"}'],
    )
    def test_an_unusable_secret_fails_and_is_not_shown(  # type: ignore[no-untyped-def]
        self, tmp_path: Path, load, secret: str
    ) -> None:
        (tmp_path / "env").write_text("OLD=1\n")
        result = load(json.dumps(secret))
        assert result.returncode == 1
        assert result.stderr.startswith("load-secrets: ")
        assert "canary" not in result.stderr + result.stdout
        assert (tmp_path / "env").read_text() == "OLD=1\n"

    def test_a_failed_read_keeps_the_keys_that_were_loaded_before(  # type: ignore[no-untyped-def]
        self, tmp_path: Path, load
    ) -> None:
        (tmp_path / "env").write_text("OLD=1\n")
        result = load("Could not connect to the endpoint\n", code=255)
        assert result.returncode == 0
        assert "Could not connect" in result.stdout
        assert "are kept" in result.stdout
        assert (tmp_path / "env").read_text() == "OLD=1\n"

    def test_right_after_a_boot_it_tries_again_within_seconds(self, tmp_path: Path, load) -> None:  # type: ignore[no-untyped-def]
        """The first load may come before the credentials: a minute's wait was 129 s of downtime."""
        secret = json.dumps(json.dumps({"KIS_HTS_ID": "me"}))
        then = f"[ -e {tmp_path}/tried ] && cat {tmp_path}/answer && exit 0\ntouch {tmp_path}/tried"
        result = load(secret, code=255, hurry="1e12", then=then)
        assert result.returncode == 0, result.stderr
        assert (tmp_path / "env").read_text() == 'KIS_HTS_ID="me"\n'

    def test_a_call_that_hangs_costs_seconds(self, tmp_path: Path, load) -> None:  # type: ignore[no-untyped-def]
        load(json.dumps("{}"), then=f"echo $AWS_MAX_ATTEMPTS >{tmp_path}/attempts")
        called = (tmp_path / "called").read_text()
        assert "--cli-connect-timeout 5 --cli-read-timeout 5" in called
        assert (tmp_path / "attempts").read_text() == "2\n"

    def test_credentials_of_aws_are_left_out(self, tmp_path: Path, load) -> None:  # type: ignore[no-untyped-def]
        keys = {
            "AWS_SECRET_ACCESS_KEY": "canary",
            "aws_access_key_id": "canary",
            "BACKUP": "AKIACANARY0123456789",
            "AWS_REGION": "x",
            "kis_hts_id": "me",
        }
        result = load(json.dumps(json.dumps(keys)))
        assert result.returncode == 0, result.stderr
        assert result.stdout.count("is a credential of AWS and left out") == 3
        assert "canary" not in result.stdout.lower()
        assert (tmp_path / "env").read_text() == 'AWS_REGION="x"\nkis_hts_id="me"\n'

    def test_keys_that_were_all_taken_out_are_gone(self, tmp_path: Path, load) -> None:  # type: ignore[no-untyped-def]
        (tmp_path / "env").write_text("OLD=1\n")
        assert load(json.dumps("{}")).returncode == 0
        assert (tmp_path / "env").read_text() == ""

    def test_an_empty_secret_fails_with_awss_words(self, load) -> None:  # type: ignore[no-untyped-def]
        result = load("Secrets Manager can't find the specified secret value\n", code=254)
        assert result.returncode == 1
        assert "can't find the specified secret value" in result.stderr


class TestInstallApp:
    """The installer, run for real on a repository of the test's own."""

    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        path = tmp_path / "repository"
        path.mkdir()
        self.commit(path, "one", "v1", new=True)
        self.commit(path, "two", "v2")
        return path

    def commit(self, path: Path, content: str, tag: str, *, new: bool = False) -> None:
        (path / "bot.py").write_text(content)
        (path / "requirements.txt").touch(exist_ok=True)
        author = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        for command in ([["init", "--quiet"]] if new else []) + [
            ["add", "."],
            [*author, "commit", "--quiet", "-m", tag],
            ["tag", tag],
        ]:
            assert run("git", "-C", str(path), *command).returncode == 0

    def install(
        self, home: Path, repository: Path, ref: str, requirements: str = "requirements.txt"
    ) -> "subprocess.CompletedProcess[str]":
        home.mkdir(exist_ok=True)
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        git = shutil.which("git")
        assert git
        return run(
            "bash",
            str(SCRIPTS / "install-app"),
            env={
                "APP_HOME": str(home),
                "APP": str(home / "app"),
                "APP_SOURCE": f"git+file://{repository}@{ref}",
                "PYTHON": python,
                "REQUIREMENTS": requirements,
                "PATH": f"{Path(sys.executable).parent}:{Path(git).parent}:/usr/bin:/bin",
            },
        )

    def test_a_new_version_replaces_the_old_and_keeps_the_bots_files(
        self, tmp_path: Path, repository: Path
    ) -> None:
        home = tmp_path / "home"
        first = self.install(home, repository, "v1")
        assert first.returncode == 0, first.stderr
        assert (home / "app/bot.py").read_text() == "one"
        assert (home / "venv/bin/pip").exists()
        (home / "app/state.db").write_text("kept")
        (home / "app/bot.py").write_text("edited on the host")
        again = self.install(home, repository, "v2")
        assert again.returncode == 0, again.stderr
        assert (home / "app/bot.py").read_text() == "two"
        assert (home / "app/state.db").read_text() == "kept"

    def test_a_ref_that_is_not_there_fails(self, tmp_path: Path, repository: Path) -> None:
        result = self.install(tmp_path / "home", repository, "v9")
        assert result.returncode != 0
        assert "v9" in result.stderr

    def test_a_version_that_cannot_be_installed_leaves_the_old_one_whole(
        self, tmp_path: Path, repository: Path
    ) -> None:
        home = tmp_path / "home"
        assert self.install(home, repository, "v1").returncode == 0
        (repository / "requirements.txt").write_text("-r more.txt\n")
        (repository / "more.txt").write_text("./nothing-here\n")
        self.commit(repository, "three", "v3")
        result = self.install(home, repository, "v3")
        assert result.returncode != 0
        assert "nothing-here" in result.stderr
        assert (home / "app/bot.py").read_text() == "one"
        assert self.install(home, repository, "v2").returncode == 0
        assert (home / "app/bot.py").read_text() == "two"
        assert not (home / "next").exists()

    def test_a_broken_environment_is_made_anew_and_closed_to_others(
        self, tmp_path: Path, repository: Path
    ) -> None:
        home = tmp_path / "home"
        before = os.umask(0)
        try:
            assert self.install(home, repository, "v1").returncode == 0
            (home / "venv/bin/pip").unlink()
            assert self.install(home, repository, "v1").returncode == 0
        finally:
            os.umask(before)
        assert (home / "venv/bin/pip").exists()
        assert (home / "app/bot.py").stat().st_mode & 0o022 == 0

    def test_requirements_that_are_not_there_fail(self, tmp_path: Path, repository: Path) -> None:
        result = self.install(tmp_path / "home", repository, "v1", "none.txt")
        assert result.returncode != 0
        assert "none.txt" in result.stderr
