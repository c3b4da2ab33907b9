"""Days of the week, Monday as 0, and how systemd and crontabs write them. Pure."""

from collections.abc import Iterable

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def parse_days(text: str) -> set[int]:
    """Read systemd's weekdays (``Mon..Fri``, ``Mon,Wed``), Monday as 0. Raises ``ValueError``."""
    days: set[int] = set()
    for part in text.split(","):
        first, dots, last = part.partition("..")
        last = last if dots else first
        if first not in WEEKDAYS or last not in WEEKDAYS:
            raise ValueError(f"{text!r} is not weekdays such as Mon..Fri or Mon,Wed,Fri")
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
        if end < start:
            raise ValueError(f"{text!r} runs backwards; name the days one by one")
        days |= set(range(start, end + 1))
    return days


def days_text(days: Iterable[int]) -> str:
    """``Mon..Fri`` or ``Mon..Thu,Sun``: what :func:`parse_days` and systemd read."""
    return ",".join(
        "..".join(WEEKDAYS[day] for day in dict.fromkeys((run[0], run[-1]))) for run in _runs(days)
    )


def _runs(days: Iterable[int]) -> list[list[int]]:
    """Days in order, those that follow each other together."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def shifted(days: Iterable[int], by: int) -> frozenset[int]:
    """The days of the week that come ``by`` days after these."""
    return frozenset((day + by) % 7 for day in days)
