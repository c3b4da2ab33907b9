"""The brake: its values, what is set and sent, and the whole way to a host's own scripts."""

import json
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from cfgen.bot.brake import Brake, Change, Push, parse_brake, set_brake, start_job, until_of
from cfgen.bot.host import Host
from cfgen.bot.status import read_status
from cfgen.config.jobs import jobs_of
from cfgen.config.load import make_config
from cfgen.deploy.waiting import Waiting
from cfgen.errors import CfgenError, ConfigError, Refused
from cfgen.report.paper import Paper
from cfgen.report.status import status_json, status_text
from tests.cfgen.bot.test_bot import INSTANCE, NOW, Aws
from tests.cfgen.host.conftest import SCRIPTS
from tests.conftest import Run
from tests.systemctl import Systemctl

SEOUL = "Asia/Seoul"
NAME = "CFN-Brake-1"
WAITING = Waiting(lambda: 0.0, lambda _: None, 0)
TOMORROW = date(2026, 11, 25)
LATER = f"{datetime.now(UTC).date() + timedelta(days=9)}"


@pytest.fixture
def aws() -> Aws:
    return Aws()


class TestValues:
    @pytest.mark.parametrize("value", ["running", "paused", "paused until 2026-12-01"])
    def test_a_value_comes_back(self, value: str) -> None:
        assert parse_brake(value).value == value

    @pytest.mark.parametrize("value", ["", "Paused", "paused until", "paused until soon", "off"])
    def test_a_strange_value(self, value: str) -> None:
        with pytest.raises(ConfigError, match="neither running nor paused"):
            parse_brake(value)

    @pytest.mark.parametrize(
        ("brake", "moment", "holds", "free"),
        [
            (Brake(False), "2026-11-24T10:00+09:00", False, "2026-11-24T10:00+09:00"),
            (Brake(True), "2026-11-24T10:00+09:00", True, None),
            (Brake(True, TOMORROW), "2026-11-24T23:59+09:00", True, "2026-11-24T23:59:59+09:00"),
            # The day is the bot's: in UTC it is still the one before.
            (Brake(True, TOMORROW), "2026-11-24T15:01+00:00", False, "2026-11-24T15:01+00:00"),
        ],
    )
    def test_when_runs_begin_again(
        self, brake: Brake, moment: str, holds: bool, free: str | None
    ) -> None:
        now = datetime.fromisoformat(moment)
        assert brake.holds(now, SEOUL) == holds
        assert brake.free_from(now, SEOUL) == (free and datetime.fromisoformat(free))

    def test_until_is_a_day_after_today_where_the_bot_is(self) -> None:
        late = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
        assert until_of("2026-11-26", late, SEOUL) == date(2026, 11, 26)
        with pytest.raises(ConfigError, match="2026-11-25 is not after today, 2026-11-25 in Asia"):
            until_of("2026-11-25", late, SEOUL)
        assert until_of("2026-11-25", late, "UTC") == TOMORROW
        with pytest.raises(ConfigError, match="'tomorrow' is no date such as 2026-11-26"):
            until_of("tomorrow", late, SEOUL)


def holds(aws: Aws, value: str) -> None:
    aws.answer("ssm", "get_parameter", {"Parameter": {"Value": value}}, Name=NAME)


def puts(aws: Aws, value: str) -> None:
    aws.answer(
        "ssm", "put_parameter", {"Version": 2}, Name=NAME, Value=value, Type="String",
        Description="Whether the trading bot may run: set by cfgen pause and cfgen resume",
        Overwrite=True,
    )  # fmt: skip


class TestSetting:
    @pytest.mark.parametrize(
        "status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED"]
    )
    def test_it_works_in_whatever_state_the_stack_is(self, aws: Aws, status: str) -> None:
        aws.resources(status, Brake=NAME)
        holds(aws, "running")
        puts(aws, "paused")
        aws.resources(status, Brake=NAME)
        change = set_brake(aws.clients, "bot", Brake(True), WAITING, ("resume",))
        assert change == Change(Brake(True), True, Push("there is no host at the moment"))
        aws.done()

    def test_a_second_time_writes_nothing_and_tells_the_host_all_the_same(self, aws: Aws) -> None:
        aws.resources(Brake=NAME)
        holds(aws, "paused")
        aws.resources(Brake=NAME, Host=INSTANCE)
        aws.instance("stopped")
        change = set_brake(aws.clients, "bot", Brake(True), WAITING, ("resume",))
        assert change == Change(Brake(True), False, Push(f"host {INSTANCE} is stopped"))
        aws.done()

    def test_whoever_may_only_set_it_may(self, aws: Aws) -> None:
        aws.resources(Brake=NAME)
        aws.stubs["ssm"].add_client_error("get_parameter", "AccessDeniedException")
        puts(aws, "running")
        aws.resources(Brake=NAME)
        assert set_brake(aws.clients, "bot", Brake(False), WAITING, ("resume",)).changed

    def test_a_parameter_that_cannot_be_set_is_an_error(self, aws: Aws) -> None:
        aws.resources(Brake=NAME)
        holds(aws, "running")
        aws.stubs["ssm"].add_client_error("put_parameter", "AccessDeniedException")
        with pytest.raises(ClientError, match="AccessDenied"):
            set_brake(aws.clients, "bot", Brake(True), WAITING, ("resume",))

    def test_a_host_that_takes_no_command_is_none(self, aws: Aws) -> None:
        aws.resources(Brake=NAME)
        holds(aws, "running")
        puts(aws, "paused")
        aws.resources(Brake=NAME, Host=INSTANCE)
        aws.instance()
        aws.stubs["ssm"].add_client_error("send_command", "AccessDeniedException", "not you")
        change = set_brake(aws.clients, "bot", Brake(True), WAITING, ("resume",))
        assert change.push == Push("AccessDeniedException: not you")
        aws.done()

    def test_a_stack_of_an_earlier_version_has_none(self, aws: Aws) -> None:
        aws.resources(Host=INSTANCE)
        with pytest.raises(Refused, match="stack bot has no brake") as caught:
            set_brake(aws.clients, "bot", Brake(True), WAITING, ("resume",))
        assert caught.value.hint == "deploy first: cfgen deploy"
        aws.done()


class TestStarting:
    HOST = Host(INSTANCE, "t4g.micro", "running", "ok", True)

    def start(self, aws: Aws) -> Any:
        [job] = jobs_of(make_config({}, "test"))
        return start_job(aws.clients, "bot", self.HOST, job, NOW, SEOUL, WAITING)

    def test_a_paused_stack_starts_nothing(self, aws: Aws) -> None:
        aws.resources(Brake=NAME)
        holds(aws, "paused until 2026-11-25")
        with pytest.raises(Refused, match="stack bot is paused until 2026-11-25: no job runs"):
            self.start(aws)
        aws.done()

    def test_a_script_that_fails_is_told_in_its_words(self, aws: Aws) -> None:
        aws.resources(Brake=NAME)
        holds(aws, "paused until 2026-11-24")
        aws.answer("ssm", "send_command", {"Command": {"CommandId": "c" * 36}})
        failed = {"Status": "Failed", "ResponseCode": 5, "StandardErrorContent": "no such unit\n"}
        aws.answer("ssm", "get_command_invocation", failed)
        with pytest.raises(CfgenError, match=r"job bot could not be started.*: no such unit"):
            self.start(aws)


def stack_status(aws: Aws, value: str | None) -> Any:
    """The status of a stack of two jobs, without a host."""
    stack = {"StackName": "bot", "StackId": "arn:bot", "StackStatus": "UPDATE_COMPLETE",
             "CreationTime": NOW}  # fmt: skip
    aws.answer("cloudformation", "describe_stacks", {"Stacks": [stack]})
    aws.resources(Brake=NAME)
    aws.answer("cloudformation", "get_template_summary", {})
    if value is None:
        aws.stubs["ssm"].add_client_error("get_parameter", "AccessDeniedException", "not you")
    else:
        holds(aws, value)
    aws.answer("cloudwatch", "describe_alarms", {"MetricAlarms": []})
    jobs = [{"name": name, "entrypoint": "a.py"} for name in ("bot", "other")]
    config = make_config({"stack": {"name": "bot"}, "bot": {"jobs": jobs}}, "test")
    return read_status(aws.clients, config, NOW)


class TestStatus:
    @pytest.mark.parametrize(
        ("value", "line", "runs", "data"),
        [
            ("running", "", "Wed 2026-11-25 09:00 Asia/Seoul, in 15 h",
             {"state": "running", "until": None}),
            ("paused", "PAUSED: no job runs; cfgen resume ends it", "none while it is paused",
             {"state": "paused", "until": None}),
            ("paused until 2026-11-27",
             "PAUSED until 2026-11-27: no job runs; cfgen resume ends it",
             "Fri 2026-11-27 09:00 Asia/Seoul, in 2 days",
             {"state": "paused", "until": "2026-11-27"}),
            ("paused until 2026-11-24", "", "Wed 2026-11-25 09:00 Asia/Seoul, in 15 h",
             {"state": "running", "until": None}),
        ],
    )  # fmt: skip
    def test_a_pause_is_said_at_once(
        self, aws: Aws, value: str, line: str, runs: str, data: dict[str, str | None]
    ) -> None:
        found = stack_status(aws, value)
        text = status_text(found, None, NOW, Paper(False, False, 0)).splitlines()
        assert text[1] == line or (not line and "PAUSED" not in "".join(text))
        assert f"next run: {runs}" in text
        assert any(one.startswith(f"  other: next {runs}") for one in text)
        told = json.loads(status_json(found, None))
        assert told["brake"] == data
        assert (told["next_run"] is None) == ("none" in runs)

    @pytest.mark.parametrize(
        ("value", "why"), [(None, "AccessDeniedException: not you"), ("off", "holds 'off'")]
    )
    def test_a_brake_that_is_not_known(self, aws: Aws, value: str | None, why: str) -> None:
        found = stack_status(aws, value)
        text = status_text(found, None, NOW, Paper(False, False, 0)).splitlines()
        assert text[1].startswith("brake: not known: ")
        assert why in text[1]
        told = json.loads(status_json(found, None))
        assert told["brake"] is None
        assert why in told["brake_unknown"]


# The whole way, to the scripts on the host


class Machine(NamedTuple):
    """A stack on the moto server, its host's folder, and the program to command it."""

    run: Callable[..., Any]
    folder: Path
    systemctl: Systemctl
    toml: Path


UNITS = ("trading-bot.service", "trading-bot-stream.service")
JOBS = """
[[bot.jobs]]
name = "bot"
entrypoint = "a.py"

[[bot.jobs]]
name = "stream"
entrypoint = "b.py"
kind = "service"
"""


@pytest.fixture
def agent(moto_server: str, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Systems Manager with an agent: a host that is online, where commands run for real.

    All else is moto's.
    """
    folder = tmp_path / "host"
    folder.mkdir()
    ended: dict[str, Any] = {}

    def send(asked: dict[str, Any]) -> dict[str, Any]:
        lines = asked["Parameters"]["commands"]
        environment = {
            "PATH": f"{folder / 'programs'}:/usr/bin:/bin", "SETTINGS": str(folder),
            "KEPT": str(folder / "brake/value"), "DATA": str(folder), "LIB": str(SCRIPTS),
            "LOGS": str(folder), "PAUSE": "0",
        }  # fmt: skip
        result = subprocess.run(["sh", "-c", "\n".join(lines)], env=environment,
                                capture_output=True, text=True, check=False)  # fmt: skip
        ended["it"] = {
            "Status": "Failed" if result.returncode else "Success",
            "ResponseCode": result.returncode,
            "StandardOutputContent": result.stdout,
            "StandardErrorContent": result.stderr,
        }
        return {"Command": {"CommandId": "c" * 36}}

    answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "DescribeInstanceInformation": lambda asked: {
            "InstanceInformationList": [
                {"InstanceId": asked["Filters"][0]["Values"][0], "PingStatus": "Online"}
            ]
        },
        "SendCommand": send,
        "GetCommandInvocation": lambda _: ended["it"],
    }

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            action = self.headers["X-Amz-Target"].partition(".")[2]
            if action in answers:
                said = json.dumps(answers[action](json.loads(body))).encode()
            else:
                request = urllib.request.Request(moto_server, body, dict(self.headers))
                said = urllib.request.urlopen(request).read()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *arguments: object) -> None:
            del arguments

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


@pytest.fixture
def machine(
    cfgen: Run, folder: Path, memory_aws: dict[str, str], agent: tuple[str, Path], tmp_path: Path
) -> Machine:
    endpoint, host = agent
    toml = folder / "cfgen.toml"
    toml.write_text(f'[stack]\nname = "b{abs(hash(str(tmp_path))):x}"\n{JOBS}')
    extra = {**memory_aws, "AWS_ENDPOINT_URL_SSM": endpoint}
    source = "AppSource=https://git.example.com/bot.git@4b825dc642cb6eb9a060e54bf8d69288fbee4904"

    def run(*words: str, **more: str) -> Any:
        return cfgen(*words, extra={**extra, **more})

    made = run("deploy", "--yes", "--no-lint", "--prices", "offline", "--parameter", source)
    assert made.returncode == 0, made.stderr
    (host / "stack.env").write_text(
        f'AWS_REGION="x"\nBRAKE="x"\nTIMEZONE="{SEOUL}"\nDAILY="{UNITS[0]}"\nSERVICES="{UNITS[1]}"\n'
    )
    return Machine(run, host, Systemctl(host / "programs"), toml)


def test_pause_stops_and_resume_starts(machine: Machine) -> None:
    for unit in UNITS:
        machine.systemctl.is_in(unit, ActiveState="active")
    paused = machine.run("pause", "--until", LATER)
    assert paused.returncode == 0, paused.stderr
    first, stopped, orders, dashboard, *runs, last = paused.stdout.splitlines()
    assert first.endswith(f" is paused until {LATER}: no job begins")
    assert stopped == f"stopped: {UNITS[0]}, {UNITS[1]}"
    assert orders == "open orders and positions at the broker stay as they are"
    assert dashboard == "the dashboard stays up, and can place orders"
    assert [line.partition(":")[0] for line in runs] == ["next run of bot", "next run of stream"]
    assert all(line.partition(": ")[2][4:14] >= LATER for line in runs)
    assert last == "cfgen resume ends the pause before that"
    assert (machine.folder / "brake/value").read_text() == f"paused until {LATER}\n"

    status = json.loads(machine.run("status", "--json").stdout)
    assert status["brake"] == {"state": "paused", "until": LATER}
    again = machine.run("pause", "--until", LATER)
    assert again.returncode == 0
    assert again.stdout.startswith("it was so already: stack ")
    assert "nothing was at work to stop" in again.stdout
    assert (
        f"PAUSED until {LATER}: no job runs; cfgen resume ends it" in machine.run("status").stdout
    )

    resumed = machine.run("resume")
    assert resumed.returncode == 0, resumed.stderr
    assert f"started, if the exchange is open: {UNITS[1]}" in resumed.stdout
    assert "next run of bot: " in resumed.stdout
    assert "left out meanwhile are not made up for" in resumed.stdout
    assert (machine.folder / "brake/value").read_text() == "running\n"
    assert machine.run("resume").stdout.startswith("nothing was paused: jobs of stack ")


def test_let_finish_and_json(machine: Machine) -> None:
    for unit in UNITS:
        machine.systemctl.is_in(unit, ActiveState="active")
    told = json.loads(machine.run("pause", "--let-finish", "--json").stdout)
    assert told == {
        "schema_version": 1,
        "brake": {"state": "paused", "until": None},
        "changed": True,
        "host": {
            "reached": True, "reason": None, "stopped": [UNITS[1]], "at_work": [UNITS[0]],
            "started": [],
        },
        "jobs": [{"name": "bot", "next_run": None}, {"name": "stream", "next_run": None}],
    }  # fmt: skip
    told = json.loads(machine.run("resume", "--json").stdout)
    assert told["brake"] == {"state": "running", "until": None}
    assert told["host"]["started"] == [UNITS[1]]
    assert all(datetime.fromisoformat(job["next_run"]).tzinfo for job in told["jobs"])


def test_a_host_that_has_no_brake_yet_is_no_obstacle(machine: Machine) -> None:
    (machine.folder / "stack.env").write_text(f'DAILY="{UNITS[0]}"\nSERVICES=""\n')
    paused = machine.run("pause")
    assert paused.returncode == 0
    assert "the host was not told to stop anything: the host has not taken up" in paused.stdout
    assert "runs go on after cfgen resume" in paused.stdout
    assert "PAUSED: no job runs" in machine.run("status").stdout


def test_a_run_by_hand(machine: Machine) -> None:
    log = machine.folder / "bot.log"
    start = ("run", "bot", "--yes")
    unit = machine.systemctl

    unit.starts(UNITS[0], f"echo 'market-gate: open' >>{log}", InvocationID="2", SubState="start")
    began = machine.run(*start)
    assert began.returncode == 0, began.stderr
    assert began.stdout == "job bot began, and is at work\n  market-gate: open\n"

    said = "market-gate: closed today: 2026-12-25 is a holiday"
    unit.starts(UNITS[0], f"echo '{said}' >>{log}", InvocationID="3", SubState="dead",
                Result="exec-condition")  # fmt: skip
    skipped = machine.run(*start)
    assert skipped.returncode == 5
    assert f"job bot was left out by its gate: {said}" in skipped.stderr

    unit.starts(UNITS[0], f"echo 'KeyError: x' >>{log}", InvocationID="4", SubState="failed")
    failed = machine.run(*start, "--json")
    assert failed.returncode == 1
    assert "job bot failed: KeyError: x" in failed.stderr
    assert json.loads(failed.stdout) == {
        "schema_version": 1, "job": "bot", "outcome": "failed", "lines": ["KeyError: x"]
    }  # fmt: skip

    unit.is_in(UNITS[0], ActiveState="activating")
    running = machine.run(*start)
    assert running.returncode == 5
    assert "job bot is at work already: nothing was started" in running.stderr

    calls = len(unit.calls)
    assert machine.run("pause").returncode == 0
    unit.is_in(UNITS[0], ActiveState="inactive")
    refused = machine.run(*start)
    assert refused.returncode == 5
    assert "is paused: no job runs" in refused.stderr
    assert "next: cfgen resume first" in refused.stderr
    assert not [call for call in unit.calls[calls:] if "start" in call]


def test_a_run_names_its_job_and_is_asked_about(machine: Machine) -> None:
    for words in (("run", "--yes"), ("run", "none", "--yes")):
        wrong = machine.run(*words)
        assert wrong.returncode == 2
        assert "allowed are bot, stream" in wrong.stderr
    asked = machine.run("run", "bot")
    assert asked.returncode == 5
    assert "run asks first, and there is no terminal to ask on" in asked.stderr
    assert machine.systemctl.calls == []


def test_an_account_that_is_not_allowed_is_left_alone(machine: Machine) -> None:
    text = machine.toml.read_text()
    machine.toml.write_text(text.replace("[stack]", '[stack]\nallowed_accounts = ["000000000000"]'))
    for words in (("pause",), ("resume",), ("run", "bot", "--yes")):
        refused = machine.run(*words)
        assert refused.returncode == 5
        assert "is not among stack.allowed_accounts" in refused.stderr
    assert not (machine.folder / "brake").exists()


@pytest.mark.parametrize("day", ["2026-01-01", "soon"])
def test_a_day_that_is_none(cfgen: Run, day: str) -> None:
    wrong = cfgen("pause", "--until", day)
    assert wrong.returncode == 2
    assert "--until: " in wrong.stderr


def test_a_real_account_is_named_in_the_question(
    folder: Path, terminal: Callable[..., Any]
) -> None:
    (folder / "cfgen.toml").write_text('[bot]\nmode = "real"\n')
    person = terminal("run")
    person.wait_for("Start job bot of stack trading-bot now, on a REAL account?")
    person.type("n\n")
    assert person.end() == 6
    assert "nothing was started" in person.read
