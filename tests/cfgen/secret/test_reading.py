"""Reading an env file as the bot's python-dotenv does, and the broker's kis_devlp.yaml."""

import io

import pytest
import yaml
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from cfgen.errors import ConfigError
from cfgen.secret.kis_devlp import NAMES
from cfgen.secret.reading import ENV_FILE, YAML_FILE, read_keys

SAMPLE = """\
#홈페이지에서 API서비스 신청시 받은 Appkey, Appsecret 값 설정
#실전투자
my_app: "앱키"
my_sec: "앱키 시크릿"

my_htsid: me # mine
my_acct_stock: 01234567
my_paper_stock: 12345678
my_prod: "01"
prod: "https://openapi.koreainvestment.com:9443" # 서비스
my_token: ""
isa_account: 0123
my_agent: "Mozilla/5.0 (X11; Linux x86_64)"
"""

FORMS = [
    "A=b",
    "export A=b",
    "export\tA=b",
    "A = b",
    "A='b' # why",
    'A="b" # "why"',
    "A=b # why",
    "A=b#c",
    'A="b#c"',
    "\ufeffA=b\nC=d",
    "a=b",
    "my_app=b",
    'A="a\\n\\"b\\"\\\\"',
    "A='it\\'s'",
    'A="-----BEGIN-----\nabc\n-----END-----"\nC=d',
    "A='two\nlines'",
    "A=b\r\nC=d\r\n",
    "A=\nC=d",
    "A=${B}c\nB=$A",
    "A=a=b",
    "A=b: c",
    "A=one two",
    "A=first\nA=second",
    "'A'=b",
    "   A=b",
    "# my_app: x\nA=b",
]


@pytest.mark.parametrize("text", FORMS)
def test_an_env_file_is_read_as_the_bot_reads_it(text: str) -> None:
    read = read_keys(text, "x")
    plain = text.removeprefix("\ufeff")
    assert read.pairs == dotenv_values(stream=io.StringIO(plain), interpolate=False)
    assert read.form == ENV_FILE


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=b\ncanary", 2),
        ("A=b\n\n# x\n\ncanary: x", 5),
        ('A="canary', 1),
        ("A=b\n\nB='canary' canary\nC=d", 3),
        ("a b=canary", 1),
        ("A=b\nA-B=canary", 2),
        ("A=b\nexport canary", 2),
        ("=canary", 1),
    ],
)
def test_a_line_that_is_none_is_named_and_not_shown(text: str, line: int) -> None:
    with pytest.raises(ConfigError, match=rf"^\.env:{line}: ") as caught:
        read_keys(text, ".env")
    assert "canary" not in f"{caught.value} {caught.value.hint}"


quotable = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])) | st.text(
    "a\n'\"\\$ #"
)


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), quotable,
                       min_size=1))  # fmt: skip
def test_any_quoted_values_come_back(keys: dict[str, str]) -> None:
    # As dotenv.set_key quotes them.
    text = "".join(
        "{}='{}'\n".format(name, value.replace("\\", "\\\\").replace("'", "\\'"))
        for name, value in keys.items()
    )
    assert read_keys(text, "x").pairs == keys


def test_the_brokers_yaml_is_told_by_what_it_holds() -> None:
    read = read_keys(SAMPLE, ".env")
    assert read.form == YAML_FILE
    assert read.pairs == {
        "KIS_APP_KEY": "앱키",
        "KIS_APP_SECRET": "앱키 시크릿",
        "KIS_HTS_ID": "me",
        "KIS_ACCT_STOCK": "01234567",
        "KIS_PAPER_STOCK": "12345678",
        "KIS_PROD_TYPE": "01",
        "KIS_URL_PROD": "https://openapi.koreainvestment.com:9443",
        "my_token": "",
        "isa_account": "0123",
        "KIS_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64)",
    }
    assert read.fields["KIS_APP_KEY"] == "my_app"
    assert "isa_account" not in read.fields


@pytest.mark.parametrize("lead", ["", "---\n", "%YAML 1.1\n---\n", "\ufeff", "\n# A=b\n"])
@pytest.mark.parametrize("line", ["my_app: x\n", "'my_app' : x\r\n", "my_app:\n  x\n"])
def test_a_yaml_file_however_it_begins(lead: str, line: str) -> None:
    assert read_keys(lead + line, "x").pairs == {"KIS_APP_KEY": "x"}


def test_json_is_yaml() -> None:
    assert read_keys('{"my_app": "x", "OTHER": "1"}', "x").pairs == {
        "KIS_APP_KEY": "x",
        "OTHER": "1",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("my_app: x\nmy_sec: [canary\n", "x:3: is not YAML"),
        ("my_app: x\n\tmy_sec: canary\n", "x:2: is not YAML"),
        ("my_app: *canary\n", "x:1: is not YAML"),
        ("my_app: [canary]\n", "x: 'my_app' is not a name with one value"),
        ("my_app: {a: canary}\n", "x: 'my_app' is not a name with one value"),
        ("canary: x\nnot a name: x\n", "x: a field is not a name with one value"),
        ("my_app: x\nKIS_APP_KEY: canary\n", "x: KIS_APP_KEY is there twice"),
        ("---\n- canary\n", "x: holds no names with values"),
        ("{" * 20_000, "x: is not YAML"),
    ],
)
def test_yaml_that_is_not_usable_is_named_and_not_shown(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_keys(text, "x")
    assert str(caught.value).startswith(said)
    assert "canary" not in f"{caught.value} {caught.value.hint}"
    # PyYAML's own message quotes the file.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@given(st.dictionaries(st.sampled_from(sorted(NAMES)),
                       st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])),
                       min_size=1))  # fmt: skip
def test_any_yaml_that_pyyaml_writes_comes_back(fields: dict[str, str]) -> None:
    text = yaml.safe_dump(fields, allow_unicode=True)
    assert read_keys(text, "x").pairs == {NAMES[name]: value for name, value in fields.items()}
