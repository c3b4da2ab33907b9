"""The exchange that a bot trades on, as its imports and settings say."""

import re
from collections.abc import Iterable

import msgspec

from cfgen.detect.program import Program

CRYPTO = {
    "ccxt", "pyupbit", "pybithumb", "upbit", "binance", "pybit", "krakenex", "python_bithumb",
    "bithumb", "okx", "kucoin",
}  # fmt: skip
AMERICAN = re.compile(r"NASD|NAS|NYSE|NYS|AMEX|AMS|America/New_York|US/Eastern|XNYS|XNAS")
"""Codes of exchanges as KIS and others write them (the API's portal, OVRS_EXCG_CD and EXCD)."""
OVERSEAS = re.compile(r"overseas[-_]stock")
KOREAN = re.compile(r"[0-9]{6}|KRX|KOSPI|KOSDAQ|.*domestic[-_]stock.*")
LIBRARY = re.compile(r"(^|/)(lib|libs|vendor|third_party|kis_auth\.py|examples_[a-z]+)(/|$)")


class Exchange(msgspec.Struct, frozen=True):
    """A calendar, with what says so; empty for the default."""

    calendar: str = ""
    origin: str = ""


def exchange(reached: Iterable[Program]) -> Exchange:
    """The exchange of a bot, of which these files are reached; a broker's library says nothing."""
    own = [one for one in reached if not LIBRARY.search(one.path)]
    for program in own:
        for name in (one.name.partition(".")[0] for one in program.imports):
            if name in CRYPTO and not _names(program, KOREAN):
                return Exchange("always", f"{program.path}, which imports {name}")
    korean = any(_names(program, KOREAN) for program in own)
    for program in own:
        hint = _names(program, AMERICAN) or next(
            (one.name for one in program.imports if OVERSEAS.search(one.name)), ""
        )
        if hint and not korean:
            return Exchange("XNYS", f"{program.path}, which names {hint}")
    return Exchange()


def _names(program: Program, pattern: re.Pattern[str]) -> str:
    return next((one for one in sorted(program.strings) if pattern.fullmatch(one)), "")
