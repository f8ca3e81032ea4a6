"""Dates as people write them in headings and date lines."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        r"(?P<y>\d{4})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})(?=T\d\d:|\b)",
        r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?:(?=_\d{6})|\b)",
        r"(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4})\b",
        r"(?P<one>\d{1,2})(?P<sep>[-/])(?P<two>\d{1,2})(?P=sep)(?P<y>\d{4})\b",
        rf"{_DAY}\.?[ -](?:of )?{_MONTH},?[ -](?P<y>\d{{4}})\b",
        rf"{_MONTH} {_DAY},? (?P<y>\d{{4}})\b",
    )
)
_MONTH_FORMS = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})\b", re.ASCII),
    re.compile(rf"{_MONTH},? (?P<y>\d{{4}})\b", re.IGNORECASE | re.ASCII),
)
# What may stand before the date of a heading: marks, an opening bracket, a symbol, the weekday.
_LEAD = re.compile(
    r"[^\w]*(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b[\s,.:]*)?"
    r"[\[(*_`~]*",
    re.IGNORECASE,
)
_REST = re.compile(r"[\])*_`~]*(?:T(?=\d\d:))?")
_CLOCK = re.compile(r"_\d{6}")
_TRAIL = re.compile(r"(?:[(\[]|\s[-–—|@]\s+)(?P<date>[^()\[\]]{8,24}?)[)\]]?\s*$")


@lru_cache(maxsize=8192)
def split_date(title: str) -> tuple[str | None, str]:
    """The date a heading starts with, as YYYY-MM-DD, and what follows it.

    2026-01-20 AMP breaks      ("2026-01-20", "AMP breaks")
    Tue, Jan 20th, 2026: AMP   ("2026-01-20", "AMP")
    [20.01.2026] AMP           ("2026-01-20", "AMP")
    03/04/2026 AMP             (None, the title): it can be read two ways
    """
    lead = _LEAD.match(title)
    start = lead.end() if lead else 0
    found = _day(title, start)
    if found is None:
        return None, title
    day, end = found
    if _CLOCK.match(title, end):
        return day, title  # the id of a run is a name as a whole
    after = _REST.match(title, end)
    return day, title[after.end() if after else end :].strip(" \t:,-–—|")


@lru_cache(maxsize=8192)
def date_of(title: str) -> str | None:
    """The date of a heading, as YYYY-MM-DD: the one it starts with, or ends with in brackets."""
    day, _ = split_date(title)
    if day is None and (trail := _TRAIL.search(title)):
        found = _day(trail["date"].strip(), 0)
        whole = found is not None and not trail["date"].strip()[found[1] :]
        return found[0] if found and whole else None
    return day


def date_in(value: str) -> str | None:
    """The date that a `**Date**:` line starts with: a day, or YYYY-MM where only that is said."""
    day, _ = split_date(value)
    if day is not None:
        return day
    for form in _MONTH_FORMS:
        if match := form.match(value.lstrip("*_ ")):
            number = _month(match)
            return f"{match['y']}-{number:02d}" if 1 <= number <= 12 else None
    return None


def _day(text: str, start: int) -> tuple[str, int] | None:
    """The day that stands at `start`, and where it ends; None for one that no calendar has."""
    for form in _FORMS:
        match = form.match(text, start)
        if match is None:
            continue
        day, month = _day_and_month(match)
        try:
            return date(int(match["y"]), month, day).isoformat(), match.end()
        except ValueError:
            continue
    return None


def _day_and_month(match: re.Match[str]) -> tuple[int, int]:
    parts = match.groupdict()
    if "one" not in parts:
        return int(parts["d"]), _month(match)
    one, two = int(parts["one"]), int(parts["two"])
    if one != two and max(one, two) <= 12:
        return 0, 0  # day and month, or month and day: nobody can tell
    return (one, two) if two <= 12 else (two, one)


def _month(match: re.Match[str]) -> int:
    parts = match.groupdict()
    if parts.get("month"):
        return _MONTHS.index(parts["month"][:3].lower()) + 1
    return int(parts["m"])
