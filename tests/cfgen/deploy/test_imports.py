"""Which files a program imports, held against what Python itself loads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cfgen.deploy.imports import Imports


def reached(files: dict[str, str], program: str = "apps/bot.py") -> dict[str, str]:
    imports = Imports(files, lambda name: files[name].encode())
    imports.follow(program)
    return imports.reached


LIBRARY = {"lib/kis/__init__.py": "", "lib/kis/api.py": "from . import auth", "lib/kis/auth.py": ""}
ALL = {"lib/kis/__init__.py", "lib/kis/api.py", "lib/kis/auth.py"}

WAYS = {
    "root": ("import lib.kis.api", ALL),
    "from": ("from lib.kis import api", ALL),
    "name": ("from lib.kis.api import auth", ALL),
    "relative to the checkout": ("import sys\nsys.path.insert(0, 'lib')\nimport kis.api", ALL),
    "join": (
        "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), '..', 'lib'))\n"
        "import kis.api",
        ALL,
    ),
    "a name": (
        "import os, sys\nHERE = os.path.dirname(os.path.abspath(__file__))\n"
        "BASE = os.path.dirname(HERE)\nsys.path.insert(0, os.path.join(BASE, 'lib'))\n"
        "from kis import api",
        ALL,
    ),
    "pathlib": (
        "import sys\nfrom pathlib import Path\nROOT = Path(__file__).resolve().parents[1]\n"
        "sys.path.insert(0, str(ROOT / 'lib'))\nfrom kis.api import auth",
        ALL,
    ),
    "parent": (
        "import sys, pathlib\nsys.path.append(f'{pathlib.Path(__file__).parent.parent}/lib')\n"
        "import kis.api",
        ALL,
    ),
    "plus": (
        "import os, sys\nsys.path += [os.path.dirname(__file__) + '/../lib']\nimport kis.api",
        ALL,
    ),
    "cwd": (
        "import os, sys\nsys.path.extend([os.path.join(os.getcwd(), 'lib')])\nimport kis.api",
        ALL,
    ),
    "site": ("import site\nsite.addsitedir('lib')\nimport kis.api", ALL),
    "in a function": ("def run():\n    import lib.kis.api\nrun()", ALL),
    "by name": ("import importlib\nimportlib.import_module('lib.kis.api')", ALL),
    "beside the program": ("import beside", {"apps/beside.py"}),
    "a package's folder": ("import lib.kis", {"lib/kis/__init__.py"}),
    "what comes first": ("import lib.kis.auth, twice", {"lib/kis/__init__.py", "lib/kis/auth.py",
                                                       "apps/twice.py"}),
    "Python's own": ("import json, logging", set()),
    "only for types": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import lib.kis.api\n"
        "else:\n    import beside",
        {"apps/beside.py"},
    ),
}  # fmt: skip

OTHERS = {"apps/beside.py": "", "apps/twice.py": "", "twice.py": "", "logging/notes.py": ""}

LOADED = """\
import json, os, runpy, sys
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
files = [getattr(one, "__file__", None) for one in sys.modules.values()]
print(json.dumps([os.path.relpath(os.path.realpath(one)) for one in files if one]))
"""


@pytest.mark.parametrize("way", WAYS)
def test_as_python_finds_them(way: str, tmp_path: Path) -> None:
    text, expected = WAYS[way]
    files = {"apps/bot.py": text, **LIBRARY, **OTHERS}
    assert set(reached(files)) == expected
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    # As the unit starts it: in the checkout, which is in PYTHONPATH.
    command = [sys.executable, "-c", LOADED, "apps/bot.py"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=environment)
    assert {one for one in json.loads(ran.stdout) if not one.startswith("..")} == expected


def test_who_imports_what() -> None:
    assert reached({"apps/bot.py": "import lib.kis.api", **LIBRARY}) == {
        "lib/kis/__init__.py": "apps/bot.py",
        "lib/kis/api.py": "apps/bot.py",
        "lib/kis/auth.py": "lib/kis/api.py",
    }


def test_a_path_that_is_added_late_counts_for_what_was_read_before() -> None:
    files = {
        "apps/bot.py": "import settings\nimport work",
        "apps/work.py": "import kis.auth",
        "apps/settings.py": "import sys\nsys.path.append('lib')",
        **LIBRARY,
    }
    assert "lib/kis/auth.py" in reached(files)


def test_a_compiled_module_and_rings() -> None:
    files = {"apps/bot.py": "import a, fast", "apps/a.py": "import b", "apps/b.py": "import a"}
    files["apps/fast.cpython-312-x86_64-linux-gnu.so"] = ""
    assert set(reached(files)) == set(files) - {"apps/bot.py"}


@pytest.mark.parametrize("text", ["print 'two'", "x = (", "\0", "(" * 5000])
def test_code_that_cannot_be_read(text: str) -> None:
    files = {"apps/bot.py": "import a", "apps/a.py": text}
    imports = Imports(files, lambda name: files[name].encode())
    imports.follow("apps/bot.py")
    assert imports.unreadable == ["apps/a.py"]
    assert set(imports.reached) == {"apps/a.py"}


def test_what_is_out_of_the_checkout_or_unknown_is_passed_over() -> None:
    text = "import sys\nsys.path.append('../..')\nsys.path.append(find())\nfrom ... import x"
    assert reached({"apps/bot.py": text, "x.txt": ""}) == {}
