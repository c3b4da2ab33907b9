import re
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgen import pipeline
from cfgen.config.load import make_config
from cfgen.config.schema import Config, host_shape_of, usage_of, workload_of
from cfgen.deploy.changeset import Change, ChangeSet
from cfgen.deploy.events import Event, Validation
from cfgen.deploy.parameters import ParameterChange
from cfgen.prices import Prices
from cfgen.report.deploy import event_text, outputs_text, preview_text
from cfgen.report.numbers import age, plain, usd
from cfgen.report.paper import Paper
from cfgen.report.prices import figures_text
from cfgen.report.text import recommendation_text
from pricing.market import Market
from pricing.offers import SpotHistory, SpotPrices
from pricing.price import Price
from pricing.recommend import recommend

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
PIPE = Paper()


def market(config: Config) -> Market:
    """The embedded market, with prices for what it lacks and histories: made up by us."""
    known = pipeline.read_market(config, Prices(NOW, "offline"))
    mean = Decimal("0.0044333333")
    history = SpotHistory(30, mean, mean, mean, mean, tuple(map(Decimal, range(1, 25))))
    price = Price(Decimal("0.00395738204"), "Hrs", "2026-11-23", "ec2-spot-price-history")
    offers = tuple(
        msgspec.structs.replace(offer, hourly=price, upfront=Decimal(104))
        if offer.purchase.commitment
        else msgspec.structs.replace(offer, spot=SpotPrices(mean, history))
        if offer.purchase.kind == "spot"
        else offer
        for offer in known.offers
    )
    return msgspec.structs.replace(known, offers=offers)


def text(paper: Paper, *, everything: bool = True, **sections: object) -> str:
    config = make_config(sections, "test")
    found = recommend(market(config), workload_of(config), host_shape_of(config), usage_of(config))
    return recommendation_text(found, paper, TODAY, everything=everything, explain=True)


def bare(styled: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", styled)


@pytest.mark.parametrize("width", [80, 100, 124, 200])
@pytest.mark.parametrize("region", ["ap-northeast-2", "us-east-1"])
@pytest.mark.parametrize("everything", [True, False])
def test_nothing_is_cut_on_a_terminal(width: int, region: str, everything: bool) -> None:
    stack = {"region": region}
    paper = Paper(terminal=True, width=width)
    shown = bare(text(paper, everything=everything, stack=stack))
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= width
    whole = " ".join(text(PIPE, stack=stack).split())
    for amount in ("$7.592", "$12.3726") if region == "ap-northeast-2" else ("$6.132",):
        assert amount in shown
        assert amount in whole
    assert "interruptible" in shown if width < 140 else "AWS may interrupt it" in shown
    if everything:
        letters = re.sub(r"[^a-z0-9]", "", shown)
        assert "ec2instancesavingsplan3yrallupfront" in letters or width < 140


@pytest.mark.parametrize("everything", [True, False])
def test_several_regions_fit_on_a_terminal(everything: bool) -> None:
    found = pipeline.recommend(make_config({}, "test"), Prices(NOW, "offline"), everywhere=True)
    paper = Paper(terminal=True, width=80)
    styled = recommendation_text(found, paper, TODAY, everything=everything, explain=False)
    lines = bare(styled).splitlines()
    assert max(map(len, lines)) <= 80
    [seoul] = [line for line in lines if line.startswith("→")]
    assert seoul.split()[1:] == ["t4g.micro", "on-demand", "always", "ap-northeast-2", "$12.37"]


@pytest.mark.parametrize("width", [1, 40, 60])
def test_a_tiny_terminal_wraps_and_loses_nothing(width: int) -> None:
    tiny, small = (bare(text(Paper(terminal=True, width=columns))) for columns in (width, 80))
    assert tiny == small


@pytest.mark.parametrize("width", [80, 100, 124, 200])
def test_every_figure_fits_on_a_terminal(width: int) -> None:
    found = market(make_config({}, "test"))
    shown = bare(figures_text(found, Paper(terminal=True, width=width), TODAY))
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= width
    assert "0.00395738204" in shown


def test_colour_only_where_it_is_wanted() -> None:
    assert "\x1b[" in text(Paper(terminal=True, color=True, width=120))
    assert "\x1b[3" not in text(Paper(terminal=True, color=False, width=120))
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
    change_set = ChangeSet(
        "arn",
        "stack",
        "UPDATE",
        changes,
        capabilities=("CAPABILITY_IAM",),
        parameters=(ParameterChange("A", "'x'", "'y'"),),
        validations=(Validation("NAME", "WARN", "Old", "AWS::EC2::EIP", "/Old", "beware"),),
    )
    lines = preview_text(change_set, PIPE).splitlines()
    assert lines[1].split() == ["Modify", "Host", "AWS::EC2::Instance", "yes", "ImageId"]
    assert lines[2].split() == ["Modify", "Topic", "AWS::SNS::Topic", "maybe", "Name"]
    assert lines[-3:] == [
        "parameter A: 'x' -> 'y'",
        "capabilities: CAPABILITY_IAM",
        "validation (WARN): /Old (AWS::EC2::EIP): beware",
    ]


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
