"""Packing a local app folder."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgen.deploy.bundle import LIMIT, Bundle, pack
from cfgen.errors import ConfigError, Refused
from tests.conftest import Run

APP_KEY = "PS" + "a1B2" * 8 + "cd"
APP_SECRET = "aB3/" * 44 + "xy=="


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def git(folder: Path, *arguments: str) -> None:
    author = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", "-C", str(folder), *author, *arguments], check=True, capture_output=True)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write(tmp_path / "bot", **{"bot.py": "print()", "lib__a.py": "", "run.sh": "#!/bin/sh"})


def content(bundle: Bundle) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(bundle.data)) as archive:
        members = {one.name: archive.extractfile(one) for one in archive.getmembers()}
        return {name: file.read() for name, file in members.items() if file}


def test_what_git_tracks_and_nothing_else(app: Path) -> None:
    git(app, "init", "-q")
    git(app, "add", ".")
    git(app, "commit", "-qm", "one")
    write(app, **{"scratch.txt": "untracked", ".env": f"KIS_APP_KEY={APP_KEY}"})
    # The work tree counts, not the last commit.
    write(app, **{"bot.py": "print(2)"})
    (app / "lib/a.py").unlink()
    assert content(pack(app, ("bot.py",))) == {"bot.py": b"print(2)", "run.sh": b"#!/bin/sh"}


def test_a_folder_that_git_does_not_know(app: Path) -> None:
    write(app, **{".venv__lib.py": "", "__pycache____x.pyc": "", "node_modules__x.js": ""})
    (app / "__pycache__").mkdir()
    (app / "__pycache__/x.pyc").touch()
    assert set(content(pack(app, ()))) == {"bot.py", "lib/a.py", "run.sh"}


def test_the_same_files_give_the_same_key_whoever_packs_them(app: Path, tmp_path: Path) -> None:
    (app / "run.sh").chmod(0o700)
    first = pack(app, ())
    other = write(
        tmp_path / "copy", **{"run.sh": "#!/bin/sh", "lib__a.py": "", "bot.py": "print()"}
    )
    (other / "run.sh").chmod(0o755)
    os.utime(other / "bot.py", (1, 1))
    assert pack(other, ()) == first
    assert first.key == pack(app, ()).key
    assert first.files == 3
    (other / "bot.py").write_text("print(2)")
    assert pack(other, ()).key != first.key


@pytest.mark.parametrize(
    "name",
    [".env", ".env.local", "prod.env", "config/kis_devlp.yaml", "key.pem", "my.key", "id_rsa",
     "certs/a.p12", "data/access_token.json", "KIS/config/KIS20261124"],
)  # fmt: skip
def test_a_file_of_keys_is_refused_by_its_name(app: Path, name: str) -> None:
    write(app, **{name.replace("/", "__"): "harmless"})
    with pytest.raises(Refused, match=f"{name} looks like a file of keys") as caught:
        pack(app, ())
    assert "cfgen secret set" in caught.value.hint


@pytest.mark.parametrize("name", [".env.example", "kis_devlp.yaml.sample", "tokens.py", "keys.py"])
def test_an_example_is_no_key(app: Path, name: str) -> None:
    write(app, **{name: "KIS_APP_KEY=your-key"})
    assert name in content(pack(app, ()))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"KEY = '{APP_KEY}'", "a broker's app key"),
        (f'secret: "{APP_SECRET}"', "a broker's app secret"),
        ("aws = AKIAIOSFODNN7EXAMPLE", "an AWS access key"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("-----BEGIN PRIVATE KEY-----", "a private key"),
    ],
)
def test_a_key_within_a_file_is_refused_and_not_shown(app: Path, text: str, what: str) -> None:
    write(app, **{"settings.py": text})
    with pytest.raises(Refused, match=rf"settings\.py looks as if it holds {what}") as caught:
        pack(app, ())
    assert text.split()[-1].strip("'\"") not in str(caught.value) + caught.value.hint


@given(st.text("PSabcXYZ019+/=", max_size=35))
def test_short_words_are_no_keys(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = write(tmp_path_factory.mktemp("bot"), **{"a.py": text})
    assert pack(folder, ()).files == 1


def test_a_link_out_of_the_folder_is_refused(app: Path, tmp_path: Path) -> None:
    write(tmp_path, **{"elsewhere.txt": "x"})
    (app / "link").symlink_to(tmp_path / "elsewhere.txt")
    with pytest.raises(Refused, match="link leads out of the folder"):
        pack(app, ())


def test_what_the_bot_needs_must_be_there(app: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not hold apps/bot\.py"):
        pack(app, ("apps/bot.py",))
    with pytest.raises(ConfigError, match="is not a folder"):
        pack(app / "none", ())
    with pytest.raises(ConfigError, match="is not a folder"):
        pack(app / "bot.py", ())


def test_a_folder_that_is_too_large(app: Path) -> None:
    with (app / "data.bin").open("wb") as file:
        file.truncate(LIMIT + 1)
    with pytest.raises(ConfigError, match="more than 200 MB"):
        pack(app, ())


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
        result = cfgen("deploy", "--yes", "--no-lint", "--prices", "offline", extra=memory_aws)
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
    assert "bot/bot.py looks as if it holds a broker's app key" in result.stderr
    assert APP_KEY not in result.stderr + result.stdout


def test_a_rehearsal_packs_as_well(cfgen: Run, folder: Path) -> None:
    write(folder, **{"cfgen.toml": CONFIG, "bot__bot.py": "print(1)"})
    result = cfgen("deploy", "--rehearse", "--yes", "--no-lint", "--prices", "offline")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("uploaded s3://") == 1
