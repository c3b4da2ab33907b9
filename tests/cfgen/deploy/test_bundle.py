"""Packing a local app folder, with real git."""

import io
import os
import resource
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cfgen.deploy.bundle import Bundle, Packing, pack
from cfgen.deploy.worktree import LIMIT
from cfgen.errors import ConfigError, Refused
from tests.conftest import Run, Terminal

APP_KEY = "PS" + "a1B2" * 8 + "cd"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def git(folder: Path, *arguments: str) -> None:
    author = (
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.com",
        "-c",
        "protocol.file.allow=always",
    )
    subprocess.run(["git", "-C", str(folder), *author, *arguments], check=True, capture_output=True)


def commit(folder: Path, *names: str) -> Path:
    git(folder, "init", "-q")
    git(folder, "add", *(names or (".",)))
    git(folder, "commit", "-qm", "one")
    return folder


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """git without the developer's own settings."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A folder in no repository."""
    return write(tmp_path / "bot", **{"bot.py": "print()", "lib__a.py": "", "run.sh": "#!/bin/sh"})


@pytest.fixture
def app(plain: Path) -> Path:
    """The same in a repository, all of it committed."""
    return commit(plain)


def content(bundle: Bundle) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(bundle.data)) as archive:
        members = {one.name: archive.extractfile(one) for one in archive.getmembers()}
        return {name: file.read() for name, file in members.items() if file}


def packed(folder: Path, *needs: str, include: tuple[str, ...] = ()) -> set[str]:
    return set(content(pack(folder, Packing(needs, include))))


def told(folder: Path, packing: Packing = Packing()) -> str:
    lines: list[str] = []
    pack(folder, Packing(packing.needs, packing.include, packing.own, packing.ask, lines.append))
    return "\n".join(lines)


# By git


def test_what_git_tracks_and_nothing_else(app: Path) -> None:
    write(app, **{"scratch.txt": "untracked", ".env": f"KIS_APP_KEY={APP_KEY}"})
    # The work tree counts, not the last commit.
    write(app, **{"bot.py": "print(2)"})
    (app / "lib/a.py").unlink()
    bundle = pack(app, Packing(("bot.py",)))
    assert content(bundle) == {"bot.py": b"print(2)", "run.sh": b"#!/bin/sh"}
    said = told(app)
    assert "packed as it is in the working tree: 2 files differ from the last commit" in said
    assert "left out: lib/a.py, which was deleted" in said
    assert "not tracked by git: 1 (scratch.txt)" in said
    assert "files of keys: 1" in said


def test_what_was_packed_is_told(app: Path) -> None:
    write(app, **{"big.csv": "x" * 5000, "b.txt": "x" * 400, ".gitignore": "data/\n"})
    write(app, data__prices="1", __pycache____x="")
    (app / "__pycache__").mkdir()
    (app / "__pycache__/a.pyc").touch()
    git(app, "add", ".")
    git(app, "commit", "-qm", "two")
    said = told(app)
    assert "6 files, 5,422 bytes" in said
    assert "the largest: big.csv 5,000 bytes, b.txt 400 bytes, run.sh 9 bytes" in said
    assert "ignored by git: 1 (data/)" in said
    assert "caches and virtual environments: 1" in said
    assert "differ" not in said


def test_a_new_repository(plain: Path) -> None:
    git(plain, "init", "-q")
    with pytest.raises(Refused, match="git tracks nothing in") as caught:
        pack(plain, Packing())
    assert "add ." in caught.value.hint
    git(plain, "add", "bot.py")
    assert packed(plain) == {"bot.py"}
    assert "nothing is committed yet" in told(plain)


def test_a_folder_within_a_repository(tmp_path: Path, app: Path) -> None:
    write(tmp_path, **{"deploy.md": "", "bot__lib__a.py": ""})
    outer = write(tmp_path / "outer", **{"infra.py": "", "bot__bot.py": "", "bot__scratch.py": ""})
    commit(outer, "infra.py", "bot/bot.py")
    assert packed(outer / "bot") == {"bot.py"}
    write(outer, **{".gitignore": "bot/", "infra__x.tf": ""})
    git(outer, "rm", "-q", "--cached", "bot/bot.py")
    with pytest.raises(Refused, match="git tracks nothing in"):
        pack(outer / "bot", Packing())
    # As a part of a larger repository that a hook of git runs in.
    assert packed(app) == {"bot.py", "lib/a.py", "run.sh"}


def test_git_that_does_not_trust_the_folder(cfgen: Run, folder: Path) -> None:
    write(folder, **{"cfgen.toml": CONFIG, "bot__bot.py": "print(1)", "bot__secret.txt": "x"})
    commit(folder / "bot", "bot.py")
    # git's own way to play another owner.
    result = cfgen("deploy", "--rehearse", "--yes", "--no-lint", "--prices", "offline",
                   extra={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})  # fmt: skip
    assert result.returncode == 5
    assert "git does not read bot, because the folder belongs to another user" in result.stderr
    assert f"safe.directory {folder / 'bot'}" in result.stderr


def test_a_hook_of_git_leads_nowhere_else(cfgen: Run, folder: Path) -> None:
    write(folder, **{"cfgen.toml": CONFIG, "bot__bot.py": "print(1)", "other__a.py": ""})
    commit(folder / "bot")
    commit(folder / "other")
    hook = {"GIT_DIR": str(folder / "other/.git"), "GIT_INDEX_FILE": "x"}
    result = cfgen("deploy", "--rehearse", "--yes", "--no-lint", "--prices", "offline", extra=hook)
    assert result.returncode == 0, result.stderr
    assert "packed bot: 1 file," in result.stderr


def test_without_git_nothing_is_guessed(app: Path) -> None:
    with pytest.raises(Refused, match="git cannot be run") as caught:
        pack(app, Packing(git="/nowhere/git"))
    assert "install git" in caught.value.hint


def test_a_repository_that_is_broken(app: Path) -> None:
    (app / ".git/HEAD").write_text("")
    with pytest.raises(Refused, match="git cannot read"):
        pack(app, Packing())


def test_a_merge_that_has_not_ended(app: Path) -> None:
    git(app, "checkout", "-qb", "other")
    write(app, **{"bot.py": "other"})
    git(app, "commit", "-qam", "other")
    git(app, "checkout", "-q", "-")
    write(app, **{"bot.py": "mine"})
    git(app, "commit", "-qam", "mine")
    with pytest.raises(subprocess.CalledProcessError):
        git(app, "merge", "other")
    with pytest.raises(Refused, match=r"not merged: bot\.py"):
        pack(app, Packing())
    # Added as it stands, with the marks in it.
    git(app, "add", ".")
    with pytest.raises(Refused, match=r"bot\.py holds marks of a merge conflict"):
        pack(app, Packing())


def test_a_sparse_checkout(app: Path) -> None:
    write(app, **{"docs__page.md": "", "bot.py": "import lib.a"})
    git(app, "add", ".")
    git(app, "commit", "-qm", "two")
    git(app, "sparse-checkout", "set", "--no-cone", "/*", "!/docs/")
    assert "docs/page.md" not in packed(app, "bot.py")
    assert "docs/page.md, which is not checked out (git sparse-checkout)" in told(app)
    git(app, "sparse-checkout", "set", "--no-cone", "/*", "!/lib/")
    with pytest.raises(Refused, match=r"lib/a\.py is not checked out .* and bot\.py needs it"):
        pack(app, Packing(("bot.py",)))


def test_submodules(app: Path, tmp_path: Path) -> None:
    library = commit(write(tmp_path / "library", **{"kis__a.py": "x = 1", ".gitignore": "cache/"}))
    git(app, "submodule", "add", "-q", str(library), "vendor")
    git(app, "commit", "-qm", "two")
    write(
        app, **{"bot.py": "import vendor.kis.a", "vendor__cache__x.py": "", "vendor__new.txt": ""}
    )
    assert {"vendor/kis/a.py", ".gitmodules"} <= packed(app, "bot.py")
    assert "vendor/new.txt" not in packed(app, "bot.py")
    git(app, "submodule", "deinit", "-f", "vendor")
    with pytest.raises(Refused, match="vendor/ is a submodule that was not fetched") as caught:
        pack(app, Packing(("bot.py",)))
    assert "submodule update --init" in caught.value.hint
    write(app, **{"bot.py": "print()"})
    assert "vendor/, which is a submodule that was not fetched" in told(app)


# Of no repository


def test_a_folder_that_git_does_not_know(plain: Path) -> None:
    write(plain, **{".gitignore": "*.log\n/data/\n", "a.log": "", "data__x": "", "lib__b.log": ""})
    write(plain, **{"env__pyvenv.cfg": "", "node_modules__x.js": "", ".env": "KEY=1"})
    write(plain, **{"lib__.gitignore": "!b.log"})
    assert packed(plain) == {
        "bot.py",
        "lib/a.py",
        "lib/b.log",
        "run.sh",
        ".gitignore",
        "lib/.gitignore",
    }
    said = told(plain)
    assert "is in no git repository: packed is what no .gitignore in it names" in said
    assert "files of keys: 1" in said
    assert "caches and virtual environments: 2" in said


# What git ignores and the bot needs


BROKER = {
    "apps__daily.py": "import sys\nsys.path.insert(0, 'lib')\nfrom kis import api",
    "lib__kis____init__.py": "",
    "lib__kis__api.py": "",
    "lib__kis__notes.txt": "",
    "old__unused.py": "",
    ".gitignore": "lib/\nold/\n",
}


@pytest.fixture
def broker(tmp_path: Path) -> Path:
    """A bot whose library is ignored, as GitHub's .gitignore for Python does."""
    files = {name.replace("____init__", "/__init__"): text for name, text in BROKER.items()}
    for name, text in files.items():
        path = (
            tmp_path
            / "bot"
            / name.replace("__init__", "\0").replace("__", "/").replace("\0", "__init__")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return commit(tmp_path / "bot")


def test_an_ignored_library_is_refused_where_nobody_is_asked(broker: Path) -> None:
    with pytest.raises(Refused) as caught:
        pack(broker, Packing(("apps/daily.py",)))
    said = str(caught.value)
    assert "apps/daily.py imports lib/kis/__init__.py" in said
    assert "lib/ (ignored by git, 2 source files)" in said
    assert 'bot.include = ["lib/"]' in caught.value.hint


def test_what_is_included_is_packed(broker: Path) -> None:
    write(broker, **{"lib__.env": "KEY=1", "lib__.venv__x.py": ""})
    names = packed(broker, "apps/daily.py", include=("lib/",))
    assert {"lib/kis/__init__.py", "lib/kis/api.py", "lib/kis/notes.txt"} <= names
    assert not names & {"lib/.env", "lib/.venv/x.py", "old/unused.py"}
    assert "lib/kis/notes.txt" not in packed(broker, include=("lib/**/*.py",))
    # Decided against: the bot is packed without, and nobody is asked.
    assert packed(broker, "apps/daily.py", include=("!lib/",)) == {".gitignore", "apps/daily.py"}
    with pytest.raises(ConfigError, match=r"bot\.include"):
        pack(broker, Packing(include=("!",)))


@pytest.mark.parametrize(
    ("answers", "extra", "line"),
    [
        ([True, False], {"lib/kis/api.py"}, 'bot.include = ["lib/", "!old/"]'),
        ([True, True], {"lib/kis/api.py", "old/unused.py"}, 'bot.include = ["lib/", "old/"]'),
    ],
)
def test_a_person_is_asked_and_told_how_to_be_asked_no_more(
    broker: Path, answers: list[bool], extra: set[str], line: str
) -> None:
    asked: list[tuple[str, bool]] = []
    lines: list[str] = []

    def ask(question: str, enter: bool) -> bool:
        asked.append((question, enter))
        return answers[len(asked) - 1]

    packing = Packing(("apps/daily.py",), ask=ask, note=lines.append)
    assert extra <= set(content(pack(broker, packing)))
    assert asked == [
        ("The bot imports lib/ (ignored by git, 2 source files). Pack it?", True),
        ("No import leads to old/ (ignored by git, 1 source file). Pack it?", False),
    ]
    assert f"to be asked no more, set {line}" in lines


def test_whoever_says_no_to_what_the_bot_needs_is_refused(broker: Path) -> None:
    with pytest.raises(Refused, match="imports lib/kis"):
        pack(broker, Packing(("apps/daily.py",), ask=lambda *_: False))


def test_an_untracked_module_that_the_bot_imports(app: Path) -> None:
    write(app, **{"bot.py": "import helper", "helper.py": ""})
    with pytest.raises(Refused, match=r"bot\.py imports helper\.py, which is in") as caught:
        pack(app, Packing(("bot.py",), ask=lambda *_: True))
    assert "git add helper.py" in caught.value.hint
    assert "helper.py" in packed(app, "bot.py", include=("helper.py",))


def test_what_the_bot_needs_must_be_there(app: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not hold apps/bot\.py"):
        pack(app, Packing(("apps/bot.py",)))
    with pytest.raises(ConfigError, match="is not a folder"):
        pack(app / "none", Packing())
    with pytest.raises(ConfigError, match="is not a folder"):
        pack(app / "bot.py", Packing())
    write(app, **{"new.py": ""})
    with pytest.raises(Refused, match=r"the configuration needs new\.py"):
        pack(app, Packing(("new.py",)))


# Keys


@pytest.mark.parametrize("name", [".env", ".ENV", "ID_RSA", ".envrc", ".npmrc", "secrets.toml"])
def test_a_file_of_keys_that_git_tracks_is_refused(app: Path, name: str) -> None:
    write(app, **{name: "harmless"})
    assert name not in packed(app)
    git(app, "add", "-f", name)
    with pytest.raises(Refused, match=f"{name} looks like a file of keys") as caught:
        pack(app, Packing())
    assert "cfgen secret set" in caught.value.hint


def test_an_example_is_packed_and_searched(app: Path) -> None:
    write(app, **{".env.example": "KIS_APP_KEY=your-key"})
    git(app, "add", ".")
    assert ".env.example" in packed(app)
    write(app, **{".env.example": f"KIS_APP_KEY={APP_KEY}"})
    with pytest.raises(
        Refused, match=r"\.env\.example: line 1 looks as if it holds a broker's app key"
    ):
        pack(app, Packing())


def test_a_key_within_a_file_is_refused_and_not_shown(app: Path) -> None:
    write(app, **{"bot.py": f"import os\nKEY = '{APP_KEY}'"})
    with pytest.raises(Refused, match=r"bot\.py: line 2 looks as if it holds") as caught:
        pack(app, Packing())
    assert APP_KEY not in str(caught.value) + caught.value.hint
    write(app, **{"bot.py": f"KEY = '{APP_KEY}'  # pragma: allowlist secret"})
    assert "bot.py" in packed(app)


# Odd things in the folder


def link(app: Path, name: str, target: str) -> None:
    (app / name).parent.mkdir(exist_ok=True)
    (app / name).symlink_to(target)
    git(app, "add", name)


@pytest.mark.parametrize(
    "target", ["../elsewhere.txt", "/etc/passwd", "data/ignored.txt", "untracked.txt", "nowhere",
               "lib/../../bot/bot.py", "self"],
)  # fmt: skip
def test_a_link_to_what_is_not_packed(app: Path, tmp_path: Path, target: str) -> None:
    write(
        tmp_path, **{"elsewhere.txt": "x", "bot__data__ignored.txt": "", "bot__untracked.txt": ""}
    )
    write(app, **{".gitignore": "data/"})
    link(app, "self", target)
    with pytest.raises(Refused, match=r"self is a link to .* which is not packed"):
        pack(app, Packing())


def test_a_link_within_the_folder_stays_a_link(app: Path, tmp_path: Path) -> None:
    link(app, "now", "lib")
    link(app, "apps/a.py", "../now/./a.py")
    bundle = pack(app, Packing())
    with tarfile.open(fileobj=io.BytesIO(bundle.data)) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    assert (tmp_path / "out/apps/a.py").readlink() == Path("../now/./a.py")
    assert (tmp_path / "out/apps/a.py").read_text() == ""


def test_a_link_in_place_of_a_folder_is_not_followed(app: Path, tmp_path: Path) -> None:
    write(tmp_path, **{"private__a.py": "mine"})
    (app / "lib/a.py").unlink()
    (app / "lib").rmdir()
    (app / "lib").symlink_to(tmp_path / "private")
    assert packed(app) == {"bot.py", "run.sh"}


def test_pipes_are_not_waited_for(app: Path) -> None:
    os.mkfifo(app / "pipe")
    assert "pipe" not in packed(app)
    (app / "bot.py").unlink()
    os.mkfifo(app / "bot.py")
    with pytest.raises(Refused, match="is a pipe, a socket or a device"):
        pack(app, Packing())


def test_a_pipe_in_no_repository(plain: Path) -> None:
    os.mkfifo(plain / "pipe")
    assert "neither file nor link: 1" in told(plain)


def test_names_of_all_kinds(app: Path, tmp_path: Path) -> None:
    names = [
        "a b.txt",
        "한글/모듈.py",
        "line\nbreak",
        "-n",
        "deep/" * 60 + "x" * 200,
        "A.py",
        "a.py",
    ]
    for name in names:
        write(app, **{name: "x"})
    git(app, "add", ".")
    bundle = pack(app, Packing())
    (tmp_path / "bundle").write_bytes(bundle.data)
    (tmp_path / "out").mkdir()
    # As the host does.
    subprocess.run(["tar", "--extract", "--gzip", "--file", str(tmp_path / "bundle"), "--directory",
                    str(tmp_path / "out"), "--no-same-owner"], check=True)  # fmt: skip
    for name in names:
        assert (tmp_path / "out" / name).read_text() == "x"


def test_a_name_that_is_not_utf8(app: Path) -> None:
    (app / os.fsdecode(b"caf\xe9.txt")).write_text("")
    git(app, "add", ".")
    with pytest.raises(Refused, match="is not UTF-8"):
        pack(app, Packing())


def test_one_file_under_two_names_that_differ_in_case(app: Path) -> None:
    # As a file system without cases shows it.
    (app / "BOT.py").hardlink_to(app / "bot.py")
    git(app, "add", "BOT.py")
    with pytest.raises(Refused, match=r"BOT\.py and bot\.py|bot\.py and BOT\.py"):
        pack(app, Packing())


def test_a_folder_that_is_too_large_is_refused_before_it_is_read(app: Path) -> None:
    with (app / "data.bin").open("wb") as file:
        file.truncate(LIMIT + 50_000_000)
    git(app, "add", "-N", "data.bin")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    with pytest.raises(ConfigError, match=r"more than 200 MB; the largest: data\.bin 250,000,000"):
        pack(app, Packing(("bot.py",)))
    assert time.perf_counter() - start < 5
    # Kibibytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


# By content alone


def test_the_same_files_give_the_same_key_whoever_packs_them(app: Path, tmp_path: Path) -> None:
    (app / "run.sh").chmod(0o700)
    git(app, "add", ".")
    first = pack(app, Packing())
    other = write(
        tmp_path / "copy", **{"run.sh": "#!/bin/sh", "lib__a.py": "", "bot.py": "print()"}
    )
    for path in other.rglob("*"):
        # A file system that knows no modes, such as a share.
        path.chmod(0o777)
    os.utime(other / "bot.py", (1, 1))
    # The first is tracked as executable, the second begins with #!.
    assert pack(other, Packing()) == first
    assert first.key == pack(app, Packing()).key
    assert first.files == 3
    for path in app.rglob("*"):
        if ".git" not in path.parts:
            path.chmod(0o777)
    assert pack(app, Packing()) == first
    (other / "bot.py").write_text("print(2)")
    assert pack(other, Packing()).key != first.key


PACK = """\
import os, sys
from pathlib import Path
os.umask(int(sys.argv[2], 8))
from cfgen.deploy.bundle import Packing, pack
print(pack(Path(sys.argv[1]), Packing()).key)
"""


def test_whatever_the_process_is_the_key_is_the_same(app: Path) -> None:
    keys = set()
    for umask, zone, seed, locale in (
        ("000", "UTC", "1", "C"),
        ("077", "Asia/Seoul", "2", "C.UTF-8"),
    ):
        extra = {
            "TZ": zone,
            "PYTHONHASHSEED": seed,
            "LC_ALL": locale,
            "PYTHONPATH": str(Path.cwd()),
        }
        ran = [sys.executable, "-c", PACK, str(app), umask]
        keys.add(subprocess.check_output(ran, env=os.environ | extra, text=True))
    assert keys == {pack(app, Packing()).key + "\n"}


def test_cfgens_own_files_are_not_packed(cfgen: Run, folder: Path) -> None:
    """Neither the configuration nor a lock changes the bundle; a bot's own settings do."""
    config = CONFIG.replace("./bot", ".")
    write(folder, **{"cfgen.toml": config, "real.toml": config, "bot.py": "print(1)"})
    write(folder, **{"real.lock": "{}", "cfgen.lock": "", "poetry.lock": "", "poetry.toml": "[a]"})
    commit(folder)
    (folder / "cfgen.lock").unlink()
    result = cfgen("deploy", "--rehearse", "--yes", "--no-lint", "--prices", "offline")
    assert result.returncode == 0, result.stderr
    assert "packed .: 3 files" in result.stderr
    assert "cfgen's own: 3" in result.stderr


# Deployed


CONFIG = """\
[stack]
name = "bundle"
[bot]
source = "./bot"
entrypoint = "bot.py"
requirements = ""
[dashboard]
enabled = false
"""


def test_a_folder_is_uploaded_once_and_a_change_reaches_the_stack(
    cfgen: Run, folder: Path, memory_aws: dict[str, str]
) -> None:
    write(folder, **{"cfgen.toml": CONFIG, "bot__bot.py": "print(1)"})

    def deploy() -> str:
        result = cfgen(
            "deploy",
            "--yes",
            "--no-lint",
            "--no-wait-host",
            "--prices",
            "offline",
            extra=memory_aws,
        )
        assert result.returncode == 0, result.stderr
        return result.stderr

    assert deploy().count("uploaded s3://cfgen-123456789012-ap-northeast-2/apps/") == 1
    again = deploy()
    assert "uploaded" not in again
    assert "nothing to change" in again
    write(folder, **{"bot__bot.py": "print(2)"})
    changed = deploy()
    assert "uploaded" in changed
    assert "parameter AppBundleKey: 'apps/" in changed
    assert "nothing to change" not in changed


def test_a_folder_is_found_beside_the_configuration(
    cfgen: Run, folder: Path, memory_aws: dict[str, str]
) -> None:
    config = CONFIG.replace('"bundle"', '"beside"')
    write(folder, **{"conf__cfgen.toml": config, "conf__bot__bot.py": "print(1)"})
    result = cfgen("--config", "conf/cfgen.toml", "diff", "--no-lint", "--prices", "offline",
                   extra=memory_aws)  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "Add" in result.stdout


def test_a_key_in_the_folder_stops_the_deploy_before_aws_is_asked(cfgen: Run, folder: Path) -> None:
    write(folder, **{"cfgen.toml": CONFIG, "bot__bot.py": f"KEY = '{APP_KEY}'"})
    result = cfgen("deploy", "--yes", "--no-lint", "--prices", "offline")
    assert result.returncode == 5
    assert "bot/bot.py: line 1 looks as if it holds a broker's app key" in result.stderr
    assert APP_KEY not in result.stderr + result.stdout


def test_a_rehearsal_packs_as_well(cfgen: Run, folder: Path) -> None:
    write(folder, **{"cfgen.toml": CONFIG, "bot__bot.py": "print(1)"})
    result = cfgen("deploy", "--rehearse", "--yes", "--no-lint", "--prices", "offline")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count(".tar.gz") == 1


def test_a_person_at_a_terminal_is_asked(
    terminal: Callable[..., Terminal], cfgen: Run, folder: Path
) -> None:
    write(folder, **{"cfgen.toml": CONFIG, "bot__bot.py": "import lib.a", "bot__lib__a.py": ""})
    write(folder, **{"bot__.gitignore": "lib/"})
    commit(folder / "bot")
    command = ("deploy", "--rehearse", "--no-lint", "--prices", "offline")
    refused = cfgen(*command, "--yes")
    assert refused.returncode == 5
    assert "bot.py imports lib/a.py, which is in lib/ (ignored by git, 1 source" in refused.stderr
    person = terminal(*command)
    person.wait_for("The bot imports lib/ (ignored by git, 1 source file). Pack it? [Y/n]")
    person.type("\n")
    assert person.end() == 0
    assert 'to be asked no more, set bot.include = ["lib/"]' in person.read
    assert "packed bot: 3 files" in person.read
