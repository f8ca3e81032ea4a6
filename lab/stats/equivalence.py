"""Whether a difference is too small to matter, which an interval around zero alone does not say."""

from __future__ import annotations

from lab.stats.intervals import Difference, tail


def equivalence_p(found: Difference, margin: float) -> float | None:
    """The p value of two one-sided t tests that the difference lies within `margin` of zero.

    None where there is no test. At 5% it agrees with the 90% interval lying inside the margin
    (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15).
    """
    if found.error is None or found.freedom is None:
        return None
    above = tail(margin + found.mean, found.error, found.freedom)
    below = tail(margin - found.mean, found.error, found.freedom)
    return max(above, below)
