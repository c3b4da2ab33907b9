"""Calendars that ``market.calendar`` may name. Pure.

The library ``holidays`` knows when an exchange is closed, and not in which time zone it is. It is
imported only for an exchange that is not in this table: that takes 0.1 s.
"""

KOREA = "XKRX"
"""Korea Exchange, by its market identifier code (ISO 10383)."""

WEEKDAYS, ALWAYS = "weekdays", "always"
"""Calendars without an exchange: Monday to Friday without holidays, and every day, all day."""

ZONES = {
    "BVMF": "America/Sao_Paulo",
    "ENX": "Europe/Paris",
    "IFEU": "Europe/London",
    "XAMS": "Europe/Amsterdam",
    "XASX": "Australia/Sydney",
    "XATH": "Europe/Athens",
    "XBOG": "America/Bogota",
    "XBOM": "Asia/Kolkata",
    "XBRU": "Europe/Brussels",
    "XBUE": "America/Argentina/Buenos_Aires",
    "XCME": "America/Chicago",
    "XDUB": "Europe/Dublin",
    "XECB": "Europe/Berlin",
    "XETR": "Europe/Berlin",
    "XFED": "America/New_York",
    "XFRA": "Europe/Berlin",
    "XHKG": "Asia/Hong_Kong",
    "XIST": "Europe/Istanbul",
    "XJPX": "Asia/Tokyo",
    "XJSE": "Africa/Johannesburg",
    "XKAR": "Asia/Karachi",
    "XKRX": "Asia/Seoul",
    "XLIS": "Europe/Lisbon",
    "XLON": "Europe/London",
    "XMAD": "Europe/Madrid",
    "XMEX": "America/Mexico_City",
    "XMIL": "Europe/Rome",
    "XNAS": "America/New_York",
    "XNSE": "Asia/Kolkata",
    "XNYS": "America/New_York",
    "XNZE": "Pacific/Auckland",
    "XOSL": "Europe/Oslo",
    "XPAR": "Europe/Paris",
    "XSAU": "Asia/Riyadh",
    "XSES": "Asia/Singapore",
    "XSHE": "Asia/Shanghai",
    "XSHG": "Asia/Shanghai",
    "XSIF": "America/New_York",
    "XSWX": "Europe/Zurich",
    "XTAI": "Asia/Taipei",
    "XTSE": "America/Toronto",
    "XWAR": "Europe/Warsaw",
}
"""Time zone of an exchange, by its code: that of the city it is in (IANA's tz database)."""

SESSIONS = {
    "XHKG": "09:30-12:00,13:00-16:00",
    "XJPX": "09:00-11:30,12:30-15:30",
    "XNAS": "09:30-16:00",
    "XNYS": "09:30-16:00",
}
"""Regular sessions, for a message's example: HKEX "Trading Hours", JPX "Trading Hours" (since
2024-11-05), NYSE "Holidays & Trading Hours", Nasdaq "Trading Schedule"."""

WEEKEND = frozenset({5, 6})
WEEKENDS = {"XSAU": frozenset({4, 5})}
"""Weekends that are not Saturday and Sunday, Monday as 0 (``weekend`` in ``holidays``)."""

OTHER_NAMES = {"XTKS": "XJPX", "NASDAQ": "XNAS"}
"""Further names that people know an exchange by; ``holidays`` has its own for some."""


def weekend(calendar: str) -> frozenset[int]:
    """Days of the week on which a calendar has no session, Monday as 0."""
    if calendar == ALWAYS:
        return frozenset()
    if calendar in ZONES or calendar == WEEKDAYS:
        return WEEKENDS.get(calendar, WEEKEND)
    from holidays import financial_holidays

    return frozenset(financial_holidays(calendar).weekend)


def calendar_problem(calendar: str) -> str:
    """What is wrong with a calendar's name, with what is near it; empty for one that is known."""
    if calendar in ZONES or calendar in (WEEKDAYS, ALWAYS):
        return ""
    from difflib import get_close_matches

    names = _names()
    if calendar in names.values():
        return ""
    key = calendar.upper()
    meant = names | OTHER_NAMES | {name.upper(): name for name in (WEEKDAYS, ALWAYS)}
    near = dict.fromkeys(meant[name] for name in get_close_matches(key, meant, 3, 0.7))
    found = [meant[key]] if key in meant else list(near)
    hint = f"did you mean {' or '.join(found)}?" if found else f"known are {', '.join(ZONES)}"
    return f"{calendar!r} is not the code of a known exchange, nor weekdays or always; {hint}"


def _names() -> dict[str, str]:
    """Codes of the exchanges that ``holidays`` knows, by themselves and by their other names."""
    from holidays.registry import FINANCIAL

    names: dict[str, str] = {}
    for _, *codes in FINANCIAL.values():
        own = [code for code in codes if code in ZONES or is_code(code)]
        names |= {code.upper(): own[0] for code in codes if own} | {code: code for code in own}
    return names


def is_code(name: str) -> bool:
    """Whether a name of ``holidays`` has the form of a market identifier code of an exchange."""
    return len(name) == 4 and name.startswith("X") and name.isupper()
