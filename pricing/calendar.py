"""How many hours a month has, for a host that runs always or in the market's hours."""

import re
from decimal import ROUND_HALF_UP, Decimal

import msgspec

ALWAYS_HOURS = Decimal(730)
"""365 x 24 / 12: the month that AWS's own calculator counts with."""

HOURS_A_YEAR = 8760
"""365 x 24: the year that AWS spreads an upfront payment over."""

WEEKS_A_MONTH = Decimal("365.25") / 84
"""365.25 days a year / 7 days a week / 12 months a year."""

MARKET_DAYS_A_WEEK = 5


DAY = 24 * 60
"""Minutes of a day."""


def clock(minute: int) -> str:
    """``09:05`` of minutes since any midnight."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def minute_of(clock: str) -> int:
    """Minutes since midnight of ``09:00``."""
    hour, minute = map(int, clock.split(":"))
    return hour * 60 + minute


class Window(msgspec.Struct, frozen=True):
    """A part of a day, in minutes since its midnight; over midnight, ``end`` is above a day's.

    Moved to another time zone, ``start`` may lie before the day, or after it.
    """

    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Read ``08:30-16:00``, or ``22:30-05:00``, which ends on the next day.

        Raises ``ValueError`` for another form, or where start and end are the same.
        """
        match = re.fullmatch(
            r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", text
        )
        if not match:
            raise ValueError(f"{text!r} is not a window such as 08:30-16:00")
        start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
        start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
        if start == end:
            raise ValueError(f"{text!r} ends when it starts")
        return cls(start, end if end > start else end + DAY)

    def __str__(self) -> str:
        """``08:30-16:00``."""
        return f"{clock(self.start)}-{clock(self.end)}"

    def covers(self, clock: str) -> bool:
        """Whether a time of the day, such as ``09:00``, lies in it; its end does not."""
        return (minute_of(clock) - self.start) % DAY < self.end - self.start

    def moved(self, minutes: int) -> "Window":
        """The same length later, by so many minutes."""
        return Window(self.start + minutes, self.end + minutes)

    def hours_a_day(self) -> Decimal:
        """Length in hours."""
        return Decimal(self.end - self.start) / 60

    def hours_a_month(self) -> Decimal:
        """Mean hours a month, Monday to Friday, to 0.01 h: the same on every day of the year."""
        hours = self.hours_a_day() * MARKET_DAYS_A_WEEK * WEEKS_A_MONTH
        return hours.quantize(Decimal("0.01"), ROUND_HALF_UP)
