"""What a key looks like: in a file, in a setting, by a file's name, by a variable's. Pure.

The one place that knows. Shapes that a service documents are found anywhere. Passwords and keys
without a shape are found where they are given to something that is called like one. A false alarm
is silenced by a comment on its line, in the words that detect-secrets and gitleaks read.
"""

import fnmatch
import functools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import msgspec


class Shape(msgspec.Struct, frozen=True):
    """One kind of key. ``hints`` are lower-case texts of which a file that holds one has some.

    ``pattern`` is compiled where a hint is found: all of them would take 10 ms of every command.
    """

    name: str
    source: str
    pattern: bytes
    hints: tuple[bytes, ...]
    is_real: Callable[[bytes], bool] = lambda _: True


class Found(msgspec.Struct, frozen=True):
    """A key in a file: what it is and its line, from 1. Never its value."""

    name: str
    line: int


ALLOW = re.compile(rb"pragma: ?(?:allowlist|whitelist) secret|gitleaks:allow")
ALLOW_NEXT = re.compile(rb"pragma: ?(?:allowlist|whitelist) nextline[ -]secret")
"""The comments of detect-secrets ("Inline Allowlisting") and gitleaks ("gitleaks:allow")."""

NAME_LIKE = re.compile(
    r"SECRET|PASSW|PASSPHRASE|PWD|TOKEN|CREDENTIAL|WEBHOOK|DSN(?![A-Z])"
    r"|(?:APP|API|ACCESS|PRIVATE|AUTH|APPROVAL|CLIENT|ENCRYPTION|SIGNING)[_-]?KEY"
)

KEY_FILES = (
    ".env", ".env.*", "*.env", ".envrc", ".env-*", ".env_*",
    "kis_devlp*.yaml", "kis_devlp*.yml", "kis20??????",
    "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk", "*.p8", "*.kdbx", "*.gpg",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*",
    "credentials", "credentials.json", "credentials.y*ml", "credentials.toml", "credentials.csv",
    "credentials.ini", "*_accesskeys.csv", "client_secret*.json", "service_account*.json",
    "service-account*.json",
    "secrets.toml", "secrets.y*ml", "secrets.json", "secrets.ini", "secret.y*ml", "secret.json",
    ".netrc", "_netrc", ".pypirc", ".npmrc", ".git-credentials", ".pgpass", ".my.cnf", ".htpasswd",
    "token.json", "token.y*ml", "token.txt", "*_token.json", "*-token.json", "*_token.txt",
    "tokens.json", "token_*.json", "token.pickle",
)  # fmt: skip
"""Names of files that hold keys, in lower case. The broker's samples keep keys in
``kis_devlp.yaml`` and the day's access token in ``KIS20261124`` (koreainvestment/open-trading-api,
``kis_auth.py``)."""

EXAMPLES = ("*.example", "*.sample", "*.template", "*.dist", "*.tmpl", "*.pub")
EXAMPLE_PART = re.compile(r"(?:^|[._-])(?:example|sample|template|dist)(?=[._-])")
"""An example may be called like a file of keys: ``.env.example``, ``settings.example.env``."""

CODE = (
    ".py", ".pyi", ".pyx", ".ipynb", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".go", ".rs",
    ".java", ".kt", ".cs", ".c", ".h", ".cpp", ".hpp", ".rb", ".php", ".swift", ".css", ".html",
    ".md", ".rst", ".csv", ".sql", ".svg",
)  # fmt: skip
"""Files in which a value stands in quotes; elsewhere ``password: hunter2`` is one, too."""


def _mixed(value: bytes) -> bool:
    """Random text has letters of both cases and digits; a word, a path or a hash has not."""
    return all(re.search(one, value) for one in (rb"[A-Z]", rb"[a-z]", rb"[0-9]"))


def _random(value: bytes) -> bool:
    """Letters and digits, and three bits a character: an identifier has less."""
    counts = Counter(value).values()
    bits = -sum(one / len(value) * math.log2(one / len(value)) for one in counts)
    return bits >= 3 and bool(re.search(rb"[0-9]", value) and re.search(rb"[A-Za-z]", value))


PLACEHOLDER = re.compile(
    rb"(?i)your|change.?me|example|placeholder|dummy|redacted|replace|xxx|\*\*\*|\.\.\."
    rb"|<|>|\{|\}|\$|%\(|^(.)\1*$|^[\x00-\x7f]*[^\x00-\x7f]"
    rb"|^(?:(?:my|the|an?|enter|insert|here|db|user|admin|account|access|auth|test|fake|mock|sample"
    rb"|secret|token|credentials?|key|api|app|client|passwords?|passwd|passphrase|pass|pwd|value"
    rb"|string|none|null|true|false|undefined|todo|default)[_. -]*)+$"
)
"""What stands where a key would: in examples, in tests, in code that names its fields."""

NO_KEY = re.compile(rb"(?i)test|fake|mock|sample|0123456|123456789|abcdef|[\[\]()]|_key|key_")
"""And what no key without a shape of its own has in it."""


def _key(value: bytes) -> bool:
    return not (
        value.startswith(b"/") or PLACEHOLDER.search(value) or NO_KEY.search(value)
    ) and _random(value)


def _password(value: bytes) -> bool:
    words = re.fullmatch(rb"[A-Za-z]?[a-z_.:/-]*|[A-Z_.:/-]*|[A-Za-z_-]*(?i:passw)[a-z]*", value)
    return not PLACEHOLDER.search(value) and not words


def _address_password(value: bytes) -> bool:
    return not (re.search(rb"(?i)passw[a-z]*$", value) or PLACEHOLDER.search(value))


def _account(value: bytes) -> bool:
    # The broker's own samples write 12345678 in 22 places, and 87654321.
    return value not in (b"12345678", b"87654321") and len(set(value[:8])) > 2


_KEYS = (
    rb"secret|token|credentials?|(?:api|app|access|private|auth|approval|client|encryption|signing"
    rb"|secret|consumer)[_-]?key|my_app|my_sec|paper_app|paper_sec"
)
_GIVEN = rb"""(?:\\?["'])?\]?\s{0,4}(?::\s?[\w.\[\] |]{1,30})?(?:=|:=|:|=>)\s{0,4}[rbuf]{0,2}"""
_QUOTED = rb"""\\?["']([^\s"'\\`]{%b})\\?["']"""
_BARE = rb"""([^\s"'#;,\\`()\[\]]{%b})[ \t]*(?:\r?$|\s[#;])"""


def _given(names: bytes, length: bytes, *, bare: bool = False) -> bytes:
    """A value that is given to one of ``names``: ``name = "value"``, or ``name: value`` alone."""
    start = rb"(?:%b)[a-z0-9_-]{0,20}" % names + _NO_OTHER
    if bare:
        line = rb"(?im)^[ \t-]*(?:export[ \t]+|set[ \t]+)?[a-z0-9_.-]{0,40}?"
        return line + start + rb"[ \t]{0,4}[=:][ \t]{0,4}" + _BARE % length
    return rb"(?i)" + start + _GIVEN + _QUOTED % length


_NO_OTHER = rb"(?<!file)(?<!path)(?<!name)(?<!type)(?<!length)(?<!url)(?<!_id)(?<!limit)"
"""A name that ends so says where the key is, or of which kind."""


def _default(names: bytes, length: bytes) -> bytes:
    """What is taken where a variable is not set: ``os.getenv("NAME", "value")``."""
    call = rb"""(?i)get(?:env)?\(\s*["'][a-z0-9_]{0,40}(?:%b)[a-z0-9_]{0,20}["'],\s*["']"""
    return call % names + rb"""([^\s"'\\]{%b})["']""" % length


_KEY_HINTS = (b"secret", b"token", b"credential", b"key", b"_app", b"_sec")
_PASSWORDS = rb"password|passwd|passphrase|pwd"
_PASSWORD_HINTS = (b"passw", b"passphrase", b"pwd")
_ACCOUNTS = rb"account|acct|acc_?no|cano|paper_stock|paper_future"
_ACCOUNT_HINTS = (b"account", b"acct", b"acc", b"cano", b"paper_")
_ACCOUNT = rb"([0-9]{8}(?:-?[0-9]{2})?)"

_GITLEAKS = "gitleaks, config/gitleaks.toml"

LONG = b"\n\n"
"""Stands for a line of at least 180 characters; no line holds it."""

SHAPES = (
    Shape(
        "an AWS access key",
        "AWS IAM User Guide, IAM identifiers: unique ids",
        (rb"(?<![A-Za-z0-9])((?:AKIA|ASIA)[A-Z0-9]{16})(?![A-Za-z0-9])"),
        (b"akia", b"asia"),
    ),
    Shape(
        "an AWS secret key",
        "detect-secrets, AWSKeyDetector",
        (
            rb"""(?i)(?:aws|secret)[^\n]{0,30}(?:key|secret|token)[^\n=:,]{0,20}[=:,]\s*\\?["']?"""
            rb"""([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"""
        ),
        (b"aws", b"secret"),
        _mixed,
    ),
    Shape(
        "a private key",
        "RFC 7468, section 10, and OpenSSH's PROTOCOL.key",
        # Code that looks for the line has it in quotes.
        (rb"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?!(?:\\n)?[\"'`)])"),
        (b"private key",),
    ),
    Shape(
        "a broker's app key",
        "KIS Developers: appkey has 36 characters and begins with PS",
        (rb"(?<![A-Za-z0-9+/])(PS[A-Za-z0-9]{34})(?![A-Za-z0-9+/=])"),
        (b"ps",),
        _mixed,
    ),
    Shape(
        "a broker's app secret",
        "KIS Developers: appsecret has 180 characters of base64",
        (rb"(?<![A-Za-z0-9+/])([A-Za-z0-9+/]{178}[A-Za-z0-9+/=]{2})(?![A-Za-z0-9+/=])"),
        (LONG,),
        _mixed,
    ),
    Shape(
        "an access token",
        "RFC 7519 (JWT), which the broker's access tokens are",
        (rb"(?<![\w-])(eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"),
        (b"eyj",),
    ),
    Shape(
        "a Telegram bot token",
        "Telegram Bot API, Authorizing your bot",
        # A text is searched fast for the colon that it begins with, as for Discord's dot.
        (rb":(?<=[0-9]{6}:)([A-Za-z0-9_-]{35})(?![\w-])"),
        (),
        _mixed,
    ),
    Shape(
        "a GitHub token",
        "GitHub, Behind GitHub's new authentication token formats",
        (rb"(?<![A-Za-z0-9])(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{36,})"),
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
    ),
    Shape(
        "a GitLab token",
        "GitLab, Token overview: token prefixes",
        (rb"(?<![A-Za-z0-9])(gl(?:pat|dt|rt|ptt|cbt|oas)-[\w.-]{20,})"),
        (b"glpat-", b"gldt-", b"glrt-", b"glptt-", b"glcbt-", b"gloas-"),
    ),
    Shape(
        "a Slack token",
        "Slack, Token types",
        (rb"(?<![A-Za-z0-9])(xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,})"),
        (b"xox", b"xapp-"),
        lambda value: bool(re.search(rb"[0-9]", value[5:])),
    ),
    Shape(
        "a webhook address",
        "Slack, Incoming webhooks; Discord, Webhook resource; Microsoft Teams, Incoming Webhooks",
        (
            rb"(?i)(hooks\.slack\.com/(?:services|workflows|triggers)/[A-Z0-9/]{20,}"
            rb"|discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]{5,}/[\w-]{20,}"
            rb"|webhook\.office\.com/webhookb2/[\w@-]{20,})"
        ),
        (b"hooks.slack.com", b"webhooks/", b"webhookb2/"),
        lambda value: not re.search(rb"(?i)xxxx|/your", value),
    ),
    Shape(
        "a Discord bot token",
        "detect-secrets, DiscordBotTokenDetector",
        (
            rb"\.(?:(?<=[MNO][\w-]{23}\.)|(?<=[MNO][\w-]{24}\.)|(?<=[MNO][\w-]{25}\.))"
            rb"([\w-]{6}\.[\w-]{27,38})(?![\w.-])"
        ),
        (),
        _mixed,
    ),
    Shape(
        "an API key",
        f"{_GITLEAKS}: openai, anthropic, gcp, stripe, huggingface, npm, pypi, sendgrid",
        (
            rb"(?<![\w-])(sk-[\w-]{20,}|AIza[\w-]{35}|(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,}"
            rb"|hf_[A-Za-z]{34}|npm_[A-Za-z0-9]{36}|pypi-AgE[\w-]{50,}|SG\.[\w-]{16,}\.[\w-]{30,})"
        ),
        (b"sk-", b"aiza", b"sk_", b"rk_", b"hf_", b"npm_", b"pypi-age", b"sg."),
        lambda value: _mixed(value[3:]) or value.startswith((b"hf_", b"sk_", b"rk_")),
    ),
    Shape(
        "a bearer token",
        "RFC 6750, section 2.1",
        (rb"(?i)(?<![a-z])bearer ([\w.~+/-]{20,}=*)"),
        (b"bearer ",),
        lambda value: _mixed(value) and _key(value),
    ),
    Shape(
        "a password in an address",
        "RFC 3986, section 3.2.1",
        (
            rb"""(?i)(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://[^\s/:@"'`<>{}$\\]{0,60}:"""
            rb"""([^\s/@:"'`<>{}$\\]{3,100})@[\w\[]"""
        ),
        (b"://",),
        _address_password,
    ),
    Shape(
        "an exchange's key",
        "pyupbit, pybithumb: the client takes both keys by position",
        (rb"""(?i)(?:upbit|bithumb|binance|korbit|coinone|bybit|okx|bitget)\w{0,20}\("""
                   rb"""\s{0,20}["']([A-Za-z0-9]{30,80})["']"""),
        (b"upbit(", b"bithumb(", b"binance", b"korbit(", b"coinone(", b"bybit", b"okx", b"bitget"),
        _key,
    ),
)  # fmt: skip
"""Keys that have a shape of their own, found in any file."""

ASSIGNMENTS = (
    Shape("a password", "detect-secrets, KeywordDetector",
          _given(_PASSWORDS, b"6,100"), _PASSWORD_HINTS, _password),
    Shape("a key or token", "detect-secrets, KeywordDetector; gitleaks, generic-api-key",
          _given(_KEYS, b"10,400"), _KEY_HINTS, _key),
    Shape("a password", "the default of os.getenv",
          _default(_PASSWORDS, b"6,100"), _PASSWORD_HINTS, _password),
    Shape("a key or token", "the default of os.getenv",
          _default(_KEYS, b"10,400"), _KEY_HINTS, _key),
    Shape("an exchange's key", "pyupbit's samples call the two access and secret",
          (rb"""(?i)(?<![a-z])(?:access|secret)\s{0,4}[=:]\s{0,4}["']"""
                     rb"""([A-Za-z0-9]{30,80})["']"""), (b"access", b"secret"), _key),
    Shape("an account number", "KIS Developers: 8 digits (CANO), 2 of the product",
          (rb"(?i)(?:%b)[a-z0-9_-]{0,20}" % _ACCOUNTS + _GIVEN + rb"""\\?["']"""
                     + _ACCOUNT + rb"""\\?["']"""), _ACCOUNT_HINTS, _account),
)  # fmt: skip
"""Values given to something that is called like a key, in quotes; found in any text."""

BARE_ASSIGNMENTS = (
    Shape("a password", ASSIGNMENTS[0].source,
          _given(_PASSWORDS, b"6,100", bare=True), _PASSWORD_HINTS, _password),
    Shape("a key or token", ASSIGNMENTS[1].source,
          _given(_KEYS, b"10,400", bare=True), _KEY_HINTS, _key),
    Shape("an account number", ASSIGNMENTS[3].source,
          (rb"(?im)^[ \t-]*(?:export[ \t]+)?[a-z0-9_.-]{0,40}?(?:%b)[a-z0-9_-]{0,20}"
                     % _ACCOUNTS + rb"[ \t]{0,4}[=:][ \t]{0,4}" + _ACCOUNT
                     + rb"[ \t]*(?:\r?$|\s#)"),
          _ACCOUNT_HINTS, _account),
)  # fmt: skip
"""The same without quotes, on a line of their own: env files, YAML, INI."""


def is_key_file(name: str) -> bool:
    """Whether a file is called as files of keys are; an example of one is not."""
    base = name.rpartition("/")[2].lower()
    if EXAMPLE_PART.search(base) or any(fnmatch.fnmatchcase(base, one) for one in EXAMPLES):
        return False
    return any(fnmatch.fnmatchcase(base, one) for one in KEY_FILES)


def is_key_name(name: str) -> bool:
    """Whether a variable or an option is called as keys are."""
    return bool(NAME_LIKE.search(name.upper()))


def find_key(content: bytes, name: str = "") -> Found | None:
    """The first key in a file, if any, that no comment allows; ``name`` tells code from settings.

    Of a file with NUL bytes, such as a database, only keys with a shape of their own are found.
    """
    content = _text_of(content)
    lower = content.lower()
    for shape in _shapes_for(content, name):
        for start, end in _lines_with(shape.hints, lower):
            for match in _compiled(shape.pattern).finditer(content, start, end):
                value = match[match.re.groups and 1]
                if shape.is_real(value) and not _is_allowed(content, match.start()):
                    return Found(shape.name, content.count(b"\n", 0, match.start()) + 1)
    return None


@functools.cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern)


def _lines_with(hints: tuple[bytes, ...], lower: bytes) -> Iterator[tuple[int, int]]:
    """Where the lines are that hold one of the hints; the whole text where there are no hints.

    Searching for a text is a hundred times as fast as searching for a pattern.
    """
    if not hints:
        yield 0, len(lower)
    for hint in hints:
        if hint == LONG:
            yield from _long_lines(lower)
            continue
        at = lower.find(hint)
        while at >= 0:
            end = lower.find(b"\n", at)
            end = len(lower) if end < 0 else end
            yield lower.rfind(b"\n", 0, at) + 1, end
            at = lower.find(hint, end)


def _long_lines(text: bytes) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.split(b"\n"):
        if len(line) >= 180:
            yield start, start + len(line)
        start += len(line) + 1


def _text_of(content: bytes) -> bytes:
    """A file as UTF-8: editors on Windows write UTF-16 with a byte order mark."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace").encode()
    return content


def _shapes_for(content: bytes, name: str) -> Iterator[Shape]:
    yield from SHAPES
    if b"\0" in content[:8000]:
        return
    yield from ASSIGNMENTS
    if not name.lower().endswith(CODE):
        yield from BARE_ASSIGNMENTS


def _is_allowed(content: bytes, at: int) -> bool:
    start = content.rfind(b"\n", 0, at) + 1
    end = content.find(b"\n", at)
    line = content[start : end if end >= 0 else len(content)]
    before = content[content.rfind(b"\n", 0, max(start - 1, 0)) + 1 : start]
    return bool(ALLOW.search(line) or ALLOW_NEXT.search(before))


USERINFO = re.compile(r"(?i)[a-z][a-z0-9+.-]*://[^\s/@]*:[^\s/@]+@")


def key_in_setting(value: str) -> str:
    """What a setting's value looks like if it is a key, such as "a GitHub token"; else empty.

    Stricter than with a file: a setting is never an example.
    """
    if USERINFO.search(value):
        return "a password in an address"
    found = find_key(value.encode(errors="replace"))
    return found.name if found else ""


def key_in_variable(name: str, value: str) -> str:
    """The same of an environment variable's value; its name counts, as ``ACCT`` does."""
    found = find_key(f"{name}={value}".encode(errors="replace"))
    return key_in_setting(value) or (found.name if found else "")


OPTION = re.compile(
    r"(?P<name>--?[A-Za-z][\w-]*|[A-Za-z_]\w*(?==))(?:=(?P<value>.*))?", re.ASCII | re.DOTALL
)
NOT_KEYS = re.compile(
    r"(?i)(?:file|path|dir|folder|name|env|url|id|timeout|ttl|limit|count|tokens)$"
)
"""Ends of names that say where a key is, or how it is used: ``--token-file``, ``--max-tokens``."""


def keys_in_arguments(arguments: Sequence[str]) -> Iterator[str]:
    """What is wrong with a program's arguments: one text for each that holds a key."""
    option = ""
    for number, argument in enumerate(arguments, 1):
        match = OPTION.fullmatch(argument)
        name, value = (match["name"], match["value"] or "") if match else (option, argument)
        bare = name.lstrip("-").replace("-", "_")
        what = key_in_variable(bare, value) if value else ""
        if value and is_key_name(bare) and not NOT_KEYS.search(bare):
            what = what or "a key"
        if what:
            yield f"{f'the value of {name}' if name else f'argument {number}'} looks like {what}"
        option = match["name"] if match and match["value"] is None else ""
