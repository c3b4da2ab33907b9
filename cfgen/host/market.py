"""The exchange's calendar, as the host gets it."""

import json

from cfgen.config.schema import Config
from pricing.calendar import Window

EXCHANGE = "XKRX"
"""Korea Exchange, by its market identifier code (ISO 10383)."""

YEARS = 3


def market_json(config: Config, year: int) -> str:
    """What ``market-gate`` reads: holidays of ``year`` and the two after, and the session.

    The bot may start from the session's opening on, or from ``bot.run_at`` where that is earlier.
    """
    # Here and not at the top: it takes 0.05 s, which `recommend` must not pay.
    from holidays import financial_holidays

    years = range(year, year + YEARS)
    days = sorted(financial_holidays(EXCHANGE, years=years))
    start, end = str(Window.parse(config.market.session)).split("-")
    settings = {
        "timezone": config.bot.timezone,
        "session": [min(start, config.bot.run_at), end],
        "from": f"{year}-01-01",
        "to": f"{year + YEARS - 1}-12-31",
        "holidays": [day.isoformat() for day in days if day.weekday() < 5],
        "closed": sorted(config.market.closed),
        "open": sorted(config.market.open),
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in settings.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
