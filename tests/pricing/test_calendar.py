from decimal import Decimal

import pytest

from pricing.calendar import ALWAYS_HOURS, WEEKS_A_MONTH, Window


def test_the_default_window_is_the_figure_of_the_contract() -> None:
    assert Window.parse("08:30-16:00").hours_a_month() == Decimal("163.06")


def test_a_month_has_the_hours_of_a_year_by_twelve() -> None:
    assert Decimal(365) * 24 / 12 == ALWAYS_HOURS
    assert round(WEEKS_A_MONTH, 4) == Decimal("4.3482")


@pytest.mark.parametrize("text", ["", "08:30", "8:30-16:00", "24:00-25:00", "09:00-09:00"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"window|ends when"):
        Window.parse(text)


def test_a_window_reads_as_it_was_written() -> None:
    assert str(Window.parse("08:05-23:59")) == "08:05-23:59"
    assert str(Window.parse("22:30-05:00")) == "22:30-05:00"


def test_a_window_over_midnight_ends_on_the_next_day() -> None:
    window = Window.parse("22:30-05:00")
    assert (window.start, window.end) == (22 * 60 + 30, 29 * 60)
    assert window.hours_a_day() == Decimal("6.5")
