"""What is allowed in ``cfgen.toml`` and may not be what was meant. Pure."""

from collections.abc import Iterator
from datetime import date

from cfgen.config.exchanges import ALWAYS, ZONES
from cfgen.config.jobs import THE_BOT, jobs_of
from cfgen.config.schema import Config
from cfgen.config.sessions import (
    before_opening,
    clock_shift,
    early_minutes,
    host_offset,
    parse_sessions,
    session_zone,
    sessions_of,
    trading_weekdays,
)
from pricing.calendar import DAY, Window

MONTHS = {3: "January", 28: "July"}
"""A week of each: between the two, every clock that is changed in a year is changed."""

BETWEEN = "the weeks in which only one of them has changed its clocks"


def warnings(config: Config) -> tuple[str, ...]:
    """Sentences, each of which begins with the key that it is about."""
    found = [*_clocks_of_another(config), *_two_zones(config), *_in_one_season(config)]
    if config.workload.hours == "market":
        found += _host_is_down(config)
    return tuple(found)


def _clocks_of_another(config: Config) -> Iterator[str]:
    market, given = config.market, session_zone(config)
    own = ZONES.get(market.calendar, given)
    if len({clock_shift(given, own, week) for week in MONTHS}) > 1:
        yield (
            f"market.session_timezone: the clocks of {given} are not changed as those of "
            f"{market.calendar} in {own}: {market.session} is an hour off for a part of the year. "
            f"Leave it empty, and name the session as it is in {own}"
        )


def _two_zones(config: Config) -> Iterator[str]:
    seasons = _seasons(config)
    if config.market.calendar == ALWAYS or all(shift == 0 for shift in seasons):
        return
    times = [f"{_clock_text(sessions)}{when}" for sessions, when in seasons.values()]
    yield (
        f"bot.timezone: job times are in {config.bot.timezone}, where the session "
        f"{config.market.session} of {session_zone(config)} is {' and '.join(times)}"
    )


def _in_one_season(config: Config) -> Iterator[str]:
    """Jobs that the market gate lets run in one season and skips in another."""
    for job in jobs_of(config):
        if not job.market or job.every:
            continue
        key = "bot.run_at" if job.name == THE_BOT else f"bot.jobs ({job.name}): at"
        for clock in job.at:
            early = early_minutes(config, clock)
            for sessions, when in _seasons(config).values():
                if before_opening(sessions, clock) > early:
                    yield (
                        f"{key}: {clock} is not within the session{when}, when it is "
                        f"{_clock_text(sessions)}: nothing runs then"
                    )


def _seasons(config: Config) -> dict[int, tuple[tuple[Window, ...], str]]:
    """The sessions in ``bot.timezone`` and when they are so, by the minutes that they are moved."""
    weeks: dict[int, list[int]] = {}
    for week in range(1, 53):
        shift = clock_shift(session_zone(config), config.bot.timezone, week)
        weeks.setdefault(shift, []).append(week)
    seasons = {}
    for shift, found in weeks.items():
        months = [name for week, name in MONTHS.items() if week in found]
        when = f" in {' and '.join(months) or BETWEEN}" if len(weeks) > 1 else ""
        seasons[shift] = tuple(one.moved(shift) for one in sessions_of(config)), when
    return seasons


def _host_is_down(config: Config) -> Iterator[str]:
    """Days on which the exchange is open and a host in market hours is not up, or not for long."""
    up = Window.parse(config.workload.window).moved(host_offset(config) * DAY)
    for key, names in (("open", config.market.open), ("half_days", config.market.half_days)):
        for name in sorted(names):
            day = date.fromisoformat(name)
            if day.weekday() not in trading_weekdays(config):
                yield f"market.{key}: {name} is on a weekend, when a host in market hours is down"
    for name, text in sorted(config.market.half_days.items()):
        week = int(f"{date.fromisoformat(name):%j}") // 7 + 1
        shift = clock_shift(session_zone(config), config.bot.timezone, week)
        close = parse_sessions(text)[-1].moved(shift)
        if close.end > up.end:
            yield (
                f"market.half_days: on {name} the host goes down at the end of workload.window "
                f"{config.workload.window}, before the close of {text}"
            )


def _clock_text(sessions: tuple[Window, ...]) -> str:
    return ",".join(map(str, sessions))
