"""What a folder says of its packages and its version of Python."""

import re
import tomllib
from typing import Any, get_args, get_type_hints

import msgspec

from cfgen.config.schema import Bot
from cfgen.detect.folder import Folder

FILES = (
    r"requirements\.txt",
    r"requirements[/_.-](?:base|prod|production|main|runtime|common)\.txt",
    r"(?:apps|app|src|bot|config|deploy)/requirements\.txt",
    r"requirements/[^/]+\.txt",
)
"""Where pip's requirements usually stand, the likeliest first."""
ANOTHERS = re.compile(r"dev|test|lint|docs?\b")


class Packages(msgspec.Struct, frozen=True):
    """``pinned`` is the requirements file or empty; ``listed`` counts what pyproject.toml needs."""

    pinned: str = ""
    listed: int = 0
    python: str = ""
    python_origin: str = ""


def packages(folder: Folder) -> Packages:
    """Read requirements files, pyproject.toml and .python-version."""
    project = _project(folder)
    asked, origin = _asked(folder, project)
    listed = project.get("dependencies")
    return Packages(
        _requirements(folder),
        len(listed) if isinstance(listed, list) else 0,
        _nearest(asked) if asked else "",
        f"{origin}: {asked}" if asked else "",
    )


def _requirements(folder: Folder) -> str:
    for pattern in FILES:
        for name in folder.names:
            if re.fullmatch(pattern, name) and not ANOTHERS.search(name):
                return name
    return ""


def _project(folder: Folder) -> dict[str, Any]:
    try:
        raw = tomllib.loads(folder.contents.get("pyproject.toml", b"").decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {}
    found = raw.get("project") or {}
    if isinstance(found, dict) and not found.get("dependencies"):
        poetry = raw.get("tool", {}).get("poetry", {}) if isinstance(raw.get("tool"), dict) else {}
        listed = poetry.get("dependencies") if isinstance(poetry, dict) else None
        if isinstance(listed, dict):
            python = listed.get("python")
            others = [name for name in listed if name != "python"]
            # ^3.11 is Poetry's way to write >=3.11 within its major version.
            wanted = str(python).replace("^", ">=") if python else ""
            return {"dependencies": others, "requires-python": wanted} | found
    return found if isinstance(found, dict) else {}


def _asked(folder: Folder, project: dict[str, Any]) -> tuple[str, str]:
    for name in (".python-version", "runtime.txt"):
        text = folder.contents.get(name, b"").decode(errors="replace").strip()
        if found := re.match(r"(?:python-|cpython-)?(3\.\d+)", text):
            return found[1], name
    wanted = project.get("requires-python")
    return (wanted, "pyproject.toml: requires-python") if wanted else ("", "")


def _nearest(asked: object) -> str:
    """The supported version that fits, the default before others; else the nearest one."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    allowed = [str(one) for one in get_args(get_type_hints(Bot)["python"])]
    default = Bot().python
    text = str(asked)
    if re.fullmatch(r"3\.\d+", text):
        minor = int(text[2:])
        return min(allowed, key=lambda one: abs(int(one[2:]) - minor))
    try:
        fits = SpecifierSet(text)
    except InvalidSpecifier:
        return default
    # Of a version as a whole: >=3.12.4 fits 3.12.
    fitting = [one for one in allowed if any(fits.contains(f"{one}.{n}") for n in range(30))]
    if default in fitting or not fitting:
        return default
    return fitting[0]
