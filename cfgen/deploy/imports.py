"""Which files of a checkout a program imports, read from the code and never run. Pure.

Modules are looked for as Python would on the host: beside the program, in the checkout
(``PYTHONPATH``), and in what the code itself adds to ``sys.path`` in the usual ways.
"""

import ast
import posixpath
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence

Read = Callable[[str], bytes | None]
ROOT = "/checkout"
EXTENSIONS = (".so", ".pyd")


class Imports:
    """What the programs of a checkout reach: each file, and which file imports it.

    ``names`` are all files that could be imported; ``read`` gives a file's content or ``None``.
    """

    def __init__(self, names: Collection[str], read: Read) -> None:
        self.reached: dict[str, str] = {}
        self.unreadable: list[str] = []
        self._names = {name for name in names if name.endswith((".py", *EXTENSIONS))}
        self._compiled = {
            posixpath.join(
                posixpath.dirname(name), posixpath.basename(name).partition(".")[0]
            ): name
            for name in self._names
            if name.endswith(EXTENSIONS)
        }
        self._folders = {
            "/".join(parts[:end])
            for name in self._names
            for parts in [name.split("/")]
            for end in range(1, len(parts))
        }
        self._read = read
        self._trees: dict[str, ast.Module | None] = {}

    def follow(self, program: str) -> None:
        """Follow a program's imports, as far as they stay within the checkout."""
        path = list(dict.fromkeys((posixpath.dirname(program), "")))
        while True:
            known = len(path)
            waiting, seen = [program], {program}
            while waiting:
                name = waiting.pop()
                tree = self._tree(name)
                if tree is None:
                    continue
                path += [one for one in dict.fromkeys(_added(tree, name)) if one not in path]
                for found in self._imported(tree, name, path):
                    self.reached.setdefault(found, name)
                    if found not in seen:
                        seen.add(found)
                        waiting.append(found)
            # What is added late counts for what was looked at before, too: once more.
            if len(path) == known:
                return

    def _tree(self, name: str) -> ast.Module | None:
        if name not in self._trees:
            self._trees[name] = self._parse(name)
        return self._trees[name]

    def _parse(self, name: str) -> ast.Module | None:
        content = self._read(name) if name.endswith(".py") else None
        if content is None:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self.unreadable.append(name)
            return None

    def _imported(self, tree: ast.Module, name: str, path: Sequence[str]) -> Iterator[str]:
        package = posixpath.dirname(name)
        for node in _executed(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from self._find(alias.name, path)
            elif isinstance(node, ast.ImportFrom):
                where: Sequence[str] = path
                if node.level:
                    parts = package.split("/") if package else []
                    where = ["/".join(parts[: max(len(parts) - node.level + 1, 0)])]
                yield from self._find(node.module or "", where)
                for alias in node.names:
                    dotted = f"{node.module}.{alias.name}" if node.module else alias.name
                    yield from self._find(dotted, where)
            elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
                match node.args:
                    case [ast.Constant(value=str() as module), *_] if not module.startswith("."):
                        yield from self._find(module, path)

    def _find(self, module: str, path: Sequence[str]) -> Iterator[str]:
        """The files that importing a module runs, packages on the way included."""
        if not module:
            for where in path:
                yield from self._file(posixpath.join(where, "__init__"))
            return
        first = module.partition(".")[0]
        regular = [
            where for where in path
            if self._file(posixpath.join(where, first))
            or self._file(posixpath.join(where, first, "__init__"))
        ]  # fmt: skip
        if not regular and first in sys.stdlib_module_names:
            # A folder without __init__.py does not stand before a module of Python's own.
            return
        for where in regular[:1] or path:
            place = where
            for part in module.split("."):
                place = posixpath.join(place, part)
                package = self._file(posixpath.join(place, "__init__"))
                found = package or self._file(place)
                yield from found
                if not (package or place in self._folders):
                    break

    def _file(self, stem: str) -> tuple[str, ...]:
        name = f"{stem}.py"
        if name in self._names:
            return (name,)
        return (self._compiled[stem],) if stem in self._compiled else ()


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and _dotted(node.test).endswith("TYPE_CHECKING"):
            for other in node.orelse:
                yield other
                yield from _executed(other)
            continue
        yield node
        yield from _executed(node)


def _dotted(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{_dotted(value)}.{name}"
    return ""


def _called(node: ast.Call) -> str:
    return _dotted(node.func).rpartition(".")[2]


def _added(tree: ast.Module, name: str) -> Iterator[str]:
    """Folders of the checkout that a file adds to ``sys.path``."""
    known = {"__file__": f"{ROOT}/{name}"}
    for node in _executed(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=variable)], value=value):
                if (text := _path(value, known)) is not None:
                    known.setdefault(variable, text)
        for one in _path_arguments(node):
            text = _path(one, known)
            if text is None:
                continue
            whole = posixpath.normpath(posixpath.join(ROOT, text))
            if whole == ROOT or whole.startswith(f"{ROOT}/"):
                yield whole[len(ROOT) + 1 :]


def _path_arguments(node: ast.AST) -> Sequence[ast.expr]:
    """What is added to ``sys.path`` here."""
    match node:
        case ast.Call(args=[_, one]) if _dotted(node.func) == "sys.path.insert":
            return [one]
        case ast.Call(args=[one]) if _dotted(node.func) in ("sys.path.append", "site.addsitedir"):
            return [one]
        case ast.Call(args=[ast.List(elts=many) | ast.Tuple(elts=many)]) if (
            _dotted(node.func) == "sys.path.extend"
        ):
            return many
        case ast.AugAssign(value=ast.List(elts=many)) if _dotted(node.target) == "sys.path":
            return many
        case ast.Assign(targets=[ast.Subscript(value=target)], value=ast.List(elts=many)) if (
            _dotted(target) == "sys.path"
        ):
            return many
    return []


SAME = {"abspath", "realpath", "normpath", "str", "fspath", "resolve", "absolute", "Path",
        "as_posix", "expanduser", "PurePath", "fsdecode"}  # fmt: skip


def _path(node: ast.AST, known: dict[str, str]) -> str | None:
    """The path that an expression gives, if it is written in one of the usual ways."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name):
            return known.get(name)
        case ast.Call():
            return _path_of_call(node, known)
        case ast.Attribute(attr=name, value=value):
            fixed = {"pardir": "..", "curdir": ".", "sep": "/"}.get(name)
            return _up(_path(value, known), 1) if name == "parent" else fixed
        case ast.Subscript(value=ast.Attribute(attr="parents", value=value), slice=ast.Constant()):
            up = node.slice.value if isinstance(node.slice, ast.Constant) else None
            return _up(_path(value, known), up + 1) if isinstance(up, int) else None
        case ast.BinOp(left=left, op=ast.Div() | ast.Add() as sign, right=right):
            parts = [_path(left, known), _path(right, known)]
            return _joined(parts) if isinstance(sign, ast.Div) else _together(parts)
        case ast.JoinedStr(values=values):
            return _together([_path(one, known) for one in values])
        case ast.FormattedValue(value=value):
            return _path(value, known)
    return None


def _path_of_call(node: ast.Call, known: dict[str, str]) -> str | None:
    name = _called(node)
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    arguments = [_path(one, known) for one in node.args]
    if name in ("getcwd", "cwd"):
        return ROOT
    if name in ("join", "joinpath"):
        first = [_path(owner, known)] if owner and name == "joinpath" else []
        return _joined(first + arguments)
    if name == "dirname" and len(arguments) == 1:
        return _up(arguments[0], 1)
    if name in SAME:
        if name == "Path" and not arguments:
            return ROOT
        return _joined(arguments or [_path(owner, known) if owner else None])
    return None


def _joined(parts: Sequence[str | None]) -> str | None:
    texts = [part for part in parts if part is not None]
    return posixpath.join(*texts) if texts and len(texts) == len(parts) else None


def _together(parts: Sequence[str | None]) -> str | None:
    texts = [part for part in parts if part is not None]
    return "".join(texts) if len(texts) == len(parts) else None


def _up(path: str | None, levels: int) -> str | None:
    for _ in range(levels if path is not None else 0):
        path = posixpath.dirname(path or "")
    return path
