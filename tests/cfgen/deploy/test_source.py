"""A git source becomes a commit: a real git, and repositories in a folder."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgen.config.refs import can_move, is_git, split_source
from cfgen.deploy.source import Pinned, pin
from cfgen.errors import ConfigError, Refused
from cfgen.programs import MISSING, TOO_LONG, Ran, Run, run
from tests.cloudformation.server import FakeCloudFormation
from tests.conftest import OFFLINE
from tests.conftest import Run as Program

HOST = "https://git.example.com/"
URL = f"{HOST}owner/bot.git"
MISSING_COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Repository:
    """A repository that git finds under an https address."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "repositories/owner/bot.git"
        self.config = home / ".gitconfig"
        self.folder.mkdir(parents=True)
        self.config.write_text(
            f'[url "file://{home}/repositories/"]\n\tinsteadOf = {HOST}\n'
            "[uploadpack]\n\tallowAnySHA1InWant = true\n"
        )
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str) -> str:
        author = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "tag.gpgsign=false")
        done = subprocess.run(
            ["git", *author, *words], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            path = self.folder / name.replace("__", "/").replace("_txt", ".txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")
        return self.git("rev-parse", "HEAD")

    @property
    def run(self) -> Run:
        own = {**OFFLINE, "GIT_CONFIG_GLOBAL": str(self.config)}

        def with_settings(
            arguments: Sequence[str], folder: Path | None, limit: float, more: Mapping[str, str]
        ) -> Ran:
            return run(arguments, folder, limit, {**more, **own})

        return with_settings


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def pinned(repository: Repository, ref: str, origin: str = "bot.source") -> Pinned:
    found = pin(f"{URL}@{ref}", origin, repository.run)
    assert found
    return found


def test_a_branch_becomes_the_commit_that_it_is_at(repository: Repository) -> None:
    first = repository.commit()
    assert pinned(repository, "main").source == f"{URL}@{first}"
    second = repository.commit()
    found = pinned(repository, "main", "--parameter AppSource")
    assert found.source == f"{URL}@{second}"
    assert found.said == (
        f"--parameter AppSource: branch main of {URL} is commit {second}, which the host gets"
    )
    assert pinned(repository, "refs/heads/main").source == found.source
    assert pinned(repository, "HEAD").source == found.source


def test_an_annotated_tag_is_peeled_and_a_light_one_is_as_it_is(repository: Repository) -> None:
    commit = repository.commit()
    repository.git("tag", "light")
    repository.git("tag", "--annotate", "--message", "x", "v1.2")
    assert repository.git("rev-parse", "v1.2") != commit
    for ref in ("v1.2", "light"):
        found = pinned(repository, ref)
        assert found.source == f"{URL}@{commit}"
        assert f"tag {ref} of" in found.said


def test_of_a_tag_and_a_branch_of_one_name_the_tag_counts_as_in_git(repository: Repository) -> None:
    tagged = repository.commit()
    repository.git("tag", "stable")
    repository.git("switch", "--quiet", "--create", "stable")
    assert repository.commit() != tagged
    found = pinned(repository, "stable")
    assert found.source == f"{URL}@{tagged}"
    assert "there is a branch of that name, too: git takes the tag" in found.said


def test_a_branch_with_slashes_and_a_git_plus_address(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create", "feature/v2.0+x")
    commit = repository.commit()
    found = pin(f"git+{URL}@feature/v2.0+x", "bot.source", repository.run)
    assert found
    assert found.source == f"git+{URL}@{commit}"


def test_a_full_commit_and_a_folder_are_left_alone() -> None:
    def nobody(*_: Any) -> Ran:
        raise AssertionError("git was called")

    for source in (f"{URL}@{MISSING_COMMIT}", f"{URL}@{'A' * 64}", "./bot", "", "https://h/x"):
        assert pin(source, "bot.source", nobody) is None


def test_a_ref_that_is_not_there_is_refused_with_those_that_are_like_it(
    repository: Repository,
) -> None:
    repository.commit()
    for tag in ("v1.1", "v1.2", "other"):
        repository.git("tag", tag)
    with pytest.raises(ConfigError, match=r"has no branch or tag v1\.3") as caught:
        pinned(repository, "v1.3")
    assert "v1.1" in caught.value.hint
    assert "v1.2" in caught.value.hint
    with pytest.raises(ConfigError) as caught:
        pinned(repository, "zzzzzzzz")
    assert caught.value.hint == "it has HEAD, main, other, v1.1, v1.2"


def test_a_short_commit_is_asked_for_in_full(repository: Repository) -> None:
    commit = repository.commit()
    with pytest.raises(ConfigError) as caught:
        pinned(repository, commit[:10])
    assert "all of its 40 digits" in caught.value.hint
    # A branch may be called like one.
    repository.git("branch", commit[:10])
    assert pinned(repository, commit[:10]).source == f"{URL}@{commit}"


def test_an_empty_repository_has_nothing_to_pin(repository: Repository) -> None:
    with pytest.raises(ConfigError) as caught:
        pinned(repository, "main")
    assert "push something first" in caught.value.hint


def test_a_repository_that_cannot_be_read_is_refused(repository: Repository) -> None:
    with pytest.raises(Refused, match="the commit of main cannot be looked up") as caught:
        pin(f"{HOST}owner/none.git@main", "bot.source", repository.run)
    assert "must be public" in caught.value.hint
    assert "give the full commit in place of main" in caught.value.hint


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (Ran(MISSING, "", "git is not installed"), "git is not installed"),
        (Ran(TOO_LONG, "", "no answer within 30 s"), "no answer within 30 s"),
        (
            Ran(128, "", "fatal: unable to access 'https://me:canary@h/x': no\n"),
            r"https://\*\*\*\*@h",
        ),
        (Ran(128, "", ""), "it ended with 128"),
    ],
)
def test_git_that_fails_is_told_without_a_password(done: Ran, said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        pin(f"{URL}@main", "bot.source", lambda *_: done)
    assert "canary" not in str(caught.value)


def test_git_asks_nobody_and_uses_no_keychain() -> None:
    seen: dict[str, str] = {}
    words: list[str] = []

    def watch(arguments: Sequence[str], _: Any, limit: float, more: Mapping[str, str]) -> Ran:
        words.extend(arguments)
        seen.update(more)
        assert 0 < limit <= 60
        return Ran(0, f"{MISSING_COMMIT}\trefs/heads/main\n", "")

    assert pin(f"{URL}@main", "bot.source", watch)
    assert seen["GIT_TERMINAL_PROMPT"] == "0"
    assert seen["GIT_ASKPASS"] == ""
    assert words[:3] == ["git", "-c", "credential.helper="]


REF = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,30}", fullmatch=True)


@given(REF)
def test_an_address_and_its_ref_are_what_they_were(ref: str) -> None:
    assert is_git(f"{URL}@{ref}")
    assert split_source(f"git+{URL}@{ref}") == (URL, ref)
    assert can_move(f"{URL}@{ref}")
    assert not can_move(f"{URL}@{MISSING_COMMIT}")


# A program that runs


def test_programs_that_are_not_there_or_take_too_long(tmp_path: Path) -> None:
    gone = run(["no-such-program"], tmp_path, 5, {})
    assert (gone.code, gone.last_words) == (MISSING, "no-such-program is not installed")
    slow = run(["sleep", "20"], tmp_path, 0.05, {})
    assert slow.code == TOO_LONG
    shown = run(["sh", "-c", "echo $X; pwd; echo a >&2; echo b >&2"], tmp_path, 5, {"X": "x"})
    assert shown.out == f"x\n{tmp_path}\n"
    assert shown.last_words == "b"


# As a process

CONFIG = f"""
[stack]
name = "pinned"
[bot]
source = "{URL}@main"
requirements = ""
"""


OWN = f"""
Parameters:
  AppSource:
    Type: String
    Default: {URL}@main
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {{DisplayName: !Ref AppSource}}
"""


@pytest.fixture
def home_repository(environment: dict[str, str]) -> Repository:
    """A repository that the program's git finds by the settings in its home."""
    return Repository(Path(environment["HOME"]))


def test_the_templates_parameter_holds_a_commit_whatever_was_typed(
    cfgen: Program,
    folder: Path,
    home_repository: Repository,
) -> None:
    (folder / "cfgen.toml").write_text('[stack]\nname = "pinned"\n')
    (folder / "own.yaml").write_text(OWN)
    first = home_repository.commit()

    with FakeCloudFormation() as aws:
        aws.steps_per_poll = 20

        def run_it(*words: str) -> str:
            result = cfgen(*words, "own.yaml", "--no-lint", extra=aws.environment)
            assert result.returncode == 0, result.stderr
            return result.stderr + result.stdout

        def deployed() -> str:
            stack = aws.stack("pinned")
            assert stack
            return stack.parameters["AppSource"]

        said = run_it("deploy", "--yes")
        assert f"the default of AppSource: branch main of {URL} is commit {first}" in said
        assert deployed() == f"{URL}@{first}"
        assert "nothing to change" in run_it("deploy", "--yes")
        second = home_repository.commit()
        change = f"AppSource: '{URL}@{first}' -> '{URL}@{second}'"
        assert change in run_it("diff")
        assert deployed() == f"{URL}@{first}"
        home_repository.git("tag", "--annotate", "--message", "x", "v1")
        typed = run_it("deploy", "--yes", "--parameter", f"AppSource={URL}@v1")
        assert f"--parameter AppSource: tag v1 of {URL} is commit {second}" in typed
        assert change in typed
        assert deployed() == f"{URL}@{second}"


def test_what_the_configuration_names_is_pinned_as_well(
    cfgen: Program, folder: Path, home_repository: Repository, memory_aws: dict[str, str]
) -> None:
    (folder / "cfgen.toml").write_text(CONFIG.replace("pinned", "built"))
    commit = home_repository.commit()
    built = cfgen("build", "--no-lint", "--prices", "offline")
    assert "bot.source: main is a branch or tag, which can move" in built.stderr
    result = cfgen("diff", "--no-lint", "--prices", "offline", extra=memory_aws)
    assert result.returncode == 0, result.stderr
    assert f"bot.source: branch main of {URL} is commit {commit}" in result.stderr


def test_what_cannot_be_pinned_stops_the_deploy_before_aws_is_asked(
    cfgen: Program, folder: Path, home_repository: Repository
) -> None:
    home_repository.commit()
    for ref, code, said in (
        ("mian", 2, "next: it has main"),
        ("main", 5, "cannot be looked up"),
    ):
        if code == 5:
            home_repository.config.unlink()
        (folder / "cfgen.toml").write_text(CONFIG.replace("@main", f"@{ref}"))
        result = cfgen("deploy", "--yes", "--no-lint", "--prices", "offline")
        assert result.returncode == code, result.stderr
        assert said in result.stderr
        assert "account" not in result.stderr


def test_a_rehearsal_and_a_build_need_no_network(cfgen: Program, folder: Path) -> None:
    (folder / "cfgen.toml").write_text(CONFIG)
    rehearsed = cfgen("deploy", "--rehearse", "--no-lint", "--prices", "offline", "--json")
    assert rehearsed.returncode == 0, rehearsed.stderr
    said = [json.loads(line) for line in rehearsed.stdout.splitlines()]
    assert any("a deploy pins its commit" in str(one) for one in said)
    (folder / "cfgen.toml").write_text(CONFIG.replace("@main", f"@{MISSING_COMMIT}"))
    for words in (["deploy", "--rehearse"], ["build"]):
        result = cfgen(*words, "--no-lint", "--prices", "offline")
        assert result.returncode == 0, result.stderr
        assert "pins its commit" not in result.stderr
