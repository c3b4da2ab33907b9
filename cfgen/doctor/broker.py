"""One real token of the broker's, asked for by the host with the keys that it has.

What the codes mean: the broker's portal, "Error codes" (EGW, the gateway). That a token is given to
keys of the other kind of account, and the account then refused, users of both kinds have measured
(EGW02007 for a real key at the paper server, EGW02004 the other way round); so the account is read
once. Within six hours the broker answers with the token that it gave before (the portal, "접근토큰
발급(P)"), so asking takes no bot its token.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from importlib import resources
from typing import Protocol

import msgspec

from cfgen.bot.runs import JobRuns
from cfgen.doctor.account import judge_clock
from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok
from cfgen.secret.keys import Mode

KEY_FILES = ("/run/trading/env", "/run/trading-bot/env")
"""Where the host has the keys in memory: now, and before."""

SECONDS = 60.0
"""How long the host may take."""

NOT_BEFORE = timedelta(minutes=3)
"""A job that starts so soon needs the minute's one token itself."""

WARNING = (
    "The host asks the broker for one token and reads the account once; nothing is ordered. "
    "The account's owner may get a message of it. A token given in the last six hours is given "
    "again; the bot keeps its own."
)

SWAPPED = {"EGW02004", "EGW02007"}
KEY, SECRET = {"EGW00102", "EGW00103"}, {"EGW00104", "EGW00105", "EGW00304"}
TOO_SOON, DENIED = {"EGW00133"}, {"EGW00003", "EGW00004", "EGW00206", "EGW00210", "EGW00303"}
AWAY = {"EGW00001", "EGW00002", "EGW00202", "EGW00203", "EGW00300", "EGW00301", "EGW00302"}


class Door(msgspec.Struct, frozen=True):
    """Where the keys of a mode open, and their names: key, secret, account, product."""

    place: str
    names: tuple[str, ...]
    transaction: str


DOORS: dict[Mode, Door] = {
    "real": Door(
        "openapi.koreainvestment.com:9443",
        ("KIS_APP_KEY", "KIS_APP_SECRET", "KIS_ACCT_STOCK", "KIS_PROD_TYPE"),
        "TTTC8434R",
    ),
    "demo": Door(
        "openapivts.koreainvestment.com:29443",
        ("KIS_PAPER_APP_KEY", "KIS_PAPER_APP_SECRET", "KIS_PAPER_STOCK", "KIS_PROD_TYPE"),
        "VTTC8434R",
    ),
}
"""Addresses, and the transaction that reads an account (the portal, "주식잔고조회")."""


class Said(msgspec.Struct, frozen=True):
    """An answer of the broker's: HTTP status, its own code and words."""

    status: int = 0
    code: str = ""
    text: str = ""
    json: bool = True
    read: bool = False

    def __str__(self) -> str:
        words = " ".join(filter(None, (self.code, self.text)))
        return f"HTTP {self.status}" + (f", {words}" if words else "")


class Answer(msgspec.Struct, frozen=True):
    """What ``ask-broker`` prints."""

    status: int = 0
    code: str = ""
    text: str = ""
    json: bool = True
    token: bool = False
    account: Said | None = None
    missing: tuple[str, ...] = ()
    failure: str = ""
    detail: str = ""
    skew: float | None = None
    openssl: str = ""


class OnHost(Protocol):
    """A way to run lines of shell as root on the host."""

    def __call__(self, lines: Sequence[str], seconds: float) -> str:
        """What they printed. Raises where they fail."""


def lines_for(door: Door, clock: str = "", files: Sequence[str] = KEY_FILES) -> tuple[str, ...]:
    """The lines that ask at a door; ``clock`` is an AWS endpoint whose time is compared."""
    program = resources.files("cfgen.doctor").joinpath("ask-broker").read_text(encoding="utf-8")
    words = (",".join(files), ",".join(door.names), door.place, door.transaction, clock)
    quoted = " ".join(f"'{word}'" for word in words)
    return (f"/usr/bin/python3 - {quoted} <<'END_OF_PROGRAM'", *program.splitlines(),
            "END_OF_PROGRAM")  # fmt: skip


def read_answer(on_host: OnHost, door: Door, clock: str) -> Answer:
    """Let the host ask. Raises ``ValueError`` for an answer that is none."""
    said = on_host(lines_for(door, clock), SECONDS)
    lines = said.strip().splitlines()
    if not lines:
        raise ValueError("the host's program printed nothing")
    return msgspec.convert(json.loads(lines[-1]), Answer)


def soon(jobs: Sequence[JobRuns], now: datetime) -> JobRuns | None:
    """A job that starts too soon for a token to be asked for now."""
    return next((one for one in jobs if one.next_run and one.next_run - now < NOT_BEFORE), None)


def judge_answer(answer: Answer, door: Door, mode: Mode) -> Iterator[Finding]:
    """In words."""
    said = Said(answer.status, answer.code, answer.text, answer.json)
    account = answer.account
    if answer.missing:
        yield found("broker-unloaded", names=", ".join(answer.missing))
    elif answer.failure:
        yield _unreached(answer, door)
    elif not answer.token:
        yield _refused(said, door, mode)
    elif account is None:
        yield ok("broker", f"a token is given ({mode}); {door.names[2]} is not set, so no account")
    elif account.read:
        yield ok("broker", f"a token is given, and the {mode} account can be read")
    elif account.code in SWAPPED:
        yield found("broker-swapped", mode=mode, said=f"the broker says {account}")
    elif account.code in AWAY or (account.status >= 500 and not account.json):
        yield found("broker-away", said=f"the token is given, then {account}")
    else:
        yield found("broker-account", said=account, account_name=door.names[2])


def _refused(said: Said, door: Door, mode: Mode) -> Finding:
    code = said.code
    if code in SWAPPED:
        return found("broker-swapped", mode=mode, said=f"the broker says {said}")
    if code in KEY:
        return found("broker-key", key_name=door.names[0], said=said)
    if code in SECRET:
        return found("broker-secret", secret_name=door.names[1], said=said)
    if code in TOO_SOON:
        return found("broker-too-soon", said=said)
    if code in DENIED:
        return found("broker-denied", said=said)
    if code in AWAY or (not code and (said.status >= 500 or not said.json)):
        return found("broker-away", said=said)
    return found("broker-unclear", said=said)


def _unreached(answer: Answer, door: Door) -> Finding:
    facts = {"place": door.place, "detail": answer.detail}
    if answer.failure == "answer":
        return found("broker-away", said=f"{door.place}: {answer.detail}")
    if answer.failure in ("timeout", "connect"):
        return found("broker-timeout", **facts, port=door.place.partition(":")[2])
    if answer.failure == "tls":
        return found("broker-tls", **facts, openssl=answer.openssl)
    return found(f"broker-{answer.failure}", **facts)


def judge_host_clock(answer: Answer) -> Iterator[Finding]:
    """By the time that the host compared with AWS's."""
    yield from judge_clock(answer.skew, "host-clock")
