"""Wheels made by hand, and a pip that finds nothing else."""

import zipfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from cfgen.programs import Ran, Run, run

ANY = "py3-none-any"


def make_wheel(
    folder: Path, name: str, version: str, tag: str = ANY, requires: Sequence[str] = ()
) -> str:
    """Write a wheel that installs a module with its version; gives its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    about = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {one}" for one in requires]
    lines += ["Provides-Extra: fast"] if any("extra ==" in one for one in requires) else []
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{about}/METADATA": "\n".join(lines) + "\n",
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = f"{about}/RECORD"
    files[record] = "".join(f"{one},,\n" for one in (*files, record))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(zipfile.ZipInfo(file), text)
    return sha256(path.read_bytes()).hexdigest()


def pip_of(folder: Path) -> Run:
    """A real pip that finds the wheels of a folder, and no index."""

    def with_settings(
        arguments: Sequence[str], place: Path | None, limit: float, more: Mapping[str, str]
    ) -> Ran:
        own = {"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder),
               "PIP_EXTRA_INDEX_URL": "", "PIP_CONSTRAINT": ""}  # fmt: skip
        return run(arguments, place, limit, {**more, **own})

    return with_settings
