"""The run that another one is best held against: the one that differs from it in the least."""

from __future__ import annotations

from collections.abc import Iterable

from lab.comparison.arms import differing
from lab.log.findings import listed
from lab.record.run import Run

_NAMED = 3  # parameters that are named; of more only their number is told


def nearest(run: Run, others: Iterable[Run]) -> Run | None:
    """The one of `others`, newest first, with the fewest other parameters; of equals the newest.

    One that differs in nothing, or in the seed alone, is the same again and no baseline.
    """
    best, fewest = None, 0
    for other in others:
        names = differing(run.params, other.params)
        if not names - {"seed"}:
            continue
        if best is None or len(names) < fewest:
            best, fewest = other, len(names)
        if fewest == 1:  # nothing is nearer
            break
    return best


def data_of(run: Run) -> list[str]:
    """The names of the data sets of a run, sorted."""
    return sorted(str(source.get("name")) for source in run.record.get("data") or [])


def why_nearest(run: Run, baseline: Run) -> str:
    """What made `baseline` the one that `run` is held against, for its entry."""
    names = sorted(differing(run.params, baseline.params), key=lambda name: (name == "seed", name))
    told = f", in {len(names)}"
    if len(names) <= _NAMED:
        told = f": {listed([f'`{name}`' for name in names])}"
    data = data_of(run)
    on = " on the same data" if data and data == data_of(baseline) else ""
    return f"of the earlier runs{on} it differs in the fewest parameters{told}"
