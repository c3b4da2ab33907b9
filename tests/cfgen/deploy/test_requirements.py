"""What the host would install: a real pip, and wheels made by hand."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgen.deploy.app import Pip, check_commit, locked_lists
from cfgen.deploy.requirements import (
    NotChecked,
    Package,
    Target,
    is_lock_of,
    lock_changes,
    lock_text,
    locked_versions,
    read_report,
    read_wanted,
)
from cfgen.deploy.wheels import resolve
from cfgen.errors import ConfigError, Refused
from cfgen.programs import MISSING, Ran, run
from tests.recorded import Person
from tests.wheels import make_wheel, pip_of

ARM, INTEL = Target("arm64", "3.12"), Target("x86_64", "3.12")


def wanted(target: Target = ARM, **files: str) -> Any:
    texts = {name.replace("__", "/") + ".txt": text for name, text in files.items()}
    return read_wanted(next(iter(texts)), target, texts.get)


def test_the_wheels_that_the_host_takes_best_first() -> None:
    assert ARM.platforms[0] == "manylinux_2_34_aarch64"
    assert "manylinux_2_17_aarch64" in ARM.platforms
    assert "manylinux_2_5_aarch64" not in ARM.platforms
    assert {"manylinux_2_5_x86_64", "manylinux1_x86_64"} < set(INTEL.platforms)
    assert not any("35" in one for one in (*ARM.platforms, *INTEL.platforms))


# Reading


def test_a_file_is_read_with_what_it_includes_for_the_hosts_machine() -> None:
    found = wanted(
        requirements="# all of it\n-r more/base.txt\nNumPy >= 1.26  # fast\n"
        'uvloop; sys_platform != "win32"\npywin32; sys_platform == "win32"\n'
        'old; python_version < "3.12"\n',
        more__base="-c limits.txt\n--extra-index-url https://h/simple\npandas[fast]>=2 \\\n"
        "    --hash=sha256:aa \\\n    --hash=sha256:bb\n",
        more__limits="pandas<3\n",
    )
    assert set(found.files) == {"requirements.txt", "more/base.txt", "more/limits.txt"}
    assert found.files["requirements.txt"].splitlines()[1:] == ["NumPy>=1.26", "uvloop"]
    assert "pandas[fast]>=2 --hash=sha256:aa" in found.files["more/base.txt"]
    assert found.roots == (("pandas", ("fast",)), ("numpy", ()), ("uvloop", ()))
    assert found.places == ("--extra-index-url https://h/simple",)
    assert not found.hashed


def test_only_what_is_asked_for_makes_another_digest() -> None:
    plain = wanted(requirements="numpy\npandas==2\n").digest
    assert wanted(requirements="# a word\nnumpy  # more\n\npandas == 2\n").digest == plain
    assert wanted(INTEL, requirements="numpy\npandas==2\n").digest != plain
    assert wanted(Target("arm64", "3.13"), requirements="numpy\npandas==2\n").digest != plain
    assert wanted(requirements="numpy\npandas==3\n").digest != plain


@pytest.mark.parametrize(
    "line",
    ["-e .", ".", "./vendor/x.whl", "vendor/x-1.whl", "git+https://h/x", "x @ git+https://h/x",
     "x @ file:///x.whl", "https://h/x.tar.gz", "x @ https://me:canary@h/x.tar.gz",
     "-r ../x.txt", "-r /etc/x.txt", "-r https://h/x.txt", "-f vendor", "--find-links ./vendor"],
)  # fmt: skip
def test_what_is_no_wheel_of_an_index_is_not_checked_and_not_shown(line: str) -> None:
    with pytest.raises(NotChecked, match=r"requirements\.txt, line 2") as caught:
        wanted(requirements=f"numpy\n{line}\n")
    assert "canary" not in str(caught.value)


def test_a_file_that_is_not_there_is_told_with_its_place() -> None:
    with pytest.raises(ConfigError, match=r"requirements\.txt, line 1: there is no base\.txt"):
        wanted(requirements="-r base.txt\n")


def test_files_that_include_each_other_end() -> None:
    assert set(wanted(a="-r b.txt\nx\n", b="-r a.txt\ny\n").files) == {"a.txt", "b.txt"}


@given(st.lists(st.from_regex(r"[a-z][a-z0-9]{0,8}(==[0-9]\.[0-9])?", fullmatch=True), max_size=6))
def test_plain_lines_stay_as_they_are(lines: list[str]) -> None:
    assert wanted(requirements="\n".join(lines)).files["requirements.txt"].split() == lines


# pip itself


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    for machine in ("aarch64", "x86_64"):
        make_wheel(folder, "native", "2.0", f"cp312-cp312-manylinux_2_28_{machine}")
        make_wheel(folder, "native", "2.0", f"cp311-cp311-manylinux_2_28_{machine}")
        make_wheel(folder, "future", "1.0", f"cp312-cp312-manylinux_2_38_{machine}")
    make_wheel(folder, "intel", "1.0", "cp312-cp312-manylinux_2_17_x86_64")
    make_wheel(folder, "bot", "1.0", requires=[
        "native>=1",
        'armed; platform_machine == "aarch64"',
        'strong; platform_machine == "x86_64"',
        'darwin; sys_platform == "darwin"',
        'lean<2; python_version >= "3.12"',
        'quick; extra == "fast"',
    ])  # fmt: skip
    for name in ("armed", "strong", "quick", "lean"):
        make_wheel(folder, name, "1.0")
    make_wheel(folder, "lean", "2.0")
    return folder


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (ARM, "armed==1.0 bot==1.0 lean==1.0 native==2.0 quick==1.0"),
        (INTEL, "bot==1.0 lean==1.0 native==2.0 quick==1.0 strong==1.0"),
    ],
)
def test_pip_says_what_a_host_of_another_kind_would_install(
    wheels: Path, target: Target, names: str
) -> None:
    # pip judges markers by its own machine; what is missing by that is asked for, the rest goes.
    found = resolve(wanted(target, requirements="bot[fast]\nlean\n"), target, pip_of(wheels))
    assert " ".join(f"{one.name}=={one.version}" for one in found) == names
    [native] = [one for one in found if one.name == "native"]
    assert native.url.endswith(f"cp312-cp312-manylinux_2_28_{target.machine}.whl")
    assert len(native.hashes) == 1


@pytest.mark.parametrize("line", ["intel", "future>=1.0", "nobody-has-it"])
def test_a_missing_wheel_is_named_with_what_can_be_done(wheels: Path, line: str) -> None:
    with pytest.raises(Refused, match=f"no wheel of {line} for arm64 and Python 3.12") as caught:
        resolve(wanted(requirements=f"bot\n{line}\n"), ARM, pip_of(wheels))
    assert "workload.architectures" in caught.value.hint
    assert "--no-wheel-check" in caught.value.hint


@pytest.mark.parametrize("lines", ["lean<2\nlean>=2\n", "bot\nlean>=2\n"])
def test_versions_that_do_not_fit_together_are_refused(wheels: Path, lines: str) -> None:
    with pytest.raises(Refused, match="fit together"):
        resolve(wanted(requirements=lines), ARM, pip_of(wheels))


def test_an_index_that_is_away_is_no_missing_wheel() -> None:
    def offline(arguments: Any, folder: Any, limit: float, more: Any) -> Ran:
        own = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
               "PIP_FIND_LINKS": "", "PIP_RETRIES": "0"}  # fmt: skip
        return run(arguments, folder, limit, {**more, **own})

    with pytest.raises(NotChecked, match=r"index is out of reach: http://127\.0\.0\.1:9"):
        resolve(wanted(requirements="numpy\n"), ARM, offline)


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (Ran(MISSING, "", "python is not installed"), "is not installed"),
        (Ran(1, "", "/usr/bin/python: No module named pip\n"), "ensurepip"),
        (Ran(2, "", "no such option: --dry-run\n"), "older than 22.2"),
        (Ran(1, "", "ERROR: https://me:canary@h/ broke\n"), r"\*\*\*\*@h/ broke"),
        (Ran(0, "", ""), "report cannot be read"),
    ],
)
def test_a_pip_that_cannot_say_is_told(done: Ran, said: str) -> None:
    with pytest.raises(NotChecked, match=said) as caught:
        resolve(wanted(requirements="numpy\n"), ARM, lambda *_: done)
    assert "canary" not in str(caught.value)


def test_an_old_pips_report_has_one_hash() -> None:
    # As pip 22.2 wrote it: hashes came with 22.3.
    origin = {"url": "https://h/a.whl", "archive_info": {"hash": "sha256=ab"}}
    about = {"name": "A_b", "version": "1"}
    item = {"metadata": about, "is_direct": True, "download_info": origin}
    [found] = read_report(msgspec.json.encode({"install": [item]}))
    assert found == Package("a-b", "1", "https://h/a.whl", True, ("sha256:ab",), ())
    text = lock_text([found], wanted(requirements="--pre\n"), ARM)
    assert text.endswith("--pre\na-b @ https://h/a.whl --hash=sha256:ab\n")
    with pytest.raises(NotChecked, match="a-b has no hash"):
        lock_text([msgspec.structs.replace(found, hashes=())], wanted(requirements=""), ARM)


# The locked list


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    folder = tmp_path / "bot"
    folder.mkdir()
    (folder / "requirements.txt").write_text("lean\n")
    return folder


@pytest.fixture
def pip(tmp_path: Path, wheels: Path) -> Pip:
    return Pip(
        "requirements.txt", (ARM, INTEL), "deploy", tmp_path / "demo.lock", None, True,
        pip_of(wheels),
    )  # fmt: skip


def nobody(*_: Any) -> Ran:
    raise AssertionError("a program was run")


def test_a_list_is_locked_for_each_architecture_and_kept_until_the_requirements_change(
    bot: Path, pip: Pip, wheels: Path, tmp_path: Path
) -> None:
    person = Person()
    first = locked_lists(pip, bot, person)
    assert set(first) == {"requirements.cfgen-aarch64.lock", "requirements.cfgen-x86_64.lock"}
    kept = tmp_path / "demo.requirements-aarch64.lock"
    assert kept.read_bytes() == first["requirements.cfgen-aarch64.lock"]
    assert locked_versions(kept.read_text()) == {"lean": "2.0"}
    # A newer version, and nobody asks for it.
    make_wheel(wheels, "lean", "3.0")
    quiet = msgspec.structs.replace(pip, run=nobody)
    assert locked_lists(quiet, bot, person) == first
    assert locked_lists(msgspec.structs.replace(quiet, reach="offline"), bot, person) == first
    # A change does, and what it brings is said.
    (bot / "requirements.txt").write_text("lean>=1\narmed\n")
    looked = locked_lists(msgspec.structs.replace(pip, reach="look"), bot, person)
    assert kept.read_bytes() == first["requirements.cfgen-aarch64.lock"]
    second = locked_lists(pip, bot, person)
    assert second == looked != first
    assert "requirements: lean 2.0 -> 3.0" in person.seen
    assert "requirements: armed not there -> 1.0" in person.seen
    kept.unlink()
    assert locked_lists(pip, bot, person) == second


def test_a_list_that_cannot_be_locked_stops_a_deploy(bot: Path, pip: Pip) -> None:
    away = msgspec.structs.replace(pip, run=lambda *_: Ran(1, "", "No module named pip"))
    with pytest.raises(Refused, match=r"bot\.lock_requirements: .* cannot be resolved") as caught:
        locked_lists(away, bot, Person())
    assert "bot.lock_requirements = false" in caught.value.hint
    for fields, told in (
        ({"reach": "offline"}, "a deploy asks pip"),
        ({"check": False}, "pip not asked"),
    ):
        person = Person()
        quiet = msgspec.structs.replace(pip, run=nobody, **fields)
        assert locked_lists(quiet, bot, person) == {}
        assert told in "".join(person.seen + person.warnings)


def test_without_a_lock_wheels_are_looked_for_once(bot: Path, pip: Pip, tmp_path: Path) -> None:
    pip = msgspec.structs.replace(pip, lock=None, cache=tmp_path / "cache")
    person = Person()
    assert locked_lists(pip, bot, person) == {}
    assert "requirements: 1 packages, each with its wheel for arm64 and Python 3.12" in person.seen
    quiet = msgspec.structs.replace(pip, run=nobody)
    assert locked_lists(quiet, bot, Person()) == {}
    (bot / "requirements.txt").write_text("intel\n")
    with pytest.raises(Refused, match="no wheel of intel for arm64"):
        locked_lists(pip, bot, person)
    for fields in ({"check": False}, {"reach": "look"}, {"reach": "offline"}, {"name": ""}):
        assert locked_lists(msgspec.structs.replace(quiet, **fields), bot, person) == {}


@pytest.mark.parametrize("line", ["numpy\n", "-e .\n"])
def test_what_nobody_can_say_is_a_note(bot: Path, pip: Pip, line: str) -> None:
    (bot / "requirements.txt").write_text(line)
    away = msgspec.structs.replace(pip, lock=None, run=lambda *_: Ran(MISSING, "", "no pip"))
    person = Person()
    assert locked_lists(away, bot, person) == {}
    assert "could not be checked" in "".join(person.seen)


def test_a_list_knows_what_it_was_made_of() -> None:
    made = wanted(requirements="lean\n")
    text = lock_text([Package("lean", "1", "https://h/l.whl", False, ("sha256:a",), ())], made, ARM)
    assert is_lock_of(text, made)
    assert not is_lock_of(text, wanted(requirements="lean>1\n"))
    assert not is_lock_of("", made)
    assert lock_changes(text, text) == ()
    assert lock_changes(text, "") == ("lean 1 -> gone",)


# Out of git


def test_a_commits_requirements_are_checked_and_its_missing_hashes_told(
    pip: Pip, wheels: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()

    def git(*words: str) -> str:
        author = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        return run(["git", *author, *words], folder, 30, {}).out.strip()

    def commit(text: str) -> str:
        (folder / "requirements.txt").write_text(text)
        git("add", "--all")
        git("commit", "--quiet", "--message", "x")
        return f"file://{folder}@{git('rev-parse', 'HEAD')}"

    git("init", "--quiet")

    def checked(source: str) -> Person:
        person = Person()
        check_commit(pip, source, person)
        return person

    plain = commit("armed\n")
    assert any("commit a list with hashes" in one for one in checked(plain).warnings)
    digest = make_wheel(wheels, "armed", "1.0")
    hashed = checked(commit(f"armed==1.0 --hash=sha256:{digest}\n"))
    assert not any("hashes" in one for one in hashed.warnings)
    assert "requirements: 1 packages, each with its wheel" in "".join(hashed.seen)
    with pytest.raises(Refused, match="no wheel of intel for arm64"):
        check_commit(pip, commit("intel\n"), Person())
    gone = checked(f"file://{folder}@{'0' * 40}")
    assert "could not be checked: git: " in "".join(gone.seen)
    # What had its wheels is not fetched again.
    remembering = msgspec.structs.replace(pip, lock=None, cache=tmp_path / "cache")
    check_commit(remembering, plain, Person())
    check_commit(msgspec.structs.replace(remembering, run=nobody), plain, Person())
