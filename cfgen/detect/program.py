"""What one Python file does, read from its text."""

import ast
import re
import warnings
from collections.abc import Iterator

import msgspec

from cfgen.detect.options import CommandLine, command_line
from cfgen.detect.paths import UNKNOWN, dotted, parent, path_of

KEY_FILE = re.compile(r"kis_devlp\.ya?ml")
ENDLESS = {
    "run_pending", "run_forever", "infinity_polling", "run_polling", "start_polling",
    "BlockingScheduler",
}  # fmt: skip
"""Calls that keep a program running: of schedule, asyncio, telegram's libraries, APScheduler."""
FILES = {"FileHandler", "RotatingFileHandler", "TimedRotatingFileHandler"}
CLOCK = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?")


class Import(msgspec.Struct, frozen=True):
    """A module; ``level`` is the number of dots before its name."""

    name: str
    level: int = 0


class Web(msgspec.Struct, frozen=True):
    """What a program has of Flask; ``port`` is 0 where it is not a literal."""

    makes: bool = False
    runs: bool = False
    port: int = 0


class Program(msgspec.Struct, frozen=True):
    """The facts. ``writes`` are folders, ``key_files`` paths as of ``paths.py``."""

    path: str
    guarded: bool = False
    loop: int = 0
    endless_at_top: bool = False
    imports: tuple[Import, ...] = ()
    line: CommandLine = CommandLine()
    web: Web = Web()
    writes: tuple[str, ...] = ()
    key_files: tuple[str, ...] = ()
    strings: frozenset[str] = frozenset()
    clocks: tuple[tuple[str, str], ...] = ()
    error: int = 0


def read_program(path: str, content: bytes) -> Program:
    """The facts of one file; one that is not Python has its ``error``'s line and nothing else."""
    try:
        with warnings.catch_warnings():
            # Such as "\d" in a string that is not raw: the bot's business.
            warnings.simplefilter("ignore")
            tree = ast.parse(content)
    except SyntaxError as error:
        return Program(path, error=error.lineno or 1)
    except (ValueError, RecursionError, MemoryError):
        return Program(path, error=1)
    nodes = list(ast.walk(tree))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    names = _names(nodes)
    imports = tuple(dict.fromkeys(_imports(nodes)))
    loop = _loop(nodes)
    return Program(
        path,
        any(_is_guard(node) for node in tree.body),
        loop,
        bool(loop and _loop(list(_at_top(tree)))),
        imports,
        command_line(calls, (one.name for one in imports)),
        _web(calls),
        tuple(dict.fromkeys(_writes(calls, names, path))),
        tuple(dict.fromkeys(_key_files(nodes, names, path))) if b"kis_devlp" in content else (),
        frozenset(_strings(nodes)),
        tuple(_clocks(nodes)),
    )


def _is_guard(node: ast.stmt) -> bool:
    """``if __name__ == "__main__":``."""
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    sides = (node.test.left, *node.test.comparators)
    return any(dotted(side) == "__name__" for side in sides)


def _at_top(tree: ast.Module) -> Iterator[ast.AST]:
    """What runs when the file is imported."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from () if _is_guard(node) else ast.walk(node)


def _loop(nodes: list[ast.AST]) -> int:
    """The line of a loop that does not end by itself; 0 for none.

    One that returns is a retry, such as of a request.
    """
    for node in nodes:
        if isinstance(node, ast.While) and _goes_on(node.test):
            inside = list(ast.walk(node))
            waits = any(
                isinstance(one, ast.Call) and dotted(one.func).endswith(("sleep", "run_pending"))
                for one in inside
            )
            if waits and not any(isinstance(one, ast.Return) for one in inside):
                return node.lineno
        if isinstance(node, ast.Call) and _last(node) in ENDLESS:
            return node.lineno
    return 0


def _goes_on(test: ast.expr) -> bool:
    """``True``, ``self.running``, ``not stop.is_set()`` and the like."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp):
        test = test.operand
    if isinstance(test, ast.Call):
        test = test.func
    return bool(re.search(r"(?i)running|active|alive|stop|shutdown|is_set|enabled", dotted(test)))


def _last(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _names(nodes: list[ast.AST]) -> dict[str, ast.AST]:
    """Variables that are set once, and to what."""
    found: dict[str, ast.AST] = {}
    twice = set()
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in filter(None, map(dotted, targets)):
                if name in found:
                    twice.add(name)
                found[name] = node.value
    return {name: value for name, value in found.items() if name not in twice}


def _imports(nodes: list[ast.AST]) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (Import(one.name) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if base:
                yield Import(base, node.level)
            for one in node.names:
                yield Import(f"{base}.{one.name}".lstrip("."), node.level)


def _web(calls: list[ast.Call]) -> Web:
    makes = any(dotted(call.func) in ("Flask", "flask.Flask") for call in calls)
    runs = [
        call
        for call in calls
        if re.fullmatch(r"(app|application|server|web|web_?app|flask_?app)\.run", dotted(call.func))
        or dotted(call.func) in ("serve", "waitress.serve")
    ]
    ports = (_port(one.value) for call in runs for one in call.keywords if one.arg == "port")
    return Web(makes, bool(runs), next(filter(None, ports), 0))


def _port(node: ast.expr) -> int:
    """A literal, or the default that stands in ``int(os.getenv("PORT", 5000))``."""
    found = [
        int(str(one.value))
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and re.fullmatch(r"[1-9]\d{3,4}", str(one.value))
    ]
    return found[-1] if found and 1024 <= found[-1] <= 65535 else 0


def _writes(calls: list[ast.Call], names: dict[str, ast.AST], file: str) -> Iterator[str]:
    """Folders in which it makes files, or which it makes."""
    for call in calls:
        name, last = dotted(call.func), _last(call)
        if name in ("os.makedirs", "os.mkdir") and call.args:
            yield path_of(call.args[0], names, file)
        elif last == "mkdir" and isinstance(call.func, ast.Attribute):
            yield path_of(call.func.value, names, file)
        elif call.args and (_opens_to_write(call, name) or last in FILES):
            yield parent(path_of(call.args[0], names, file))


def _opens_to_write(call: ast.Call, name: str) -> bool:
    if name == "sqlite3.connect":
        return True
    given = [one.value for one in call.keywords if one.arg == "mode"] or call.args[1:2]
    mode = given[0].value if given and isinstance(given[0], ast.Constant) else ""
    return name == "open" and bool(set(str(mode)) & set("wax+"))


def _key_files(nodes: list[ast.AST], names: dict[str, ast.AST], file: str) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp | ast.Call):
            path = path_of(node, names, file)
            last = path.rpartition("/")[2].rpartition(UNKNOWN)[2]
            if KEY_FILE.fullmatch(last) and not re.search(r"\s", path):
                yield path


def _strings(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
            yield node.value


def _clocks(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Names that are set to a time, such as ``ENTRY_START = "09:05"`` or ``time(9, 5)``."""
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            clock = _clock(node.value)
            if clock and (name := dotted(target)):
                yield name.rpartition(".")[2], clock


def _clock(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if CLOCK.fullmatch(node.value) else ""
    if isinstance(node, ast.Call) and dotted(node.func) in ("time", "datetime.time", "dt.time"):
        parts = [one.value for one in node.args if isinstance(one, ast.Constant)]
        hour, minute = [one for one in parts if isinstance(one, int)][:2] if parts[1:] else (-1, -1)
        if hour >= 0:
            text = f"{hour:02}:{minute:02}"
            return text if CLOCK.fullmatch(text) else ""
    return ""
