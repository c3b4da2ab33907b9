"""The jobs of a configuration, and when they run."""

import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgen.config.jobs import (
    days_later,
    early_of,
    jobs_of,
    lanes_of,
    timeout_of,
    timings_of,
    unit_of,
)
from cfgen.config.load import make_config
from cfgen.config.schema import Config, Job
from cfgen.config.sessions import early_minutes, reaches_market
from cfgen.config.weekdays import days_text, parse_days
from cfgen.config.write import render
from cfgen.errors import ConfigError
from pricing.calendar import clock, minute_of

NEW_YORK: dict[str, Any] = {"calendar": "XNYS", "session": "09:30-16:00"}


def job(**keys: Any) -> dict[str, Any]:
    return {"name": "buy", "entrypoint": "a.py", **keys}


def config(*jobs: dict[str, Any], **sections: Any) -> Config:
    bot: dict[str, object] = {"jobs": list(jobs), **sections.pop("bot", {})}
    return make_config({"bot": bot, **sections}, "cfgen.toml")


def test_without_jobs_the_keys_of_the_bot_are_one() -> None:
    raw: dict[str, object] = {
        "bot": {"entrypoint": "x.py", "run_at": "09:05", "days": "Mon", "kind": "service"}
    }
    [only] = jobs_of(make_config(raw, "test"))
    assert (only.name, only.entrypoint, only.at, only.days) == ("bot", "x.py", ["09:05"], "Mon")
    assert (only.kind, only.retries, unit_of(only)) == ("service", 3, "trading-bot")


def test_a_jobs_units_bear_its_name() -> None:
    [found] = jobs_of(config(job(name="sell")))
    assert unit_of(found) == "trading-bot-sell"


@pytest.mark.parametrize(
    ("mode", "keys", "retries"),
    [
        ("demo", {}, 3),
        # What failed after an order would order again.
        ("real", {}, 0),
        ("real", {"retries": 2}, 2),
        ("demo", {"every": "5min"}, 0),
    ],
)
def test_a_run_with_real_money_is_not_repeated_unasked(
    mode: str, keys: dict[str, Any], retries: int
) -> None:
    [found] = jobs_of(config(job(**keys), bot={"mode": mode}))
    assert found.retries == retries


def test_the_one_job_of_a_real_account_is_not_repeated_either() -> None:
    [found] = jobs_of(make_config({"bot": {"mode": "real"}}, "test"))
    assert found.retries == 0


def test_jobs_are_written_and_read_back() -> None:
    table = {"name": "buy", "entrypoint": "a.py", "at": ["09:05", "15:20"], "exclusive": "account"}
    text = render({"bot.jobs": [table], "bot.mode": "demo"})
    [found] = make_config(tomllib.loads(text), "new").bot.jobs
    assert found == Job(name="buy", entrypoint="a.py", at=["09:05", "15:20"], exclusive="account")


class TestTimings:
    def test_several_times_a_day(self) -> None:
        found = config(job(at=["15:20", "09:05"]))
        [timing] = timings_of(found, jobs_of(found)[0])
        assert timing.minutes == (minute_of("09:05"), minute_of("15:20"))
        assert (timing.days, timing.zone) == (frozenset(range(5)), "Asia/Seoul")

    def test_every_few_minutes_within_the_session(self) -> None:
        found = config(job(every="30min"), market={"session": "09:00-11:30,12:30-15:00"})
        [timing] = timings_of(found, jobs_of(found)[0])
        clocks = "09:00 09:30 10:00 10:30 11:00 12:30 13:00 13:30 14:00 14:30"
        assert timing.minutes == tuple(map(minute_of, clocks.split()))

    def test_a_market_that_never_closes_has_the_whole_day(self) -> None:
        found = config(job(every="6h"), market={"calendar": "always"})
        [timing] = timings_of(found, jobs_of(found)[0])
        assert timing.minutes == (0, 360, 720, 1080)

    def test_a_night_belongs_to_the_day_on_which_it_began(self) -> None:
        """New York's Friday session ends on Saturday morning in Seoul."""
        found = config(job(at=["23:35", "04:45"]), market=NEW_YORK)
        evening, morning = timings_of(found, jobs_of(found)[0])
        assert (evening.days, evening.minutes) == (frozenset(range(5)), (minute_of("23:35"),))
        assert (morning.days, morning.minutes) == (frozenset(range(1, 6)), (minute_of("04:45"),))

    def test_a_session_that_begins_on_the_day_before(self) -> None:
        """Sydney's Monday is New York's Sunday evening."""
        market = {
            "calendar": "XASX",
            "session": "10:00-16:00",
            "session_timezone": "Australia/Sydney",
        }
        found = config(job(at=["20:30"]), bot={"timezone": "America/New_York"}, market=market)
        [timing] = timings_of(found, jobs_of(found)[0])
        assert timing.days == frozenset({6, 0, 1, 2, 3})

    def test_over_midnight_where_the_session_is_given_so(self) -> None:
        market = {"calendar": "XNYS", "session": "22:30-05:00", "session_timezone": "Asia/Seoul"}
        found = config(job(every="1h"), market=market)
        evening, morning = timings_of(found, jobs_of(found)[0])
        assert evening.minutes == (minute_of("22:30"), minute_of("23:30"))
        assert morning.minutes == tuple(minute_of(f"0{hour}:30") for hour in range(5))
        assert (evening.days, morning.days) == (frozenset(range(5)), frozenset(range(1, 6)))

    def test_a_job_that_does_not_ask_the_market_keeps_its_days(self) -> None:
        found = config(job(at=["04:45"], market=False), market=NEW_YORK)
        [timing] = timings_of(found, jobs_of(found)[0])
        assert timing.days == frozenset(range(5))


def reckoned(zone: str) -> dict[int, set[int]]:
    """Minutes of the day at which New York trades, and how many days later it then is there.

    Reckoned anew: every minute of a winter's and of a summer's week.
    """
    found: dict[int, set[int]] = {}
    for first in (datetime(2026, 1, 12, tzinfo=UTC), datetime(2026, 7, 13, tzinfo=UTC)):
        for offset in range(7 * 24 * 60):
            moment = first + timedelta(minutes=offset)
            there = moment.astimezone(ZoneInfo("America/New_York"))
            opened = minute_of("09:30") <= there.hour * 60 + there.minute < minute_of("16:00")
            if there.weekday() < 5 and opened:
                here = moment.astimezone(ZoneInfo(zone))
                shift = (here.date() - there.date()).days
                found.setdefault(here.hour * 60 + here.minute, set()).add(shift)
    return found


@pytest.mark.parametrize("zone", ["Asia/Seoul", "America/New_York", "UTC", "Pacific/Auckland"])
def test_a_place_is_where_a_clock_on_the_wall_says(zone: str) -> None:
    found = config(job(market=False), bot={"timezone": zone}, market=NEW_YORK)
    inside = reckoned(zone)
    for minute in range(0, 24 * 60, 5):
        if minute in inside:
            assert days_later(found, clock(minute)) in inside[minute]
            assert reaches_market(found, clock(minute))
            assert early_minutes(found, clock(minute)) == 0


def test_a_job_before_the_opening_may_run_from_then_on() -> None:
    found = config(job(at=["08:50", "15:20"]))
    assert early_of(found, jobs_of(found)[0]) == 10
    assert early_of(Config(), jobs_of(Config())[0]) == 0


def test_a_time_within_the_session_of_one_season_is_not_early() -> None:
    """22:35 in Seoul is within New York's summer session, and before its winter's."""
    found = config(job(at=["22:35"]), market=NEW_YORK)
    assert early_of(found, jobs_of(found)[0]) == 0


def test_a_run_may_take_as_long_as_the_day_where_nothing_is_said() -> None:
    assert timeout_of(Config(), jobs_of(Config())[0]) == 6.5 * 3600
    found = config(job(timeout="20min"))
    assert timeout_of(found, jobs_of(found)[0]) == 1200


def test_jobs_that_exclude_each_other_count_once() -> None:
    names = ("a", "b", "c", "d")
    groups = ("x", "x", "", "")
    found = config(
        *(job(name=name, exclusive=group) for name, group in zip(names, groups, strict=True))
    )
    assert lanes_of(found) == 3


@given(st.sets(st.integers(0, 6), min_size=1))
def test_days_are_read_as_they_were_written(days: set[int]) -> None:
    assert parse_days(days_text(days)) == days


@pytest.mark.parametrize(
    ("raw", "where", "allowed"),
    [
        (job(name="Buy"), "bot.jobs[0].name", "a-z, 0-9, -"),
        (job(entrypoint="../a.py"), "bot.jobs[0].entrypoint", "within the checkout"),
        (job(arguments=["a\nb"]), "bot.jobs[0].arguments", "one line"),
        (job(days="Friday"), "bot.jobs[0].days", "Mon..Fri"),
        (job(at=["9:05"]), "bot.jobs[0].at", "09:00"),
        (job(at=[]), "bot.jobs[0].at", "every"),
        (job(at=["15:31"]), "bot.jobs[0].at", "market = false"),
        (job(at=["04:00"]), "bot.jobs[0].at", "09:00-15:30"),
        (job(every="5"), "bot.jobs[0].every", "5min"),
        (job(every="90s"), "bot.jobs[0].every", "1min to 12h"),
        (job(every="5min", at=["09:05"]), "bot.jobs[0].at", "name one of them"),
        (job(every="5min", market=False), "bot.jobs[0].every", "market = true"),
        (job(every="5min", retries=1), "bot.jobs[0].retries", "by itself"),
        (job(every="5min", kind="service"), "bot.jobs[0].every", "stays up"),
        (job(retries=4), "bot.jobs[0].retries", "from 0 to 3"),
        (job(retries="1"), "bot.jobs[0].retries", "expected `int`"),
        (job(timeout="1 hour"), "bot.jobs[0].timeout", "90s"),
        (job(exclusive="The Account"), "bot.jobs[0].exclusive", "account"),
        (job(exclusive="account", kind="service"), "bot.jobs[0].exclusive", "never ends"),
        (job(tries=4), "bot.jobs[0].tries", "unknown key"),
        ({"name": "buy"}, "bot.jobs[0]", "entrypoint"),
        ("buy", "bot.jobs[0]", "expected `object`"),
    ],
)
def test_a_bad_job_is_told_of_by_its_key(raw: Any, where: str, allowed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(raw)
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"cfgen.toml: {where}")
    assert allowed in line


def test_names_are_unique() -> None:
    with pytest.raises(ConfigError, match=r"bot\.jobs\[1\]\.name: buy is the name"):
        config(job(), job())


def test_keys_of_the_one_job_have_no_place_beside_jobs() -> None:
    with pytest.raises(ConfigError, match=r"bot\.run_at: .*\[\[bot\.jobs\]\]"):
        config(job(), bot={"run_at": "09:05"})


def test_more_jobs_than_the_memory_holds_are_refused() -> None:
    jobs = [job(name=f"job{number}") for number in range(8)]
    with pytest.raises(ConfigError, match=r"bot\.jobs: 8 jobs .* 77 MiB"):
        config(*jobs)
    assert config(*jobs, workload={"memory_mib": 1800})
    assert config(*(one | {"exclusive": "account"} for one in jobs))


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"at": ["08:35"]}, "bot.jobs[0].at"),
        ({"at": ["17:00"], "market": False}, "bot.jobs[0].at"),
        ({"at": ["09:05"], "days": "Sat", "market": False}, "bot.jobs[0].days"),
    ],
)
def test_a_market_host_is_up_for_every_job(keys: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(job(**keys), workload={"hours": "market"})
    assert f"cfgen.toml: {where}: " in str(caught.value)


@pytest.mark.parametrize(
    "path", ["/etc/x", "data", "~/../x", "/opt/trading-bot/x", "/", "/home/me"]
)
def test_the_systems_folders_stay_closed(path: str) -> None:
    with pytest.raises(ConfigError, match=r"bot\.writable: "):
        make_config({"bot": {"writable": [path]}}, "cfgen.toml")


def test_folders_of_ones_own_may_be_opened() -> None:
    assert make_config({"bot": {"writable": ["~/KIS/config", "/srv/data"]}}, "cfgen.toml")
