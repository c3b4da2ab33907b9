"""What of a file is stored, what is left out, and what a person is told."""

import pytest

from cfgen.errors import ConfigError
from cfgen.secret.check import key_states
from cfgen.secret.intake import remark, take_in, told
from cfgen.secret.reading import read_keys
from cfgen.secret.refusals import AWS_NAME, is_placeholder
from tests.cfgen.secret.test_keys import APP_KEY, APP_SECRET, PAPER, env

AWS_KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIACANARY0123456789",
    "AWS_SECRET_ACCESS_KEY": "canary/canary/canary/canary/canary/canary",
    "AWS_SESSION_TOKEN": "canary",
    "aws_profile": "canary",
}


def test_aws_credentials_are_left_out_and_nothing_else() -> None:
    more = {
        "AWS_REGION": "ap-northeast-2",
        "AWS_SECRET_NAME": "x",
        "SLACK_WEBHOOK_URL": "https://x",
    }
    intake = take_in(read_keys(env({**AWS_KEYS, **PAPER, **more}), "x"), ["demo"])
    assert intake.keys == {**PAPER, **more}
    assert set(intake.left_out) == set(AWS_KEYS)
    assert all("the host has a role of its own" in why for why in intake.left_out.values())


@pytest.mark.parametrize(
    "name",
    ["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID_PROD", "TF_VAR_aws_secret_access_key", "AWS_SECRET",
     "AWS_SECRET_KEY", "AWS_SECURITY_TOKEN", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE",
     "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
     "AWS_BEARER_TOKEN_BEDROCK", "AWSACCESSKEYID"],
)  # fmt: skip
def test_names_of_aws_credentials(name: str) -> None:
    assert AWS_NAME.fullmatch(name)


@pytest.mark.parametrize(
    "name",
    ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCOUNT_ID", "AWS_S3_BUCKET", "AWS_SECRET_NAME",
     "AWS_SECRET_ARN", "KIS_APP_SECRET", "LAWS_TOKEN"],
)  # fmt: skip
def test_names_of_no_aws_credentials(name: str) -> None:
    assert not AWS_NAME.fullmatch(name)


def test_an_access_key_under_another_name_stores_nothing() -> None:
    with pytest.raises(ConfigError, match="BACKUP_KEY holds an access key of AWS") as caught:
        take_in(read_keys(env({**PAPER, "BACKUP_KEY": "AKIACANARY0123456789"}), "x"), ["demo"])
    assert "canary" not in str(caught.value).lower()
    assert caught.value.hint == "nothing was stored"


@pytest.mark.parametrize(
    "value",
    ["your_app_key", "YOUR-KEY-HERE", "<APP_KEY>", "xxxx", "XXXXXXXX", "****", "changeme", "TODO",
     "change_me", "CHANGE ME", "앱키", "앱키 시크릿", "모의투자 앱키", "실전투자_앱키",
     "여기에 입력", "사용자 HTS ID", "증권계좌 8자리", "모의투자 선물옵션계좌 8자리",
     "${APP_KEY}", "{{app_key}}", "app_key", "KIS_APP_KEY", "put your key in",
     "placeholder", "my_app_key", "my_secret_here"],
)  # fmt: skip
def test_placeholders(value: str) -> None:
    assert is_placeholder("KIS_APP_KEY", value)


@pytest.mark.parametrize(
    "value",
    [APP_KEY, APP_SECRET, "me", "01", "12345678", "C012345", "-1001234567890", '["069500"]',
     "https://hooks.slack.com/services/T0/B0/abc", "123456:AAcanary", "Mozilla/5.0 (X11)", "demo",
     "true", "none", "텔레그램 봇", "a x b", "keys"],
)  # fmt: skip
def test_what_is_no_placeholder(value: str) -> None:
    assert not is_placeholder("SOME_NAME", value)


def test_placeholders_are_refused_where_the_bot_needs_a_key_and_left_out_elsewhere() -> None:
    text = env({**PAPER, "KIS_APP_KEY": "실전투자_앱키", "SLACK_WEBHOOK_URL": "your_webhook"})
    intake = take_in(read_keys(text, "x"), ["demo"])
    assert intake.keys == PAPER
    assert intake.left_out["KIS_APP_KEY"] == "a placeholder, and no key"
    with pytest.raises(ConfigError, match="KIS_APP_KEY holds a placeholder"):
        take_in(read_keys(text, "x"), ["demo", "real"])
    with pytest.raises(ConfigError, match=r"KIS_HTS_ID \(my_htsid\) holds a placeholder"):
        take_in(read_keys("my_htsid: 사용자 HTS ID", "x"), ["demo"])


@pytest.mark.parametrize("text", ["", "# nothing\n", "PATH=/bin\n", "EMPTY=\n", "AWS_PROFILE=x"])
def test_a_file_without_keys(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^\.env: holds no key to store"):
        take_in(read_keys(text, ".env"), ["demo"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("KIS_APP_KYE", "the name is unusual; did you mean KIS_APP_KEY?"),
        ("KIS_PAPER_APPKEY", "the name is unusual; did you mean KIS_PAPER_APP_KEY?"),
        ("kis_hts_id", "the name is unusual; did you mean KIS_HTS_ID?"),
        ("TELEGRAM_BOT_TOKN", "the name is unusual; did you mean TELEGRAM_BOT_TOKEN?"),
        ("KIS_APP_KEY", "a bot in demo mode does not use it"),
        ("KIS_APP_KEY_2", ""),
        ("KIS_PAPER_APP_KEY", ""),
        ("KIS_PAPER_FUTURE", ""),
        ("KIS_URL_PROD", ""),
        ("DB_URL", ""),
        ("isa_account", ""),
    ],
)
def test_what_is_said_of_a_name(name: str, said: str) -> None:
    assert remark(name, ["demo"]) == said
    assert remark("KIS_APP_KEY", ["demo", "real"]) == ""


def test_what_is_said_of_all_keys() -> None:
    assert list(told(PAPER, ["demo"])) == []
    [missing] = told({"KIS_HTS_ID": "me"}, ["demo"])
    names = "KIS_PAPER_APP_KEY, KIS_PAPER_APP_SECRET, KIS_PAPER_STOCK, KIS_PROD_TYPE"
    assert missing.endswith(f"missing: {names} (secret set asks for each)")
    [same] = told({**PAPER, "KIS_APP_KEY": APP_KEY}, ["demo"])
    assert same.startswith("KIS_APP_KEY and KIS_PAPER_APP_KEY hold the same value")
    [filled] = told({**PAPER, "DB_URL": "canary://${USER}"}, ["demo"])
    assert filled.startswith("DB_URL holds ${...}")
    assert "canary" not in same + filled


def test_a_check_finds_what_stands_in_the_bots_way() -> None:
    keys = {**PAPER, "KIS_APP_KYE": "x", "KIS_APP_KEY": APP_KEY, "AWS_PROFILE": "canary"}
    del keys["KIS_PROD_TYPE"]
    found = key_states(keys, ["demo"])
    assert {one.name: one.text for one in found if one.wrong} == {
        "KIS_PROD_TYPE": "missing",
        "AWS_PROFILE": "is a credential of AWS: the host has a role of its own, and "
        "needs nobody's keys",
    }
    texts = {one.name: one.text for one in found}
    assert texts["KIS_APP_KYE"] == "stored, but the name is unusual; did you mean KIS_APP_KEY?"
    assert texts["KIS_APP_KEY"] == "stored, but a bot in demo mode does not use it"
    assert [one.name for one in found][:5] == list(PAPER)
