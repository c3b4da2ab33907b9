"""What a program takes on its command line, by argparse or click."""

import ast
from collections.abc import Iterable

import msgspec

from cfgen.detect.paths import dotted


class Option(msgspec.Struct, frozen=True):
    """An option (``--symbol``) or an argument without dashes. ``needed``: it has no default."""

    names: tuple[str, ...]
    needed: bool
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The long one of its names."""
        return next((name for name in self.names if name.startswith("--")), self.names[0])


class CommandLine(msgspec.Struct, frozen=True):
    """``parses``: what it does not know fails it. ``unknown``: by a library that is not read."""

    options: tuple[Option, ...] = ()
    parses: bool = False
    unknown: bool = False

    def option(self, name: str) -> Option | None:
        """The option of that name."""
        return next((one for one in self.options if name in one.names), None)


def command_line(calls: Iterable[ast.Call], imports: Iterable[str]) -> CommandLine:
    """What the calls of a program make of its command line."""
    options, parses, tolerant, clicks = [], False, False, False
    for call in calls:
        last = (dotted(call.func) or _attribute(call)).rpartition(".")[2]
        parses |= last == "parse_args"
        tolerant |= last == "parse_known_args"
        if last in ("add_argument", "option", "argument") and (option := _option(call)):
            options.append(option)
            clicks |= last == "option"
    others = any(name.partition(".")[0] in ("typer", "fire", "docopt") for name in imports)
    return CommandLine(tuple(options), (parses or clicks) and not tolerant, others)


def _attribute(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _option(call: ast.Call) -> Option | None:
    names = tuple(
        one.value
        for one in call.args
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value
    )
    if not names:
        return None
    given = {one.arg: one.value for one in call.keywords}
    choices = given.get("choices", given.get("type"))
    return Option(names, _needed(names, given), _literals(choices))


def _needed(names: tuple[str, ...], given: dict[str | None, ast.expr]) -> bool:
    if names[0].startswith("-"):
        required = given.get("required")
        return isinstance(required, ast.Constant) and required.value is True
    count = given.get("nargs")
    optional = isinstance(count, ast.Constant) and count.value in ("?", "*")
    return not optional and "default" not in given


def _literals(node: ast.expr | None) -> tuple[str, ...]:
    """Strings of a literal list, also where ``click.Choice`` holds it."""
    if isinstance(node, ast.Call) and node.args:
        node = node.args[0]
    if not isinstance(node, ast.List | ast.Tuple | ast.Set):
        return ()
    return tuple(
        one.value
        for one in node.elts
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    )
