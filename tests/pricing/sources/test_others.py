"""Savings Plans, instance types and the Spot Advisor; answers made by us, in AWS's forms."""

import json
from decimal import Decimal
from typing import Any

import pytest

from pricing.commitments import savings_plan_upfront
from pricing.errors import SourceError
from pricing.offers import InstanceType
from pricing.price import Unpriced
from pricing.sources import instance_types, savings_plans, spot_advisor
from pricing.sources.figures import SavingsPlanRates
from pricing.sources.savings_plans import PURCHASES
from tests.fake_aws import Pages, hardware, savings_rate, savings_rates, world

SEOUL, MICRO = "ap-northeast-2", "t4g.micro"
FIRST = "compute-savings-plan-1yr-no-upfront"


def hourly(*rates: dict[str, Any], purchase: str = FIRST) -> Decimal | Unpriced:
    found = savings_plans.parse([{"searchResults": list(rates)}], (SEOUL,), (MICRO,))
    known = found[SEOUL, MICRO]
    assert isinstance(known, SavingsPlanRates)
    return known.hourly[purchase]


def rate(amount: str = "0.0076", **changed: str) -> dict[str, Any]:
    return savings_rate(MICRO, SEOUL, amount, "Compute", 1, "No Upfront", **changed)


def code(found: object) -> str:
    assert isinstance(found, Unpriced), found
    return found.code


def test_a_rate_for_each_plan_term_and_payment() -> None:
    found = savings_plans.parse(
        [{"searchResults": savings_rates(MICRO, SEOUL, "0.0104")}], (SEOUL,), (MICRO,)
    )[SEOUL, MICRO]
    assert isinstance(found, SavingsPlanRates)
    assert set(found.hourly) == {purchase.name for purchase in PURCHASES}
    assert len(PURCHASES) == 12
    assert found.hourly[FIRST] == Decimal("0.00759")


@pytest.mark.parametrize(
    "other",
    [
        rate("0.001", tenancy="dedicated"),
        rate("0.001", productDescription="Windows"),
        rate("0.001", region="us-east-1"),
        rate("0.001", instanceType="t3.micro"),
        rate("0.001") | {"operation": "RunInstances:0002"},
        rate("0.001") | {"usageType": f"APN2-UnusedBox:{MICRO}"},
        rate("0.001") | {"usageType": f"APN2-HostBoxUsage:{MICRO}"},
        savings_rate(MICRO, SEOUL, "0.001", "SageMaker", 1, "No Upfront"),
    ],
)
def test_rates_of_other_things_are_left_out(other: dict[str, Any]) -> None:
    assert hourly(other, rate()) == Decimal("0.0076")
    assert code(hourly(other)) == "not-listed"


def test_a_term_of_half_a_year_is_none_of_ours() -> None:
    half = rate()
    half["savingsPlanOffering"]["durationSeconds"] //= 2
    assert code(hourly(half)) == "not-listed"


def test_two_rates_are_named_and_the_same_twice_is_one() -> None:
    other = rate("0.0077")
    other["savingsPlanOffering"]["offeringId"] = "another"
    found = hourly(rate(), other)
    assert code(found) == "ambiguous"
    assert isinstance(found, Unpriced)
    assert "another" in found.reason
    assert hourly(rate(), rate()) == Decimal("0.0076")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"rate": "NaN"}, "bad-price"),
        ({"rate": "0"}, "bad-price"),
        ({"rate": "-1"}, "bad-price"),
        ({"unit": "Request"}, "unit"),
    ],
)
def test_an_impossible_rate(changed: dict[str, str], expected: str) -> None:
    assert code(hourly(rate() | changed)) == expected


def test_another_currency() -> None:
    yuan = rate()
    yuan["savingsPlanOffering"]["currency"] = "CNY"
    assert code(hourly(yuan)) == "currency"


@pytest.mark.parametrize("missing", ["properties", "savingsPlanOffering", "usageType", "operation"])
def test_a_damaged_rate_says_so(missing: str) -> None:
    damaged = {key: value for key, value in rate().items() if key != missing}
    with pytest.raises(SourceError, match="a row of searchResults is damaged"):
        hourly(damaged)


def test_the_upfront_part_is_a_share_of_the_commitment() -> None:
    by_name = {purchase.name: purchase for purchase in PURCHASES}
    amount = Decimal("0.01")
    for name, expected in (
        ("compute-savings-plan-1yr-no-upfront", Decimal(0)),
        ("compute-savings-plan-1yr-partial-upfront", Decimal("43.8")),
        ("compute-savings-plan-3yr-all-upfront", Decimal("262.8")),
    ):
        assert savings_plan_upfront(by_name[name], amount) == expected


# Instance types


def described(row: dict[str, Any]) -> InstanceType | Unpriced:
    [found] = instance_types.read_types(
        Pages({"InstanceTypes": [row]}), SEOUL, (row["InstanceType"],)
    ).values()
    return found


def test_hardware() -> None:
    found = described(hardware("t4g.small", "arm64", 2, 2048))
    assert found == InstanceType("t4g.small", "arm64", 2, 2048, Decimal(20))


def test_a_type_that_does_not_burst_has_no_baseline() -> None:
    found = described(hardware("m7g.medium", "arm64", 1, 4096, burstable=False))
    assert isinstance(found, InstanceType)
    assert found.baseline_percent is None


def test_a_burstable_type_of_an_unknown_family_is_not_guessed() -> None:
    assert code(described(hardware("t9.micro", "arm64", 2, 1024))) == ("unknown-baseline")


def test_the_older_family_has_its_own_baselines() -> None:
    found = described(hardware("t2.2xlarge", "x86_64", 8, 32768))
    assert isinstance(found, InstanceType)
    assert found.baseline_percent == 17


def test_an_architecture_without_an_image() -> None:
    assert code(described(hardware("mac1.metal", "x86_64_mac", 12, 32768,
                                                 burstable=False))) == "architecture"  # fmt: skip


@pytest.mark.parametrize("missing", ["ProcessorInfo", "VCpuInfo", "MemoryInfo"])
def test_a_damaged_type_says_so(missing: str) -> None:
    row = {key: value for key, value in hardware("t3.micro", "x86_64", 2, 1024).items()
           if key != missing}  # fmt: skip
    with pytest.raises(SourceError, match="a row of InstanceTypes is damaged"):
        described(row)


@pytest.mark.parametrize("row", [{}, {"InstanceType": None, "Location": "x"}, None, "t3.micro"])
def test_a_damaged_offering_says_so(row: Any) -> None:
    pages = Pages({"InstanceTypeOfferings": [row]})
    for read in (
        lambda: instance_types.read_zones(pages, SEOUL, (MICRO,)),
        lambda: instance_types.read_names(pages, SEOUL),
    ):
        with pytest.raises(SourceError, match="a row of InstanceTypeOfferings is damaged"):
            read()


# The Spot Advisor

ADVICE = world().advisor


def advice(**changed: Any) -> dict[tuple[str, str], Any]:
    return spot_advisor.parse(json.dumps(ADVICE | changed).encode(), (SEOUL,), (MICRO, "z9.micro"))


def test_ranges_are_those_of_the_files_labels() -> None:
    found = advice()
    assert found[SEOUL, MICRO] == ">20%"
    assert code(found[SEOUL, "z9.micro"]) == "unknown"


def test_a_region_that_the_file_lacks_is_unknown() -> None:
    assert code(advice(spot_advisor={})[SEOUL, MICRO]) == "unknown"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"[]",
        json.dumps(ADVICE | {"ranges": []}).encode(),
        json.dumps(ADVICE | {"ranges": [{"index": 0, "label": "<7%"}]}).encode(),
    ],
)
def test_a_damaged_file_says_so(data: bytes) -> None:
    with pytest.raises(SourceError, match="Spot Advisor"):
        spot_advisor.parse(data, (SEOUL,), (MICRO,))
