"""What a reader must know before believing a comparison, one sentence each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lab.comparison.arms import Placed
from lab.comparison.values import Row
from lab.numbers import counted
from lab.record.run import Run


def uncounted(runs: Iterable[Run]) -> dict[str, tuple[str, ...]]:
    """Ids of the runs that are not `done`, by status."""
    found: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        if run.status != "done":
            found[run.status].append(run.id)
    return {status: tuple(ids) for status, ids in sorted(found.items())}


def statuses(runs: Iterable[Run]) -> str:
    return ", ".join(
        f"{n} {status}" for status, n in sorted(Counter(r.status for r in runs).items())
    )


def constants(members: Sequence[Placed], without: set[str | None]) -> dict[str, Any]:
    """Parameters that have one value in every run."""
    varied = {
        name
        for name in members[0].settings
        if len({member.settings.get(name) for member in members}) > 1
    }
    params = members[0].run.params.items()
    return {name: value for name, value in params if name not in without | varied}


def of_absent(missing: int, by: str, rows: str | None) -> Iterator[str]:
    if missing:
        names = f"`{by}`" + (f" or `{rows}`" if rows else "")
        yield f"{counted(missing, 'run')} without {names} left out.".capitalize()


def of_uncounted(placed: Sequence[Run]) -> Iterator[str]:
    others = [run for run in placed if run.status != "done"]
    if others:
        ids = _ids([run.id for run in others])
        yield f"Not counted, because not done: {statuses(others)} ({ids})."


def of_repeated(repeated: Sequence[Run]) -> Iterator[str]:
    if repeated:
        what = "One run was" if len(repeated) == 1 else f"{len(repeated)} runs were"
        yield f"{what} repeated later with the same seed and parameters; the newest counts."


def of_silent(names: Iterable[str | None], shown: set[str | None]) -> Iterator[str]:
    for name in dict.fromkeys(names):
        if name is not None and name not in shown:
            yield f"{name} has no row: its runs logged no metric."


def of_lost(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        for arm in row.arms:
            if arm.lost_run_ids:
                where = f" in {row.name}" if row.name else ""
                if not arm.n:
                    none = (
                        "its one done run has no"
                        if len(arm.lost_run_ids) == 1
                        else (f"none of its {len(arm.lost_run_ids)} done runs has a")
                    )
                    told = _ids(arm.lost_run_ids)
                    yield f"`{arm.name}`{where}: {none} finite {row.metric} ({told})."
                    continue
                yield (
                    f"`{arm.name}`{where}: {len(arm.lost_run_ids)} of "
                    f"{arm.n + len(arm.lost_run_ids)} done runs have no finite {row.metric} "
                    f"({_ids(arm.lost_run_ids)}); its mean is over the others."
                )


def of_pairing(rows: Iterable[Row]) -> Iterator[str]:
    for row in (row for row in rows if row.refused is None):
        for arm in row.arms:
            found = arm.to_baseline
            reference = row.arm(row.baseline)
            if found is None or reference is None or not found.paired or arm is reference:
                continue
            if found.n < max(arm.n, reference.n):
                where = f" in {row.name}" if row.name else ""
                yield (
                    f"The difference of `{arm.name}` to `{reference.name}`{where} is over the "
                    f"{counted(found.n, 'seed')} that both have."
                )


def of_picks(metric: str, picks: Sequence[tuple[str, str]], where: str) -> Iterator[str]:
    """Runs of a row whose test value could not be chosen on validation; `picks` are (id, pick)."""
    last = [run_id for run_id, pick in picks if pick == "last"]
    if last and len(last) < len(picks):
        yield (
            f"The last {metric} counts in {counted(len(last), 'run')}{where}, which did not "
            f"validate it ({_ids(last)})."
        )


def _ids(ids: Sequence[str]) -> str:
    shown = ", ".join(f"`{run_id}`" for run_id in ids[:6])
    return shown + (f" and {len(ids) - 6} more" if len(ids) > 6 else "")
