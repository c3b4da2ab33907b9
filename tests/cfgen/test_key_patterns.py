"""What a key looks like. Every value here is made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgen.key_patterns import (
    find_key,
    is_key_file,
    is_key_name,
    key_in_setting,
    key_in_variable,
    keys_in_arguments,
)

APP_KEY = "PS" + "a1B2" * 8 + "cd"
APP_SECRET = "aB3/" * 44 + "xy=="
AWS_SECRET = "kT3" + "vQ9xL2mZ" * 4 + "aB7/e"
TOKEN = ".".join(
    ("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9", "eyJzdWIiOiJ0b2tlbiJ9Zm9v", "c2lnbmF0dXJl")
)
TELEGRAM = "7012345678:AAH" + "dqTcvCH1vGWJxfSeofSAs0K5PALDsa" + "wz"
GITHUB = "ghp_" + "aB3dE6gH9j" * 3 + "kL2mN5"
SLACK = "https://hooks.slack.com/" + "services/T03AB12CD/B04EF34GH/" + "aB3dE6gH9jkL2mN5pQ8sT1vW"
DISCORD = "https://discord.com/api/" + "webhooks/112233445566778899/" + "aB3-dE6_gH" * 7
DISCORD_BOT = "MTEyMjMzNDQ1NTY2Nzc4OD" + "k5.GxYz12." + "aB3dE6gH9jkL2mN5pQ8sT1vWxY4zA7bC"
UPBIT = "aB3dE6gH9jkL2mN5pQ8sT1vWxY4zA7bCdE0fG1hI"

CORPUS = {
    "aws.py": (f'aws_access_key_id = "AKIA{"QX7JZ2MB" * 2}"', "an AWS access key"),
    "deploy.sh": (f"export AWS_SECRET_ACCESS_KEY={AWS_SECRET}", "an AWS secret key"),
    "server.txt": ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE", "a private key"),
    "kis.py": (f"headers = {{'appkey': '{APP_KEY}'}}", "a broker's app key"),
    "kis_secret.yaml": (f"my_sec: '{APP_SECRET}'", "a broker's app secret"),
    "token_cache.txt": (f"Bearer {TOKEN}", "an access token"),
    "notify.py": (f'url = f"https://api.telegram.org/bot{TELEGRAM}/send"', "a Telegram bot token"),
    "pip.conf": (f"index-url = https://x:{GITHUB}@example.org/simple", "a GitHub token"),
    "fine.py": ("push('github_pat_" + "11ABCDEFG0aB3dE6gH9jkL_" * 3 + "')", "a GitHub token"),
    "ci.yml": ("run: clone glpat-aB3dE6gH9jkL2mN5pQ8s", "a GitLab token"),
    "slack.py": (f'requests.post("{SLACK}")', "a webhook address"),
    "discord.py": (f'HOOK = "{DISCORD}"', "a webhook address"),
    "chat.py": (f'client.run("{DISCORD_BOT}")', "a Discord bot token"),
    "talk.py": ('Slack("xoxb-2233445566-7788990011-aB3dE6gH9jkL")', "a Slack token"),
    "upbit.py": (f'access = "{UPBIT}"', "an exchange's key"),
    "trade.py": (f'upbit = pyupbit.Upbit("{UPBIT}", "x")', "an exchange's key"),
    "binance.json": (f'{{"api_key": "{UPBIT}aB3dE6gH9jkL2mN5pQ8sT1vW"}}', "a key or token"),
    "llm.py": ("openai.key('sk-proj-" + "aB3dE6gH9j" * 5 + "')", "an API key"),
    "claude.py": ("Client('sk-ant-api03-" + "aB3dE6gH9j" * 9 + "')", "an API key"),
    "maps.js": ("load('AIzaSy" + "aB3dE6gH9jkL2mN5pQ8sT1vWxY4zA7bCd" + "')", "an API key"),
    "pay.py": ("stripe.key('sk_" + "live_aB3dE6gH9jkL2mN5')", "an API key"),
    "db.py": ('password = "hunter2"', "a password"),
    "typed.py": ('DB_PASSWORD: str = "SuperSecret123!"', "a password"),
    "default.py": ('os.getenv("HTS_PASSWORD", "tr4der-pw")', "a password"),
    "note.ipynb": (r'"source": ["password = \"hunter2\"\n"]', "a password"),
    "settings.ini": ("db_password = tr4der!pw", "a password"),
    "settings.yaml": ("approval_key: 3fa85f64-5717-4562-b3fc-2c963f66afa6", "a key or token"),
    "url.py": ('create_engine("postgresql://bot:tr4der@db.local/x")', "a password in an address"),
    "account.py": ('CANO = "50123471"', "an account number"),
    "account.yaml": ("my_acct_stock: 50123471-01", "an account number"),
    "wrong.env.example": ("KIS_ACCT_STOCK=50123471", "an account number"),
}


@pytest.mark.parametrize("name", CORPUS)
def test_a_key_is_found_with_its_line_and_without_its_value(name: str) -> None:
    text, what = CORPUS[name]
    for content in (text.encode(), text.encode("utf-16")):
        found = find_key(content, name)
        assert found
        assert (found.name, found.line) == (what, 1)
    found = find_key(f"# one\n# two\n\n{text}\n".encode(), name)
    assert found
    assert found.line == 4


@pytest.mark.parametrize("name", CORPUS)
@pytest.mark.parametrize("comment", ["pragma: allowlist secret", "gitleaks:allow"])
def test_a_comment_on_the_line_allows_it(name: str, comment: str) -> None:
    text, _ = CORPUS[name]
    first, *rest = text.split("\n")
    allowed = "\n".join([f"{first}  # {comment}", *rest])
    assert find_key(allowed.encode(), name) is None
    # And only on that line.
    assert find_key(f"# {comment}\n\n{text}\n# {comment}".encode(), name)
    above = f"# pragma: allowlist nextline secret\n{text}"
    assert find_key(above.encode(), name) is None


@pytest.mark.parametrize(
    "text",
    [
        'password = os.environ["DB_PASSWORD"]',
        'password = ""',
        'password = "password"',
        'token = "your_token_here"',
        'APP_KEY = "your-app-key"',
        "my_app: '실전투자_앱키'",
        'secret = f"{prefix}-abc123XYZ"',
        'api_key = "${API_KEY}"',
        "API_KEY=<paste it here 123>",
        'TOKEN_URL = "/oauth2/tokenP"',
        'token_file = "data/token-2026-11.json"',
        'KEYS = ["api_key", "secret_key_1"]',
        "token = self.client.token1(password1)",
        'CANO = "12345678"',
        'account = "00000000-01"',
        'if text.startswith("-----BEGIN PRIVATE KEY-----"):',
        "postgresql://user:password@localhost/bot",
        "postgresql://${USER}:${PASSWORD}@localhost/bot",
        "https://openapi.koreainvestment.com:9443/oauth2",
        "sha = 'da39a3ee5e6b4b0d3255bfef95601890afd80709'",
        "css = 'sk-container-id-1-estimator-label'",
        "/" * 180,
        "=" * 180,
        "PS" + "A" * 34,
        "max_tokens: 4096",
    ],
)
def test_code_that_handles_keys_holds_none(text: str) -> None:
    for name in ("bot.py", "config.yaml"):
        assert find_key(text.encode(), name) is None


@given(st.text("PSabcXYZ019+/=", max_size=35))
def test_short_words_are_no_keys(text: str) -> None:
    assert find_key(text.encode(), "a.py") is None


@given(st.binary(), st.sampled_from(sorted(CORPUS)))
def test_whatever_lies_around_it_a_key_is_found(before: bytes, name: str) -> None:
    text = f'\nx = "AKIA{"QX7JZ2MB" * 2}"\n'.encode()
    # A byte order mark makes another text of it.
    before = b"#" + before.replace(b"nextline", b"")
    assert find_key(before + text, name)


def test_a_database_is_searched_for_what_has_a_shape() -> None:
    assert find_key(b"SQLite format 3\0" + f"x{TELEGRAM}\0".encode(), "bot.db")
    assert find_key(b'\0password = "hunter2"', "bot.db") is None


@pytest.mark.parametrize(
    "name",
    [".env", ".ENV", ".env.local", "prod.env", "config/.Env", ".envrc", ".npmrc", ".netrc",
     "ID_RSA", "id_ed25519", ".git-credentials", ".pypirc", "kis_devlp.yaml", "kis_devlp.yml",
     "my.PEM", "a.key", "credentials.json", "secrets.toml",
     ".streamlit/secrets.toml", "certs/a.p12", "data/access_token.json", "KIS/config/KIS20261124"],
)  # fmt: skip
def test_files_of_keys_by_name(name: str) -> None:
    assert is_key_file(name)
    assert is_key_file(name.upper())


@pytest.mark.parametrize(
    "name",
    [".env.example", "example.env", "settings.example.env", "kis_devlp.yaml.sample", ".env.dist",
     ".env.template", "kis_devlp.example.yaml", "tokens.py", "keys.py", "tokenizer.json", "env.py",
     "id_rsa.pub", "environment.yml", "credentials.py"],
)  # fmt: skip
def test_examples_and_code_by_name(name: str) -> None:
    assert not is_key_file(name)


def test_names_of_variables() -> None:
    for name in ("DB_PWD", "SENTRY_DSN", "SLACK_WEBHOOK_URL", "PASSPHRASE", "KIS_APP_KEY", "token"):
        assert is_key_name(name)
    for name in ("SYMBOL", "KEYBOARD", "DNS_NAME", "LOG_LEVEL", "MONKEY"):
        assert not is_key_name(name)


def test_settings_are_stricter_than_files() -> None:
    assert key_in_setting("https://user:password@host/x") == "a password in an address"
    assert key_in_setting(SLACK) == "a webhook address"
    assert key_in_variable("ACCT", "50123471-01") == "an account number"
    assert key_in_variable("SYMBOL", "069500") == ""
    assert key_in_setting("https://example.com/path?x=1") == ""


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--app-key", "anything"], "the value of --app-key looks like a key"),
        (["--password=x"], "the value of --password looks like a key"),
        (["--symbol", "069500", GITHUB], "argument 3 looks like a GitHub token"),
        (["--hook", DISCORD], "the value of --hook looks like a webhook address"),
        (["--account", "50123471"], "the value of --account looks like an account number"),
        ([f"--aws={'AKIA' + 'QX7JZ2MB' * 2}"], "the value of --aws looks like an AWS access key"),
        (["--db", "mysql://a:b@h/x"], "the value of --db looks like a password in an address"),
        (["KIS_SECRET=abcdefgh"], "the value of KIS_SECRET looks like a key"),
    ],
)
def test_keys_in_arguments(arguments: list[str], problem: str) -> None:
    assert list(keys_in_arguments(arguments)) == [problem]


@pytest.mark.parametrize(
    "arguments",
    [["--symbol", "069500"], ["--token-file", "data/t.json"], ["--max-tokens", "4096"],
     ["--password"], ["--secret-name=kis"], ["-v", "--", "x"], ["--mode=paper"], ["SYMBOL=069500"]],
)  # fmt: skip
def test_arguments_without_keys(arguments: list[str]) -> None:
    assert list(keys_in_arguments(arguments)) == []
