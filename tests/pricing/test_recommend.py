from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.bill import Bill, make_bill, surplus_vcpu_hours
from pricing.calendar import ALWAYS_HOURS
from pricing.commitments import break_even_percent, hold
from pricing.market import Market
from pricing.offers import (
    COMMITTED,
    ON_DEMAND,
    RANGES,
    SPOT,
    InstanceType,
    Interruption,
    Offer,
    Purchase,
)
from pricing.plans import Plan
from pricing.price import Price, Source, Unpriced
from pricing.rates import Rate, Service, Tier
from pricing.recommend import Recommendation, Saving, recommend
from pricing.sources.snapshot import SnapshotSource, load_snapshot
from pricing.workload import HostShape, Usage, Workload

MICRO = InstanceType("t4g.micro", "arm64", 2, 1024, Decimal(10))
SMALL = InstanceType("t3.small", "x86_64", 2, 2048, Decimal(20))
SEOUL = SnapshotSource(load_snapshot()).read(
    ("ap-northeast-2",), ("t4g.micro", "t3.micro", "t3.small")
)


def price(amount: str, unit: str = "Hrs") -> Price:
    return Price(Decimal(amount), unit, "2026-10-01", "test")


def offer(
    kind: InstanceType = MICRO,
    purchase: Purchase = ON_DEMAND,
    amount: str | None = "0.01",
    zone: str | None = "apne2-az1",
    interruption: Interruption | None = None,
) -> Offer:
    hourly = price(amount) if amount else Unpriced("test", "there is none")
    return Offer(kind, purchase, "ap-northeast-2", zone, hourly, interruption=interruption)


def market(*offers: Offer, **rates: Rate | Unpriced) -> Market:
    everything: dict[Service, Rate | Unpriced] = {
        service: Rate((Tier(Decimal(0), None, price("0.001", "Units")),)) for service in Service
    }
    everything |= {Service[name.upper()]: rate for name, rate in rates.items()}
    source = Source("test", "2026-10-01", "2026-10-01", "made for this test")
    return Market(("ap-northeast-2",), "live", (source,), offers, {"ap-northeast-2": everything})


def choose(market: Market, host: HostShape = HostShape(), **wishes: Any) -> Recommendation:
    return recommend(market, Workload(**wishes), host, Usage())


def reasons(recommendation: Recommendation, plan_id: str) -> set[str]:
    plan = recommendation.plan(plan_id)
    assert plan is not None
    return {reason.code for reason in plan.rejected_because}


def saving(recommendation: Recommendation, accept: str) -> Saving:
    [found] = [saving for saving in recommendation.savings if saving.accept == (accept,)]
    return found


# Seoul, on the embedded figures


def test_seoul_by_hand() -> None:
    plan = choose(SEOUL).recommended
    assert plan is not None
    assert plan.id == "t4g.micro/on-demand/always"
    lines = {item.item: (item.quantity, item.price.amount) for item in plan.bill.items}
    assert lines["instance"] == (Decimal(730), Decimal("0.0104"))
    assert lines["public-ipv4"] == (Decimal(730), Decimal("0.005"))
    assert lines["ebs-gp3"] == (Decimal(8), Decimal("0.0912"))
    assert plan.monthly == Decimal("7.592") + Decimal("3.65") + Decimal("0.7296") + Decimal("0.401")


def test_the_default_accepts_neither_interruption_nor_commitment_nor_fewer_hours() -> None:
    recommendation = choose(SEOUL)
    for plan in recommendation.plans:
        codes = {reason.code for reason in plan.rejected_because}
        assert ("hours" in codes) == (plan.hours == "market")
        assert ("interruption" in codes) == (plan.offer.purchase == SPOT)


def test_spot_takes_the_cheapest_zone() -> None:
    plan = choose(SEOUL, max_interruption="any").plan("t3.micro/spot/always")
    assert plan is not None
    assert plan.offer.availability_zone_id == "apne2-az1"
    assert isinstance(plan.offer.hourly, Price)
    assert plan.offer.hourly.amount == Decimal("0.0049")
    # Its price is assumed, and EC2 may take another zone.
    [host, *_] = plan.bill.items
    assert host.formula == (
        "730 h, at the price in apne2-az1; EC2 may choose another zone, at up to $0.0054"
    )


def test_what_is_not_spot_assumes_nothing_of_zones() -> None:
    plan = choose(SEOUL).recommended
    assert plan is not None
    assert plan.bill.items[0].formula == "730 h"


@pytest.mark.parametrize(
    ("cap", "fitting"),
    [
        ("none", set()),
        ("<5%", {"t3.small"}),
        ("10-15%", {"t3.small", "t3.micro"}),
        ("any", {"t3.small", "t3.micro", "t4g.micro"}),
    ],
)
def test_the_cap_filters_by_range(cap: str, fitting: set[str]) -> None:
    plans = choose(SEOUL, max_interruption=cap).plans
    assert fitting == {
        plan.offer.instance_type.name
        for plan in plans
        if plan.offer.purchase == SPOT and plan.hours == "always" and not plan.rejected_because
    }


def test_market_hours_pay_the_address_around_the_clock() -> None:
    plan = choose(SEOUL, hours="market").recommended
    assert plan is not None
    quantities = {item.item: item.quantity for item in plan.bill.items}
    assert quantities["instance"] == Decimal("163.06")
    assert quantities["public-ipv4"] == Decimal(730)


def test_without_a_fixed_address_it_is_paid_while_the_host_runs() -> None:
    plan = choose(SEOUL, HostShape(fixed_address=False), hours="market").recommended
    assert plan is not None
    quantities = {item.item: item.quantity for item in plan.bill.items}
    assert quantities["public-ipv4"] == Decimal("163.06")


def test_what_each_wish_costs() -> None:
    recommendation = choose(SEOUL)
    assert saving(recommendation, "--hours market").monthly == Decimal("5.896176")
    # On Spot, 730 x 0.0063 an hour less; 1 GB of state in S3 and 730 x 4 saves more.
    spot = Decimal("4.599") - Decimal("0.025") - 2920 * Decimal("0.0000045")
    assert saving(recommendation, "--max-interruption any").monthly == spot
    assert saving(recommendation, "network.elastic_ip = false").monthly == 0
    assert isinstance(saving(recommendation, "--commitment 3yr").monthly, Unpriced)


def test_together_names_only_what_is_needed() -> None:
    together = choose(SEOUL).savings[-1]
    assert together.accept == (
        "--max-interruption any",
        "--hours market",
        "network.elastic_ip = false",
    )
    assert together.plan is not None
    assert together.plan.id == "t4g.micro/spot/market"


# Reasons, one by one


def test_short_memory() -> None:
    assert reasons(choose(market(offer()), memory_mib=1025), "t4g.micro/on-demand/always") == {
        "memory"
    }


def test_an_architecture_that_is_not_allowed() -> None:
    recommendation = choose(market(offer()), architectures=("x86_64",))
    assert reasons(recommendation, "t4g.micro/on-demand/always") == {"architecture"}


def test_unknown_interruptions_under_a_cap_and_without_one() -> None:
    spot = market(offer(purchase=SPOT))
    name = "t4g.micro/spot/always"
    assert reasons(choose(spot, max_interruption="<5%"), name) == {"interruption-unknown"}
    assert reasons(choose(spot, max_interruption="any"), name) == set()


def test_spot_for_a_real_account_needs_insistence() -> None:
    spot = market(offer(purchase=SPOT))
    name = "t4g.micro/spot/always"
    wishes: dict[str, Any] = {"max_interruption": "any", "real_account": True}
    assert reasons(choose(spot, **wishes), name) == {"spot-for-real"}
    assert reasons(choose(spot, **wishes, allow_spot_for_real=True), name) == set()


@pytest.mark.parametrize(("limit", "refused"), [("none", {1, 3}), ("1yr", {3}), ("3yr", set())])
def test_a_longer_commitment_than_allowed(limit: str, refused: set[int]) -> None:
    recommendation = choose(
        market(*(offer(purchase=purchase) for purchase in COMMITTED)), commitment=limit
    )
    for plan in recommendation.plans:
        if plan.hours == "always":
            codes = {reason.code for reason in plan.rejected_because}
            assert ("commitment" in codes) == (plan.offer.purchase.years in refused)


def test_a_commitment_is_paid_around_the_clock() -> None:
    plan = choose(market(offer(purchase=COMMITTED[0])), hours="market", commitment="3yr").plan(
        f"t4g.micro/{COMMITTED[0].name}/market"
    )
    assert plan is not None
    assert plan.bill.items[0].quantity == Decimal(730)


def test_names_of_purchases() -> None:
    assert [purchase.name for purchase in (ON_DEMAND, SPOT, COMMITTED[0])] == [
        "on-demand",
        "spot",
        "reserved-1yr-no-upfront",
    ]
    assert COMMITTED[-1].name == "ec2-instance-savings-plan-3yr-all-upfront"


# CPU credits


def test_unlimited_credits_bill_what_is_above_the_baseline() -> None:
    rate = Rate((Tier(Decimal(0), None, price("0.04", "vCPU-Hours")),))
    plan = choose(
        market(offer(), cpu_credits_t4g=rate),
        HostShape(credits="unlimited"),
        cpu_average_percent=Decimal(25),
    ).recommended
    assert plan is not None
    [surplus] = [item for item in plan.bill.items if item.item == Service.CPU_CREDITS_T4G]
    # 15 points above 10% of each of two vCPUs, around the clock.
    assert surplus.quantity == Decimal("0.15") * 2 * 730
    assert surplus.monthly == Decimal("0.15") * 2 * 730 * Decimal("0.04")


def surplus(load: str, hours: Any, purchase: Purchase = SPOT) -> Decimal:
    """VCPU-hours above what a micro earns, on unlimited credits."""
    window = Workload(cpu_average_percent=Decimal(load))
    month = ALWAYS_HOURS if hours == "always" else window.window.hours_a_month()
    return surplus_vcpu_hours(
        offer(purchase=purchase), month, window, HostShape(credits="unlimited")
    )


def test_a_host_that_is_new_each_day_pays_for_its_bootstrap_where_it_earns_too_little() -> None:
    # 21.74 starts in 163.06 h, each 0.1 vCPU-hours; a busy host has earned nothing to spare.
    assert surplus("10", "market") == Decimal("21.74") * Decimal("0.1")
    assert surplus("11", "market") == Decimal("2.174") + Decimal("0.01") * 2 * Decimal("163.06")
    # Two points below the baseline of each vCPU earn more than the bootstraps take.
    assert surplus("9", "market") == 0
    # One that stays has paid for its one bootstrap long ago.
    assert surplus("10", "always") == surplus("10", "market", ON_DEMAND) == 0


def test_the_bill_says_how_many_starts_it_counts() -> None:
    rate = Rate((Tier(Decimal(0), None, price("0.04", "vCPU-Hours")),))
    plan = choose(
        market(offer(purchase=SPOT), cpu_credits_t4g=rate),
        HostShape(credits="unlimited"),
        cpu_average_percent=Decimal(10),
        hours="market",
        max_interruption="any",
    ).plan("t4g.micro/spot/market")
    assert plan is not None
    [line] = [item for item in plan.bill.items if item.item == Service.CPU_CREDITS_T4G]
    assert line.formula == "(10% - 10%) x 2 vCPUs x 163.06 h + 21.74 starts x 0.1 h"
    assert line.quantity == Decimal("2.174")


@pytest.mark.parametrize(("mode", "load"), [("standard", 99), ("unlimited", 10)])
def test_no_surplus_without_unlimited_or_below_the_baseline(mode: Any, load: int) -> None:
    plan = choose(
        market(offer()), HostShape(credits=mode), cpu_average_percent=Decimal(load)
    ).recommended
    assert plan is not None
    assert not [item for item in plan.bill.items if "credits" in item.item]


def test_standard_credits_above_the_baseline_are_told() -> None:
    standard = HostShape(credits="standard")
    notices = choose(market(offer()), standard, cpu_average_percent=Decimal(25)).notices
    assert "cpu-throttled" in {notice.code for notice in notices}


# The bill


def test_the_free_part_of_logs_is_shared_by_ingestion_and_storage() -> None:
    plan = recommend(SEOUL, Workload(), HostShape(), Usage(log_gb=Decimal(4))).recommended
    assert plan is not None
    lines = {item.item: item.quantity for item in plan.bill.items}
    assert lines[Service.LOG_INGESTION] == 0
    # 4 GB a month kept 30 days are 3.9425 GB-months; ingestion left 1 GB of the 5 free.
    assert lines[Service.LOG_STORAGE] == Decimal("2.9425")


def test_what_cannot_be_counted_is_named() -> None:
    recommendation = choose(market(offer(), secret=Unpriced("test", "nobody knows")))
    [notice] = [notice for notice in recommendation.notices if notice.code == "not-counted"]
    assert notice.message == "secret (1 secret): nobody knows"
    assert recommendation.recommended is not None
    assert "secret" not in {item.item for item in recommendation.recommended.bill.items}


def test_an_offer_without_a_price_has_no_bill() -> None:
    with pytest.raises(ValueError, match="there is none"):
        make_bill(offer(amount=None), Decimal(730), Workload(), HostShape(), Bill(()), {}, {})


amounts = st.decimals("0.0001", "10", places=4).map(str)
offers = st.builds(
    offer,
    st.sampled_from([MICRO, SMALL]),
    st.sampled_from([ON_DEMAND, SPOT, *COMMITTED]),
    st.none() | amounts,
    st.none() | st.sampled_from(["apne2-az1", "apne2-az2"]),
    st.none() | st.builds(Interruption, st.sampled_from(RANGES), st.just("2025-06-28")),
)


@settings(max_examples=60)
@given(st.lists(offers, max_size=8), st.sampled_from(["none", "<5%", "any"]), st.randoms())
def test_the_choice_is_cheapest_complete_and_the_same_in_any_order(
    several: list[Offer], cap: str, random: Any
) -> None:
    recommendation = choose(market(*several), max_interruption=cap)
    plans = recommendation.plans
    assert [plan.monthly for plan in plans] == sorted(plan.monthly for plan in plans)
    for plan in plans:
        assert isinstance(plan.offer.hourly, Price)
        assert plan.monthly == sum(item.quantity * item.price.amount for item in plan.bill.items)
        assert plan.monthly > 0
    fitting = [plan for plan in plans if not plan.rejected_because]
    assert recommendation.recommended == (fitting[0] if fitting else None)
    ids = {plan.id for plan in plans}
    assert len(ids) == len(plans)
    missing = {f"{gap.instance_type}/{gap.purchase}/{gap.hours}" for gap in recommendation.unpriced}
    assert not ids & missing
    shuffled = list(several)
    random.shuffle(shuffled)
    again = choose(market(*shuffled), max_interruption=cap)
    assert [bill(plan) for plan in again.plans] == [bill(plan) for plan in plans]


def bill(plan: Plan) -> tuple[str, Decimal]:
    return plan.id, plan.monthly


def test_ties_go_to_the_lower_on_demand_price_then_the_name() -> None:
    other = msgspec.structs.replace(MICRO, name="t4g.zero")
    recommendation = choose(
        market(
            offer(MICRO, SPOT, "0.001"),
            offer(MICRO, ON_DEMAND, "0.02"),
            offer(other, SPOT, "0.001"),
            offer(other, ON_DEMAND, "0.01"),
        ),
        max_interruption="any",
    )
    assert recommendation.recommended is not None
    assert recommendation.recommended.id == "t4g.zero/spot/always"


def test_no_savings_are_negative() -> None:
    for given_up in choose(SEOUL, hours="market").savings:
        assert isinstance(given_up.monthly, Unpriced) or given_up.monthly >= 0


# What is missing never wins


def hidden(known: Market, region: str, lost: set[Service]) -> Market:
    rates = {
        service: Unpriced("hidden", "hidden by the test") if service in lost else rate
        for service, rate in known.rates[region].items()
    }
    return msgspec.structs.replace(known, rates={**known.rates, region: rates})


@settings(max_examples=60)
@given(
    st.lists(offers, min_size=1, max_size=8),
    st.integers(0, 7),
    st.sampled_from(["standard", "unlimited"]),
)
def test_no_missing_price_is_ever_the_cheapest(several: list[Offer], index: int, mode: Any) -> None:
    """Hiding a price never makes the choice cheaper, nor chooses what was hidden."""
    index %= len(several)
    gone = msgspec.structs.replace(several[index], hourly=Unpriced("hidden", "by the test"))
    host = HostShape(credits=mode)
    wishes: dict[str, Any] = {"max_interruption": "any", "commitment": "3yr",
                              "cpu_average_percent": Decimal(30)}  # fmt: skip
    whole = choose(market(*several), host, **wishes).recommended
    less = choose(market(*several[:index], gone, *several[index + 1 :]), host, **wishes).recommended
    if less is not None:
        assert isinstance(less.offer.hourly, Price)
        assert whole is not None
        assert less.monthly >= whole.monthly


@given(st.sets(st.sampled_from([Service.CPU_CREDITS_T3, Service.CPU_CREDITS_T4G])))
def test_credits_without_a_price_do_not_make_a_plan_cheap(lost: set[Service]) -> None:
    known = market(offer(MICRO, amount="0.01"), offer(SMALL, amount="0.011"))
    host = HostShape(credits="unlimited")
    wishes: dict[str, Any] = {"cpu_average_percent": Decimal(60)}
    whole = choose(known, host, **wishes)
    less = choose(hidden(known, "ap-northeast-2", lost), host, **wishes)
    fitting = {Service.CPU_CREDITS_T4G: MICRO.name, Service.CPU_CREDITS_T3: SMALL.name}
    assert {gap.instance_type for gap in less.unpriced} == {fitting[service] for service in lost}
    assert {plan.id for plan in less.plans} <= {plan.id for plan in whole.plans}


everywhere = st.sets(st.sampled_from(list(Service)))


@settings(max_examples=40)
@given(st.tuples(amounts, amounts), everywhere, everywhere)
def test_a_region_does_not_win_by_what_its_bill_lacks(
    hourly: tuple[str, str], lost_here: set[Service], lost_there: set[Service]
) -> None:
    here, there = "ap-northeast-2", "us-east-1"
    one = market(offer(amount=hourly[0]))
    other = msgspec.structs.replace(offer(amount=hourly[1], zone="use1-az1"), region=there)
    rates = dict.fromkeys((here, there), one.rates[here])
    both = msgspec.structs.replace(
        one, regions=(here, there), offers=(*one.offers, other), rates=rates
    )
    both = hidden(hidden(both, here, lost_here), there, lost_there)
    found = choose(both)
    lacks = {
        plan.offer.region: {lack.item for lack in plan.bill.not_counted} for plan in found.plans
    }
    common = lacks[here] & lacks[there]
    if found.recommended is None:
        assert lacks[here] - common
        assert lacks[there] - common
    else:
        assert lacks[found.recommended.offer.region] == common


# Commitments


def committed(name: str) -> Purchase:
    [purchase] = [purchase for purchase in COMMITTED if purchase.name == name]
    return purchase


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("0.00395738204", "39.6"), ("0.005", "50.0"), ("0.0050000001", "50.1"), ("0.02", "200.0")],
)
def test_the_share_of_hours_from_which_a_commitment_pays_off(amount: str, expected: str) -> None:
    one = offer(purchase=committed("reserved-3yr-all-upfront"), amount=amount)
    assert break_even_percent(one, price("0.01")) == Decimal(expected)
    assert break_even_percent(offer(), price("0.01")) is None
    assert break_even_percent(msgspec.structs.replace(one, hourly=Unpriced("x", "y")),
                              price("0.01")) is None  # fmt: skip


@given(amounts, amounts)
def test_at_the_break_even_a_commitment_costs_no_more(hourly: str, by_the_hour: str) -> None:
    one = offer(purchase=committed("reserved-1yr-no-upfront"), amount=hourly)
    share = break_even_percent(one, price(by_the_hour))
    assert share is not None
    assert Decimal(hourly) <= Decimal(by_the_hour) * share / 100
    assert Decimal(hourly) > Decimal(by_the_hour) * (share - Decimal("0.1")) / 100


def test_a_held_commitment_costs_whatever_runs() -> None:
    reserved = offer(SMALL, committed("reserved-1yr-no-upfront"), "0.02")
    known = market(offer(amount="0.01"), offer(SMALL, amount="0.02"), reserved)
    paid = {("ap-northeast-2", "t3.small/reserved-1yr-no-upfront"): Decimal("0.005")}
    held = hold(known, paid, "2026-11-23")
    chosen = choose(held).recommended
    assert chosen is not None
    assert chosen.offer.purchase.name == "reserved-1yr-no-upfront"
    assert chosen.bill.items[0].monthly == Decimal("3.65")
    other = choose(held).plan("t4g.micro/on-demand/always")
    assert other is not None
    assert [item.monthly for item in other.bill.items[:2]] == [Decimal("7.3"), Decimal("3.65")]


def test_a_commitment_held_for_a_type_that_is_not_wanted_is_paid_all_the_same() -> None:
    paid = {("ap-northeast-2", "m5.large/reserved-1yr-no-upfront"): Decimal(1)}
    held = hold(market(offer()), paid, "2026-11-23")
    chosen = choose(held).recommended
    assert chosen is not None
    assert chosen.bill.items[1].monthly == 730


def test_a_commitment_is_held_in_its_region_only() -> None:
    paid = {("us-east-1", "t4g.micro/reserved-1yr-no-upfront"): Decimal(1)}
    elsewhere = hold(market(offer()), paid, "2026-11-23")
    chosen = choose(elsewhere).recommended
    assert chosen is not None
    assert chosen.offer.purchase == ON_DEMAND
    assert chosen.bill.items[1].monthly == 730


@pytest.mark.parametrize(
    ("held", "covered"),
    [
        ("ap-northeast-2 t4g.micro/reserved-1yr-no-upfront", {"t4g.micro"}),
        ("us-east-1 t4g.micro/reserved-1yr-no-upfront", set()),
        ("ap-northeast-2 t4g.large/ec2-instance-savings-plan-1yr-no-upfront", {"t4g.micro"}),
        ("us-east-1 t4g.large/ec2-instance-savings-plan-1yr-no-upfront", set()),
        ("us-east-1 c7g.large/compute-savings-plan-1yr-no-upfront", {"t4g.micro", "t3.small"}),
    ],
)
def test_what_aws_would_apply_a_commitment_to_has_no_price_of_its_own(
    held: str, covered: set[str]
) -> None:
    region, _, name = held.partition(" ")
    known = hold(market(offer(), offer(SMALL)), {(region, name): Decimal("0.005")}, "2026-11-23")
    gaps = choose(known).unpriced
    assert {gap.instance_type for gap in gaps} == covered
    assert {gap.absence.code for gap in gaps} <= {"covered"}


def test_what_is_not_offered_is_not_had_by_paying_for_it() -> None:
    gone = offer(purchase=committed("reserved-1yr-no-upfront"), zone=None)
    gone = msgspec.structs.replace(gone, hourly=Unpriced("not-offered", "nowhere"))
    paid = {("ap-northeast-2", gone.name): Decimal("0.001")}
    assert choose(hold(market(gone), paid, "2026-11-23"), commitment="3yr").recommended is None


# The disk


def test_a_smaller_disk_is_among_what_would_lower_the_bill() -> None:
    host = HostShape(disk_gib=30, smallest_disk_gib=8)
    found = saving(choose(SEOUL, host), "host.disk_gib = 8")
    assert found.monthly == 22 * Decimal("0.0912")
    assert not [one for one in choose(SEOUL).savings if "disk" in one.accept[0]]


def test_a_zone_without_a_price_does_not_hide_one_that_has_it() -> None:
    known = market(
        offer(purchase=SPOT, amount=None, zone="apne2-az1"),
        offer(purchase=SPOT, amount="0.004", zone="apne2-az2"),
    )
    found = choose(known, max_interruption="any")
    assert found.unpriced == ()
    assert found.recommended is not None
    assert found.recommended.offer.availability_zone_id == "apne2-az2"
