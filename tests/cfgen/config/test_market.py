"""Keys of [market] that are wrong, or that may not be what was meant."""

from typing import Any

import pytest

from cfgen.config.load import make_config
from cfgen.config.warnings import warnings
from cfgen.errors import ConfigError

NEW_YORK = {"calendar": "XNYS", "session": "09:30-16:00"}
NIGHT = {"bot": {"run_at": "23:35"}, "market": NEW_YORK}


@pytest.mark.parametrize(
    ("sections", "where", "words"),
    [
        ({"market": {"calendar": "NYSE"}}, "market.calendar", "did you mean XNYS?"),
        ({"market": {"calendar": "XNYS"}}, "market.session",
         "09:00-15:30 is the Korea Exchange's; name XNYS's own, such as 09:30-16:00"),
        ({"market": {"calendar": "XJPX"}}, "market.session", "such as 09:00-11:30,12:30-15:30"),
        ({"market": {"calendar": "XTAI"}}, "market.session", "name XTAI's own, in Asia/Taipei"),
        ({"market": {"session": "9-15"}}, "market.session", "a window such as 08:30-16:00"),
        ({"market": {"session": "09:00-12:00,11:00-15:00"}}, "market.session", "has ended"),
        ({"market": {"session_timezone": "Seoul"}}, "market.session_timezone", "as Asia/Seoul"),
        ({"market": {"half_days": {"soon": "10:00-16:30"}}}, "market.half_days", "such as 2026-11"),
        ({"market": {"half_days": {"20261119": "10:00-16:30"}}}, "market.half_days", "a date"),
        ({"market": {"half_days": {"2026-11-19": "ten"}}}, "market.half_days", "a window such as"),
        ({"market": {"half_days": {"2026-11-19": 1}}}, "market.half_days", "expected `str`"),
        ({"market": {"closed": ["20261119"]}}, "market.closed", "such as 2026-11-19"),
        ({"market": {"closed": ["2026-11-19"], "half_days": {"2026-11-19": "10:00-16:30"}}},
         "market.closed", "is in market.half_days, too"),
        ({"market": {"calendar": "always", "session": "09:00-18:00"}}, "market.session", "always"),
        ({"market": {"calendar": "always", "half_days": {"2026-11-19": "10:00-16:30"}}},
         "market.half_days", "always"),
        ({"market": {"calendar": "always"}, "workload": {"hours": "market"}}, "workload.hours",
         'the market never closes; allowed is "always"'),
        # Tuesday in Seoul is still Monday in New York, where Monday's holidays count.
        ({"market": NEW_YORK | {"session": "00:30-05:00", "session_timezone": "Asia/Seoul"}},
         "market.session_timezone", "begins on another day than in America/New_York"),
        ({"market": NEW_YORK}, "bot.run_at",
         "09:00 is neither within the session 09:30-16:00 in America/New_York"),
        ({"bot": {"run_at": "04:59"}}, "bot.run_at", "nor up to 4 hours before it"),
        ({"bot": {"run_at": "15:31"}}, "bot.run_at", "neither within the session 09:00-15:30"),
        ({"bot": {"run_at": "12:00"}, "market": {"session": "09:00-11:30,12:30-15:00"}},
         "bot.run_at", "neither within the session"),
        (NIGHT | {"workload": {"hours": "market", "window": "23:30-06:30"}}, "bot.run_at",
         "10 minutes after"),
        (NIGHT | {"workload": {"hours": "market", "window": "22:00-06:19"}}, "host.patching",
         "end workload.window later"),
        ({"bot": {"run_at": "04:00", "days": "Tue..Sat"}, "market": NEW_YORK}, "bot.days",
         "whose days are those on which it begins: Mon..Fri"),
    ],
)  # fmt: skip
def test_each_mistake_has_one_message(sections: dict[str, Any], where: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config(sections, "cfgen.toml")
    text = str(caught.value)
    assert text.startswith(f"cfgen.toml: {where}")
    assert words in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    "sections",
    [
        NIGHT,
        NIGHT | {"workload": {"hours": "market", "window": "22:00-06:30"}},
        NIGHT | {"workload": {"hours": "market", "window": "22:00-06:20"}},
        {"market": NEW_YORK, "bot": {"timezone": "America/New_York", "run_at": "09:35"}},
        {"market": {"calendar": "weekdays", "session": "17:00-16:00"}},
        {"market": {"calendar": "always"}, "bot": {"run_at": "00:00"}},
        # On the day of the college exam the exchange opens an hour later.
        {"market": {"half_days": {"2026-11-19": "10:00-16:30"}}},
        {
            "bot": {"run_at": "04:00"},
            "market": NEW_YORK,
            "workload": {"hours": "market", "window": "22:00-06:30"},
        },
    ],
)
def test_what_goes_together_is_taken(sections: dict[str, Any]) -> None:
    make_config(sections, "cfgen.toml")


def told(**sections: Any) -> list[str]:
    return list(warnings(make_config(sections, "test")))


def test_the_defaults_and_one_time_zone_are_not_warned_of() -> None:
    assert told() == []
    assert told(market={"calendar": "always"}) == []
    here = {"timezone": "America/New_York", "run_at": "09:35"}
    assert told(market=NEW_YORK, bot=here) == []
    # Another name, the same clocks.
    assert told(market={"session_timezone": "Asia/Tokyo"}) == []


def test_job_times_in_another_time_zone_are_told_for_both_seasons() -> None:
    [text] = told(**NIGHT)
    assert text == (
        "bot.timezone: job times are in Asia/Seoul, where the session 09:30-16:00 of "
        "America/New_York is 23:30-06:00 in January and 22:30-05:00 in July"
    )


def test_a_job_that_one_season_skips_is_told() -> None:
    _, text = told(market=NEW_YORK, bot={"run_at": "22:35"})
    assert text == (
        "bot.run_at: 22:35 is not within the session in January, when it is 23:30-06:00: nothing "
        "runs then"
    )
    _, text = told(market=NEW_YORK, bot={"run_at": "05:30"})
    assert "not within the session in July, when it is 22:30-05:00" in text


def test_jobs_are_told_by_name_unless_the_market_does_not_matter_to_them() -> None:
    jobs = [
        {"name": "buy", "entrypoint": "buy.py", "at": ["23:35", "05:30"]},
        {"name": "report", "entrypoint": "report.py", "at": ["05:30"], "market": False},
        {"name": "watch", "entrypoint": "watch.py", "every": "5min"},
    ]
    _, text = told(market=NEW_YORK, bot={"jobs": jobs})
    assert text.startswith("bot.jobs (buy): at: 05:30 is not within the session in July")


def test_weeks_between_two_changes_of_clocks_are_told() -> None:
    """Europe changes its clocks some weeks after America in spring, and before it in autumn."""
    bot = {"timezone": "Europe/Berlin", "run_at": "21:30"}
    first, second = told(market=NEW_YORK, bot=bot)
    weeks = "in the weeks in which only one of them has changed its clocks"
    assert f"15:30-22:00 in January and July and 14:30-21:00 {weeks}" in first
    assert f"21:30 is not within the session {weeks}, when it is 14:30-21:00" in second


def test_a_session_in_a_time_zone_whose_clocks_are_not_the_exchanges() -> None:
    fixed = NEW_YORK | {"session": "22:30-05:00", "session_timezone": "Asia/Seoul"}
    [text] = told(market=fixed, bot={"run_at": "23:35"})
    assert text.startswith("market.session_timezone: the clocks of Asia/Seoul are not changed as")


def test_days_on_which_a_host_in_market_hours_is_down_are_told() -> None:
    days = {"open": ["2026-11-21"], "half_days": {"2026-11-19": "10:00-16:30"}}
    assert told(market=days) == []
    weekend, late = told(market=days, workload={"hours": "market"})
    assert weekend.startswith("market.open: 2026-11-21 is on a weekend")
    assert late.startswith("market.half_days: on 2026-11-19 the host goes down")
