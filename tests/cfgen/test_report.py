import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgen import pipeline
from cfgen.config.load import make_config
from cfgen.deploy.changeset import Change, ChangeSet
from cfgen.deploy.events import Event
from cfgen.report.deploy import event_text, outputs_text, preview_text
from cfgen.report.numbers import age, plain, usd
from cfgen.report.paper import Paper
from cfgen.report.text import recommendation_text

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
PIPE = Paper()


def text(paper: Paper, **config: object) -> str:
    recommendation = pipeline.recommend(
        make_config(config, "test"), pipeline.Prices(NOW, "offline")
    )
    return recommendation_text(recommendation, paper, TODAY, everything=True, explain=True)


@pytest.mark.parametrize("width", [80, 100, 124, 200])
@pytest.mark.parametrize("region", ["ap-northeast-2", "us-east-1"])
def test_nothing_is_cut_on_a_terminal(width: int, region: str) -> None:
    styled = text(Paper(terminal=True, width=width), stack={"region": region})
    shown = re.sub(r"\x1b\[[\d;]*m", "", styled)
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= width
    whole = " ".join(text(PIPE, stack={"region": region}).split())
    for amount in ("$7.592", "$12.3726") if region == "ap-northeast-2" else ("$6.132",):
        assert amount in shown
        assert amount in whole


def test_colour_only_where_it_is_wanted() -> None:
    assert "\x1b[" in text(Paper(terminal=True, color=True, width=120))
    bare = text(Paper(terminal=True, color=False, width=120))
    assert "\x1b[3" not in bare
    assert "\x1b" not in text(PIPE)


def test_a_fixed_day_gives_the_same_text() -> None:
    assert text(PIPE) == text(PIPE)
    assert "ec2-prices: a public catalogue of EC2 prices, 2025-10-05 (414 days old)" in text(PIPE)


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        ("2026-11-23", "from today"),
        ("2026-11-24", "from today"),
        ("2026-11-22", "1 day old"),
        ("2026-11-21T23:00:00Z", "2 days old"),
    ],
)
def test_ages(as_of: str, words: str) -> None:
    assert age(as_of, TODAY) == words


@pytest.mark.parametrize(
    ("number", "written"),
    [("7.5920", "7.592"), ("0E-7", "0"), ("1E+3", "1000"), ("0.000005", "0.000005")],
)
def test_plain_numbers(number: str, written: str) -> None:
    assert plain(Decimal(number)) == written


@given(st.decimals(0, 10**9, places=8))
def test_plain_numbers_are_exact_and_without_an_exponent(number: Decimal) -> None:
    assert Decimal(plain(number)) == number
    assert "E" not in plain(number)


def test_cents_are_rounded_for_reading() -> None:
    assert [usd(Decimal(one)) for one in ("0.005", "12.3726", "0")] == ["$0.01", "$12.37", "$0.00"]


def test_a_preview_shows_replacement_and_its_cause() -> None:
    changes = (
        Change("Host", "AWS::EC2::Instance", "Modify", "True", ("ImageId",)),
        Change("Topic", "AWS::SNS::Topic", "Modify", "Conditional", ("Name",)),
        Change("Old", "AWS::EC2::EIP", "Remove"),
    )
    change_set = ChangeSet("arn", "stack", "UPDATE", changes)
    lines = preview_text(change_set, "CAPABILITY_IAM", ["A: 'x' -> 'y'"], PIPE).splitlines()
    assert lines[1].split() == ["Modify", "Host", "AWS::EC2::Instance", "yes", "ImageId"]
    assert lines[2].split() == ["Modify", "Topic", "AWS::SNS::Topic", "maybe", "Name"]
    assert lines[-2:] == ["parameter A: 'x' -> 'y'", "capabilities: CAPABILITY_IAM"]


def test_an_event_is_one_line_however_long_its_reason() -> None:
    moment = datetime(2026, 11, 23, 9, 0, 1, tzinfo=UTC)
    reason = "it failed " * 50
    event = Event("1", moment, "Host", "i-1", "AWS::EC2::Instance", "CREATE_FAILED", reason)
    line = event_text(event, PIPE)
    assert line.startswith("09:00:01 CREATE_FAILED        Host (AWS::EC2::Instance): it failed")
    assert "\n" not in line


def test_outputs_are_sorted_and_described() -> None:
    shown = outputs_text({"B": ("2", "second"), "A": ("1", "first")})
    assert shown == "A: first\n  1\nB: second\n  2\n"
