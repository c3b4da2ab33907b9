import multiprocessing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pricing.price import Source, Unpriced
from pricing.sources.cache import Cache, is_fresh
from pricing.sources.figures import INSTANCE_TYPES, PARTS, SPOT, TERMS, ZONES, Found, Terms

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SEOUL = "ap-northeast-2"


def found(amount: str = "0.0104", at: datetime = NOW) -> Found[Terms]:
    source = Source("aws-price-list", at.date().isoformat(), at.isoformat(), "test")
    return Found(Terms(Decimal(amount)), source, "live")


def read(cache: Cache) -> dict[str, Terms | Unpriced]:
    return {item: one.value for item, one in cache.read(TERMS, SEOUL).items()}


def test_what_is_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "new" / "folder")
    cache.write(TERMS, SEOUL, {"t4g.micro": found()})
    kept = cache.read(TERMS, SEOUL)["t4g.micro"]
    assert kept.value == found().value
    assert kept.source == found().source
    assert kept.mode == "cache"
    assert cache.notices == []


def test_figures_are_kept_beside_those_that_are_there(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write(TERMS, SEOUL, {"a": found("1"), "b": found("2")})
    cache.write(TERMS, SEOUL, {"b": found("3")})
    assert read(cache) == {"a": Terms(Decimal(1)), "b": Terms(Decimal(3))}


def test_regions_parts_variants_and_endpoints_are_kept_apart(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write(TERMS, SEOUL, {"a": found("1")})
    assert cache.read(TERMS, "us-east-1") == {}
    assert cache.read(INSTANCE_TYPES, SEOUL) == {}
    assert cache.read(TERMS, SEOUL, "30d") == {}
    assert Cache(tmp_path, "elsewhere").read(TERMS, SEOUL) == {}


def test_nothing_in_a_file_or_its_name_tells_the_account(tmp_path: Path) -> None:
    Cache(tmp_path).write(TERMS, SEOUL, {"t4g.micro": found()})
    [path] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert str(path.relative_to(tmp_path)) == "aws/ap-northeast-2/terms.json"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json",
        b'{"schema_version": 1}',
        b"\xff\xfe",
        b'{"schema_version": 99, "region": "ap-northeast-2", "part": "terms", "entries": {}}',
        b'{"schema_version": 1, "region": "us-east-1", "part": "terms", "entries": {}}',
        b'{"schema_version": 1, "region": "ap-northeast-2", "part": "spot", "entries": {}}',
        b'{"schema_version": 1, "region": "ap-northeast-2", "part": "terms", "entries": {"a": '
        b'{"source": {"name": "x", "as_of": "2026-11-23", "fetched_at": "now", "origin": ""}, '
        b'"value": {"type": "terms", "on_demand": "0.1"}}}}',
        b'{"schema_version": 1, "region": "ap-northeast-2", "part": "terms", "entries": {"a": '
        b'{"source": {"name": "x", "as_of": "2026-11-23", "fetched_at": "2026-11-23T00:00:00Z", '
        b'"origin": ""}, "value": {"type": "terms", "on_demand": "-1"}}}}',
    ],
)
def test_a_corrupt_or_foreign_file_is_set_aside_with_a_warning(tmp_path: Path, data: bytes) -> None:
    cache = Cache(tmp_path)
    path = tmp_path / "aws" / SEOUL / "terms.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    assert cache.read(TERMS, SEOUL) == {}
    assert [notice.code for notice in cache.notices] == ["cache-set-aside"]
    assert path.with_suffix(".set-aside-1").read_bytes() == data
    cache.write(TERMS, SEOUL, {"a": found("1")})
    assert read(cache) == {"a": Terms(Decimal(1))}


def test_a_moment_without_a_zone_is_not_used(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write(TERMS, SEOUL, {"a": found(at=datetime(2026, 11, 23))})  # noqa: DTZ001
    assert cache.read(TERMS, SEOUL) == {}


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    cache = Cache(blocked)
    cache.write(TERMS, SEOUL, {"a": found()})
    cache.write(TERMS, SEOUL, {"a": found()})
    codes = [notice.code for notice in cache.notices]
    assert codes == sorted(set(codes))
    assert "cache-unwritable" in codes


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_each_kind_of_price_has_its_time_to_live(part: object) -> None:
    assert part in PARTS
    one = next(known for known in PARTS if known is part)
    second = timedelta(seconds=1)
    assert is_fresh(found(at=NOW - one.lives + second), one, NOW) == (one is not ZONES)
    assert not is_fresh(found(at=NOW - one.lives), one, NOW)
    assert not is_fresh(found(at=NOW + timedelta(minutes=1)), one, NOW)


def test_zones_are_asked_for_each_time_and_spot_prices_live_the_shortest() -> None:
    """Accounts do not all have the same zones, and the key knows no account."""
    assert sorted(PARTS, key=lambda part: part.lives)[:2] == [ZONES, SPOT]


def _write_often(folder: Path, name: str) -> None:
    cache = Cache(folder)
    for number in range(40):
        cache.write(TERMS, SEOUL, {name: found(str(number + 1))})
        assert cache.read(TERMS, SEOUL) is not None
    assert cache.notices == []


def test_two_processes_at_once_never_see_half_a_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_often, args=(tmp_path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    cache = Cache(tmp_path)
    kept = read(cache)
    assert cache.notices == []
    assert Terms(Decimal(40)) in kept.values()
    assert {path.name for path in (tmp_path / "aws" / SEOUL).iterdir()} == {"terms.json"}
