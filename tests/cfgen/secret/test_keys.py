"""The broker's keys: their shapes, reading them, and storing them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from cfgen.errors import ConfigError
from cfgen.secret.keys import NEEDED, SHAPES, lacking, parse_env, problem
from cfgen.secret.store import KeyStore
from tests.conftest import Run, Terminal

APP_KEY = "PScanary" + "a1" * 14
APP_SECRET = "canary" + "aB3/" * 43 + "xy"
PAPER = {
    "KIS_PAPER_APP_KEY": APP_KEY,
    "KIS_PAPER_APP_SECRET": APP_SECRET,
    "KIS_PAPER_STOCK": "12345678",
    "KIS_HTS_ID": "me",
    "KIS_PROD_TYPE": "01",
}


def env(keys: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in keys.items())


# Shapes


def test_good_keys_have_no_problem() -> None:
    assert {name: problem(name, value) for name, value in PAPER.items()} == dict.fromkeys(PAPER, "")
    assert lacking("demo", PAPER) == []
    assert lacking("real", PAPER) == ["KIS_APP_KEY", "KIS_APP_SECRET", "KIS_ACCT_STOCK"]


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("KIS_APP_KEY", "PScanary", "36 letters and digits"),
        ("KIS_APP_KEY", "XX" + APP_KEY[2:], "the first two PS"),
        ("KIS_APP_SECRET", APP_SECRET[1:], "180 characters"),
        ("KIS_ACCT_STOCK", "12345678-01", "8 digits"),
        ("KIS_PROD_TYPE", "1", "2 digits"),
        ("KIS_HTS_ID", "me canary", "user id"),
        ("KIS_HTS_ID", "", "one line"),
        ("LD_PRELOAD", "x", "decided by the bot's units"),
        ("kis_app_key", "x", "is not a name"),
        ("MY_TOKEN", "a\nb", "one line"),
    ],
)
def test_what_is_wrong_is_said_without_the_key(name: str, value: str, what: str) -> None:
    said = problem(name, value)
    assert what in said
    assert "canary" not in said


@given(st.sampled_from(sorted(SHAPES)), st.text(min_size=8, max_size=60))
def test_no_value_is_ever_in_what_is_said(name: str, value: str) -> None:
    # A value that is part of every message, such as "digits", would be no secret.
    if value not in "".join(one.looks for one in SHAPES.values()) + name:
        assert value not in problem(name, value)


# An env file


def test_an_env_file_as_shells_write_it() -> None:
    text = """\
    # keys
    export KIS_HTS_ID=me
    KIS_PROD_TYPE="01"   # of the account
    KIS_ACCT_STOCK='12345678'
    OTHER=a=b # comment
    HASH="a#b"
    EMPTY=
    PATH=/bin

    """
    assert parse_env(text, "x") == {
        "KIS_HTS_ID": "me",
        "KIS_PROD_TYPE": "01",
        "KIS_ACCT_STOCK": "12345678",
        "OTHER": "a=b",
        "HASH": "a#b",
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "PATH=/bin\n", "EMPTY=\n"])
def test_a_file_without_keys(text: str) -> None:
    with pytest.raises(ConfigError, match=r"\.env: holds no NAME=VALUE"):
        parse_env(text, ".env")


@pytest.mark.parametrize("line", ["canary", "canary: x", 'KIS_HTS_ID="canary', "a b=canary"])
def test_a_line_that_is_none_is_named_and_not_shown(line: str) -> None:
    with pytest.raises(ConfigError, match=r"\.env:2: ") as caught:
        parse_env(f"KIS_HTS_ID=me\n{line}\n", ".env")
    assert "canary" not in str(caught.value)


@given(st.dictionaries(st.from_regex(r"KIS_[A-Z]{1,8}", fullmatch=True),
                       st.text("abcXYZ019+/=.-", min_size=1), min_size=1))  # fmt: skip
def test_any_keys_come_back(keys: dict[str, str]) -> None:
    assert parse_env(env(keys), "x") == keys
    quoted = {name: f'"{value}"' for name, value in keys.items()}
    assert parse_env(env(quoted), "x") == keys


# The secret


def secrets(endpoint: str | None = None) -> Any:
    session = boto3.session.Session("testing", "testing", region_name="ap-northeast-2")
    return session.client("secretsmanager", endpoint_url=endpoint)


@pytest.fixture
def store(moto_server: str, tmp_path: Path) -> Callable[[], tuple[KeyStore, list[str], Any]]:
    client = secrets(moto_server)
    name = f"s{abs(hash(str(tmp_path))):x}"
    client.create_secret(Name=f"{name}/kis-api")

    def make() -> tuple[KeyStore, list[str], Any]:
        said: list[str] = []
        return KeyStore(client, name, said.append), said, client

    return make


def test_keys_are_merged_and_never_told(
    store: Callable[[], tuple[KeyStore, list[str], Any]],
) -> None:
    keys, said, client = store()
    assert keys.read() == {}
    assert keys.merge(PAPER, "t" * 32)
    assert keys.read() == PAPER
    assert keys.merge({"KIS_HTS_ID": "you", "MORE": "x"}, "u" * 32)
    assert keys.read() == {**PAPER, "KIS_HTS_ID": "you", "MORE": "x"}
    assert not keys.merge({"KIS_HTS_ID": "you"}, "v" * 32)
    assert "KIS_HTS_ID: replaced" in said
    assert "MORE: stored" in said
    assert "canary" not in "".join(said)
    assert len(client.list_secret_version_ids(SecretId=keys.name)["Versions"]) <= 3


def test_one_bad_key_stores_none(store: Callable[[], tuple[KeyStore, list[str], Any]]) -> None:
    keys, _, _ = store()
    with pytest.raises(ConfigError) as caught:
        keys.merge({**PAPER, "KIS_APP_KEY": "canary", "KIS_ACCT_STOCK": "canary"}, "t" * 32)
    assert "KIS_APP_KEY does not look" in str(caught.value)
    assert "KIS_ACCT_STOCK does not look" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert keys.read() == {}


@pytest.mark.parametrize("text", ["canary", "[]", '{"A": 1}', "null"])
def test_what_is_not_ours_is_not_overwritten(
    store: Callable[[], tuple[KeyStore, list[str], Any]], text: str
) -> None:
    keys, _, client = store()
    client.put_secret_value(SecretId=keys.name, SecretString=text)
    with pytest.raises(ConfigError, match="something else") as caught:
        keys.merge(PAPER, "t" * 32)
    assert "canary" not in str(caught.value)
    assert client.get_secret_value(SecretId=keys.name)["SecretString"] == text


def test_a_secret_that_is_not_there_or_going() -> None:
    client = secrets()
    keys = KeyStore(client, "bot", lambda _: None)
    with Stubber(client) as stub:
        stub.add_client_error("describe_secret", "ResourceNotFoundException")
        with pytest.raises(ConfigError, match="no secret bot/kis-api"):
            keys.read()
        stub.add_response("describe_secret", {"DeletedDate": 1})
        with pytest.raises(ConfigError, match="being deleted") as caught:
            keys.read()
        assert "restore-secret" in caught.value.hint


# The command


@pytest.fixture
def deployed(moto_server: str, folder: Path, tmp_path: Path) -> str:
    name = f"c{abs(hash(str(tmp_path))):x}"
    secrets(moto_server).create_secret(Name=f"{name}/kis-api")
    (folder / "cfgen.toml").write_text(f'[stack]\nname = "{name}"\n')
    return name


def stored(moto_server: str, name: str) -> dict[str, str]:
    text = secrets(moto_server).get_secret_value(SecretId=f"{name}/kis-api")["SecretString"]
    found: dict[str, str] = json.loads(text)
    return found


def test_from_an_env_file_and_a_pipe(
    cfgen: Run, folder: Path, memory_aws: dict[str, str], moto_server: str, deployed: str
) -> None:
    before = cfgen("secret", "check", extra=memory_aws)
    assert before.returncode == 8
    assert "KIS_PAPER_APP_KEY: missing" in before.stdout
    (folder / ".env").write_text(env({**PAPER, "PATH": "/bin"}))
    result = cfgen("secret", "set", "--from-env-file", ".env", "--debug", extra=memory_aws)
    assert result.returncode == 0, result.stderr
    assert "KIS_PAPER_APP_KEY: stored" in result.stderr
    assert stored(moto_server, deployed) == PAPER
    piped = cfgen("secret", "set", "--from-env-file", "-", stdin="KIS_HTS_ID=you\n",
                  extra=memory_aws)  # fmt: skip
    assert piped.returncode == 0, piped.stderr
    assert stored(moto_server, deployed) == {**PAPER, "KIS_HTS_ID": "you"}
    after = cfgen("secret", "check", extra=memory_aws)
    assert after.returncode == 0
    assert after.stdout.count(": stored\n") == 5
    said = "".join(one.stdout + one.stderr for one in (before, result, piped, after))
    assert "canary" not in said


def test_each_key_is_asked_for_hidden(
    terminal: Callable[..., Terminal], memory_aws: dict[str, str], moto_server: str, deployed: str
) -> None:
    person = terminal("secret", "set", extra=memory_aws)
    for shape in NEEDED["demo"]:
        person.wait_for(f"{shape.name} (")
        if shape.name == "KIS_PAPER_STOCK":
            person.type("123\n")
            person.wait_for("does not look like one")
        person.type(f"{'' if shape.name == 'KIS_PROD_TYPE' else PAPER[shape.name]}\n")
    assert person.end() == 0, person.read
    assert "canary" not in person.read
    kept = {name: value for name, value in PAPER.items() if name != "KIS_PROD_TYPE"}
    assert stored(moto_server, deployed) == kept


@pytest.mark.usefixtures("deployed")
def test_without_a_terminal_a_file_is_needed(cfgen: Run, memory_aws: dict[str, str]) -> None:
    result = cfgen("secret", "set", extra=memory_aws)
    assert result.returncode == 5
    assert "--from-env-file" in result.stderr


def test_before_the_first_deploy(cfgen: Run, memory_aws: dict[str, str]) -> None:
    result = cfgen("secret", "check", extra=memory_aws)
    assert result.returncode == 2
    assert "there is no secret trading-bot/kis-api" in result.stderr
    assert "deploy first" in result.stderr


@pytest.mark.usefixtures("deployed")
def test_another_account_is_refused(cfgen: Run, folder: Path, memory_aws: dict[str, str]) -> None:
    config = folder / "cfgen.toml"
    config.write_text(config.read_text() + 'allowed_accounts = ["999999999999"]\n')
    result = cfgen("secret", "set", "--from-env-file", "-", stdin=env(PAPER), extra=memory_aws)
    assert result.returncode == 5
    assert "123456789012" in result.stderr
    assert "canary" not in result.stderr
