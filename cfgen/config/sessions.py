"""When the exchange is open: its sessions in its own time zone, and in the bot's. Pure.

A trading day is the day on which its first session starts, in the time zone of the session.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cfgen.config.exchanges import ALWAYS, ZONES, weekend
from cfgen.config.schema import Config
from cfgen.config.weekdays import shifted
from pricing.calendar import DAY, Window, minute_of

REFERENCE_YEAR = 2026
"""Any year: whether clocks are changed, and when in the day, is much the same in each."""

EARLIEST = 4 * 60
"""Minutes before the opening that a job may start: earlier, it belongs to the close before."""

SEASONS = 2 * 60
"""Minutes that the changes of two clocks may shift a session by, within a year."""


def parse_sessions(text: str) -> tuple[Window, ...]:
    """Read ``09:00-11:30,12:30-15:00``: a trading day's sessions, in order, none in another.

    Raises ``ValueError``.
    """
    sessions = tuple(Window.parse(part.strip()) for part in text.split(","))
    following = (*sessions[1:], sessions[0].moved(DAY))
    for session, after in zip(sessions, following, strict=True):
        if after.start <= session.end and after.start - session.start != DAY:
            raise ValueError(
                f"{text!r}: {after} begins before {session} has ended; name the sessions of a "
                "trading day in their order"
            )
    return sessions


def session_zone(config: Config) -> str:
    """The time zone that ``market.session`` is given in."""
    market = config.market
    return market.session_timezone or ZONES.get(market.calendar, config.bot.timezone)


def sessions_of(config: Config) -> tuple[Window, ...]:
    """The regular sessions of a trading day, in :func:`session_zone`, in their order."""
    if config.market.calendar == ALWAYS:
        return (Window(0, DAY),)
    return parse_sessions(config.market.session)


def trading_weekdays(config: Config) -> frozenset[int]:
    """Days of the week, Monday as 0, that are trading days but for holidays."""
    return frozenset(range(7)) - weekend(config.market.calendar)


def placed_sessions(config: Config) -> tuple[tuple[Window, ...], ...]:
    """The sessions in ``bot.timezone``, once for each way that clocks stand in a year.

    In minutes since the trading day's midnight there: below 0 it is the day before, from
    :data:`pricing.calendar.DAY` on the day after.
    """
    zones = session_zone(config), config.bot.timezone
    return tuple(
        tuple(session.moved(shift) for session in sessions_of(config))
        for shift in sorted({clock_shift(*zones, week) for week in range(1, 53)})
    )


def clock_shift(here: str, there: str, week: int) -> int:
    """Minutes that one time zone is behind another, in a week of :data:`REFERENCE_YEAR`."""
    if here == there:
        return 0
    moment = datetime(REFERENCE_YEAR, 1, 1, 12, tzinfo=ZoneInfo(here)) + timedelta(weeks=week - 1)
    ahead = moment.astimezone(ZoneInfo(there)).utcoffset() or timedelta()
    return (ahead - (moment.utcoffset() or timedelta())) // timedelta(minutes=1)


def local_sessions(config: Config) -> tuple[tuple[Window, ...], ...]:
    """:func:`placed_sessions`, each with its ``start`` within the day on which it begins there.

    That may be another day than on the exchange.
    """
    return tuple(
        tuple(session.moved(-(session.start // DAY) * DAY) for session in sessions)
        for sessions in placed_sessions(config)
    )


def within(sessions: tuple[Window, ...], clock: str) -> bool:
    """Whether the market gate is open at a time; the minute of a session's end is in it."""
    return any(Window(one.start, one.end + 1).covers(clock) for one in sessions)


def early_minutes(config: Config, clock: str) -> int:
    """Minutes by which a time in ``bot.timezone`` lies before the opening, the most in a year.

    0 for a time that lies in a session at any season: what is meant for the session must not run
    before it when clocks are changed.
    """
    before = _in_a_year(config, clock)
    if min(before) > EARLIEST:
        return 0
    return 0 if 0 in before else max(one for one in before if one <= min(before) + SEASONS)


def reaches_market(config: Config, clock: str) -> bool:
    """Whether a job at this time ever finds the exchange open, or about to open."""
    return min(_in_a_year(config, clock)) <= EARLIEST


def before_opening(sessions: tuple[Window, ...], clock: str) -> int:
    """Minutes from a time to the next opening, or 0 within a session."""
    return 0 if within(sessions, clock) else (sessions[0].start - minute_of(clock)) % DAY


def _in_a_year(config: Config, clock: str) -> list[int]:
    return [before_opening(sessions, clock) for sessions in placed_sessions(config)]


def host_offset(config: Config) -> int:
    """Days from a trading day to the day on which ``workload.window`` starts for it.

    The window is laid where it has most of the sessions in it, or starts nearest to them.
    """
    window = Window.parse(config.workload.window)
    seasons = placed_sessions(config)

    def fit(days: int) -> tuple[int, int]:
        up = window.moved(days * DAY)
        shared = sum(
            max(0, min(up.end, one.end) - max(up.start, one.start))
            for sessions in seasons
            for one in sessions
        )
        return shared, -sum(abs(up.start - sessions[0].start) for sessions in seasons)

    return max(range(-2, 4), key=fit)


def start_weekdays(config: Config) -> frozenset[int]:
    """Days of the week in ``bot.timezone`` on which a host in market hours starts."""
    return shifted(trading_weekdays(config), host_offset(config))


def up_weekdays(config: Config, clock: str) -> frozenset[int]:
    """Days of the week on which a host in market hours is up at a time in ``bot.timezone``."""
    window = Window.parse(config.workload.window)
    if not window.covers(clock):
        return frozenset()
    return shifted(start_weekdays(config), int(minute_of(clock) < window.start))


def last_close(config: Config) -> int:
    """The latest close in ``bot.timezone``, in minutes since the midnight that
    :func:`host_offset` counts from, to compare with the end of ``workload.window``."""
    latest = max(sessions[-1].end for sessions in placed_sessions(config))
    return latest - host_offset(config) * DAY
