import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgen.config.checks import CHECKS
from cfgen.config.given import PLAIN, Given
from cfgen.config.load import Override, load_config, make_config
from cfgen.config.schema import Config, host_shape_of, usage_of, workload_of
from cfgen.config.weekdays import parse_days
from cfgen.config.write import render, toml_value
from cfgen.errors import ConfigError
from pricing.workload import HostShape, Usage, Workload

# The keys and defaults of the contract.
CONTRACT = """
[stack]
name = "trading-bot"
region = "ap-northeast-2"
allowed_accounts = []
tags = {}
termination_protection = true
[bot]
source = ""
entrypoint = "apps/daily_breakout_app.py"
arguments = ["--symbol", "069500"]
requirements = "requirements.txt"
mode = "demo"
kind = "daily"
run_at = "09:00"
days = "Mon..Fri"
timezone = "Asia/Seoul"
python = "3.12"
environment = {}
allow_spot_for_real = false
writable = []
key_file = ""
include = []
lock_requirements = false
jobs = []
[dashboard]
enabled = true
entrypoint = "apps/flask_app.py"
port = 5001
cidrs = []
[network]
vpc_cidr = "10.0.0.0/16"
subnet_cidr = "10.0.1.0/24"
ssh_cidrs = []
key_name = ""
elastic_ip = true
flow_logs = true
[workload]
instance_types = ["t4g.micro", "t3.micro", "t3.small"]
architectures = ["arm64", "x86_64"]
memory_mib = 700
cpu_average_percent = 5
hours = "always"
window = "08:30-16:00"
max_interruption = "none"
commitment = "none"
[host]
disk_gib = 8
swap_mib = 1024
credits = "unlimited"
patching = true
patch_delay_days = 7
[market]
calendar = "XKRX"
closed = []
open = []
half_days = {}
session = "09:00-15:30"
session_timezone = ""
[monitoring]
email = ""
log_retention_days = 30
[backup]
enabled = false
[dns]
zone_id = ""
name = ""
[budget]
monthly_usd = ""
[usage]
log_gb = "1"
egress_gb = "1"
backup_gb = "1"
secret_reads = "200"
"""


def message(raw: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        make_config(raw, "cfgen.toml")
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_the_contracts_keys_are_the_defaults() -> None:
    raw = tomllib.loads(CONTRACT)
    assert make_config(raw, "cfgen.toml") == Config()
    schema = {
        section.name: {key.name for key in msgspec.structs.fields(getattr(Config(), section.name))}
        for section in msgspec.structs.fields(Config)
    }
    contract = {section: set(keys) for section, keys in raw.items()}
    contract["workload"].add("existing_commitment")
    contract["bot"].add("mode_argument")
    assert schema == contract


def test_the_defaults_ask_for_the_default_workload() -> None:
    assert workload_of(Config()) == Workload()
    assert host_shape_of(Config()) == HostShape()
    assert usage_of(Config()) == Usage()


@pytest.mark.parametrize(
    ("raw", "where", "allowed"),
    [
        ({"stak": {}}, "stak: unknown key", "stack, bot"),
        ({"stack": {"regoin": "x"}}, "stack.regoin: unknown key", "name, region"),
        ({"bot": 5}, "bot: expected", "source, entrypoint"),
        ({"bot": {"mode": "live"}}, "bot.mode", "demo, real"),
        ({"bot": {"arguments": [1]}}, "bot.arguments[0]", "expected `str`"),
        ({"host": {"disk_gib": "8"}}, "host.disk_gib", "expected `int`"),
        ({"host": {"patching": 1}}, "host.patching", "expected `bool`"),
        ({"workload": {"architectures": ["mips"]}}, "workload.architectures[0]", "arm64, x86_64"),
        ({"monitoring": {"log_retention_days": 8}}, "monitoring.log_retention_days", "7, 14"),
        ({"network": {"vpc_cidr": "10.0.0.0/33"}}, "network.vpc_cidr", "10.0.0.0/16"),
        ({"network": {"vpc_cidr": "10.0.0.0/8"}}, "network.vpc_cidr", "/16 to /28"),
        ({"network": {"vpc_cidr": "10.0.0.1/16"}}, "network.vpc_cidr", "host bits"),
        ({"network": {"subnet_cidr": "10.1.0.0/24"}}, "network.subnet_cidr", "10.0.0.0/16"),
        ({"network": {"ssh_cidrs": ["0.0.0.0/0"]}}, "network.ssh_cidrs", "your own address"),
        ({"network": {"ssh_cidrs": ["0.0.0.0/1"]}}, "network.ssh_cidrs", "your own address"),
        ({"network": {"ssh_cidrs": ["10.0.0.1"]}}, "network.ssh_cidrs", "10.0.0.1/32"),
        ({"network": {"vpc_cidr": "10.0.0.0/255.255.0.0"}}, "network.vpc_cidr", "10.0.0.0/16"),
        ({"bot": {"days": "Mon.."}}, "bot.days", "Mon..Fri"),
        ({"bot": {"run_at": "0\uff19:00"}}, "bot.run_at", "09:00"),
        ({"bot": {"mode_argument": "--env x"}}, "bot.mode_argument", "--mode"),
        ({"bot": {"arguments": ["${AWS::Region}"]}}, "bot.arguments", "without ${"),
        ({"bot": {"entrypoint": "-c"}}, "bot.entrypoint", "within the checkout"),
        ({"bot": {"source": "https://h/x@-v"}}, "bot.source", "@v1.2"),
        ({"monitoring": {"email": "a\x00@b.co"}}, "monitoring.email", "e-mail"),
        ({"stack": {"tags": {"AWS:x": "y"}}}, "stack.tags", "without aws:"),
        ({"host": {"disk_gib": 10**5000}}, "host.disk_gib", "8 to 16384"),
        ({"usage": {"log_gb": "1.0000001"}}, "usage.log_gb", "6 decimal places"),
        ({"dashboard": {"cidrs": ["::/0"]}}, "dashboard.cidrs", "IPv4"),
        ({"dashboard": {"port": 80}}, "dashboard.port", "1024 to 65535"),
        ({"stack": {"region": "seoul"}}, "stack.region", "ap-northeast-2"),
        ({"stack": {"name": "1bot"}}, "stack.name", "a letter"),
        ({"stack": {"allowed_accounts": ["12"]}}, "stack.allowed_accounts", "12-digit"),
        ({"stack": {"tags": {"aws:x": "y"}}}, "stack.tags", "without aws:"),
        ({"bot": {"run_at": "9:00"}}, "bot.run_at", "09:00"),
        ({"bot": {"run_at": "24:00"}}, "bot.run_at", "09:00"),
        ({"bot": {"days": "Mon-Fri"}}, "bot.days", "Mon..Fri"),
        ({"bot": {"timezone": "Mars/Base"}}, "bot.timezone", "Asia/Seoul"),
        ({"bot": {"timezone": "../../etc/passwd"}}, "bot.timezone", "Asia/Seoul"),
        ({"bot": {"entrypoint": "../x.py"}}, "bot.entrypoint", "within the checkout"),
        ({"bot": {"entrypoint": "/x.py"}}, "bot.entrypoint", "within the checkout"),
        ({"bot": {"arguments": ["a\nb"]}}, "bot.arguments", "one line"),
        ({"bot": {"source": "bot"}}, "bot.source", "a local folder such as ./bot"),
        ({"bot": {"source": "https://host/x.git"}}, "bot.source", "@v1.2"),
        ({"bot": {"source": "https://me:key@host/x.git@v1"}}, "bot.source", "publish"),
        ({"bot": {"environment": {"KIS_APP_KEY": "x"}}}, "bot.environment", "the secret"),
        ({"bot": {"environment": {"ENV_MODE": "real"}}}, "bot.environment", "decided by"),
        ({"bot": {"source": "https://host:8443/x@v1"}}, "bot.source", "@v1.2"),
        (
            {"workload": {"hours": "market", "window": "08:30-15:40"}},
            "host.patching",
            "end workload.window later",
        ),
        ({"host": {"patch_delay_days": -1}}, "host.patch_delay_days", "0 to 90"),
        ({"host": {"patch_delay_days": 91}}, "host.patch_delay_days", "0 to 90"),
        ({"bot": {"environment": {"A B": "x"}}}, "bot.environment", "environment variable"),
        ({"workload": {"window": "16:00-16:00"}}, "workload.window", "ends when"),
        ({"workload": {"cpu_average_percent": float("nan")}}, "cpu_average_percent", "0 to 100"),
        ({"workload": {"cpu_average_percent": 101}}, "cpu_average_percent", "0 to 100"),
        ({"workload": {"instance_types": []}}, "workload.instance_types", "at least one"),
        ({"usage": {"log_gb": "-1"}}, "usage.log_gb", "0 to"),
        ({"usage": {"log_gb": "NaN"}}, "usage.log_gb", "0 to"),
        ({"usage": {"log_gb": "much"}}, "usage.log_gb", "nvalid decimal"),
        ({"monitoring": {"email": "me"}}, "monitoring.email", "e-mail"),
        ({"host": {"disk_gib": 8, "swap_mib": 4096}}, "host.swap_mib", "8 GiB"),
        ({"dns": {"name": "bot.example.com"}}, "dns.zone_id", "both a zone and a name"),
        ({"dns": {"zone_id": "Z1"}}, "dns.name", "both a zone and a name"),
        ({"dns": {"zone_id": "z1", "name": "a.kr"}}, "dns.zone_id", "hosted zone"),
        ({"dns": {"zone_id": "Z1", "name": "a b.kr"}}, "dns.name", "bot.example.com"),
        (
            {"dns": {"zone_id": "Z1", "name": "a.kr"}, "network": {"elastic_ip": False}},
            "dns.name",
            "network.elastic_ip",
        ),
        ({"budget": {"monthly_usd": "much"}}, "budget.monthly_usd", "12.50"),
        ({"budget": {"monthly_usd": "0"}}, "budget.monthly_usd", "12.50"),
        ({"budget": {"monthly_usd": "-1"}}, "budget.monthly_usd", "12.50"),
        (
            {"workload": {"hours": "market"}, "bot": {"run_at": "08:20"}},
            "bot.run_at",
            "08:30-16:00",
        ),
        (
            {"workload": {"hours": "market", "window": "09:00-16:00"}},
            "bot.run_at",
            "10 minutes after",
        ),
        ({"workload": {"hours": "market"}, "bot": {"days": "Mon..Sat"}}, "bot.days", "Mon..Fri,"),
    ],
)
def test_each_mistake_names_file_key_and_what_is_allowed(
    raw: dict[str, Any], where: str, allowed: str
) -> None:
    text = message(raw)
    assert text.startswith("cfgen.toml: ")
    assert where in text
    assert allowed in text


def test_all_mistakes_are_told_at_once() -> None:
    text = message({"bot": {"run_at": "x", "days": "x"}, "dashboard": {"port": 1}})
    assert len(text.splitlines()) == 3


def test_every_checked_key_exists() -> None:
    for path, _ in CHECKS:
        section, _, key = path.rstrip("=").partition(".")
        assert hasattr(getattr(Config(), section), key), path


@pytest.mark.parametrize("source", ["http://u:canary@h/x@v1", "HTTPS://u:canary@h/x@v1"])
def test_a_password_in_a_source_is_not_shown(source: str) -> None:
    assert "canary" not in message({"bot": {"source": source}})


def test_a_flags_mistake_names_the_flag() -> None:
    with pytest.raises(ConfigError, match=r"^--region: 'mars' is not"):
        make_config({}, "cfgen.toml", (Override("stack.region", "mars", "--region"),))


def test_a_flag_stands_above_the_file() -> None:
    override = Override("workload.hours", "market", "--hours")
    assert make_config({"workload": {"hours": "always"}}, "x", (override,)).workload.hours == (
        "market"
    )


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config(None) == Config()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[stack", "not valid TOML"),
        (b"\xff", "not UTF-8"),
        (b"a = 1\na = 2", "not valid TOML"),
        (b"a = " + b"9" * 5000, "not valid TOML"),
        (b"a = " + b"[" * 5000, "not valid TOML"),
    ],
)
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "cfgen.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(str(path)) + f": {problem}"):
        load_config(path)


def test_a_link_to_nowhere_is_not_absence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cfgen.toml").symlink_to("nowhere")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(None)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "cfgen.toml"
    path.write_bytes(b"\xef\xbb\xbf[stack]\nname = 'x'\n")
    assert load_config(path).stack.name == "x"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "days"),
    [("Mon..Fri", {0, 1, 2, 3, 4}), ("Mon,Wed..Thu", {0, 2, 3}), ("Sun", {6})],
)
def test_days_read_as_systemd_writes_them(text: str, days: set[int]) -> None:
    assert parse_days(text) == days


def test_a_new_file_shows_every_default_behind_a_hash() -> None:
    text = render({})
    assert make_config(tomllib.loads(text), "new") == Config()
    shown = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    assert make_config(tomllib.loads(shown), "shown") == Config()


def test_a_new_file_keeps_what_was_chosen() -> None:
    values = {
        "bot.source": "https://host/x.git@v1",
        "stack.tags": {"a b": 'say "hi"', "c": "\\"},
        "bot.arguments": ["--x", "ü\x7f"],
        "usage.log_gb": Decimal("2.5"),
        "host.disk_gib": 20,
    }
    raw = tomllib.loads(render(values))
    assert raw["bot"]["source"] == "https://host/x.git@v1"
    assert raw["stack"]["tags"] == values["stack.tags"]
    assert raw["bot"]["arguments"] == values["bot.arguments"]
    assert raw["usage"]["log_gb"] == "2.5"
    assert raw["host"]["disk_gib"] == 20


@given(st.text(st.characters(codec="utf-8")))
def test_any_string_survives_toml(text: str) -> None:
    assert tomllib.loads(f"x = {toml_value(text)}")["x"] == text


def test_hints_name_what_was_given_and_a_shell_reads_them() -> None:
    assert (PLAIN.file, PLAIN.command("status")) == ("cfgen.toml", "cfgen status")
    found = Given.of(Path("my bot/demo.toml"), {"--profile": "p", "--region": None})
    assert found.file == "my bot/demo.toml"
    assert found.command("status") == "cfgen status --config 'my bot/demo.toml' --profile p"


@given(st.lists(st.text()))
def test_remarks_stay_comments(remarks: list[str]) -> None:
    jobs = [{"name": "a", "entrypoint": "a.py"}]
    kept = {"bot.python": tuple(remarks), "bot.jobs": tuple(remarks)}
    raw = tomllib.loads(render({"bot.jobs": jobs}, kept))
    assert raw["bot"] == {"jobs": jobs}
