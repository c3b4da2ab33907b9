"""Which path an expression names."""

import ast

import pytest

from cfgen.detect.paths import UNKNOWN, path_of


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ("'config/a.yaml'", "config/a.yaml"),
        ("os.path.join(os.path.expanduser('~'), 'KIS', 'config')", "~/KIS/config"),
        ("Path.home() / 'KIS' / f'{name}.yaml'", f"~/KIS/{UNKNOWN}.yaml"),
        ("os.path.dirname(os.path.abspath(__file__)) + '/a'", "apps/a"),
        ("Path(__file__).resolve().parent.parent / 'data'", "./data"),
        ("Path(__file__).resolve().parents[2] / 'data'", "../data"),
        ("os.path.join(os.getcwd(), 'logs')", "./logs"),
        ("os.environ['HOME'] + '/x'", "~/x"),
        ("os.getenv('PLACE', '/srv/data')", "/srv/data"),
        ("os.environ.get('PLACE') or 'data'", "data"),
        ("os.getenv('HOME')", "~"),
        ("Path('~/x').expanduser().joinpath('y')", "~/x/y"),
        ("BASE / 'x'", "/srv/x"),
        ("unknown()", UNKNOWN),
        ("LOOP", UNKNOWN),
        ("Path()", "."),
        ("1 - 2", UNKNOWN),
    ],
)
def test_expressions(expression: str, path: str) -> None:
    names = {
        "BASE": ast.parse("Path('/srv')", mode="eval").body,
        "LOOP": ast.parse("LOOP", mode="eval").body,
    }
    assert path_of(ast.parse(expression, mode="eval").body, names, "apps/bot.py") == path


def test_names_that_double_each_other_end() -> None:
    names = {f"a{n}": ast.parse(f"a{n + 1} + a{n + 1}", mode="eval").body for n in range(60)}
    assert len(path_of(names["a0"], names, "bot.py")) < 1000
