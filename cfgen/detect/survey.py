"""All programs of a folder, and which of its files each reaches by its imports."""

import posixpath
import sys
from collections.abc import Iterator, Mapping

import msgspec

from cfgen.detect.folder import Folder
from cfgen.detect.program import Import, Program, read_program


class Programs(Mapping[str, Program]):
    """The facts of Python files, by their paths; a file is parsed when it is asked for."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.contents = {name: text for name, text in contents.items() if name.endswith(".py")}
        self._read: dict[str, Program] = {}

    def __getitem__(self, name: str) -> Program:
        if name not in self._read:
            self._read[name] = read_program(name, self.contents[name])
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self.contents

    def __iter__(self) -> Iterator[str]:
        return iter(self.contents)

    def __len__(self) -> int:
        return len(self.contents)


class Survey(msgspec.Struct, frozen=True):
    """A folder and the facts of its Python files, by their paths."""

    folder: Folder
    programs: Programs
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

    def foreign(self, path: str) -> set[str]:
        """The packages from elsewhere that a file imports."""
        imports = [one for one in self.programs[path].imports if not one.level]
        own = {one.name.partition(".")[0] for one in imports if self._file_of(path, one)}
        tops = {one.name.partition(".")[0] for one in imports} - own - sys.stdlib_module_names
        return {top for top in tops if top != "__main__" and not self._has_folder(top)}

    def _has_folder(self, name: str) -> bool:
        return any(one.startswith(f"{name}/") or f"/{name}/" in one for one in self.programs)

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
    """Where each module of a folder lies."""
    programs = Programs(folder.contents)
    modules: dict[str, list[str]] = {}
    for name in programs:
        stem = name.removesuffix(".py").removesuffix("/__init__")
        modules.setdefault(stem.rpartition("/")[2], []).append(name)
    return Survey(folder, programs, {key: tuple(names) for key, names in modules.items()})


def _ends(path: str, name: str) -> bool:
    return f"/{path}".endswith((f"/{name}.py", f"/{name}/__init__.py"))
