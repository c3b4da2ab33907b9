"""The table of exchanges against the library that knows when they are closed."""

import subprocess
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from holidays import financial_holidays
from holidays.registry import FINANCIAL

from cfgen.config.exchanges import SESSIONS, ZONES, calendar_problem, is_code, weekend
from cfgen.config.sessions import parse_sessions

NOT_OF_THE_FORM = {"BVMF", "IFEU", "ENX"}
"""Codes of exchanges that do not begin with X."""


def test_every_exchange_that_the_library_knows_has_its_time_zone() -> None:
    known = {code for _, *codes in FINANCIAL.values() for code in codes}
    assert set(ZONES) == {code for code in known if is_code(code)} | NOT_OF_THE_FORM
    assert known >= NOT_OF_THE_FORM


@pytest.mark.parametrize("code", ZONES)
def test_weekends_are_those_of_the_library(code: str) -> None:
    assert weekend(code) == financial_holidays(code).weekend
    datetime.now(ZoneInfo(ZONES[code]))


def test_weekdays_and_always_have_no_exchange() -> None:
    assert weekend("weekdays") == {5, 6}
    assert weekend("always") == set()


@pytest.mark.parametrize("code", SESSIONS)
def test_examples_of_sessions_are_sessions(code: str) -> None:
    assert code in ZONES
    assert parse_sessions(SESSIONS[code])


@pytest.mark.parametrize("name", [*ZONES, "weekdays", "always"])
def test_a_known_calendar_is_allowed(name: str) -> None:
    assert calendar_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("NYSE", "did you mean XNYS?"),
        ("xnys", "did you mean XNYS?"),
        ("KRX", "did you mean XKRX?"),
        ("XTKS", "did you mean XJPX?"),
        ("Nasdaq", "did you mean XNAS?"),
        ("XNYZ", "XNYS"),
        ("Always", "did you mean always?"),
        ("weekday", "did you mean weekdays?"),
        ("", "known are BVMF, "),
        ("the moon", "known are BVMF, "),
    ],
)
def test_an_unknown_calendar_is_told_what_is_near(name: str, hint: str) -> None:
    problem = calendar_problem(name)
    assert problem.startswith(
        f"{name!r} is not the code of a known exchange, nor weekdays or always"
    )
    assert hint in problem


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"market": {"calendar": "XNYS", "session": "09:30-16:00"}, "bot": {"run_at": "22:35"}},
        {"market": {"calendar": "always"}},
    ],
)
def test_reading_a_configuration_does_not_wait_for_the_library(raw: dict[str, object]) -> None:
    code = (
        "import sys; from cfgen.config.load import make_config; "
        "from cfgen.config.warnings import warnings; "
        f"warnings(make_config({raw}, 'x')); print('holidays' in sys.modules)"
    )
    line = [sys.executable, "-c", code]
    result = subprocess.run(line, capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
