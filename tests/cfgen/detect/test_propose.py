"""What is proposed for a folder whose files are given."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgen.config.load import Override, make_config
from cfgen.detect.folder import Folder
from cfgen.detect.propose import Draft, Wishes, propose
from cfgen.detect.survey import survey
from tests.cfgen.detect.bots import AMERICAN, BOTS, DAILY, HOME_KEYS, TWO

MODE = "import os; os.environ['ENV_MODE']\n"
MAIN = "if __name__ == '__main__': pass\n"


def folder(files: dict[str, str], **facts: Any) -> Folder:
    ignored = facts.get("ignored", ())
    names = tuple(name for name in files if not name.startswith(tuple(ignored)))
    return Folder(names, {name: text.encode() for name, text in files.items()}, **facts)


def draft(files: dict[str, str], wishes: Wishes = Wishes(), **facts: Any) -> Draft:
    return propose(survey(folder(files, **facts)), wishes, ".")


def values(found: Draft) -> dict[str, Any]:
    return {one.key: one.value for one in found.proposals}


def seen(files: dict[str, str], **facts: Any) -> dict[str, Any]:
    return values(draft(files, **facts))


def origin(found: Draft, key: str) -> str:
    [text] = [one.origin for one in found.proposals if one.key == key]
    return text


def notes(files: dict[str, str], **facts: Any) -> str:
    return "\n".join(f"{one.key}: {one.text}" for one in draft(files, **facts).notes)


def test_a_daily_bot_with_an_ignored_library() -> None:
    found = draft(DAILY, ignored=("lib/",), remote="https://h/o/r.git", commit="abc")
    assert values(found) == {
        "bot.source": ".",
        "bot.jobs": [
            {
                "name": "bot",
                "entrypoint": "apps/daily_breakout_app.py",
                "arguments": ["--symbol", "069500"],
                "at": ["09:05", "15:20"],
            }
        ],
        "bot.requirements": "requirements.txt",
        "bot.key_file": "config/kis_devlp.yaml",
        "bot.include": ["lib/"],
        "dashboard.entrypoint": "apps/flask_app.py",
        "dashboard.port": 5002,
    }
    assert found.notes == ()
    assert "https://h/o/r.git@abc" in origin(found, "bot.source")
    assert "config/strategy.yaml: exit_time: 15:20" in origin(found, "bot.jobs")
    assert origin(found, "bot.jobs").startswith("apps/daily_breakout_app.py, which has if __name__")


def test_a_bot_that_keeps_its_keys_in_the_home_folder() -> None:
    assert seen(HOME_KEYS) == {
        "bot.source": ".",
        "bot.entrypoint": "trade.py",
        "bot.arguments": [],
        "bot.requirements": "requirements.txt",
        "bot.python": "3.13",
        "bot.key_file": "~/KIS/config/kis_devlp.yaml",
        "bot.writable": ["~/KIS/config"],
        "dashboard.enabled": False,
    }


def test_a_bot_for_american_stocks_that_loops() -> None:
    found = draft(AMERICAN)
    chosen = values(found)
    assert chosen["bot.kind"] == "service"
    assert chosen["market.calendar"] == "XNYS"
    assert chosen["market.session"] == "09:30-16:00"
    assert (chosen["bot.timezone"], chosen["bot.run_at"]) == ("America/New_York", "09:30")
    assert {"calendar", "zone"} <= found.doubts
    seoul = values(draft(AMERICAN, Wishes(zone="Asia/Seoul", hours="market")))
    # Open at 22:30 in summer, at 23:30 in winter.
    assert (seoul["bot.timezone"], seoul["bot.run_at"]) == ("Asia/Seoul", "23:30")
    assert seoul["workload.window"] == "22:00-06:30"
    korean = values(draft(AMERICAN, Wishes(calendar="XKRX")))
    assert not {"market.calendar", "bot.timezone"} & set(korean)


def test_times_of_a_night_in_seoul_say_the_time_zone() -> None:
    files = {"bot.py": MODE + "EXCHANGE = 'NYSE'\n" + MAIN, "config.yaml": "run_at: '23:40'\n"}
    assert seen(files)["bot.timezone"] == "Asia/Seoul"
    assert seen(files)["bot.run_at"] == "23:40"


def test_two_strategies_are_two_jobs_each_with_its_own_times() -> None:
    jobs = seen(TWO)["bot.jobs"]
    assert [(job["name"], job["at"]) for job in jobs] == [
        ("breakout", ["09:10"]),
        ("mean-reversion", ["10:00", "14:30"]),
    ]


@pytest.mark.parametrize("name", BOTS)
def test_every_proposal_can_stand_in_the_file(name: str) -> None:
    given = (Override(one.key, one.value, one.key) for one in draft(BOTS[name]).proposals)
    make_config({}, "test", tuple(given))


def test_a_crypto_bot_runs_always() -> None:
    chosen = seen({"autoTrade.py": "import pyupbit, time\nwhile True: time.sleep(1)\n"})
    assert chosen["market.calendar"] == "always"
    assert chosen["bot.days"] == "Mon..Sun"
    assert chosen["bot.kind"] == "service"


def test_a_library_of_the_broker_does_not_make_a_bot_american() -> None:
    library = "EXCHANGES = ['NASD', 'NYSE']\n"
    files = {"bot.py": MODE + "import kis_auth\n" + MAIN, "lib/kis_auth.py": library}
    assert "market.calendar" not in seen(files)


def test_the_likeliest_program_is_proposed_and_the_others_named() -> None:
    files = {
        "collect_data.py": MAIN,
        "main.py": "from broker.kis import order\n" + MODE + MAIN,
        "broker/kis.py": "def order(): pass\n" + MAIN,
        "scripts/report.py": MAIN,
        "examples/bot.py": MAIN,
    }
    found = draft(files)
    assert values(found)["bot.entrypoint"] == "main.py"
    said = origin(found, "bot.entrypoint")
    assert "[[bot.jobs]]" in said
    assert "examples" not in said


def test_a_bot_that_serves_its_page_itself_is_the_bot() -> None:
    text = "import ccxt\nfrom flask import Flask\napp = Flask('x')\napp.run()\n" + MAIN
    chosen = seen({"main.py": text})
    assert chosen["bot.entrypoint"] == "main.py"
    assert chosen["dashboard.enabled"] is False


def test_what_the_host_passes_and_the_program_does_not_know_is_told() -> None:
    parses = "import argparse\np = argparse.ArgumentParser()\n{}p.parse_args()\n" + MAIN
    assert seen({"bot.py": parses.format("")})["bot.mode_argument"] == ""
    other = "p.add_argument('--mode', choices=['paper', 'live'])\n"
    assert "takes --mode paper or live" in notes({"bot.py": parses.format(other)})
    knows = "p.add_argument('--mode')\n"
    assert "--mode" not in notes({"bot.py": parses.format(knows)})
    click = "import click\n@click.command()\n@click.option('--mode', required=True)\n"
    assert "--mode" not in notes({"bot.py": click + "def main(mode): pass\n" + MAIN})
    typer = "import typer\napp = typer.Typer()\n"
    assert "see that it takes --mode" in notes({"bot.py": typer + MAIN})
    assert "up to its own settings" in notes({"bot.py": MAIN})
    assert "mode" not in notes({"bot.py": MODE + MAIN})


def test_needed_arguments_are_given_only_where_the_value_is_plain() -> None:
    text = (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--mode')\n"
        "p.add_argument('--account', required=True)\n"
        "p.add_argument('--env', required=True, choices=['real', 'vps'])\n"
        "p.add_argument('--money', required=True, choices=['real', 'live'])\n"
        "p.add_argument('--size', default=3)\np.parse_args()\n" + MAIN
    )
    assert seen({"bot.py": text})["bot.arguments"] == ["--env", "vps"]
    said = notes({"bot.py": text})
    assert "needs --account" in said
    assert "needs --money" in said
    assert "--size" not in said


def test_packages_in_pyproject_only_are_told() -> None:
    project = '[project]\nname = "b"\nrequires-python = ">=3.13"\ndependencies = ["requests"]\n'
    files = {"bot.py": MODE + MAIN, "pyproject.toml": project}
    assert seen(files)["bot.requirements"] == ""
    assert seen(files)["bot.python"] == "3.13"
    assert "pyproject.toml lists 1 packages" in notes(files)
    poetry = '[tool.poetry.dependencies]\npython = "^3.10"\nrequests = "*"\n'
    assert seen(files | {"pyproject.toml": poetry})["bot.python"] == "3.12"
    assert "imports requests" in notes({"bot.py": MODE + "import requests\n" + MAIN})


@pytest.mark.parametrize(
    ("text", "python"),
    [("3.10\n", "3.11"), ("3.11.7\n", "3.11"), ("3.14", "3.13"), ("cpython-3.12", "3.12")],
)
def test_the_nearest_python_is_proposed(text: str, python: str) -> None:
    assert seen({"bot.py": MAIN, ".python-version": text})["bot.python"] == python


def test_what_git_does_not_track_is_told() -> None:
    files = {"bot.py": MODE + "import settings\n" + MAIN, "settings.py": "X = 1\n"}
    said = notes(files, tracked=frozenset({"other.py"}), ignored=("settings.py",))
    assert "git does not track bot.py" in said
    assert "git ignores settings.py" in said


def test_times_outside_the_session_are_told_and_not_proposed() -> None:
    files = {"bot.py": MODE + MAIN, "config.yaml": "run_at: ['10:00']\nreport: {run_at: '18:00'}\n"}
    assert seen(files)["bot.run_at"] == "10:00"
    assert "18:00 is outside the session" in notes(files)


@pytest.mark.parametrize(
    "content",
    [b"a: [", b"\xff\xfe", b"a: &a [*a]\nrun_at: 09:10", b"[" * 5000, b"x: 25:99"],
    ids=["broken", "no text", "a circle", "deep", "no time"],
)
def test_settings_that_cannot_be_read_are_passed_over(content: bytes) -> None:
    files = {"bot.py": (MODE + MAIN).encode(), "config.yaml": content}
    found = propose(survey(Folder(tuple(files), files)), Wishes(), ".")
    assert values(found).get("bot.run_at", "09:10") == "09:10"


@pytest.mark.parametrize(
    "content",
    [b"def", b"\x00", b"(" * 3000, "x = '한글'".encode("cp949"), b"x = x + x + y\nopen(x, 'w')"],
    ids=["broken", "zero byte", "deep", "another encoding", "a circle of names"],
)
def test_programs_that_cannot_be_read_are_passed_over(content: bytes) -> None:
    files = {"main.py": (MODE + MAIN).encode(), "other.py": content + b"\n# __main__"}
    found = propose(survey(Folder(tuple(files), files)), Wishes(), ".")
    assert values(found)["bot.entrypoint"] == "main.py"


@given(st.text() | st.binary())
def test_any_text_is_a_program_or_none(text: str | bytes) -> None:
    content = text if isinstance(text, bytes) else text.encode(errors="replace")
    files = {"apps/main.py": content, "config.yaml": content, "pyproject.toml": content}
    propose(survey(Folder(tuple(files), files)), Wishes(), ".")


@pytest.mark.parametrize(
    ("imports", "told"),
    [("import kisbot.trader", True), ("from . import trader", True), ("import trader", False)],
)
def test_a_package_below_src_needs_src_on_the_path(imports: str, told: bool) -> None:
    files = {"src/kisbot/main.py": f"{imports}\n{MODE}{MAIN}", "src/kisbot/trader.py": ""}
    assert ("add src to sys.path" in notes(files)) is told


def test_a_program_in_apps_that_cannot_be_read_is_told() -> None:
    assert "apps/bot.py is not read: line 1" in notes({"apps/bot.py": "def\n"})


def test_names_that_the_file_cannot_hold_are_told() -> None:
    assert "rename it" in notes({"봇 main.py": MODE + MAIN})


def test_an_empty_folder_proposes_nothing() -> None:
    assert draft({"README.md": "# x"}).proposals == ()
    without = draft({"library.py": "x = 1\n"})
    assert re.search("no program was seen", without.notes[0].text)


def test_answers_stand_above_what_is_seen() -> None:
    wishes = Wishes(
        ("apps/flask_app.py",), ("--a b",), ("10:00",), "", "XNYS", "America/New_York", ("x/",)
    )
    chosen = values(draft(DAILY, wishes))
    assert chosen["bot.entrypoint"] == "apps/flask_app.py"
    assert chosen["bot.arguments"] == ["--a b"]
    assert chosen["bot.run_at"] == "10:00"
    assert chosen["dashboard.enabled"] is False
    assert chosen["market.calendar"] == "XNYS"
    assert chosen["bot.include"] == ["x/"]
