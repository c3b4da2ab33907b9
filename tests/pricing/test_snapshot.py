import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

import pricing
from pricing.data.make_snapshot import FIGURES, SERVICES, TARGET, make_snapshot
from pricing.errors import SnapshotError, UnknownInstanceType, UnknownRegion
from pricing.market import Market
from pricing.offers import COMMITTED, Offer
from pricing.price import Price, Unpriced
from pricing.rates import Rate, Service
from pricing.sources.figures import Commitment
from pricing.sources.snapshot import Snapshot, SnapshotSource, encode, load_snapshot

DEFAULT = ("t4g.micro", "t3.micro", "t3.small")


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load_snapshot()


def read(snapshot: Snapshot, region: str, *types: str) -> Market:
    return SnapshotSource(snapshot).read((region,), types or DEFAULT)


def rows(name: str) -> Iterator[dict[str, str]]:
    with (FIGURES / name).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def priced(market: Market, kind: str, purchase: str, zone: str | None = None) -> Offer:
    [offer] = [
        offer
        for offer in market.offers
        if offer.instance_type.name == kind
        and offer.purchase.name == purchase
        and (zone is None or offer.availability_zone_id == zone)
    ]
    return offer


def test_the_embedded_file_is_what_the_script_writes() -> None:
    assert TARGET.read_bytes() == encode(make_snapshot(FIGURES))


def test_every_ec2_figure_comes_out_as_it_went_in(snapshot: Snapshot) -> None:
    count = 0
    for row in rows("ec2_2025-10.csv"):
        market = read(snapshot, row["region"], row["instance_type"])
        spot = priced(market, row["instance_type"], "spot", row["availability_zone_id"])
        on_demand = priced(market, row["instance_type"], "on-demand")
        for offer, column in ((spot, "spot"), (on_demand, "on_demand")):
            assert isinstance(offer.hourly, Price)
            assert offer.hourly.amount == Decimal(row[f"{column}_usd_per_hour"])
            assert offer.hourly.unit == "Hrs"
        count += 1
    assert count == 520


def test_every_interruption_range_comes_out_as_it_went_in(snapshot: Snapshot) -> None:
    checked = 0
    for row in rows("spot_advisor_2025-06-28.csv"):
        if row["region"] not in snapshot.regions:
            continue
        market = read(snapshot, row["region"], row["instance_type"])
        for offer in market.offers:
            if offer.purchase.name == "spot":
                assert offer.interruption is not None
                assert offer.interruption.range == row["interruption_range"]
                assert offer.interruption.as_of == "2025-06-28"
                checked += 1
    assert checked > 500


def test_every_service_figure_is_kept_or_said_to_be_unconfirmed(snapshot: Snapshot) -> None:
    rates = snapshot.regions["ap-northeast-2"].rates
    assert set(rates) == set(Service)
    for row in rows("services_ap-northeast-2_2026-10.csv"):
        service = SERVICES.get((row["service_code"], row["usagetype_suffix"]))
        if service is None:
            assert row["item"] == "Public IPv4 address idle"
            continue
        rate = rates[service]
        if row["as_of"] == "unconfirmed":
            assert isinstance(rate, Unpriced)
            continue
        assert isinstance(rate, Rate)
        [tier] = rate.tiers
        assert tier.price.amount == Decimal(row["usd_per_unit"])
        assert tier.price.as_of == row["as_of"]
        assert rate.free == Decimal(row["free_per_month"])


def test_seoul_on_demand_is_as_old_as_it_was_last_seen(snapshot: Snapshot) -> None:
    price = priced(read(snapshot, "ap-northeast-2"), "t4g.micro", "on-demand").hourly
    assert isinstance(price, Price)
    assert price.as_of == "2026-10-01"


def test_commitments_are_unpriced_with_a_reason(snapshot: Snapshot) -> None:
    market = read(snapshot, "ap-northeast-2")
    committed = [offer for offer in market.offers if offer.purchase.commitment]
    assert len(committed) == len(COMMITTED) * len(DEFAULT)
    assert all(isinstance(offer.hourly, Unpriced) and offer.hourly.reason for offer in committed)


def test_a_type_that_a_region_lacks_is_unpriced(snapshot: Snapshot) -> None:
    market = read(snapshot, "af-south-1", "t3a.micro")
    assert {type(offer.hourly) for offer in market.offers} == {Unpriced}


def test_elsewhere_the_surroundings_are_unpriced(snapshot: Snapshot) -> None:
    rates = read(snapshot, "us-east-1").rates["us-east-1"]
    assert set(rates) == set(Service)
    assert all(isinstance(rate, Unpriced) for rate in rates.values())


def test_globs_widen_the_search(snapshot: Snapshot) -> None:
    market = read(snapshot, "ap-northeast-2", "t4g.*")
    names = {offer.instance_type.name for offer in market.offers}
    assert names == {"t4g.nano", "t4g.micro", "t4g.small"}


def test_an_unknown_region_names_those_it_covers(snapshot: Snapshot) -> None:
    with pytest.raises(UnknownRegion) as caught:
        read(snapshot, "eu-north-9")
    assert "ap-northeast-2" in caught.value.hint


def test_an_unknown_type_names_those_it_knows(snapshot: Snapshot) -> None:
    with pytest.raises(UnknownInstanceType) as caught:
        read(snapshot, "ap-northeast-2", "t4g.micro", "z9.micro")
    assert "z9.micro" in str(caught.value)
    assert "t4g.small" in caught.value.hint


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"schema_version": 1', b"\xff"])
def test_a_damaged_snapshot_says_so(data: bytes) -> None:
    with pytest.raises(SnapshotError, match="damaged"):
        load_snapshot(data)


def test_a_snapshot_of_another_schema_says_so(snapshot: Snapshot) -> None:
    later = msgspec.structs.replace(snapshot, schema_version=99)
    with pytest.raises(SnapshotError, match="99"):
        load_snapshot(encode(later))


@pytest.mark.parametrize("amount", ["0", "-0.1", "NaN"])
def test_a_snapshot_with_an_impossible_price_is_damaged(snapshot: Snapshot, amount: str) -> None:
    text = encode(snapshot).replace(b'"amount": "0.0912"', f'"amount": "{amount}"'.encode())
    with pytest.raises(SnapshotError, match="damaged"):
        load_snapshot(text)


def test_the_packages_own_sources_hold_no_float() -> None:
    package = Path(pricing.__file__).parent
    assert not [path for path in package.rglob("*.py") if "float" in path.read_text()]


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('"currency": "USD"', '"currency": "KRW"'),
        ('"as_of": "2026-10-01"', '"as_of": "yesterday"'),
        ('"as_of": "2026-10-01"', '"as_of": ""'),
        ('"free": "100"', '"free": "-500"'),
        ('"begin": "0"', '"begin": "NaN"'),
        ('"current": "0.001400"', '"current": "1e30"'),
        ('"on_demand": "0.0104"', '"on_demand": "sNaN"'),
        ('"vcpus": 2', '"vcpus": 0'),
        ('"memory_mib": 1024', '"memory_mib": -1'),
        ('"baseline_percent": "10"', '"baseline_percent": "NaN"'),
        ('"name": "t3.micro"', '"name": "t3.nano"'),
        ('"terms": "ec2-seoul"', '"terms": "nobody"'),
        ('"types_source": "ec2-prices"', '"types_source": ""'),
    ],
)
def test_a_snapshot_that_holds_nonsense_is_damaged(
    snapshot: Snapshot, was: str, becomes: str
) -> None:
    text = encode(snapshot).decode()
    assert was in text
    with pytest.raises(SnapshotError, match="damaged"):
        load_snapshot(text.replace(was, becomes).encode())


def test_a_snapshot_without_end_is_damaged() -> None:
    with pytest.raises(SnapshotError, match="damaged"):
        load_snapshot(b'{"schema_version": 2, "sources": ' + b"[" * 100_000)


def test_a_snapshot_of_nothing_has_no_prices() -> None:
    empty = Snapshot(2, {}, "", {}, {})
    with pytest.raises(UnknownRegion):
        SnapshotSource(empty).read((), ("t3.micro",))


@pytest.mark.parametrize("amount", ["sNaN", "NaN", "-1", "1e400", "1e-400"])
def test_a_commitment_at_an_impossible_price_is_none(amount: str) -> None:
    with pytest.raises(ValueError, match="price"):
        Commitment(Decimal(amount), Decimal(1))
    with pytest.raises(ValueError, match="price"):
        Commitment(Decimal(1), Decimal(amount))
    with pytest.raises(ValueError, match="price"):
        Commitment(Decimal(0), Decimal(0))
