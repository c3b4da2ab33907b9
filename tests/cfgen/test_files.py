import stat
from pathlib import Path

import pytest

from cfgen.errors import ConfigError
from cfgen.files import read_text, write_atomically


def test_a_new_file_gets_the_usual_mode(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    path = tmp_path / "new"
    write_atomically(path, "ü\n")
    assert path.read_bytes() == "ü\n".encode()
    assert path.stat().st_mode == usual.stat().st_mode


def test_an_old_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_text("old")
    path.chmod(0o600)
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("where", ["file/x", "none/x"])
def test_a_place_that_is_no_folder(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        write_atomically(tmp_path / where, "text")


def test_a_device_is_written_to_directly() -> None:
    write_atomically(Path("/dev/null"), "text")
    assert Path("/dev/null").is_char_device()


def test_reading_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"ab\xff")
    with pytest.raises(ConfigError, match=r"not UTF-8 text \(byte 2\)"):
        read_text(tmp_path / "x")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_text(tmp_path)
