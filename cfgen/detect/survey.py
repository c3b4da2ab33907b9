"""All programs of a folder, and which of its files each reaches by its imports."""

import posixpath
import sys
from collections.abc import Iterator

import msgspec

from cfgen.detect.folder import Folder
from cfgen.detect.program import Import, Program, read_program


class Survey(msgspec.Struct, frozen=True):
    """A folder and the facts of its Python files, by their paths."""

    folder: Folder
    programs: dict[str, Program]
    modules: dict[str, tuple[str, ...]]

    def reached(self, path: str) -> tuple[Program, ...]:
        """The program and all files of the folder that it imports, directly or not."""
        found: dict[str, Program] = {}
        waiting = [path]
        while waiting:
            name = waiting.pop()
            if name in self.programs and name not in found:
                found[name] = self.programs[name]
                waiting += self.imported(name)
        return tuple(found.values())

    def imported(self, path: str) -> list[str]:
        """The files of the folder that a file imports."""
        found = (self._file_of(path, one) for one in self.programs[path].imports)
        return [name for name in dict.fromkeys(found) if name]

    def _file_of(self, path: str, wanted: Import) -> str:
        here = posixpath.dirname(path)
        name = wanted.name.replace(".", "/")
        if wanted.level:
            for _ in range(wanted.level - 1):
                here = posixpath.dirname(here)
            return self._at(posixpath.join(here, name))
        for place in (here, "", "src"):
            if found := self._at(posixpath.join(place, name)):
                return found
        if wanted.name.partition(".")[0] in sys.stdlib_module_names:
            return ""
        # Somewhere on the path that the program makes for itself.
        ends = [one for one in self.modules.get(name.rpartition("/")[2], ()) if _ends(one, name)]
        return min(ends, key=lambda one: (one.count("/"), one), default="")

    def _at(self, name: str) -> str:
        for path in (f"{name}.py", f"{name}/__init__.py"):
            if path in self.programs:
                return path
        return ""


def survey(folder: Folder) -> Survey:
    """Read every Python file of a folder."""
    programs = {
        name: read_program(name, content)
        for name, content in folder.contents.items()
        if name.endswith(".py")
    }
    modules: dict[str, list[str]] = {}
    for name in programs:
        for module in _modules(name):
            modules.setdefault(module, []).append(name)
    return Survey(folder, programs, {key: tuple(names) for key, names in modules.items()})


def _modules(path: str) -> Iterator[str]:
    stem = path.removesuffix(".py").removesuffix("/__init__")
    yield stem.rpartition("/")[2]


def _ends(path: str, name: str) -> bool:
    return f"/{path}".endswith((f"/{name}.py", f"/{name}/__init__.py"))
