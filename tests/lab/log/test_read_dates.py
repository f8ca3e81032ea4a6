"""Dates as people write them."""

from __future__ import annotations

import pytest

from lab.log.dates import date_in, date_of, split_date


@pytest.mark.parametrize(
    ("heading", "date", "title"),
    [
        ("2026-01-20 AMP breaks", "2026-01-20", "AMP breaks"),
        ("2026-01-20: AMP breaks", "2026-01-20", "AMP breaks"),
        ("2026-01-20 — AMP breaks", "2026-01-20", "AMP breaks"),
        ("2026-01-20", "2026-01-20", ""),
        ("2026-01-20T23:15 AMP", "2026-01-20", "23:15 AMP"),
        ("2026/1/5 AMP", "2026-01-05", "AMP"),
        ("20260120 AMP", "2026-01-20", "AMP"),
        ("20260120_231502 AMP", "2026-01-20", "20260120_231502 AMP"),
        ("20.01.2026 AMP", "2026-01-20", "AMP"),
        ("Jan 20, 2026: AMP", "2026-01-20", "AMP"),
        ("January 20th, 2026 AMP", "2026-01-20", "AMP"),
        ("20 January 2026 AMP", "2026-01-20", "AMP"),
        ("20-Jan-2026 AMP", "2026-01-20", "AMP"),
        ("Tuesday, January 20, 2026 | AMP", "2026-01-20", "AMP"),
        ("[2026-01-20] AMP", "2026-01-20", "AMP"),
        ("**2026-01-20** AMP", "2026-01-20", "AMP"),
        ("📅 2026-01-20 AMP 🎉", "2026-01-20", "AMP 🎉"),
        ("31/12/2025 AMP", "2025-12-31", "AMP"),
        ("12/31/2025 AMP", "2025-12-31", "AMP"),
        ("03/04/2026 AMP", None, "03/04/2026 AMP"),  # March or April
        ("2026-02-30 AMP", None, "2026-02-30 AMP"),
        ("1. Documentation of Results", None, "1. Documentation of Results"),
        ("202601201 AMP", None, "202601201 AMP"),
        ("May the gradient be with you", None, "May the gradient be with you"),
        ("2025: a year in review", None, "2025: a year in review"),
    ],
)
def test_a_heading_that_starts_with_a_date(heading: str, date: str | None, title: str) -> None:
    assert split_date(heading) == (date, title)
    assert date_of(heading) == date


@pytest.mark.parametrize(
    ("heading", "date"),
    [
        ("AMP breaks (2026-01-20)", "2026-01-20"),
        ("AMP breaks - Jan 20, 2026", "2026-01-20"),
        ("AMP breaks [20.01.2026]", "2026-01-20"),
        ("The state of 2026-01-20 against that of 2026-01-22", None),
        ("CNN (2026)", None),
        ("Learning rate (0.001-0.01)", None),
    ],
)
def test_a_heading_that_ends_with_a_date(heading: str, date: str | None) -> None:
    assert date_of(heading) == date


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("2025-12-01 (approximate)", "2025-12-01"),
        ("2025-11 (approximate)", "2025-11"),
        ("Oct 31, 2025 | **Trials:** 20 completed", "2025-10-31"),
        ("November 2025", "2025-11"),
        ("YYYY-MM-DD", None),
        ("2025-13", None),
        ("soon", None),
    ],
)
def test_a_date_line(value: str, date: str | None) -> None:
    assert date_in(value) == date
