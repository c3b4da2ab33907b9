"""What a deploy costs, before and after."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cfgen import pipeline
from cfgen.config.load import make_config
from cfgen.prices import Prices
from cfgen.report.choice import cost_change
from cfgen.template.build import built_for

PRICES = Prices(datetime(2026, 11, 24, tzinfo=UTC), "offline")


def choice(**config: Any) -> pipeline.Choice:
    made = make_config(config, "test")
    return pipeline.choose(made, PRICES, Path("/none/cfgen.lock"), refresh=True, insist=False)


def before(**config: Any) -> dict[str, object]:
    return built_for(make_config(config, "test"), choice(**config).plan, 2026)


MARKET = {"workload": {"hours": "market"}}
BARE = {"network": {"elastic_ip": False}, **MARKET}


@pytest.mark.parametrize(
    ("was", "wished", "said"),
    [
        ({}, {}, "cost: $12.37 a month now, $12.37 after: no change"),
        ({}, MARKET, "cost: $12.37 a month now, $6.48 after: $5.90 less"),
        (MARKET, {}, "cost: $6.48 a month now, $12.37 after: $5.90 more"),
        # An option changes the bill of the same plan.
        (MARKET, BARE, "cost: $6.48 a month now, $3.64 after: $2.83 less"),
        ({"host": {"disk_gib": 18}}, {}, "cost: $13.28 a month now, $12.37 after: $0.91 less"),
    ],
)
def test_before_and_after(was: dict[str, Any], wished: dict[str, Any], said: str) -> None:
    assert cost_change(choice(**wished), before(**was)).text == said


def test_a_new_stack_has_no_before() -> None:
    assert cost_change(choice(), None).text == "cost: $12.37 a month"


@pytest.mark.parametrize(
    "metadata",
    [{}, {"Plan": "t4g.micro/on-demand/always"}, {"Plan": "x", "Host": {}}, {"Host": "x"},
     {"Plan": "t4g.micro/on-demand/always", "Host": {"disk_gib": "much"}}],
)  # fmt: skip
def test_a_stack_that_says_not_what_it_was_built_for(metadata: dict[str, object]) -> None:
    text = cost_change(choice(), metadata).text
    assert text == "cost: $12.37 a month; what the stack costs now is not known"


def test_what_it_was_built_for_survives_the_template() -> None:
    metadata = msgspec.json.decode(msgspec.json.encode(before(**BARE)))
    assert cost_change(choice(**BARE), metadata).text.endswith("no change")
