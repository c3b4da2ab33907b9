import json
import subprocess
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given as given_
from hypothesis import strategies as st

from cfgen import pipeline
from cfgen.config.given import Given
from cfgen.config.load import make_config
from cfgen.errors import ConfigError, Refused
from cfgen.lock import (
    Candidate,
    Lock,
    LockedPlan,
    LockedPrices,
    contradictions,
    lock_path,
    others_of_stack,
    read_lock,
    write_lock,
)
from cfgen.prices import Prices
from cfgen.template.switch import Effect
from tests.trees import plan, spot

NOW = datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC)
OFFLINE = Prices(NOW, "offline")
FIELDS = ("ap-northeast-2", "2026-11-23T09:00:00Z")
PRICES = LockedPrices("live", "2026-11-23")
ON_DEMAND, SPOT = (
    Lock(2, *FIELDS, one, one.image_parameter, PRICES, "bot")
    for one in (
        plan(),
        spot(
            "market",
            id="t3.small/spot/market",
            instance_type="t3.small",
            arch="x86_64",
            candidates=(Candidate("t3.small", "x86_64"),),
        ),
    )
)


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


def test_a_group_is_locked_with_the_zones_that_have_its_types(path: Path) -> None:
    config = make_config({"workload": {"max_interruption": "any"}}, "test")
    lock, _ = pipeline.write_recommended(config, pipeline.recommend(config, OFFLINE), path, NOW)
    assert lock.plan.zones == tuple(f"apne2-az{number}" for number in (1, 2, 3, 4))
    assert lock.plan.availability_zone_id == "apne2-az2"
    assert read_lock(path) == lock
    # An instance has one, and a lock of an earlier version knows of none.
    assert locked(path).plan.zones == ()


@pytest.mark.parametrize(
    ("plan_of", "zones"), [(ON_DEMAND, ("apne2-az1",)), (SPOT, ("ap-northeast-2a",))]
)
def test_zones_that_are_none_are_not_built(plan_of: Lock, zones: tuple[str, ...]) -> None:
    wrong = msgspec.structs.replace(
        plan_of, plan=msgspec.structs.replace(plan_of.plan, zones=zones)
    )
    assert [text for text in contradictions(wrong) if "zone" in text]
    assert not [text for text in contradictions(plan_of) if "zone" in text]


def test_a_local_zone_is_none_of_a_groups() -> None:
    config = make_config({"workload": {"max_interruption": "any"}}, "test")
    found = pipeline.recommend(config, OFFLINE)
    offers = tuple(
        msgspec.structs.replace(offer, availability_zone_id="apne2-sel1-az1")
        if offer.availability_zone_id == "apne2-az4"
        else offer
        for offer in found.market.offers
    )
    market = msgspec.structs.replace(found.market, offers=offers)
    found = msgspec.structs.replace(found, market=market)
    assert found.recommended
    assert LockedPlan.of(found.recommended, found).zones == ("apne2-az1", "apne2-az2", "apne2-az3")


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
    config = make_config({}, "test")
    given = Given.of("demo.toml", {})
    with pytest.raises(Refused, match=r"which demo\.toml does not accept"):
        pipeline.choose(config, OFFLINE, path, refresh=False, insist=False, given=given)


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
    assert "git checkout -- " in caught.value.hint
    assert "recommend --write" in caught.value.hint


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"arch": "arm64"', '"arch": "x86_64"'),
        ("default-arm64", "default-x86_64"),
        ('"hours": "always"', '"hours": "market"'),
        ('"instance_type": "t4g.micro"', '"instance_type": "t3.micro"'),
        ('"purchase": "on-demand"', '"purchase": "spot"'),
        ('"shape": "instance"', '"shape": "group"'),
        ("true", "false"),
        ('"stack": "trading-bot"', '"stack": ""'),
        ('"candidates": []', '"candidates": [{"instance_type": "t3.micro", "arch": "x86_64"}]'),
    ],
)
def test_a_lock_that_contradicts_itself_is_not_built(path: Path, right: str, wrong: str) -> None:
    locked(path)
    before = path.read_text()
    path.write_text(before.replace(right, wrong, 1))
    assert path.read_text() != before
    with pytest.raises(ConfigError, match="does not hold together"):
        choose(path)


def test_a_lock_of_a_later_schema_is_not_read(path: Path) -> None:
    locked(path)
    path.write_text(path.read_text().replace('"schema_version": 2', '"schema_version": 3'))
    with pytest.raises(ConfigError, match="schema version 3"):
        read_lock(path)


def test_what_is_deployed_is_locked_once(path: Path) -> None:
    choice = choose(path)
    assert pipeline.keep_choice(choice, path, NOW)
    assert not pipeline.keep_choice(choose(path), path, NOW)


def test_writing_where_one_may_not(tmp_path: Path) -> None:
    lock = locked(tmp_path / "cfgen.lock")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_lock(tmp_path / "none" / "cfgen.lock", lock)


@pytest.mark.parametrize(
    ("config", "lock"),
    [
        (None, "cfgen.lock"),
        ("cfgen.toml", "cfgen.lock"),
        ("conf/demo.toml", "conf/demo.lock"),
        ("real", "real.lock"),
        ("bot.v2.toml", "bot.v2.lock"),
    ],
)
def test_a_lock_is_called_like_its_configuration(config: str | None, lock: str) -> None:
    assert lock_path(Path(config) if config else None) == Path(lock)


@pytest.mark.parametrize("config", ["demo.lock", "demo.LOCK"])
def test_a_lock_is_not_written_over_its_configuration(config: str) -> None:
    with pytest.raises(ConfigError, match="would be written over it") as caught:
        lock_path(Path(config))
    assert caught.value.hint == "call it demo.toml"


def test_a_lock_of_another_stack_is_refused(path: Path) -> None:
    locked(path)
    config = make_config({"stack": {"name": "other"}}, "test")
    given = Given.of("other.toml", {"--profile": "p"})
    with pytest.raises(ConfigError, match="for stack trading-bot, not for other") as caught:
        pipeline.choose(config, OFFLINE, path, refresh=False, insist=False, given=given)
    assert "cfgen recommend --write --config other.toml --profile p" in caught.value.hint
    anew = pipeline.choose(config, OFFLINE, path, refresh=True, insist=False, given=given)
    assert pipeline.keep_choice(anew, path, NOW)
    assert (found := read_lock(path))
    assert found.stack == "other"


def earlier(path: Path) -> Lock:
    """A lock as it was before locks named their stack."""
    locked(path)
    raw = json.loads(path.read_text())
    del raw["stack"]
    path.write_text(json.dumps(raw | {"schema_version": 1}))
    lock = read_lock(path)
    assert lock
    return lock


def test_a_lock_without_a_stack_keeps_its_plan_and_gets_the_name(path: Path) -> None:
    before = earlier(path)
    # Another plan would be cheaper, and stays unasked for.
    choice = choose(path, hours="market")
    assert choice.plan == before.plan
    assert pipeline.keep_choice(choice, path, NOW)
    assert read_lock(path) == before.named("trading-bot")
    assert not pipeline.keep_choice(choose(path), path, NOW)


def git(folder: Path, *arguments: str, code: int = 0) -> None:
    """Run git, apart from whatever the developer has configured."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr


def test_what_git_could_not_merge_is_taken_back_by_what_the_hint_says(
    tmp_path: Path, path: Path
) -> None:
    git(tmp_path, "init", "-b", "main")
    locked(path)
    git(tmp_path, "add", "cfgen.lock")
    git(tmp_path, "commit", "-m", "always")
    git(tmp_path, "checkout", "-b", "market")
    locked(path, hours="market")
    git(tmp_path, "commit", "-am", "market")
    git(tmp_path, "checkout", "main")
    wanted = locked(path).named("trading-bot")
    path.write_text(path.read_text().replace("12.3726", "12.4000"))
    git(tmp_path, "commit", "-am", "dearer")
    git(tmp_path, "merge", "market", code=1)
    with pytest.raises(ConfigError, match="git could not merge it \\(line ") as caught:
        read_lock(path)
    assert f"git checkout --ours -- {path}, or --theirs" in caught.value.hint
    git(tmp_path, "checkout", "--theirs", "--", str(path))
    assert (theirs := read_lock(path))
    assert theirs.plan.hours == "market"
    git(tmp_path, "checkout", "--ours", "--", str(path))
    assert (ours := read_lock(path))
    assert ours.plan.id == wanted.plan.id


@pytest.mark.parametrize("line", ['"region": "us-east-1",', '"hours": "always",'])
def test_a_key_that_is_there_twice_is_seen(path: Path, line: str) -> None:
    locked(path)
    name = line.partition(":")[0]
    path.write_text(path.read_text().replace(name, f"{line}{name}", 1))
    with pytest.raises(ConfigError, match=f"{name.strip(chr(34))} is in it twice") as caught:
        read_lock(path)
    assert f"git checkout -- {path}" in caught.value.hint


@given_(st.data())
def test_a_merge_of_two_locks_is_one_of_them_or_refused(data: st.DataObject) -> None:
    """Field by field from either side, as a merge by hand may take them.

    Whether a type has an architecture is known by the prices alone: ``choose`` looks there.
    """
    sides = [msgspec.to_builtins(SPOT), msgspec.to_builtins(ON_DEMAND)]
    merged = {key: data.draw(st.sampled_from(sides))[key] for key in sides[0]}
    merged["plan"] = {
        key: data.draw(st.sampled_from(sides))["plan"][key] for key in sides[0]["plan"]
    }
    contradictory = tuple(contradictions(msgspec.convert(merged, Lock)))
    telling = ("instance_type", "purchase", "hours", "shape", "id")
    whole = any(all(merged["plan"][key] == side["plan"][key] for key in telling) for side in sides)
    assert contradictory or whole


def test_other_locks_of_the_stack_are_found_and_nothing_else(path: Path) -> None:
    locked(path)
    assert others_of_stack(path, "trading-bot", "ap-northeast-2") == []
    demo = path.with_name("demo.lock")
    assert others_of_stack(demo, "trading-bot", "ap-northeast-2") == [path]
    assert others_of_stack(demo, "trading-bot-demo", "ap-northeast-2") == []
    assert others_of_stack(demo, "trading-bot", "us-east-1") == []
    path.with_name("uv.lock").write_text("version = 1\n")
    assert others_of_stack(demo, "trading-bot", "ap-northeast-2") == [path]


def test_a_lock_that_gives_way_says_what_it_kept(path: Path) -> None:
    locked(path)
    config = make_config({"workload": {"hours": "market"}}, "test")
    lock, before = pipeline.write_recommended(
        config, pipeline.recommend(config, OFFLINE), path, NOW
    )
    assert before is not None
    assert before.plan.id == "t4g.micro/on-demand/always"
    assert before.effect == Effect("leave")
    assert lock.plan.id == "t4g.micro/on-demand/market"
    _, before = pipeline.write_recommended(config, pipeline.recommend(config, OFFLINE), path, NOW)
    assert before is None


def test_what_cannot_be_read_gives_way_where_that_was_asked_for(path: Path) -> None:
    path.write_text("<<<<<<< HEAD\n")
    choice = choose(path, refresh=True)
    assert choice.left is None
    config = make_config({}, "test")
    _, before = pipeline.write_recommended(config, pipeline.recommend(config, OFFLINE), path, NOW)
    assert before is None
    assert read_lock(path)
