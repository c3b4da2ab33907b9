"""Weekdays as systemd writes them, Monday as 0. Pure."""

from collections.abc import Iterable

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def parse_days(text: str) -> set[int]:
    """Read weekdays (``Mon..Fri``, ``Mon,Wed``). Raises ``ValueError``."""
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


def write_days(days: Iterable[int]) -> str:
    """Write weekdays, three and more in a row as a range."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(
        f"{WEEKDAYS[run[0]]}..{WEEKDAYS[run[-1]]}"
        if len(run) > 2
        else ",".join(WEEKDAYS[day] for day in run)
        for run in runs
    )
