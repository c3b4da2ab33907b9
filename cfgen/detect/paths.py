"""Which file or folder an expression of a program names, as far as its text alone says."""

import ast
import posixpath
from collections.abc import Mapping

UNKNOWN = "\0"
"""Stands for a part of a path that is known only when the program runs."""

_SAME = {"abspath", "realpath", "normpath", "expanduser", "str", "fspath", "expandvars"}
_METHODS = {"resolve", "absolute", "expanduser", "as_posix"}
_STEPS = 150
"""Where reading stops: an expression of that many parts is no path."""


def path_of(node: ast.AST, names: Mapping[str, ast.AST], file: str) -> str:
    """The path that an expression gives, with :data:`UNKNOWN` for what the text does not say.

    Relative ones are relative to the checkout, in which programs start; those in the home folder
    begin with ``~``. ``names`` has the expressions of variables, ``file`` is the program's path.
    """
    return _Reader(names, file).read(node)


def dotted(node: ast.AST) -> str:
    """``os.path.join`` of the expression that says so; empty where it is no such name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def parent(path: str) -> str:
    """The folder above, also above the checkout."""
    path = posixpath.normpath(path or ".")
    if path == ".":
        return ".."
    if path.split("/")[-1] == "..":
        return f"{path}/.."
    return posixpath.dirname(path) or "."


class _Reader:
    def __init__(self, names: Mapping[str, ast.AST], file: str) -> None:
        self.names, self.file, self.steps = names, file, 0

    def read(self, node: ast.AST) -> str:
        self.steps += 1
        if self.steps > _STEPS:
            return UNKNOWN
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else UNKNOWN
        kind = type(node).__name__.lower()
        method = getattr(self, f"_{kind}", None)
        return str(method(node)) if method else UNKNOWN

    def join(self, *parts: ast.AST) -> str:
        return posixpath.join(*(self.read(part) for part in parts)) if parts else "."

    def _name(self, node: ast.Name) -> str:
        if node.id == "__file__":
            return self.file
        return self.read(self.names[node.id]) if node.id in self.names else UNKNOWN

    def _joinedstr(self, node: ast.JoinedStr) -> str:
        return "".join(map(self.read, node.values))

    def _formattedvalue(self, node: ast.FormattedValue) -> str:
        return self.read(node.value)

    def _binop(self, node: ast.BinOp) -> str:
        if isinstance(node.op, ast.Add):
            return self.read(node.left) + self.read(node.right)
        if isinstance(node.op, ast.Div):
            return self.join(node.left, node.right)
        return UNKNOWN

    def _boolop(self, node: ast.BoolOp) -> str:
        return self.read(node.values[-1])

    def _attribute(self, node: ast.Attribute) -> str:
        return parent(self.read(node.value)) if node.attr == "parent" else UNKNOWN

    def _subscript(self, node: ast.Subscript) -> str:
        owner, index = node.value, node.slice
        if not isinstance(index, ast.Constant):
            return UNKNOWN
        if dotted(owner) == "os.environ" and index.value == "HOME":
            return "~"
        if isinstance(owner, ast.Attribute) and owner.attr == "parents":
            path = self.read(owner.value)
            for _ in range(index.value + 1 if isinstance(index.value, int) else 0):
                path = parent(path)
            return path
        return UNKNOWN

    def _call(self, node: ast.Call) -> str:
        name, arguments = dotted(node.func), node.args
        last = name.rpartition(".")[2]
        if name in ("Path.home", "pathlib.Path.home"):
            return "~"
        if name in ("os.getcwd", "Path.cwd", "pathlib.Path.cwd"):
            return "."
        if name in ("os.getenv", "os.environ.get") and arguments:
            home = isinstance(arguments[0], ast.Constant) and arguments[0].value == "HOME"
            return "~" if home else self.read(arguments[1]) if arguments[1:] else UNKNOWN
        if name.endswith("path.join") or last in ("Path", "PurePath", "PosixPath"):
            return self.join(*arguments)
        if name.endswith("path.dirname") and arguments:
            return parent(self.read(arguments[0]))
        if last in _SAME and arguments:
            return self.read(arguments[0])
        return self._of_method(node)

    def _of_method(self, node: ast.Call) -> str:
        if not isinstance(node.func, ast.Attribute):
            return UNKNOWN
        if node.func.attr in _METHODS:
            return self.read(node.func.value)
        if node.func.attr == "joinpath":
            return self.join(node.func.value, *node.args)
        return UNKNOWN
