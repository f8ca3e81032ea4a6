from __future__ import annotations

from datetime import datetime

import pytest

from lab.duration import parse_clock, parse_duration, show_duration
from lab.errors import InputError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45), ("30m", 1800), ("4h", 14_400), ("1d", 86_400), ("1h30m", 5400),
        ("1.5h", 5400), (" 2 h ", 7200), ("90", 90), (90, 90), (0.5, 0.5),
    ],
)  # fmt: skip
def test_durations_are_read(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1h", "0", 0, -3, True, "1h 2x", "h", float("inf")])
def test_what_is_no_duration_is_refused(text: str | float) -> None:
    with pytest.raises(InputError, match="Not a duration"):
        parse_duration(text)


def test_a_clock_time_is_the_next_one() -> None:
    evening = datetime(2026, 1, 20, 23, 15)
    assert parse_clock("07:00", evening) == datetime(2026, 1, 21, 7, 0)
    assert parse_clock("23:30", evening) == datetime(2026, 1, 20, 23, 30)
    assert parse_clock("23:15", evening) == datetime(2026, 1, 21, 23, 15)


@pytest.mark.parametrize("text", ["7", "24:00", "12:60", "noon", "07:00:00"])
def test_what_is_no_clock_time_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="Not a clock time"):
        parse_clock(text, datetime(2026, 1, 20))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (4.24, "4.2s"),
        (59.6, "1m00s"),
        (75, "1m15s"),
        (9000, "2h30m"),
        (90_000, "1d01h"),
    ],
)
def test_durations_are_shown_in_two_units(seconds: float | None, text: str) -> None:
    assert show_duration(seconds) == text
