from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from cfgen import pipeline
from cfgen.config.load import make_config
from cfgen.errors import ConfigError, Refused
from cfgen.lock import Lock, read_lock, write_lock
from cfgen.prices import Prices

NOW = datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC)
OFFLINE = Prices(NOW, "offline")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cfgen.lock"


def locked(path: Path, *, hours: str = "always") -> Lock:
    config = make_config({"workload": {"hours": hours}}, "test")
    lock, _ = pipeline.write_recommended(config, pipeline.recommend(config, OFFLINE), path, NOW)
    return lock


def choose(
    path: Path, *, insist: bool = False, refresh: bool = False, **workload: object
) -> pipeline.Choice:
    config = make_config({"workload": workload}, "test")
    return pipeline.choose(config, OFFLINE, path, refresh=refresh, insist=insist)


def test_the_lock_holds_plan_image_and_the_prices_it_rests_on(path: Path) -> None:
    lock = locked(path)
    assert lock == read_lock(path)
    assert lock.plan.id == "t4g.micro/on-demand/always"
    assert lock.plan.monthly_usd == Decimal("12.3726")
    assert lock.image.endswith("al2023-ami-kernel-default-arm64")
    assert (lock.prices.mode, lock.prices.as_of) == ("snapshot", "2025-06-28")
    assert lock.locked_at == "2026-11-23T09:00:00Z"


def test_a_cheaper_plan_is_told_and_not_taken(path: Path) -> None:
    locked(path)
    choice = choose(path, hours="market")
    assert choice.plan.id == "t4g.micro/on-demand/always"
    assert choice.cheaper is not None
    assert choice.cheaper.id == "t4g.micro/on-demand/market"


def test_refresh_chooses_anew(path: Path) -> None:
    locked(path)
    choice = choose(path, hours="market", refresh=True)
    assert choice.plan.id == "t4g.micro/on-demand/market"
    assert choice.lock is None


def test_a_flag_against_the_lock_is_refused_not_ignored(path: Path) -> None:
    locked(path)
    with pytest.raises(Refused, match=r"keeps t4g\.micro/on-demand/always") as caught:
        choose(path, hours="market", insist=True)
    assert "--refresh" in caught.value.hint


def test_a_locked_plan_that_no_longer_fits_is_refused(path: Path) -> None:
    locked(path, hours="market")
    with pytest.raises(Refused, match="does not accept"):
        choose(path, hours="always")


def test_a_locked_type_that_is_not_wanted_is_refused(path: Path) -> None:
    locked(path)
    with pytest.raises(Refused, match="not among the wanted"):
        choose(path, instance_types=["t3.small"])


def test_a_lock_for_another_region_is_refused(path: Path) -> None:
    locked(path)
    config = make_config({"stack": {"region": "us-east-1"}}, "test")
    with pytest.raises(ConfigError, match="is for ap-northeast-2"):
        pipeline.choose(config, OFFLINE, path, refresh=False, insist=False)


def test_nothing_fits(path: Path) -> None:
    with pytest.raises(Refused, match="no plan fits") as caught:
        choose(path, memory_mib=100_000)
    assert "MiB are needed" in str(caught.value)
    assert not path.exists()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"schema_version": 1, "x": 2}', "\x00"])
def test_a_damaged_lock_says_how_to_write_it_anew(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"cfgen\.lock") as caught:
        read_lock(path)
    assert "recommend --write" in caught.value.hint


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("arm64", "x86_64"), ('"hours": "always"', '"hours": "market"'), ("true", "false")],
)
def test_a_lock_that_contradicts_itself_is_not_built(path: Path, right: str, wrong: str) -> None:
    locked(path)
    path.write_text(path.read_text().replace(right, wrong, 1))
    with pytest.raises(ConfigError, match="does not hold together"):
        choose(path)


def test_a_lock_of_a_later_schema_is_not_read(path: Path) -> None:
    locked(path)
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(ConfigError, match="schema version 2"):
        read_lock(path)


def test_what_is_deployed_is_locked_once(path: Path) -> None:
    choice = choose(path)
    assert pipeline.keep_choice(choice, path, NOW)
    assert not pipeline.keep_choice(choose(path), path, NOW)


def test_writing_where_one_may_not(tmp_path: Path) -> None:
    lock = locked(tmp_path / "cfgen.lock")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_lock(tmp_path / "none" / "cfgen.lock", lock)
