"""The disk that the virtual machines start from, built once and kept outside the tree."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
MAKE_ROOT = HERE / "make-root"
GUEST = HERE / "guest"
"""What is laid over the system, by its place there: the stand-ins, and units for them."""

DISK_SIZE = "5G"
UNITS = ("agent.service", "stand-ins.service", "hold.service", "metadata.socket")


@dataclass(frozen=True)
class Image:
    """A disk with a file system, and what boots it."""

    disk: Path
    kernel: Path
    initrd: Path


def image() -> Image:
    """The image for what is in this folder now, built where there is none yet."""
    cache = _cache()
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / "lock"):
        root = cache / f"root-{_key(MAKE_ROOT)}"
        if not root.exists():
            _make_root(root)
        folder = cache / f"image-{_key(MAKE_ROOT, *_files(GUEST))}"
        if not folder.exists():
            _forget_others(cache, root)
            _make_image(root, folder)
    return Image(folder / "disk", folder / "vmlinuz", folder / "initrd.img")


USUAL = (
    "flask",
    "langgraph",
    "numpy",
    "pandas",
    "pycryptodome",
    "pydantic",
    "requests",
    "websockets",
)
"""What such bots require."""

PLATFORMS = ("--platform=manylinux2014_x86_64", "--platform=manylinux_2_28_x86_64")


def usual_wheels(folder: Path) -> tuple[str, ...]:
    """Copy the wheels of what such bots require, and of what that requires; gives the names."""
    cache = _cache()
    kept = cache / "wheels"
    with _alone(cache / "lock"):
        if not kept.exists():
            new = kept.with_suffix(".new")
            pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
            wanted = ("--only-binary", ":all:", "--python-version", "3.11", *PLATFORMS)
            subprocess.run([*pip, "download", "--dest", new, *wanted, *USUAL], check=True)
            new.rename(kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    return USUAL


def _cache() -> Path:
    given = os.environ.get("CFGEN_BOOT_CACHE", "")
    home = os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache"
    return Path(given or Path(home, "cfgen-boot"))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _key(*files: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(HERE)} {path.stat().st_mode:o}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _make_root(root: Path) -> None:
    new = root.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    subprocess.run([MAKE_ROOT, new, sys.executable], check=True)
    new.rename(root)


def _make_image(root: Path, folder: Path) -> None:
    new = folder.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    tree = new / "tree"
    # Of links: what is another file here is put in the place of its link.
    subprocess.run(["cp", "--archive", "--link", root, tree], check=True)
    for path in _files(GUEST):
        place = tree / path.relative_to(GUEST)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        shutil.copy(path, place)
    (tree / "etc/pip.conf").symlink_to("/run/stand-ins/pip.conf")
    for name in ("resolv.conf", "machine-id"):
        (tree / "etc" / name).unlink(missing_ok=True)
        (tree / "etc" / name).touch()
    subprocess.run(["systemctl", f"--root={tree}", "--quiet", "enable", *UNITS], check=True)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copy(tree / name, new / name)
    make: list[str | Path] = [
        "mkfs.ext4",
        "-q",
        "-F",
        "-d",
        tree,
        "-E",
        "lazy_itable_init=0",
        new / "disk",
        DISK_SIZE,
    ]
    subprocess.run(make, check=True)
    shutil.rmtree(tree)
    new.rename(folder)


def _forget_others(cache: Path, root: Path) -> None:
    """Images are large: of what went before, nothing is kept."""
    for path in cache.iterdir():
        if path.name.startswith(("root-", "image-")) and path != root:
            shutil.rmtree(path)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Two runs of the tests, or two workers of one, build one image."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
