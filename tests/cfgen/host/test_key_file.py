"""The broker's kis_devlp.yaml in the host's memory, and the access token beside it."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgen.config.load import make_config
from cfgen.errors import ConfigError
from cfgen.host.quoting import quote_value
from cfgen.host.render import host_files
from cfgen.secret.keys import is_text
from cfgen.secret.kis_devlp import NAMES
from cfgen.secret.reading import read_keys
from tests.cfgen.host.conftest import SCRIPTS, Stands
from tests.trees import plan

KEYS = {
    "KIS_APP_KEY": "PScanary",
    "KIS_PAPER_STOCK": "01234567",
    "KIS_URL_VPS": "https://example.com:1",
    "SLACK": "canary",
    "isa_account": "0123",
}
HOME_FILE = "~/KIS/config/kis_devlp.yaml"

Place = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host: the bot's home with its checkout, and the folder in memory."""
    root = tmp_path / "root"
    (root / "var/lib/trading-bot/app/config").mkdir(parents=True)
    (root / "var/lib/trading-bot/app/config/settings.yaml").write_text("tracked")
    (root / "run/trading/keys").mkdir(parents=True)
    return root


@pytest.fixture
def place(root: Path) -> Place:
    """Write the file out of what load-secrets wrote."""

    def run(key_file: str, keys: dict[str, str] = KEYS) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, str(SCRIPTS / "key-file")],
            input="".join(f"{name}={quote_value(value)}\n" for name, value in keys.items()),
            env={"PATH": os.environ["PATH"], "ROOT": str(root), "KEY_FILE": key_file},
            capture_output=True,
            text=True,
            umask=0o077,
            check=False,
        )

    return run


SAMPLE_BOT = """
import os, sys, yaml
from datetime import datetime
root = sys.argv[1]
token = os.path.join(root, "KIS" + datetime.today().strftime("%Y%m%d"))
if not os.path.exists(token):
    open(token, "w+").close()
with open(os.path.join(root, "kis_devlp.yaml"), encoding="UTF-8") as file:
    keys = yaml.load(file, Loader=yaml.FullLoader)
with open(token, encoding="UTF-8") as file:
    known = file.read()
if not known:
    with open(token, "w", encoding="utf-8") as file:
        file.write("token")
print(keys["my_app"] == "PScanary", keys["my_paper_stock"], keys["vps"], known)
"""
"""A bot with the habits of the broker's samples (open-trading-api, kis_auth.py)."""


def run_bot(folder: Path) -> list[str]:
    command = [sys.executable, "-c", SAMPLE_BOT, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return result.stdout.split()


def on_disk(root: Path) -> str:
    """All that lies in files outside the memory."""
    files = (path for path in (root / "var").rglob("*") if not path.is_symlink() and path.is_file())
    return "".join(f"{path.name} {path.read_text()}" for path in files)


@pytest.mark.parametrize("key_file", ["config/kis_devlp.yaml", HOME_FILE])
def test_a_bot_reads_its_keys_and_finds_its_token_again(
    root: Path, place: Place, key_file: str
) -> None:
    home = root / "var/lib/trading-bot"
    file = home / key_file[2:] if key_file.startswith("~") else home / "app" / key_file
    result = place(key_file)
    assert result.returncode == 0, result.stderr
    assert "canary" not in result.stdout + result.stderr
    memory = root / "run/trading/keys"
    assert file.resolve() == (memory / "kis_devlp.yaml").resolve()
    assert file.stat().st_mode & 0o777 == 0o600
    assert run_bot(file.parent) == ["True", "01234567", "https://example.com:1"]
    # Another run of the bot, before which the keys are loaded again.
    assert place(key_file).stdout.count("replaced") == 0
    assert run_bot(file.parent)[3:] == ["token"]
    assert (memory / f"KIS{datetime.today():%Y%m%d}").read_text() == "token"  # noqa: DTZ002
    assert "canary" not in on_disk(root)
    assert "token" not in on_disk(root)
    assert (home / "app/config/settings.yaml").read_text() == "tracked"


def test_every_field_of_the_brokers_sample_is_there(root: Path, place: Place) -> None:
    place(HOME_FILE)
    text = (root / "run/trading/keys/kis_devlp.yaml").read_text()
    found = yaml.safe_load(text)
    assert set(found) == {*NAMES, "isa_account"}
    assert found["my_paper_stock"] == "01234567"
    assert found["isa_account"] == "0123"
    assert found["prod"] == "https://openapi.koreainvestment.com:9443"
    assert found["my_sec"] == ""
    again = read_keys(text, "x").pairs
    assert {name: again[name] for name in KEYS if name in again} == {
        name: value for name, value in KEYS.items() if name != "SLACK"
    }


def test_the_host_and_the_command_line_know_the_same_fields() -> None:
    script = (SCRIPTS / "key-file").read_text()
    assert dict(re.findall(r'^    "(\w+)": \("(\w+)", ".*"\),$', script, re.MULTILINE)) == NAMES


own_names = st.from_regex(r"[a-z][a-z_]{0,4}", fullmatch=True) | st.sampled_from(["yes", "null"])
values = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="$")
    | st.sampled_from(" \n\t\"\\`'#;="),
    min_size=1,
)


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(own_names, values))
def test_any_value_comes_back_from_yaml(keys: dict[str, str]) -> None:
    names: dict[str, Any] = {"__name__": "key_file"}
    exec(compile((SCRIPTS / "key-file").read_text(), "key-file", "exec"), names)
    text = "".join(f"{name}={quote_value(value)}\n" for name, value in keys.items())
    assert names["read_keys"](text) == keys
    found = yaml.safe_load(names["document"](keys))
    assert {name: found[name] for name in keys} == keys


def test_a_file_and_old_links_in_the_way_are_replaced(root: Path, place: Place) -> None:
    folder = root / "var/lib/trading-bot/app/config"
    (folder / "kis_devlp.yaml").write_text("my_app: 앱키\n")
    (folder / "KIS20200101").symlink_to(root / "run/trading/keys/KIS20200101")
    (folder / "KIS20200102").write_text("a file of the bot's")
    result = place("config/kis_devlp.yaml")
    assert "kis_devlp.yaml is replaced by a link into memory" in result.stdout
    today = date.today()  # noqa: DTZ011
    days = {f"KIS{today + timedelta(days=day):%Y%m%d}" for day in range(8)}
    assert {path.name for path in folder.iterdir() if path.is_symlink()} == {
        "kis_devlp.yaml", *days,
    }  # fmt: skip
    assert (folder / "KIS20200102").exists()


def test_a_folder_with_other_files_keeps_them(root: Path, place: Place) -> None:
    folder = root / "var/lib/trading-bot/KIS/config"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    result = place(HOME_FILE)
    assert result.returncode == 0, result.stderr
    assert "holds other files" in result.stdout
    assert (folder / "notes.txt").read_text() == "mine"
    assert run_bot(folder)[0] == "True"
    assert "token" not in on_disk(root)


def test_an_empty_folder_becomes_a_link(root: Path, place: Place) -> None:
    folder = root / "var/lib/trading-bot/KIS/config"
    folder.mkdir(parents=True)
    assert place(HOME_FILE).returncode == 0
    assert folder.is_symlink()
    (folder / "KIS_token_of_any_name").write_text("x")
    assert (root / "run/trading/keys/KIS_token_of_any_name").exists()


def test_a_folder_where_the_file_belongs_is_named(root: Path, place: Place) -> None:
    (root / "var/lib/trading-bot/app/config/kis_devlp.yaml").mkdir()
    result = place("config/kis_devlp.yaml")
    assert result.returncode == 1
    assert result.stderr.startswith("key-file: ")
    assert "kis_devlp.yaml" in result.stderr
    assert "canary" not in result.stderr


def test_the_unit_hands_over_what_load_secrets_wrote(
    tmp_path: Path, root: Path, stands: Stands
) -> None:
    """The unit's own commands, one after the other, in a root of their own."""
    keys = {**KEYS, "PEM": 'two\nlines = "\\$x`\\"\n', "AWS_PROFILE": "canary", "own": 'a"\\\nb'}
    (tmp_path / "answer").write_text(json.dumps(json.dumps(keys)))
    stands.add("aws", f"cat {tmp_path}/answer")
    stands.add("runuser", f'shift 3; exec {sys.executable} "$@"')
    environment = {
        "PATH": f"{stands.folder}:{os.environ['PATH']}",
        "KEYS": str(tmp_path),
        "SECRET_ARN": "arn",
        "AWS_REGION": "ap-northeast-2",
        "KEY_FILE": HOME_FILE,
        "ROOT": str(root),
    }
    unit = texts(key_file=HOME_FILE)["trading-secrets.service"]
    said = ""
    # Without what starts the services then.
    for command in re.findall(r"(?m)^Exec(?:Start|StartPost)=\+?([^-].*)$", unit):
        here = command.replace("/usr/local/lib/trading-bot", str(SCRIPTS))
        here = here.replace("/run/trading/env", str(tmp_path / "env"))
        words = shlex.split(here)
        words = words if words[0] == "/bin/sh" else [sys.executable, *words]
        result = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        said += result.stdout + result.stderr
    assert stands.calls[-1] == f"runuser -u trading -- {SCRIPTS}/key-file"
    assert said.splitlines()[-1].endswith("KIS/config/kis_devlp.yaml is in memory")
    found = yaml.safe_load((root / "run/trading/keys/kis_devlp.yaml").read_text())
    assert found["own"] == keys["own"]
    assert "AWS_PROFILE" not in found
    assert "canary" not in said


@pytest.mark.parametrize("name", ["key-file", "load-secrets"])
def test_the_hosts_own_python_reads_the_scripts(name: str) -> None:
    # Amazon Linux 2023's system Python is 3.9.
    ast.parse((SCRIPTS / name).read_text(), feature_version=(3, 9))


GENERATOR = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator"
"""Reads files as EnvironmentFile= does (systemd's src/basic/env-file.c), and fills in $ besides."""


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
                       values, min_size=1))  # fmt: skip
def test_systemd_reads_any_value_that_the_loader_wrote(
    tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]
) -> None:
    names: dict[str, object] = {"__name__": "load_secrets"}
    exec(compile((SCRIPTS / "load-secrets").read_text(), "load-secrets", "exec"), names)
    quote: Callable[[str], str] = names["quote"]  # type: ignore[assignment]
    folder = tmp_path_factory.mktemp("config")
    (folder / "environment.d").mkdir()
    (folder / "environment.d/keys.conf").write_text(
        "".join(f"{name}={quote(value)}\n" for name, value in keys.items())
    )
    said = subprocess.run(
        [GENERATOR], env={"XDG_CONFIG_HOME": str(folder)}, capture_output=True, check=True
    ).stdout.decode()
    found = dict(line.partition("=")[::2] for line in said.splitlines())
    assert all(map(is_text, keys.values()))
    assert {name: unescaped(found[name]) for name in keys} == keys


def unescaped(text: str) -> str:
    """Undo the quotes and C escapes in which the generator hands over a value."""
    bare = re.sub(r'\\(["`])', r"\1", text[1:-1]) if text[:1] == '"' else text
    return re.sub(
        rb"\\(?:x([0-9a-f]{2})|([0-7]{3})|(.))",
        lambda m: bytes([int(m[1], 16)]) if m[1] else bytes([int(m[2], 8)]) if m[2]
        else {b"n": b"\n", b"t": b"\t"}.get(m[3], m[3]),
        bare.encode(),
    ).decode()  # fmt: skip


# Units


def texts(**bot: object) -> dict[str, str]:
    files = host_files(make_config({"bot": bot}, "test"), plan(), 2026)
    return {file.path.rpartition("/")[2]: file.text for file in files}


def test_only_a_bot_with_a_key_file_has_its_lines() -> None:
    without, with_it = texts(), texts(key_file=HOME_FILE)
    assert "key-file" not in without
    assert "trading/keys" not in "".join(without.values())
    assert f'KEY_FILE="{HOME_FILE}"\n' in with_it["stack.env"]
    for unit in ("trading-bot.service", "trading-web.service"):
        assert with_it[unit] == f"{without[unit].rstrip()}\nReadWritePaths=/run/trading/keys\n"
    added = set(with_it["trading-secrets.service"].splitlines()) - set(
        without["trading-secrets.service"].splitlines()
    )
    assert added == {
        "ExecStartPre=+/usr/bin/install -d -o trading -g trading -m 0700 /run/trading/keys",
        "ExecStartPost=+/bin/sh -c 'exec runuser -u trading -- "
        "/usr/local/lib/trading-bot/key-file </run/trading/env'",
    }


def test_systemd_accepts_the_units_and_finds_them_as_closed(tmp_path: Path) -> None:
    names = ["trading-secrets.service", "trading-bot.service", "trading-web.service"]
    rendered = texts(key_file=HOME_FILE)
    for name in (*names, "trading-failure@.service"):
        text = re.sub(
            r"(?m)^(Exec[A-Z][a-z]+=\+?)[^-+\s]\S*", rf"\1{sys.executable}", rendered[name]
        )
        (tmp_path / name).write_text(text)
    paths = [str(tmp_path / name) for name in names]
    analyze = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *paths]
    verified = subprocess.run(analyze, capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    for path in paths[1:]:
        security = ["systemd-analyze", "security", "--offline=true", "--no-pager", path]
        said = subprocess.run(security, capture_output=True, text=True, check=True).stdout
        [level] = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", said)
        assert float(level) <= 2.0


@pytest.mark.parametrize(
    "path", ["config/kis_devlp.yaml", "kis.yml", HOME_FILE, "~/kis.yaml", "a/.b/..c.yaml"]
)
def test_where_a_key_file_may_be(path: str) -> None:
    assert make_config({"bot": {"key_file": path}}, "test").bot.key_file == path


@pytest.mark.parametrize(
    "path",
    ["/etc/kis.yaml", "../kis.yaml", "~/../kis.yaml", "~/a/../../kis.yaml", "config/kis.json", "~",
     "~/", "~me/kis.yaml", "~/app/kis.yaml", "a b.yaml", 'a".yaml', "$HOME/a.yaml", ".yaml",
     "./kis.yaml", "config/", "-a.yaml"],
)  # fmt: skip
def test_where_a_key_file_may_not_be(path: str) -> None:
    with pytest.raises(ConfigError, match=r"bot\.key_file.*a \.yaml file in the checkout"):
        make_config({"bot": {"key_file": path}}, "test")
