"""The broker's keys: their shapes, reading them, and storing them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from cfgen.config.load import make_config
from cfgen.errors import ConfigError
from cfgen.secret.keys import NEEDED, SHAPES, lacking, modes_of, problem
from cfgen.secret.store import KeyStore
from tests.conftest import Run, Terminal, command

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
    assert lacking(["demo"], PAPER) == []
    assert lacking(["real"], PAPER) == ["KIS_APP_KEY", "KIS_APP_SECRET", "KIS_ACCT_STOCK"]
    assert lacking(["demo", "real"], PAPER) == ["KIS_APP_KEY", "KIS_APP_SECRET", "KIS_ACCT_STOCK"]


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("KIS_APP_KEY", "PScanary", "36 letters and digits"),
        ("KIS_APP_KEY", "XX" + APP_KEY[2:], "the first two PS"),
        ("KIS_APP_SECRET", APP_SECRET[1:], "180 characters"),
        ("KIS_ACCT_STOCK", "12345678-01", "8 digits"),
        ("KIS_PROD_TYPE", "1", "2 digits"),
        ("KIS_HTS_ID", "me canary", "user id"),
        ("KIS_HTS_ID", "", "empty"),
        ("KIS_HTS_ID", "사용자 HTS ID", "a placeholder"),
        ("KIS_URL_PROD", "openapi.canary.com:9443", "an https, ws or wss address"),
        ("LD_PRELOAD", "x", "decided by the bot's units"),
        ("kis-app-key", "x", "is not a name"),
        ("MY_TOKEN", "a\x07canary", "control characters"),
        ("AWS_SECRET_ACCESS_KEY", "canary", "a credential of AWS"),
        ("aws_session_token", "canary", "a credential of AWS"),
        ("S3_KEY", "AKIACANARY0123456789", "an access key of AWS"),
        ("S3_KEYS", "canary:ASIACANARY0123456789", "an access key of AWS"),
    ],
)
def test_what_is_wrong_is_said_without_the_key(name: str, value: str, what: str) -> None:
    said = problem(name, value)
    assert what in said
    assert "canary" not in said


@pytest.mark.parametrize(
    ("arguments", "modes"),
    [
        ([], ("demo",)),
        (["--symbol", "069500"], ("demo",)),
        (["--mode", "real"], ("real",)),
        (["--mode=real"], ("real",)),
        (["--mode", "test"], ("demo",)),
    ],
)
def test_modes_are_those_that_the_jobs_run_in(arguments: list[str], modes: tuple[str, ...]) -> None:
    assert modes_of(make_config({"bot": {"arguments": arguments}}, "test")) == modes
    jobs = [{"name": "one", "entrypoint": "a.py"},
            {"name": "two", "entrypoint": "a.py", "arguments": arguments}]  # fmt: skip
    config = make_config({"bot": {"jobs": jobs}}, "test")
    assert modes_of(config) == tuple(dict.fromkeys(("demo", *modes)))


@given(st.sampled_from(sorted(SHAPES)), st.text(min_size=8, max_size=60))
def test_no_value_is_ever_in_what_is_said(name: str, value: str) -> None:
    # A value that is part of every message, such as "digits", would be no secret.
    if value not in "".join(one.looks for one in SHAPES.values()) + name:
        assert value not in problem(name, value)


# The secret


def secrets(endpoint: str | None = None) -> Any:
    session = boto3.session.Session("testing", "testing", region_name="ap-northeast-2")
    return session.client("secretsmanager", endpoint_url=endpoint)


@pytest.fixture
def store(moto_server: str, tmp_path: Path) -> Callable[[], tuple[KeyStore, Any]]:
    client = secrets(moto_server)
    name = f"s{abs(hash(str(tmp_path))):x}"
    client.create_secret(Name=f"{name}/kis-api")

    def make() -> tuple[KeyStore, Any]:
        return KeyStore(client, name), client

    return make


def test_keys_are_merged_and_taken_out(store: Callable[[], tuple[KeyStore, Any]]) -> None:
    keys, client = store()
    assert keys.read() == {}
    assert keys.merge(PAPER, "t" * 32).done == dict.fromkeys(PAPER, "stored")
    assert keys.read() == PAPER
    change = keys.merge({"KIS_HTS_ID": "you", "MORE": "x"}, "u" * 32)
    assert change.done == {"KIS_HTS_ID": "replaced", "MORE": "stored"}
    assert keys.read() == change.after == {**PAPER, "KIS_HTS_ID": "you", "MORE": "x"}
    assert keys.merge({"KIS_HTS_ID": "you"}, "v" * 32).done == {}
    assert len(client.list_secret_version_ids(SecretId=keys.name)["Versions"]) <= 3
    assert keys.remove(["MORE", "KIS_HTS_ID"], "w" * 32).done == {
        "KIS_HTS_ID": "removed", "MORE": "removed",
    }  # fmt: skip
    assert keys.read() == {name: PAPER[name] for name in PAPER if name != "KIS_HTS_ID"}
    with pytest.raises(ConfigError, match="has no KIS_HTS_ID") as caught:
        keys.remove(["KIS_HTS_ID", "KIS_PROD_TYPE"], "x" * 32)
    assert "KIS_PROD_TYPE" in caught.value.hint
    assert "KIS_PROD_TYPE" in keys.read()


def test_a_secret_has_an_end(store: Callable[[], tuple[KeyStore, Any]]) -> None:
    keys, _ = store()
    with pytest.raises(ConfigError, match="65536 bytes"):
        keys.merge({"MORE": "x" * 65_536}, "t" * 32)


def test_one_bad_key_stores_none(store: Callable[[], tuple[KeyStore, Any]]) -> None:
    keys, _ = store()
    with pytest.raises(ConfigError) as caught:
        keys.merge({**PAPER, "KIS_APP_KEY": "canary", "KIS_ACCT_STOCK": "canary"}, "t" * 32)
    assert "KIS_APP_KEY does not look" in str(caught.value)
    assert "KIS_ACCT_STOCK does not look" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert keys.read() == {}


@pytest.mark.parametrize("text", ["canary", "[]", '{"A": 1}', "null"])
def test_what_is_not_ours_is_not_overwritten(
    store: Callable[[], tuple[KeyStore, Any]], text: str
) -> None:
    keys, client = store()
    client.put_secret_value(SecretId=keys.name, SecretString=text)
    with pytest.raises(ConfigError, match="something else") as caught:
        keys.merge(PAPER, "t" * 32)
    assert "canary" not in str(caught.value)
    assert client.get_secret_value(SecretId=keys.name)["SecretString"] == text


def test_a_secret_that_is_not_there_or_going() -> None:
    client = secrets()
    keys = KeyStore(client, "bot")
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
    assert "first deploy makes it" in result.stderr


def everything_said(result: "subprocess.CompletedProcess[str]") -> str:
    return result.stdout + result.stderr


def test_a_file_with_keys_of_aws_among_the_brokers(
    terminal: Callable[..., Terminal],
    folder: Path,
    memory_aws: dict[str, str],
    moto_server: str,
    deployed: str,
) -> None:
    aws = {"AWS_ACCESS_KEY_ID": "AKIACANARY0123456789", "AWS_SECRET_ACCESS_KEY": "canary/" * 6}
    (folder / ".env").write_text(env({**aws, **PAPER, "AWS_REGION": "x", "SLACK": "canary"}))
    person = terminal("secret", "set", "--from-env-file", ".env", extra=memory_aws)
    person.wait_for("Store these")
    for name in (*PAPER, "AWS_REGION", "SLACK"):
        assert f"\n  {name}\n" in person.read
    for name in aws:
        assert f"\n  {name}: a credential of AWS: the host has a role of its own" in person.read
    person.type("n\n")
    assert person.end() == 6
    assert "nothing was stored" in person.read
    again = terminal("secret", "set", "--from-env-file", ".env", extra=memory_aws)
    again.wait_for("Store these")
    again.type("y\n")
    assert again.end() == 0, again.read
    assert stored(moto_server, deployed) == {**PAPER, "AWS_REGION": "x", "SLACK": "canary"}
    assert "canary" not in (person.read + again.read).lower()


def test_the_brokers_own_file(
    cfgen: Run, folder: Path, memory_aws: dict[str, str], moto_server: str, deployed: str
) -> None:
    (folder / "kis.txt").write_text(
        f"my_app: 앱키\npaper_app: {APP_KEY}\npaper_sec: '{APP_SECRET}'\nmy_htsid: me\n"
        'my_paper_stock: 01234567\nmy_prod: "01"\nmy_token: ""\nisa_account: 0123\n'
    )
    result = cfgen("secret", "set", "--from-env-file", "kis.txt", "--yes", extra=memory_aws)
    assert result.returncode == 0, result.stderr
    assert "kis.txt, a kis_devlp.yaml; into" in result.stderr
    assert "\n  KIS_PAPER_APP_KEY (paper_app)\n" in result.stderr
    assert "\n  KIS_APP_KEY: a placeholder, and no key\n" in result.stderr
    assert "\n  my_token: empty\n" in result.stderr
    expected = {**PAPER, "KIS_PAPER_STOCK": "01234567", "isa_account": "0123"}
    assert stored(moto_server, deployed) == expected
    assert cfgen("secret", "check", extra=memory_aws).returncode == 0
    assert "canary" not in everything_said(result)


def test_stored_is_said_of_what_the_bot_can_run_with(
    cfgen: Run, memory_aws: dict[str, str], moto_server: str, deployed: str
) -> None:
    keys = env({"KIS_APP_KEY": APP_KEY, "KIS_PAPER_APP_KYE": APP_KEY, "KIS_HTS_ID": "me"})
    result = cfgen("secret", "set", "--from-env-file", "-", stdin=keys, extra=memory_aws)
    assert result.returncode == 0, result.stderr
    assert [line for line in result.stderr.splitlines() if line.endswith(": stored")] == [
        "KIS_HTS_ID: stored"
    ]
    assert "KIS_APP_KEY: kept in the secret, but a bot in demo mode does not" in result.stderr
    assert "KIS_PAPER_APP_KYE: kept in the secret, but the name is unusual" in result.stderr
    assert "cannot run; missing: KIS_PAPER_APP_KEY, KIS_PAPER_APP_SECRET" in result.stderr
    assert set(stored(moto_server, deployed)) == {"KIS_APP_KEY", "KIS_PAPER_APP_KYE", "KIS_HTS_ID"}
    assert "canary" not in everything_said(result)


def test_keys_are_taken_out(
    cfgen: Run,
    terminal: Callable[..., Terminal],
    memory_aws: dict[str, str],
    moto_server: str,
    deployed: str,
) -> None:
    keys = env({**PAPER, "MORE": "canary"})
    assert cfgen("secret", "set", "--from-env-file", "-", stdin=keys, extra=memory_aws).stderr
    unasked = cfgen("secret", "unset", "MORE", extra=memory_aws)
    assert unasked.returncode == 5
    assert "--yes" in unasked.stderr
    missing = cfgen("secret", "unset", "MORE", "LESS", "--yes", extra=memory_aws)
    assert missing.returncode == 2
    assert f"{deployed}/kis-api has no LESS" in missing.stderr
    assert stored(moto_server, deployed)["MORE"] == "canary"
    person = terminal("secret", "unset", "MORE", extra=memory_aws)
    person.wait_for(f"Take MORE out of {deployed}/kis-api?")
    person.type("y\n")
    assert person.end() == 0, person.read
    assert stored(moto_server, deployed) == PAPER
    needed = cfgen("secret", "unset", "KIS_PROD_TYPE", "--yes", extra=memory_aws)
    assert needed.returncode == 0
    assert "cannot run; missing: KIS_PROD_TYPE" in needed.stderr
    check = cfgen("secret", "check", extra=memory_aws)
    assert check.returncode == 8
    assert "KIS_PROD_TYPE: missing" in check.stdout
    assert "canary" not in "".join(map(everything_said, (unasked, missing, needed, check)))
    assert "canary" not in person.read


@pytest.mark.parametrize(
    "text", ["my_app: [canary", "KIS_HTS_ID='canary", "canary", "A=AKIACANARY0123456789"]
)
def test_no_traceback_shows_a_key(folder: Path, environment: dict[str, str], text: str) -> None:
    arguments = command(["secret", "set", "--debug", "--from-env-file", "-"])
    result = subprocess.run(
        arguments, cwd=folder, env=environment, input=text, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert result.returncode == 2
    assert "Traceback" in result.stderr
    assert "canary" not in everything_said(result).lower()


@pytest.mark.usefixtures("deployed")
def test_another_account_is_refused(cfgen: Run, folder: Path, memory_aws: dict[str, str]) -> None:
    config = folder / "cfgen.toml"
    config.write_text(config.read_text() + 'allowed_accounts = ["999999999999"]\n')
    result = cfgen("secret", "set", "--from-env-file", "-", stdin=env(PAPER), extra=memory_aws)
    assert result.returncode == 5
    assert "123456789012" in result.stderr
    assert "canary" not in result.stderr
