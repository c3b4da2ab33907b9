"""When the exchange is open: its sessions in its own time zone, and in the bot's. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cfgen.config.schema import Config
from pricing.calendar import DAY, Window

ZONES = {"XKRX": "Asia/Seoul", "XNYS": "America/New_York"}
"""Time zone of an exchange, by its market identifier code (ISO 10383)."""

REFERENCE_YEAR = 2026
"""Any year: whether clocks are changed, and when in the day, is much the same in each."""


def session_zone(config: Config) -> str:
    """The time zone that ``market.session`` is given in."""
    market = config.market
    return market.session_timezone or ZONES.get(market.calendar, config.bot.timezone)


def sessions_of(config: Config) -> tuple[Window, ...]:
    """The regular sessions of a trading day, in :func:`session_zone`, in their order."""
    return tuple(Window.parse(text) for text in config.market.session.split(","))


def local_sessions(config: Config) -> tuple[tuple[Window, ...], ...]:
    """The sessions in ``bot.timezone``, once for each way that clocks stand in a year.

    ``start`` is within the day on which the session begins there, which may be another one than
    on the exchange.
    """
    bot, market = ZoneInfo(config.bot.timezone), ZoneInfo(session_zone(config))
    new_year = datetime(REFERENCE_YEAR, 1, 1, 12, tzinfo=market)
    moments = [new_year + timedelta(weeks=week) for week in range(52)]
    shifts = {
        (moment.astimezone(bot).utcoffset() or timedelta()) - (moment.utcoffset() or timedelta())
        for moment in moments
    }
    return tuple(
        tuple(_shifted(session, shift // timedelta(minutes=1)) for session in sessions_of(config))
        for shift in sorted(shifts)
    )


def _shifted(window: Window, minutes: int) -> Window:
    start = (window.start + minutes) % DAY
    return Window(start, start + window.end - window.start)
