"""Which programs of a folder are the bot, and which is its web page."""

import posixpath
import re
from collections import Counter

import msgspec

from cfgen.detect.program import Program
from cfgen.detect.survey import Survey

NOT_THE_BOT = {
    "test", "tests", "testing", "migrations", "alembic", "docs", "doc", "examples", "example",
    "samples", "notebooks", "research", "benchmarks", "bench", "legacy", "archive", "old", "stubs",
}  # fmt: skip
"""Names of folders whose programs are not proposed."""
TOOLS = {
    "setup", "conftest", "noxfile", "tasks", "fabfile", "wsgi", "asgi", "manage", "deploy",
    "install", "uninstall",
}  # fmt: skip
LIKELY = {
    "main", "app", "bot", "run", "runner", "trade", "trader", "trading", "autotrade", "strategy",
    "live", "daily", "auto", "start",
}  # fmt: skip
UNLIKELY = {
    "backtest", "backtesting", "backtester", "collect", "collector", "download", "downloader",
    "report", "check", "debug", "util", "utils", "train", "analyze", "analysis", "plot", "gui",
    "mock", "notify", "monitor", "demo", "sample", "tool", "tools", "fetch", "crawl", "crawler",
    "simulate", "simulator", "optimize", "optimizer", "test", "scripts", "script", "init", "db",
    "screener", "scanner", "verify", "validate", "diagnose", "migrate", "server", "api",
}  # fmt: skip
TOGETHER = {"strategies", "strategy", "bots", "bot", "jobs", "traders"}
"""Names of folders whose programs are several bots, if they look alike."""
BROKER = re.compile(
    r"(^|[._])(kis|kis_?auth|pykis|mojito|pykiwoom|kiwoom|ebest|pyupbit|upbit|bithumb|pybithumb|"
    r"ccxt|binance|pybit|alpaca|ib_insync|ib_async|broker|brokers|order|orders|trading|trader|"
    r"strategy|strategies|execution)"
)
MOST_JOBS = 4
PLACE = {"": 2, "apps": 3, "app": 1, "bin": 2, "src": 1, "bot": 1}
"""How likely the bot lies in a folder at the top."""
NAMEABLE = re.compile(r"[A-Za-z0-9._+][A-Za-z0-9._/+-]*")
"""What ``bot.entrypoint`` can hold."""


class Found(msgspec.Struct, frozen=True):
    """Paths: the proposed programs, others that could be jobs, and the web page's or empty."""

    programs: tuple[str, ...]
    others: tuple[str, ...]
    page: str


def find_programs(survey: Survey) -> Found:
    """Rank what can be started."""
    candidates = [name for name in survey.folder.names if _is_candidate(name, survey)]
    used = Counter(one for name in candidates for one in survey.imported(name))
    started = [one for one in map(survey.programs.get, candidates) if one and _can_start(one, used)]
    pages = {one.path for one in started if is_page(survey, one)}
    ranks = {one.path: _rank(one, used[one.path]) for one in started if one.path not in pages}
    likely = (path for path in ranks if ranks[path] >= 0)
    ordered = sorted(likely, key=lambda path: (-ranks[path], path))
    if not ordered:
        # A bot that serves its page itself.
        both = sorted(pages, key=lambda path: (-_rank(survey.programs[path], 0), path))
        trading = [path for path in both if _trades(survey.programs[path])][:1]
        return Found(tuple(trading), (), "" if trading or not both else both[0])
    page = min(
        pages, key=lambda path: (-PLACE.get(_top(path), 0), path.count("/"), path), default=""
    )
    chosen = _alike(ordered, ranks)
    others = [path for path in ranks if path not in chosen and not used[path]]
    return Found(chosen, tuple(sorted(others, key=lambda path: (-ranks[path], path))), page)


def is_page(survey: Survey, program: Program) -> bool:
    """Whether it runs a Flask app, its own or an imported one."""
    return program.web.runs and (
        program.web.makes or any(one.web.makes for one in survey.reached(program.path))
    )


def origin_of(program: Program) -> str:
    """Why a program can be started."""
    if program.guarded:
        return f"{program.path}, which has if __name__"
    if program.endless_at_top:
        return f"{program.path}, which loops from line {program.loop}"
    return program.path


def _is_candidate(path: str, survey: Survey) -> bool:
    """Whether a file may be a program, before it is parsed."""
    if path not in survey.programs:
        return False
    parts = path.lower().split("/")
    stem = parts[-1].removesuffix(".py")
    if NOT_THE_BOT & {word for part in parts[:-1] for word in _words(part)} or path[0] == ".":
        return False
    if stem in TOOLS or stem.startswith(("test_", "_")) or stem.endswith("_test"):
        return False
    text = survey.programs.contents[path]
    return b"__main__" in text or b"while" in text or b".run(" in text or _is_app(path)


def _can_start(program: Program, used: Counter[str]) -> bool:
    # One of apps/ that cannot be read is a program all the same.
    alone = _is_app(program.path) and not used[program.path]
    return program.guarded or program.endless_at_top or alone


def _is_app(path: str) -> bool:
    return path.startswith("apps/") and path.count("/") == 1


def _rank(program: Program, uses: int) -> int:
    words = _words(posixpath.basename(program.path).removesuffix(".py"))
    rank = PLACE.get(_top(program.path), 0) - max(0, program.path.count("/") - 1)
    likely, unlikely = LIKELY & words, UNLIKELY & (words | _words(posixpath.dirname(program.path)))
    rank += 2 * min(2, len(likely)) + ("main" in words) - 4 * bool(unlikely)
    rank += 2 * _trades(program) + bool(program.loop)
    rank += 2 * bool(program.line.option("--mode"))
    rank -= 3 * bool(uses)
    uis = {"streamlit", "tkinter", "PyQt5", "PyQt6", "PySide6", "gradio", "dash"}
    return rank - 4 * any(one.name.partition(".")[0] in uis for one in program.imports)


def _trades(program: Program) -> bool:
    return any(BROKER.search(one.name) for one in program.imports)


def _words(name: str) -> set[str]:
    """Its words in lower case, also without a plural's s."""
    parts = set(re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))
    return parts | {part.removesuffix("s") for part in parts}


def _top(path: str) -> str:
    return path.partition("/")[0] if "/" in path else ""


def _alike(ordered: list[str], ranks: dict[str, int]) -> tuple[str, ...]:
    """The first, with those of its folder that look just like it, if they are few."""
    first = ordered[0]
    place = posixpath.dirname(first)
    if posixpath.basename(place) not in TOGETHER:
        return (first,)
    alike = [
        path for path in ordered if posixpath.dirname(path) == place and ranks[path] == ranks[first]
    ]
    return tuple(alike) if len(alike) <= MOST_JOBS else (first,)
