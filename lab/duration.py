"""Durations and clock times as people write them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from lab.errors import InputError
from lab.provenance import told

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([dhms])")


def parse_duration(value: str | float) -> float:
    """Seconds of a duration; raises InputError on anything else.

    parse_duration("1h30m")  # 5400.0
    parse_duration("90s")    # 90.0
    parse_duration(45)       # 45.0, a bare number is seconds
    """
    if isinstance(value, bool):
        raise _unreadable(value)
    if isinstance(value, int | float):
        seconds = float(value)
    else:
        text = value.strip().lower()
        if re.fullmatch(r"\d+(\.\d+)?", text):
            seconds = float(text)
        elif re.fullmatch(rf"({_PART.pattern}\s*)+", text):
            seconds = sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(text))
        else:
            raise _unreadable(value)
    if not 0 < seconds < float("inf"):
        raise _unreadable(value)
    return seconds


def parse_clock(text: str, now: datetime) -> datetime:
    """The next time after `now` at which a clock shows `text`, as "07:00"."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise InputError("Not a clock time", seen=text, do="Write it as 07:00 (24 hours).")
    moment = now.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
    return moment if moment > now else moment + timedelta(days=1)


def show_duration(seconds: float | None) -> str:
    """A duration in two units at most.

    show_duration(4.2)    # "4.2s"
    show_duration(75)     # "1m15s"
    show_duration(9000)   # "2h30m"
    """
    if seconds is None:
        return "-"
    return told(seconds, _shown(float(seconds)), "duration in two units at most")


def _shown(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3_600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3_600}h{whole % 3_600 // 60:02d}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3_600:02d}h"


def _unreadable(value: object) -> InputError:
    return InputError("Not a duration", seen=value, do="Write it as 45s, 30m, 2h, 1h30m or 1d.")
