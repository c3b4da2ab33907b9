from decimal import Decimal
from typing import Any

import pytest

from pricing.market import Market
from pricing.offers import InstanceType, Offer, SpotHistory, SpotPrices
from pricing.price import Price, Source, Unpriced
from pricing.sources.assemble import assemble
from pricing.sources.figures import (
    INSTANCE_TYPES,
    SAVINGS_PLANS,
    SPOT,
    TERMS,
    ZONES,
    Commitment,
    Found,
    Part,
    SavingsPlanRates,
    SpotZones,
    Terms,
    Zones,
)

SEOUL, MICRO = "ap-northeast-2", "t4g.micro"
KIND = InstanceType(MICRO, "arm64", 2, 1024, Decimal(10))
SOURCE = Source("test", "2026-11-23", "2026-11-23T00:00:00Z", "made for this test")


def spot(current: str, mean: str | None = None) -> SpotPrices:
    if mean is None:
        return SpotPrices(Decimal(current))
    amount = Decimal(mean)
    return SpotPrices(Decimal(current), SpotHistory(30, amount, amount, amount, amount, (amount,)))


def market(*figures: tuple[Part[Any], Any]) -> Market:
    known: tuple[tuple[Part[Any], Any], ...] = ((INSTANCE_TYPES, KIND), *figures)
    found = {(SEOUL, part.name, MICRO): Found(value, SOURCE, "live") for part, value in known}
    return assemble((SEOUL,), [MICRO], found)


def offers(made: Market, purchase: str) -> list[Offer]:
    return [offer for offer in made.offers if offer.purchase.name == purchase]


@pytest.mark.parametrize(
    ("prices", "amount", "said"),
    [
        (spot("0.004", "0.005"), "0.005", "test, 30-day mean"),
        (spot("0.005", "0.004"), "0.005", "test, current price"),
        (spot("0.004"), "0.004", "test, one observed price"),
    ],
)
def test_spot_is_ranked_on_the_higher_of_current_price_and_mean(
    prices: SpotPrices, amount: str, said: str
) -> None:
    [offer] = offers(market((SPOT, SpotZones({"az1": prices}))), "spot")
    assert offer.hourly == Price(Decimal(amount), "Hrs", "2026-11-23", said)


def test_a_zone_without_a_price_is_unknown_and_a_price_without_the_zone_is_none() -> None:
    made = market(
        (ZONES, Zones(("az1", "az2"))),
        (SPOT, SpotZones({"az1": spot("0.004"), "az3": spot("0.001")})),
    )
    found = {offer.availability_zone_id: offer.hourly for offer in offers(made, "spot")}
    assert set(found) == {"az1", "az2"}
    assert isinstance(found["az1"], Price)
    absence = found["az2"]
    assert isinstance(absence, Unpriced)
    assert absence.code == "no-spot-price"


def test_a_measured_reservation_comes_to_its_ratio() -> None:
    """All upfront for three years, t3.medium was .376 of on demand (us-east-1, 2026-08-10)."""
    name = "reserved-3yr-all-upfront"
    terms = Terms(Decimal("0.0416"), {name: Commitment(Decimal(0), Decimal(411))})
    [offer] = offers(market((TERMS, terms)), name)
    assert isinstance(offer.hourly, Price)
    assert offer.upfront == 411
    assert round(offer.hourly.amount / Decimal("0.0416"), 3) == Decimal("0.376")


def test_a_savings_plans_rate_is_its_price_however_it_is_paid() -> None:
    name = "compute-savings-plan-3yr-partial-upfront"
    [offer] = offers(market((SAVINGS_PLANS, SavingsPlanRates({name: Decimal("0.00123")}))), name)
    assert isinstance(offer.hourly, Price)
    assert offer.hourly.amount == Decimal("0.00123")
    assert offer.upfront == Decimal("0.00123") * 8760 * 3 / 2


def test_a_type_without_hardware_is_missing_with_the_reason() -> None:
    made = market((INSTANCE_TYPES, Unpriced("not-offered", "nowhere")), (TERMS, Terms(Decimal(1))))
    assert made.offers == ()
    [missing] = made.missing
    assert (missing.instance_type, missing.absence.reason) == (MICRO, "nowhere")


def test_a_market_is_as_old_as_its_oldest_figure_and_as_live_as_its_least_live() -> None:
    old = Source("test", "2025-01-01", "2025-01-02", "made for this test")
    made = assemble(
        (SEOUL,),
        [MICRO],
        {
            (SEOUL, INSTANCE_TYPES.name, MICRO): Found(KIND, old, "snapshot"),
            (SEOUL, TERMS.name, MICRO): Found(Terms(Decimal(1)), SOURCE, "live"),
        },
    )
    assert (made.as_of, made.mode) == ("2025-01-01", "live")
    [kept] = made.sources
    assert kept == old
