"""The exchange's calendar, as the host gets it."""

import json

from cfgen.config.schema import Config
from pricing.calendar import Window

EXCHANGE = "XKRX"
"""Korea Exchange, by its market identifier code (ISO 10383)."""

YEARS = 3


def holidays(years: range) -> list[str]:
    """Weekdays of these years on which the exchange is closed, as ISO dates."""
    # Here and not at the top: it takes 0.05 s, which `recommend` must not pay.
    from holidays import financial_holidays

    days = sorted(financial_holidays(EXCHANGE, years=years))
    return [day.isoformat() for day in days if day.weekday() < 5]


def market_json(config: Config, year: int) -> str:
    """What ``market-gate`` reads: holidays of ``year`` and the two after, and the session.

    The bot may start from the session's opening on, or from ``bot.run_at`` where that is earlier.
    """
    start, end = str(Window.parse(config.market.session)).split("-")
    settings = {
        "timezone": config.bot.timezone,
        "session": [min(start, config.bot.run_at), end],
        "from": f"{year}-01-01",
        "to": f"{year + YEARS - 1}-12-31",
        "holidays": holidays(range(year, year + YEARS)),
        "closed": sorted(config.market.closed),
        "open": sorted(config.market.open),
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in settings.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
