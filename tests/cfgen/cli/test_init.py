"""``cfgen init`` in a bot's folder: from the files to a rehearsed deploy."""

import signal
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cfgen.detect.bots import AMERICAN, DAILY
from tests.conftest import Run, Terminal
from tests.samples import NAMES, working_folder

OFFLINE = ("--prices", "offline")


def place(folder: Path, files: dict[str, str]) -> None:
    """The files, in git as their .gitignore says."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for arguments in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "x")):
        subprocess.run(["git", "-C", folder, *identity, *arguments], check=True)


def written(folder: Path, name: str = "cfgen.toml") -> dict[str, Any]:
    raw = tomllib.loads((folder / name).read_text())
    return {section: keys for section, keys in raw.items() if keys}


@pytest.mark.parametrize("name", NAMES)
def test_from_a_clone_to_a_rehearsed_deploy(cfgen: Run, folder: Path, name: str) -> None:
    """The sample bots, without what their owners wrote for cfgen."""
    working_folder(name, folder)
    (folder / "cfgen.toml").unlink()
    lines = (
        ("init", "--non-interactive"),
        ("build", *OFFLINE, "-o", "template.yaml"),
        ("lint", "template.yaml"),
        ("deploy", "--rehearse", "--yes", "--no-lint", "--no-cache", *OFFLINE),
    )
    for line in lines:
        result = cfgen(*line)
        assert result.returncode == 0, result.stderr
    assert result.stderr.count("/apps/") == 1
    assert written(folder)["bot"]["source"] == "."


def test_what_is_written_says_where_it_is_from(cfgen: Run, folder: Path) -> None:
    place(folder, DAILY)
    result = cfgen("init", "--non-interactive")
    text = (folder / "cfgen.toml").read_text()
    for key, value in (
        ("from: requirements.txt", 'requirements = "requirements.txt"'),
        ("from: lib/kis/kis_auth.py, which reads it there", 'key_file = "config/kis_devlp.yaml"'),
        ("from: git ignores it, and the bot imports it", 'include = ["lib/"]'),
        ("from: apps/flask_app.py", "port = 5002"),
        (
            "from: apps/daily_breakout_app.py, which has if __name__; config/strategy.yaml: "
            "entry_start: 09:05;\n#   config/strategy.yaml: exit_time: 15:20",
            "\n[[bot.jobs]]",
        ),
    ):
        assert f"# {key}\n{value.lstrip()}" in text
    assert 'bot.key_file = "config/kis_devlp.yaml", from lib/kis/kis_auth.py' in result.stderr
    assert "bot.jobs = bot at 09:05, 15:20, from apps/daily_breakout_app.py" in result.stderr


def test_enter_takes_every_default(
    terminal: Callable[..., Terminal], cfgen: Run, folder: Path
) -> None:
    place(folder, DAILY)
    assert cfgen("init", "--non-interactive").returncode == 0
    proposed = (folder / "cfgen.toml").read_text()
    person = terminal("init", "--force")
    for question in (
        "Name of the stack [trading-bot]",
        "or a local folder [.]",
        "The bot's program (several: a comma between) [apps/daily_breakout_app.py]",
        "Its arguments [--symbol 069500]",
        "Times it is started (several: a comma between) [09:05, 15:20]",
        "The dashboard's program, or none [apps/flask_app.py]",
        "to pack; or none [lib/]",
        "Account: demo or real [demo]",
        "E-mail address for alarms []",
        "Host's hours: always, or market [always]",
    ):
        person.wait_for(question)
        person.type("\n")
    assert person.end() == 0
    assert (folder / "cfgen.toml").read_text() == proposed
    result = cfgen("deploy", "--rehearse", "--yes", "--no-lint", "--no-cache", *OFFLINE)
    assert result.returncode == 0, result.stderr


def test_other_answers_are_checked_and_written(
    terminal: Callable[..., Terminal], folder: Path
) -> None:
    place(folder, DAILY)
    person = terminal("init")
    for question, answer in (
        ("Name of the stack", ""),
        ("local folder [.]", "./nowhere"),
        ("./nowhere is not a folder", ""),
        ("program (several", "apps/other.py"),
        ("apps/other.py is not in the bot's folder", "setup.py"),
        # Another program, other defaults.
        ("Times it is started (several: a comma between) [09:05, 15:20]", "9 o'clock"),
        ("is not a time such as 09:00", "10:00"),
        ("dashboard's program", "none"),
        ("Account", ""),
        ("E-mail", ""),
        ("hours", ""),
    ):
        person.wait_for(question)
        person.type(f"{answer}\n")
    assert person.end() == 0
    found = written(folder)
    assert found["bot"]["entrypoint"] == "setup.py"
    assert found["bot"]["run_at"] == "10:00"
    assert "jobs" not in found["bot"]
    assert found["dashboard"] == {"enabled": False}


def test_a_time_zone_is_asked_about(terminal: Callable[..., Terminal], folder: Path) -> None:
    place(folder, AMERICAN)
    person = terminal("init", "--source", "https://git.example.com/bot.git@v1", "--mode", "demo")
    for question in (
        "Name of the stack",
        "program (several",
        "always [XNYS]",
        "Time zone of the times and the host [America/New_York]",
        "E-mail",
        "hours",
    ):
        person.wait_for(question)
        person.type("\n")
    assert person.end() == 0
    found = written(folder)
    assert found["bot"]["timezone"] == "America/New_York"
    assert found["bot"]["source"] == "https://git.example.com/bot.git@v1"
    assert found["market"] == {"calendar": "XNYS", "session": "09:30-16:00"}


def test_an_interrupted_question_writes_nothing(
    terminal: Callable[..., Terminal], folder: Path
) -> None:
    place(folder, DAILY)
    person = terminal("init")
    person.wait_for("Name of the stack")
    person.type("\n")
    person.wait_for("local folder")
    person.process.send_signal(signal.SIGINT)
    person.type("\n")
    assert person.end() == 130
    assert not (folder / "cfgen.toml").exists()


def test_flags_stand_above_what_is_seen(cfgen: Run, folder: Path) -> None:
    place(folder, DAILY)
    result = cfgen(
        *("init", "--non-interactive", "--entrypoint", "setup.py", "--requirements", ""),
        *("--no-dashboard", "--name", "mine"),
    )
    assert result.returncode == 0, result.stderr
    found = written(folder)
    assert found["stack"] == {"name": "mine"}
    [job] = found["bot"]["jobs"]
    assert job["entrypoint"] == "setup.py"
    assert found["bot"]["requirements"] == ""
    assert found["dashboard"] == {"enabled": False}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--email", "me"), "--email: 'me' is not an e-mail address"),
        (("--name", "my bot"), "--name: 'my bot' is not"),
        (("--region", "seoul"), "--region: 'seoul' is not an AWS region"),
        (("--source", "https://me:pw@h.example/o/r.git@v1"), "--source: carries a user"),
        (("--source", "./nowhere"), "./nowhere is not a folder"),
        (("--entrypoint", "nowhere.py"), "nowhere.py is not in the bot's folder"),
        (("--requirements", "../r.txt"), "--requirements: '../r.txt' is not a path"),
    ],
)
def test_a_wrong_flag_is_told_before_any_question(
    terminal: Callable[..., Terminal], folder: Path, flags: tuple[str, ...], words: str
) -> None:
    place(folder, DAILY)
    person = terminal("init", *flags)
    assert person.end() == 2
    assert words in person.read
    assert "Name of the stack" not in person.read
    assert person.read.count("error: ") == 1
    assert not (folder / "cfgen.toml").exists()


def test_a_second_configuration_has_a_stack_of_its_own(cfgen: Run, folder: Path) -> None:
    place(folder, DAILY)
    assert cfgen("--config", "real.toml", "init", "--non-interactive").returncode == 0
    assert written(folder, "real.toml")["stack"] == {"name": "trading-bot-real"}
    (folder / "conf").mkdir()
    result = cfgen("--config", "conf/demo_1.toml", "init", "--non-interactive")
    assert "next: cfgen recommend --config conf/demo_1.toml" in result.stderr
    found = written(folder, "conf/demo_1.toml")
    assert found["stack"] == {"name": "trading-bot-demo-1"}
    assert found["bot"]["source"] == ".."


def test_a_bot_in_a_folder_below(cfgen: Run, folder: Path) -> None:
    (folder / "bot").mkdir()
    place(folder / "bot", DAILY)
    assert cfgen("init", "--non-interactive", "--source", "./bot").returncode == 0
    assert written(folder)["bot"]["source"] == "./bot"
    assert written(folder)["bot"]["include"] == ["lib/"]


def test_flags_where_no_program_is(cfgen: Run, folder: Path) -> None:
    flags = ("--non-interactive", "--entrypoint", "bot.py", "--no-dashboard")
    assert cfgen("init", *flags).returncode == 0
    assert written(folder) == {"bot": {"entrypoint": "bot.py"}, "dashboard": {"enabled": False}}
    several = cfgen("init", "--force", *flags, "--entrypoint", "other.py")
    assert several.returncode == 2
    assert "several need the bot's folder" in several.stderr


def test_programs_are_never_run(cfgen: Run, folder: Path) -> None:
    place(folder, {"main.py": "open('ran', 'w')\nif __name__ == '__main__': pass\n"})
    assert cfgen("init", "--non-interactive").returncode == 0
    assert not (folder / "ran").exists()


def test_odd_names_do_not_break_the_file(cfgen: Run, folder: Path) -> None:
    place(folder, {"apps/main.py": "", "apps/a\nb 봇.py": "if __name__ == '__main__': pass\n"})
    result = cfgen("init", "--non-interactive")
    assert result.returncode == 0, result.stderr
    assert written(folder)["bot"]["entrypoint"] == "apps/main.py"


def test_market_hours_of_a_korean_bot_are_the_usual_ones(cfgen: Run, folder: Path) -> None:
    place(folder, DAILY)
    result = cfgen("init", "--non-interactive", "--hours", "market")
    assert result.returncode == 0, result.stderr
    assert written(folder)["workload"] == {"hours": "market"}
