"""Live prices from outside: the program as a process against a small AWS over HTTP.

The AWS is made by us (``tests/fake_aws.py``); its answers are checked against botocore's model.
"""

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run, command
from tests.fake_aws import NOW, FakeAws, Fault, denied, expired, instance, spot_row, throttled

Live = Callable[..., "subprocess.CompletedProcess[str]"]

SEOUL, MICRO = "ap-northeast-2", "t4g.micro"
DEFAULT_CALLS = 17
"""GetProducts 10, Savings Plans 1, Spot history 3, types 1, zones 1, Spot Advisor 1."""

ACTIONS = {
    "GetProducts": "pricing:GetProducts",
    "DescribeSavingsPlansOfferingRates": "savingsplans:DescribeSavingsPlansOfferingRates",
    "DescribeSpotPriceHistory": "ec2:DescribeSpotPriceHistory",
    "DescribeInstanceTypes": "ec2:DescribeInstanceTypes",
    "DescribeInstanceTypeOfferings": "ec2:DescribeInstanceTypeOfferings",
    "GetObject": "s3:GetObject",
}
"""Each operation and the IAM action that it needs."""


@pytest.fixture
def live(cfgen: Run, fake_aws: FakeAws) -> Live:
    """Run the program with credentials, against the fake AWS."""

    def run(*arguments: str, **extra: str) -> "subprocess.CompletedProcess[str]":
        return cfgen(*arguments, extra=fake_aws.environment | extra)

    return run


def document(result: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert result.returncode == 0, result.stderr
    parsed: dict[str, Any] = json.loads(result.stdout, parse_float=pytest.fail)
    return parsed


def plans(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {plan["id"]: plan for plan in found["plans"]}


def today() -> set[str]:
    """The days on which a program that was just run may have run."""
    return {NOW.date().isoformat(), datetime.now(NOW.tzinfo).date().isoformat()}


def line(plan: dict[str, Any], item: str) -> dict[str, Any]:
    [found] = [one for one in plan["bill"] if one["item"] == item]
    return dict(found)


# What is read


def test_every_purchase_stands_beside_the_others(live: Live) -> None:
    found = document(live("recommend", "--json"))
    assert found["prices"]["mode"] == "live"
    assert found["warnings"] == []
    assert found["unpriced"] == []
    assert found["recommended"] == f"{MICRO}/on-demand/always"
    # 3 types, 20 purchases, 2 choices of hours.
    assert len(found["plans"]) == 120
    for plan in found["plans"]:
        total = sum(
            Decimal(item["quantity"]) * Decimal(item["unit_price_usd"]) for item in plan["bill"]
        )
        assert total == Decimal(plan["monthly_usd"])
        assert plan["availability_zone_id"].startswith("apne2-az")
    totals = [Decimal(plan["monthly_usd"]) for plan in found["plans"]]
    assert totals == sorted(totals)


def test_seoul_on_live_prices_by_hand(live: Live) -> None:
    plan = plans(document(live("recommend", "--json")))[f"{MICRO}/on-demand/always"]
    assert line(plan, "instance")["unit_price_usd"] == "0.0104"
    assert line(plan, "instance")["source"] == "aws-price-list"
    # 730 x 0.0104 + 730 x 0.005 + 8 x 0.0912 + 0.40 + 200 x 0.000005
    assert plan["monthly_usd"] == "12.3726"


def test_an_upfront_payment_is_spread_over_its_term(live: Live) -> None:
    found = plans(document(live("recommend", "--json")))
    plan = found[f"{MICRO}/reserved-3yr-all-upfront/always"]
    assert plan["upfront_usd"] == "104"
    assert plan["commitment"] == "3yr"
    # 104 / 26280 h, to 12 places; 730 h of it are 104 / 36 to the eighth.
    assert line(plan, "instance")["unit_price_usd"] == "0.00395738204"
    assert abs(Decimal(line(plan, "instance")["monthly_usd"]) - Decimal(104) / 36) < Decimal("1e-8")
    market = found[f"{MICRO}/reserved-3yr-all-upfront/market"]
    assert line(market, "instance")["monthly_usd"] == line(plan, "instance")["monthly_usd"]


def test_spot_is_ranked_on_the_mean_where_that_is_more(live: Live) -> None:
    plan = plans(document(live("recommend", "--json")))[f"{MICRO}/spot/always"]
    instance = line(plan, "instance")
    # Ten of thirty days at 0.001 above 0.0041.
    assert Decimal(instance["unit_price_usd"]) == Decimal("0.0044333333")
    assert instance["source"] == "ec2-spot-price-history, 30-day mean"
    assert plan["interruption"]["range"] == ">20%"


def test_spot_is_ranked_on_the_current_price_where_that_is_more(
    live: Live, fake_aws: FakeAws
) -> None:
    for zone in fake_aws.world.zones[SEOUL, MICRO]:
        row = spot_row(MICRO, zone, "0.009", NOW - timedelta(hours=1))
        fake_aws.world.spot.append((SEOUL, row))
    plan = plans(document(live("recommend", "--json")))[f"{MICRO}/spot/always"]
    assert line(plan, "instance")["unit_price_usd"] == "0.009"
    assert "current price" in line(plan, "instance")["source"]


def test_the_window_is_what_is_asked_for(live: Live, fake_aws: FakeAws) -> None:
    plan = plans(document(live("recommend", "--json", "--window", "7")))[f"{MICRO}/spot/always"]
    assert line(plan, "instance")["unit_price_usd"] == "0.0041"
    for seen in fake_aws.seen:
        if seen.operation == "DescribeSpotPriceHistory":
            start = datetime.fromisoformat(seen.parameters["StartTime"][0])
            assert timedelta(days=7) <= datetime.now(start.tzinfo) - start < timedelta(days=8)


@pytest.mark.parametrize("window", ["0", "91", "x"])
def test_a_window_that_aws_does_not_have(live: Live, window: str) -> None:
    result = live("recommend", "--window", window)
    assert result.returncode == 2
    assert "--window" in result.stderr


def test_every_region_has_rates_of_its_own(live: Live) -> None:
    plan = plans(document(live("recommend", "--json", "--region", "us-east-1")))[
        f"{MICRO}/on-demand/always"
    ]
    # The fake's rates elsewhere are a tenth above Seoul's.
    assert line(plan, "public-ipv4")["unit_price_usd"] == "0.0055"


def test_requests_are_signed_for_where_the_apis_are(live: Live, fake_aws: FakeAws) -> None:
    document(live("recommend", "--json"))
    signed = {seen.service: (seen.region, seen.signed) for seen in fake_aws.seen}
    assert signed == {
        "pricing": ("us-east-1", True),
        "savingsplans": ("us-east-1", True),
        "ec2": (SEOUL, True),
        # The Spot Advisor's file is public: no credentials go there.
        "s3": ("", False),
    }


# How it is read


def test_everything_is_asked_for_at_once(live: Live, fake_aws: FakeAws) -> None:
    """Nothing is answered before all of the calls are under way: one round trip."""
    fake_aws.together = threading.Barrier(DEFAULT_CALLS)
    result = live("recommend", "--json", "--debug")
    assert document(result)["prices"]["mode"] == "live"
    assert len(fake_aws.seen) == DEFAULT_CALLS
    assert "17 calls to AWS: ec2 5, pricing 10, s3 1, savingsplans 1" in result.stderr


def test_globs_cost_one_round_trip_more_whatever_they_match(live: Live, fake_aws: FakeAws) -> None:
    result = live("recommend", "--json", "--type", "*")
    found = document(result)
    names = {plan["instance_type"] for plan in found["plans"]}
    assert len(names) == 8
    first, *others = fake_aws.seen
    assert first.operation == "DescribeInstanceTypeOfferings"
    assert first.parameters["LocationType"] == ["region"]
    assert len(others) == DEFAULT_CALLS + len(names) - 3


def test_small_pages_give_the_same_answer(live: Live, fake_aws: FakeAws) -> None:
    whole = document(live("recommend", "--json", "--no-cache"))
    fake_aws.page_size = 2
    fake_aws.seen.clear()
    pages = document(live("recommend", "--json", "--no-cache"))
    assert fake_aws.count("GetProducts") > 10
    assert fake_aws.count("DescribeSavingsPlansOfferingRates") > 10
    assert pages["plans"] == whole["plans"]


@pytest.mark.parametrize("operation", [name for name in ACTIONS if name != "GetObject"])
def test_an_empty_page_with_a_token_is_not_the_end(
    live: Live, fake_aws: FakeAws, operation: str
) -> None:
    whole = document(live("recommend", "--json", "--no-cache"))
    first = fake_aws.count(operation)
    fake_aws.interference[operation] = lambda _, before: "empty" if before < 2 * first else None
    pages = document(live("recommend", "--json", "--no-cache"))
    assert fake_aws.count(operation) == 3 * first
    assert pages["plans"] == whole["plans"]
    assert pages["warnings"] == []


def test_a_passing_fault_is_tried_again(live: Live, fake_aws: FakeAws) -> None:
    for operation in ACTIONS:
        fake_aws.interference[operation] = lambda service, before: (
            throttled(service) if before == 0 else None
        )
    found = document(live("recommend", "--json", AWS_MAX_ATTEMPTS="5"))
    assert found["warnings"] == []
    assert found["prices"]["mode"] == "live"


def test_an_answer_cut_in_the_middle_is_read_once_more(live: Live, fake_aws: FakeAws) -> None:
    for operation in ACTIONS:
        fake_aws.interference[operation] = lambda _, before: "cut" if before == 0 else None
    found = document(live("recommend", "--json"))
    assert found["warnings"] == []
    assert found["prices"]["mode"] == "live"


def test_an_interrupt_ends_a_slow_read_at_once(
    folder: Path, environment: dict[str, str], fake_aws: FakeAws
) -> None:
    fake_aws.latency = 60
    process = subprocess.Popen(
        command(["recommend"]),
        cwd=folder,
        env=environment | fake_aws.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not fake_aws.seen and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert "interrupted" in errors
    assert "Traceback" not in errors


# Each source broken in turn


@pytest.mark.parametrize("operation", ACTIONS)
def test_a_denied_source_is_replaced_and_named(
    live: Live, fake_aws: FakeAws, operation: str
) -> None:
    fake_aws.interference[operation] = lambda service, _: denied(service)
    result = live("recommend", "--json")
    found = document(result)
    codes = {warning["code"] for warning in found["warnings"]}
    assert "source-denied" in codes
    messages = " ".join(warning["message"] for warning in found["warnings"])
    assert f"{ACTIONS[operation]} is denied" in messages
    assert f"warning: {found['warnings'][0]['message']}" in result.stderr
    assert found["recommended"] == f"{MICRO}/on-demand/always"
    plan = plans(found)[found["recommended"]]
    # What was not denied is live.
    live_lines = {item["item"] for item in plan["bill"] if item["source"] == "aws-price-list"}
    assert bool(live_lines) == (operation != "GetProducts")


@pytest.mark.parametrize("operation", ACTIONS)
def test_live_refuses_to_fall_back(live: Live, fake_aws: FakeAws, operation: str) -> None:
    document(live("recommend", "--json"))
    fake_aws.interference[operation] = lambda service, _: denied(service)
    result = live("recommend", "--json", "--prices", "live", "--max-interruption", "<5%")
    if operation == "GetObject":
        # How often Spot is interrupted is no price: its absence is a warning, and under a cap a
        # reason against the plan.
        found = document(result)
        assert [warning["code"] for warning in found["warnings"]] == ["source-denied"]
        for name, plan in plans(found).items():
            if "/spot/" in name:
                codes = {reason["code"] for reason in plan["rejected_because"]}
                assert "interruption-unknown" in codes
        return
    assert result.returncode == 1
    assert result.stdout == ""
    assert f"{ACTIONS[operation]} is denied" in result.stderr
    assert "allow it: the IAM action" in result.stderr


FAULTS: dict[str, tuple[Callable[[str], "Fault | str"], str, str]] = {
    "denied": (denied, "source-denied", "is denied"),
    "expired": (expired, "source-expired", "the credentials have expired"),
    "throttled": (throttled, "source-throttled", "is throttled"),
    "cut": (lambda _: "cut", "source-malformed", "DescribeSpotPriceHistory"),
    "garbage": (lambda _: "garbage", "source-malformed", "not from AWS"),
    "again": (lambda _: "again", "source-malformed", "token"),
    "unknown key": (
        lambda _: Fault("AuthFailure", 401),
        "source-no-credentials",
        "AuthFailure",
    ),
    "broken": (lambda _: Fault("InternalError", 500), "source-failed", "InternalError"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_failures_are_told_apart(live: Live, fake_aws: FakeAws, kind: str) -> None:
    fault, code, words = FAULTS[kind]
    fake_aws.interference["DescribeSpotPriceHistory"] = lambda service, _: fault(service)
    found = document(live("recommend", "--json"))
    [warning] = found["warnings"]
    assert warning["code"] == code
    assert words in warning["message"]
    assert "Spot prices" in warning["message"]
    assert "the snapshot of 2025-10-05" in warning["message"]
    assert found["prices"]["mode"] == "snapshot"
    source = line(plans(found)[f"{MICRO}/spot/always"], "instance")["source"]
    assert source == "ec2-prices, one observed price"


@pytest.mark.parametrize("kind", ["again", "cut", "garbage"])
def test_a_broken_savings_plans_answer(live: Live, fake_aws: FakeAws, kind: str) -> None:
    """Botocore has no paginator for this one."""
    fake_aws.interference["DescribeSavingsPlansOfferingRates"] = lambda *_: kind
    found = document(live("recommend", "--json"))
    [warning] = found["warnings"]
    assert "Savings Plans rates" in warning["message"]
    missing = {gap["purchase"] for gap in found["unpriced"]}
    assert "compute-savings-plan-1yr-no-upfront" in missing
    assert {gap["code"] for gap in found["unpriced"]} == {warning["code"].removeprefix("source-")}


def test_everything_broken_is_the_snapshots_answer(live: Live, fake_aws: FakeAws) -> None:
    for operation in ACTIONS:
        fake_aws.interference[operation] = lambda service, _: expired(service)
    result = live("recommend", "--json")
    found = document(result)
    assert found["prices"]["mode"] == "snapshot"
    offline = document(live("recommend", "--json", "--prices", "offline"))
    assert found["plans"] == offline["plans"]
    # Once for what the snapshot has, once for what it has not.
    assert result.stderr.count("the credentials have expired") == 2


def test_no_way_to_aws(live: Live) -> None:
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    found = document(live("recommend", "--json", **nowhere))
    assert found["prices"]["mode"] == "snapshot"
    assert {warning["code"] for warning in found["warnings"]} == {"source-unreachable"}
    refused = live("recommend", "--prices", "live", **nowhere)
    assert refused.returncode == 1
    assert "127.0.0.1:9" in refused.stderr


# Prices that cannot be


def test_a_second_product_is_named_and_its_type_not_priced(live: Live, fake_aws: FakeAws) -> None:
    fake_aws.world.products.append(instance(MICRO, SEOUL, "0.0001", "CHEAPER"))
    fake_aws.page_size = 40
    found = document(live("recommend", "--json"))
    assert found["recommended"] == "t3.micro/on-demand/always"
    [gap] = [gap for gap in found["unpriced"] if gap["purchase"] == "on-demand"
             and gap["hours"] == "always"]  # fmt: skip
    assert gap["code"] == "ambiguous"
    assert "CHEAPER" in gap["reason"]


def test_a_zone_with_no_row_is_unknown_never_free(live: Live, fake_aws: FakeAws) -> None:
    fake_aws.world.spot = [
        (region, row)
        for region, row in fake_aws.world.spot
        if row["AvailabilityZoneId"] != "apne2-az2"
    ]
    found = plans(document(live("recommend", "--json")))
    assert found[f"{MICRO}/spot/always"]["availability_zone_id"] == "apne2-az3"


def test_a_price_in_a_zone_that_does_not_offer_the_type_is_no_offer(
    live: Live, fake_aws: FakeAws
) -> None:
    row = spot_row(MICRO, "apne2-az9", "0.000100", NOW - timedelta(days=1))
    fake_aws.world.spot.append((SEOUL, row))
    found = plans(document(live("recommend", "--json")))
    assert found[f"{MICRO}/spot/always"]["availability_zone_id"] == "apne2-az2"


def test_a_type_offered_in_no_zone(live: Live, fake_aws: FakeAws) -> None:
    fake_aws.world.zones[SEOUL, MICRO] = []
    found = document(live("recommend", "--json"))
    assert found["recommended"] == "t3.micro/on-demand/always"
    gaps = [gap for gap in found["unpriced"] if gap["instance_type"] == MICRO]
    assert len(gaps) == 40
    assert {gap["code"] for gap in gaps} == {"not-offered"}


def test_a_type_that_the_region_does_not_have(live: Live, fake_aws: FakeAws) -> None:
    del fake_aws.world.zones[SEOUL, MICRO]
    found = document(live("recommend", "--json"))
    assert found["recommended"] == "t3.micro/on-demand/always"
    assert {gap["code"] for gap in found["unpriced"]} == {"not-offered"}
    # Nothing of it comes from elsewhere, even where that is forbidden.
    strict = document(live("recommend", "--json", "--prices", "live"))
    assert strict["unpriced"] == found["unpriced"]
    assert {source["as_of"] for source in strict["prices"]["sources"]} <= today()


def test_a_type_that_cannot_be_looked_up_is_not_the_users_mistake(
    live: Live, fake_aws: FakeAws
) -> None:
    fake_aws.interference["DescribeInstanceTypes"] = lambda service, _: denied(service)
    result = live("recommend", "--type", "m7g.medium")
    assert result.returncode == 1
    assert "ec2:DescribeInstanceTypes is denied" in result.stderr


def test_names_beside_a_glob_that_cannot_be_looked_up(live: Live, fake_aws: FakeAws) -> None:
    fake_aws.world.zones[SEOUL, "m7g.medium"] = ["apne2-az1"]
    fake_aws.world.products.append(instance("m7g.medium", SEOUL, "0.0501"))
    fake_aws.interference["DescribeInstanceTypeOfferings"] = lambda service, _: denied(service)
    found = document(live("recommend", "--json", "--type", "t4g.*", "--type", "m7g.medium"))
    names = {plan["instance_type"] for plan in found["plans"]}
    assert names == {"t4g.nano", "t4g.micro", "t4g.small", "m7g.medium"}


def test_regions_that_cannot_be_listed_are_said(live: Live, fake_aws: FakeAws) -> None:
    fake_aws.interference["DescribeRegions"] = lambda service, _: denied(service)
    result = live("recommend", "--json", "--region", "all")
    messages = [warning["message"] for warning in document(result)["warnings"]]
    assert any("ec2:DescribeRegions is denied" in message for message in messages)
    refused = live("recommend", "--region", "all", "--prices", "live")
    assert refused.returncode == 1


def test_a_type_that_nobody_has(live: Live) -> None:
    for name in ("z9.micro", "z9.*"):
        result = live("recommend", "--type", name)
        assert result.returncode == 2
        assert name in result.stderr
        assert result.stdout == ""


def test_a_type_that_only_aws_knows(live: Live, fake_aws: FakeAws) -> None:
    fake_aws.world.zones[SEOUL, "m7g.medium"] = ["apne2-az1"]
    fake_aws.world.products.append(instance("m7g.medium", SEOUL, "0.0501"))
    found = document(live("recommend", "--json", "--type", "m7g.medium"))
    assert found["recommended"] == "m7g.medium/on-demand/always"


# The cache


def test_the_cache_answers_the_second_time(live: Live, fake_aws: FakeAws) -> None:
    first = document(live("recommend", "--json"))
    fake_aws.seen.clear()
    second = document(live("recommend", "--json"))
    # The account's zones, which are no price.
    assert [seen.operation for seen in fake_aws.seen] == ["DescribeInstanceTypeOfferings"]
    assert second["prices"]["mode"] == "cache"
    assert second["plans"] == first["plans"]


def test_another_type_is_read_beside_what_is_kept(live: Live, fake_aws: FakeAws) -> None:
    document(live("recommend", "--json"))
    fake_aws.seen.clear()
    document(live("recommend", "--json", "--type", "t3.nano", "--type", MICRO))
    assert fake_aws.count("DescribeSpotPriceHistory") == 1
    assert fake_aws.count("GetProducts") == 1


def test_what_aws_does_not_have_is_kept_too(live: Live, fake_aws: FakeAws) -> None:
    del fake_aws.world.advisor["spot_advisor"][SEOUL]["Linux"][MICRO]
    fake_aws.world.products.append(instance(MICRO, SEOUL, "0.0001", "CHEAPER"))
    first = document(live("recommend", "--json"))
    fake_aws.seen.clear()
    second = document(live("recommend", "--json"))
    assert len(fake_aws.seen) == 1
    assert second["unpriced"] == first["unpriced"] != []
    assert second["plans"] == first["plans"]


def test_no_cache_neither_reads_nor_writes(
    live: Live, fake_aws: FakeAws, environment: dict[str, str]
) -> None:
    for _ in range(2):
        fake_aws.seen.clear()
        document(live("recommend", "--json", "--no-cache"))
        assert len(fake_aws.seen) == DEFAULT_CALLS
    assert not (Path(environment["HOME"]) / ".cache").exists()


def test_live_looks_past_the_cache(live: Live, fake_aws: FakeAws) -> None:
    document(live("recommend", "--json"))
    fake_aws.seen.clear()
    document(live("recommend", "--json", "--prices", "live"))
    assert len(fake_aws.seen) == DEFAULT_CALLS


def test_without_credentials_the_cache_stands_before_the_snapshot(
    live: Live, fake_aws: FakeAws, cfgen: Run
) -> None:
    first = document(live("recommend", "--json"))
    fake_aws.seen.clear()
    endpoint = {"AWS_ENDPOINT_URL": fake_aws.url}
    kept = document(cfgen("recommend", "--json", extra=endpoint))
    assert fake_aws.seen == []
    assert kept["prices"]["mode"] == "cache"
    assert kept["plans"] == first["plans"]
    # What was kept of this endpoint is not AWS's.
    assert document(cfgen("recommend", "--json"))["prices"]["mode"] == "snapshot"


def grow_old(environment: dict[str, str], name: str) -> None:
    """Make a file of the cache a month older."""
    [path] = Path(environment["HOME"]).rglob(name)
    old = (NOW - timedelta(days=31)).isoformat()
    path.write_text(re.sub(r'"fetched_at":"[^"]*"', f'"fetched_at":"{old}"', path.read_text()))


def test_a_figure_past_its_time_is_read_again(
    live: Live, fake_aws: FakeAws, environment: dict[str, str]
) -> None:
    document(live("recommend", "--json"))
    grow_old(environment, "spot-30d.json")
    fake_aws.seen.clear()
    document(live("recommend", "--json"))
    assert fake_aws.count("DescribeSpotPriceHistory") == 3
    assert len(fake_aws.seen) == 4


def test_what_cannot_be_read_now_comes_from_the_cache(
    live: Live, fake_aws: FakeAws, environment: dict[str, str]
) -> None:
    document(live("recommend", "--json"))
    grow_old(environment, "spot-30d.json")
    fake_aws.interference["DescribeSpotPriceHistory"] = lambda service, _: throttled(service)
    found = document(live("recommend", "--json"))
    [warning] = found["warnings"]
    assert "the cache of" in warning["message"]
    assert "Spot prices" in warning["message"]
    assert found["prices"]["mode"] == "cache"


def test_a_corrupt_cache_is_set_aside_and_read_anew(
    live: Live, fake_aws: FakeAws, environment: dict[str, str]
) -> None:
    document(live("recommend", "--json"))
    [path] = Path(environment["HOME"]).rglob("terms.json")
    path.write_text("{")
    fake_aws.seen.clear()
    found = document(live("recommend", "--json"))
    assert {warning["code"] for warning in found["warnings"]} == {"cache-set-aside"}
    assert fake_aws.count("GetProducts") == 1
    assert document(live("recommend", "--json"))["warnings"] == []


# Credentials


def test_half_of_the_credentials(live: Live, fake_aws: FakeAws) -> None:
    half = {"AWS_SECRET_ACCESS_KEY": ""}
    found = document(live("recommend", "--json", **half))
    assert found["prices"]["mode"] == "snapshot"
    [warning] = found["warnings"]
    assert warning["code"] == "source-no-credentials"
    assert "AWS_SECRET_ACCESS_KEY" in warning["message"]
    assert live("recommend", "--prices", "live", **half).returncode == 1
    assert fake_aws.seen == []


CONFIGURATIONS = {
    "no such program": "credential_process = /no/such/program",
    "not JSON": "credential_process = echo hello",
    "a quote too many": "credential_process = echo '",
    "a failing program": "credential_process = false",
    "no such token": "role_arn = arn:aws:iam::123456789012:role/x\nweb_identity_token_file = /no",
    "no such source": "role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = nobody",
    "no sign-on": "sso_session = mine\nsso_account_id = 123456789012\nsso_role_name = x",
    "no configuration": "\x00[",
}


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_credentials_that_cannot_be_had(cfgen: Run, environment: dict[str, str], kind: str) -> None:
    """In auto a warning, and what is kept; in live an error. Nothing is tried for each source."""
    folder = Path(environment["HOME"]) / ".aws"
    folder.mkdir()
    sso = "[sso-session mine]\nsso_start_url = https://example.com\nsso_region = us-east-1\n"
    (folder / "config").write_text(f"[default]\n{CONFIGURATIONS[kind]}\n{sso}")
    found = document(cfgen("recommend", "--json"))
    assert found["prices"]["mode"] == "snapshot"
    assert found["recommended"] == f"{MICRO}/on-demand/always"
    assert [warning["code"] for warning in found["warnings"]] == ["source-no-credentials"]
    refused = cfgen("recommend", "--prices", "live")
    assert refused.returncode in (1, 2)
    assert "internal error" not in refused.stderr
    assert refused.stderr.count("error: ") == 1


@pytest.mark.parametrize("home", ["", "relative", "/no/such/folder"])
def test_no_home_to_keep_anything_in(live: Live, folder: Path, home: str) -> None:
    found = document(live("recommend", "--json", HOME=home))
    assert found["prices"]["mode"] == "live"
    assert list(folder.iterdir()) == []
    assert not Path("/.cache/cfgen").exists()
    assert document(live("recommend", "--json", HOME=home, AWS_ACCESS_KEY_ID=""))["plans"]


def test_a_configured_endpoint_has_a_cache_of_its_own(
    cfgen: Run, fake_aws: FakeAws, environment: dict[str, str]
) -> None:
    folder = Path(environment["HOME"]) / ".aws"
    folder.mkdir()
    (folder / "config").write_text(f"[default]\nendpoint_url = {fake_aws.url}\n")
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made-up"}
    assert document(cfgen("recommend", "--json", extra=keys))["prices"]["mode"] == "live"
    assert len(fake_aws.seen) == DEFAULT_CALLS
    scopes = [path.name for path in (Path(environment["HOME"]) / ".cache/cfgen/prices").iterdir()]
    assert scopes != ["aws"]


def test_a_profile_that_does_not_exist(cfgen: Run) -> None:
    for mode in ("auto", "live"):
        result = cfgen("recommend", "--prices", mode, "--profile", "nobody")
        assert result.returncode == 2
        assert "nobody" in result.stderr
        assert result.stdout == ""
    # Nobody asked for it in so many words.
    found = document(cfgen("recommend", "--json", extra={"AWS_PROFILE": "nobody"}))
    assert "nobody" in found["warnings"][0]["message"]


def test_an_empty_configuration_is_no_credentials(cfgen: Run, environment: dict[str, str]) -> None:
    folder = Path(environment["HOME"]) / ".aws"
    folder.mkdir()
    (folder / "config").write_text("[default]\nregion = eu-west-1\n")
    found = document(cfgen("recommend", "--json"))
    assert found["prices"]["mode"] == "snapshot"
    assert found["region"] == SEOUL
    assert found["warnings"] == []


def test_keys_are_shown_and_kept_nowhere(
    live: Live, environment: dict[str, str], folder: Path
) -> None:
    canary = {"AWS_ACCESS_KEY_ID": "AKIACANARY", "AWS_SECRET_ACCESS_KEY": "canary-secret",
              "AWS_SESSION_TOKEN": "canary-token"}  # fmt: skip
    result = live("recommend", "--debug", "--explain", "--all", **canary)
    assert result.returncode == 0
    kept = [path for root in (Path(environment["HOME"]), folder) for path in root.rglob("*")]
    texts = [path.read_text() for path in kept if path.is_file()]
    assert len(texts) >= 7
    for text in (result.stdout, result.stderr, *texts):
        assert "canary" not in text.lower()


# The choice


def test_all_regions_are_ranked_together(live: Live, fake_aws: FakeAws) -> None:
    result = live("recommend", "--json", "--region", "all")
    found = document(result)
    assert found["region"] == "all"
    regions = {plan["region"] for plan in found["plans"]}
    assert regions == set(fake_aws.world.regions)
    first = next(plan for plan in found["plans"] if not plan["rejected_because"])
    assert found["recommended"] == first["id"]
    assert found["recommended_region"] == first["region"] == "us-east-1"
    # Regions, then everything at once: prices of all regions in the same calls.
    assert fake_aws.seen[0].operation == "DescribeRegions"
    assert fake_aws.count("GetProducts") == 10
    assert fake_aws.count("DescribeSavingsPlansOfferingRates") == 1


def test_all_regions_in_text(live: Live) -> None:
    result = live("recommend", "--region", "all")
    assert result.returncode == 0
    assert "in us-east-1: $" in result.stdout
    for region in ("eu-west-1", SEOUL, "us-east-1"):
        assert len(re.findall(rf"^.  .*{region} ", result.stdout, re.MULTILINE)) == 1


@pytest.mark.parametrize(
    "arguments", [("build",), ("deploy",), ("lint",), ("recommend", "--write")]
)
def test_all_regions_are_for_looking_only(cfgen: Run, arguments: tuple[str, ...]) -> None:
    result = cfgen(*arguments, "--region", "all")
    assert result.returncode == 2
    assert "all" in result.stderr
    assert result.stdout == ""


def test_a_commitment_that_is_allowed_is_chosen(live: Live) -> None:
    found = document(live("recommend", "--json", "--commitment", "3yr"))
    assert found["recommended"] == f"{MICRO}/reserved-3yr-all-upfront/always"
    market = document(live("recommend", "--json", "--commitment", "3yr", "--hours", "market"))
    # At 22% of the hours no commitment pays off.
    assert market["recommended"] == f"{MICRO}/on-demand/market"


def test_the_text_says_when_a_commitment_pays_off(live: Live) -> None:
    result = live("recommend", "--hours", "market")
    section = result.stdout.partition("Commitments for t4g.micro")[2]
    # 0.00395738204 / 0.0104 is 38.05%.
    assert re.search(r"reserved-3yr-all-upfront +\$104.00 +\$2.89 +38.1% .* more", section)


def test_the_text_shows_how_spot_moved(live: Live) -> None:
    result = live("recommend", "--explain", "--max-interruption", "any")
    assert "▁▁▁▁▁▁▁█" in result.stdout
    assert re.search(
        r"Spot price in apne2-az2, 30 days: [▁█]{24} "
        r"now \$0.0041, mean \$0.0044333333, median \$0.0041, 95% \$0.0051, highest \$0.0051",
        result.stdout,
    )


def test_the_csv_holds_what_the_json_cannot(live: Live) -> None:
    import csv
    import io

    rows = {
        row["id"]: row for row in csv.DictReader(io.StringIO(live("recommend", "--csv").stdout))
    }
    reserved = rows[f"{MICRO}/reserved-3yr-all-upfront/always"]
    assert (reserved["upfront_usd"], reserved["break_even_percent"]) == ("104", "38.1")
    spot = rows[f"{MICRO}/spot/always"]
    assert (spot["spot_mean_usd"], spot["spot_maximum_usd"]) == ("0.0044333333", "0.0051")
    assert rows[f"{MICRO}/on-demand/always"]["break_even_percent"] == ""


HELD = """
[workload]
existing_commitment = { "ap-northeast-2/t3.micro/reserved-1yr-no-upfront" = "0.0065" }
"""


def test_a_commitment_that_is_held_is_priced_at_what_is_paid(live: Live, folder: Path) -> None:
    (folder / "cfgen.toml").write_text(HELD)
    found = document(live("recommend", "--json"))
    by_id = plans(found)
    # On demand t4g.micro costs 7.592 beside the 4.745 that are paid whatever runs.
    assert found["recommended"] == "t3.micro/reserved-1yr-no-upfront/always"
    mine = by_id[found["recommended"]]
    assert line(mine, "instance")["unit_price_usd"] == "0.0065"
    assert line(mine, "instance")["source"] == "existing-commitment"
    assert mine["rejected_because"] == []
    other = by_id[f"{MICRO}/on-demand/always"]
    assert line(other, "existing-commitment")["monthly_usd"] == "4.745"
    assert "t3.micro/on-demand/always" not in by_id
    [gap] = [gap for gap in found["unpriced"] if gap["hours"] == "always"]
    assert (gap["instance_type"], gap["purchase"], gap["code"]) == (
        "t3.micro", "on-demand", "covered")  # fmt: skip


HELD_NAME = "ap-northeast-2/t3.micro/reserved-1yr-no-upfront"


@pytest.mark.parametrize(
    "held",
    ['{ "t3.micro/reserved-1yr-no-upfront" = "0.1" }', '{ "ap-northeast-2/t3.micro" = "0.1" }',
     '{ "ap-northeast-2/t3.micro/spot" = "0.1" }', f'{{ "{HELD_NAME}" = "0" }}',
     f'{{ "{HELD_NAME}" = "nan" }}', f'{{ "{HELD_NAME}" = "-1" }}',
     f'{{ "{HELD_NAME}" = "0.00000001" }}', '"0.1"', "[]"],
)  # fmt: skip
def test_a_commitment_that_makes_no_sense(cfgen: Run, folder: Path, held: str) -> None:
    (folder / "cfgen.toml").write_text(f"[workload]\nexisting_commitment = {held}\n")
    result = cfgen("recommend")
    assert result.returncode == 2
    assert "cfgen.toml: workload.existing_commitment" in result.stderr


# The lock


def test_later_runs_say_what_switching_would_save(
    live: Live, fake_aws: FakeAws, folder: Path
) -> None:
    assert live("recommend", "--write").returncode == 0
    lock = (folder / "cfgen.lock").read_text()
    assert json.loads(lock)["prices"]["mode"] == "live"
    # t3.micro gets cheap.
    fake_aws.world.products = [
        one
        for one in fake_aws.world.products
        if one["product"]["attributes"].get("instanceType") != "t3.micro"
    ]
    fake_aws.world.products.append(instance("t3.micro", SEOUL, "0.0010"))
    said = f"cfgen.lock keeps {MICRO}/on-demand/always; t3.micro/on-demand/always would save $6.86"
    assert said in live("recommend", "--prices", "live").stderr
    built = live("build", "--prices", "live")
    assert built.returncode == 0, built.stderr
    assert "t3.micro/on-demand/always would save $6.86 a month" in built.stderr
    assert f"InstanceType: {MICRO}" in built.stdout
    assert (folder / "cfgen.lock").read_text() == lock


def test_a_locked_plan_is_kept_where_its_price_cannot_be_read(
    live: Live, fake_aws: FakeAws
) -> None:
    assert live("recommend", "--write").returncode == 0
    before = live("build", "--no-lint")
    fake_aws.world.zones[SEOUL, MICRO] = []
    after = live("build", "--no-lint", "--prices", "live")
    assert after.returncode == 0, after.stderr
    assert "not priced: t4g.micro is not offered" in after.stderr
    # A wish that cannot be weighed against it is refused rather than ignored.
    wish = live("build", "--no-lint", "--prices", "live", "--commitment", "3yr")
    assert wish.returncode == 5
    assert "cannot be compared" in wish.stderr
    assert after.stdout == before.stdout


# prices show and refresh


def test_every_figure_in_use_is_shown(live: Live) -> None:
    text = live("prices", "show").stdout
    found = json.loads(live("prices", "show", "--json").stdout, parse_float=pytest.fail)
    assert found["prices"]["mode"] == "cache"
    priced = [one for one in found["figures"] if "usd" in one]
    # 3 types: on demand, 18 commitments of which 12 have an upfront part, Spot in 4 zones with 5
    # statistics each; 17 rates, three of them with a second tier.
    assert len(priced) == 3 * (1 + 18 + 12 + 4 * 6) + 17 + 3
    for one in priced:
        assert re.search(rf"^{re.escape(one['of'])} +{re.escape(one['usd'])} ", text, re.MULTILINE)
        assert one["source"]
        assert one["as_of"] in today()
    assert [kind["name"] for kind in found["instance_types"]] == ["t3.micro", "t3.small", MICRO]
    assert {one["range"] for one in found["interruption"]} == {"10-15%", "<5%", ">20%"}
    assert {free["of"]: free["units"] for free in found["free"]} == {
        "log-ingestion": "5",
        "alarm": "10",
        "metric": "10",
        "egress": "100",
    }


def test_a_snapshot_of_live_prices_stands_for_the_embedded_one(
    live: Live, fake_aws: FakeAws, cfgen: Run
) -> None:
    first = document(live("recommend", "--json", "--no-cache"))
    result = live("prices", "refresh", "-o", "snapshot.json")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    fake_aws.seen.clear()
    found = document(
        cfgen("recommend", "--json", "--prices", "offline", "--snapshot", "snapshot.json")
    )
    assert found["prices"]["mode"] == "snapshot"
    assert found["plans"] == first["plans"]
    assert (
        found["prices"]["sources"][0]["fetched_at"] >= first["prices"]["sources"][0]["fetched_at"]
    )
    # Also as what a broken source is replaced by.
    broken = document(cfgen("recommend", "--json", "--snapshot", "snapshot.json"))
    assert broken["plans"] == first["plans"]
    assert fake_aws.seen == []


def test_a_snapshot_keeps_what_has_no_price(live: Live, fake_aws: FakeAws) -> None:
    fake_aws.world.products.append(instance(MICRO, SEOUL, "0.0001", "CHEAPER"))
    result = live("prices", "refresh", "-o", "snapshot.json", "--type", MICRO)
    assert result.returncode == 0
    assert "CHEAPER" in result.stderr
    mine = ("--prices", "offline", "--snapshot", "snapshot.json", "--type", MICRO)
    found = document(live("recommend", "--json", *mine))
    assert any("CHEAPER" in gap["reason"] for gap in found["unpriced"])


def test_a_snapshot_is_written_whole_or_not_at_all(
    live: Live, fake_aws: FakeAws, folder: Path
) -> None:
    path = folder / "snapshot.json"
    path.write_text("precious")
    fake_aws.interference["DescribeSpotPriceHistory"] = lambda service, _: denied(service)
    result = live("prices", "refresh", "-o", "snapshot.json")
    assert result.returncode == 1
    assert "ec2:DescribeSpotPriceHistory is denied" in result.stderr
    assert path.read_text() == "precious"


def test_refresh_needs_credentials_and_a_place(cfgen: Run, live: Live) -> None:
    assert "needs AWS credentials" in cfgen("prices", "refresh", "-o", "x.json").stderr
    assert live("prices", "refresh").returncode == 2
    result = live("prices", "refresh", "-o", "/proc/none/x.json")
    assert result.returncode == 2
    assert "/proc/none/x.json: cannot be written" in result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is damaged"),
        ("[]", "is damaged"),
        ('{"schema_version": 1}', "schema version 1, this version reads 2"),
        ('{"schema_version": 2, "sources": {}, "types_source": "", "instance_types": {}, '
         '"regions": {"eu-west-1": {"interruption": {"t4g.micro": "<5%"}}}}',
         "the source of interruption in eu-west-1 is not among its sources"),
    ],
)  # fmt: skip
def test_a_snapshot_that_is_none(cfgen: Run, folder: Path, text: str, words: str) -> None:
    (folder / "mine.json").write_text(text)
    result = cfgen("recommend", "--prices", "offline", "--snapshot", "mine.json")
    assert result.returncode == 2
    assert "mine.json" in result.stderr
    assert words in result.stderr
    missing = cfgen("recommend", "--snapshot", "none.json")
    assert missing.returncode == 2
    assert "none.json: cannot be read" in missing.stderr


# Elsewhere, offline


def test_what_cannot_be_counted_elsewhere_is_said_and_the_rest_ranked(cfgen: Run) -> None:
    result = cfgen("recommend", "--region", "us-east-1", "--prices", "offline", "--json")
    found = document(result)
    lacks = {warning["message"].partition(" ")[0] for warning in found["warnings"]
             if warning["code"] == "not-counted"}  # fmt: skip
    # Alarms, metrics, logs and traffic are wholly free, whatever they would cost there; what Spot
    # needs besides is lacking in the cheapest plan.
    assert lacks == {"public-ipv4", "ebs-gp3", "secret", "secret-requests",
                     "s3-storage", "s3-put"}  # fmt: skip
    assert found["recommended"] == f"{MICRO}/on-demand/always"
    text = cfgen("recommend", "--region", "us-east-1", "--prices", "offline").stdout
    assert "at least $6.13 a month" in text
    assert "Not counted: public-ipv4, ebs-gp3, secret" in text


def test_offline_a_region_without_rates_does_not_win_by_it(cfgen: Run) -> None:
    found = document(cfgen("recommend", "--region", "all", "--prices", "offline", "--json"))
    first = next(plan for plan in found["plans"] if not plan["rejected_because"])
    assert first["region"] == SEOUL
    cheaper = [plan for plan in found["plans"] if plan["region"] != SEOUL]
    assert all("incomplete" in {reason["code"] for reason in plan["rejected_because"]}
               for plan in cheaper)  # fmt: skip
