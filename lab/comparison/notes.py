"""What a reader must know before believing a comparison, one sentence each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lab.comparison.measure import ARM, attribute, label
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


def constants(runs: Sequence[Run], without: set[str | None]) -> dict[str, Any]:
    """Parameters that have one value in every run."""
    names = [name for name in runs[0].params if name not in without]
    same = [n for n in names if len({repr(run.params.get(n)) for run in runs}) == 1]
    return {name: runs[0].params[name] for name in same}


def of_absent(
    given: Sequence[Run], placed: Sequence[Run], by: str, rows: str | None
) -> Iterator[str]:
    if missing := len(given) - len(placed):
        names = f"`{by}`" + (f" or `{rows}`" if rows else "")
        yield f"{counted(missing, 'run')} without {names} left out.".capitalize()


def of_uncounted(placed: Sequence[Run]) -> Iterator[str]:
    others = [run for run in placed if run.status != "done"]
    if others:
        ids = ", ".join(f"`{run.id}`" for run in others[:6])
        more = f" and {len(others) - 6} more" if len(others) > 6 else ""
        yield f"Not counted, because not done: {statuses(others)} ({ids}{more})."


def of_repeated(repeated: Sequence[Run]) -> Iterator[str]:
    if repeated:
        what = "One run was" if len(repeated) == 1 else f"{len(repeated)} runs were"
        yield f"{what} repeated later with the same seed and parameters; the newest counts."


def of_silent(runs: Sequence[Run], rows: str | None, shown: set[str | None]) -> Iterator[str]:
    for name in _grouped(runs, rows):
        if rows is not None and name not in shown:
            yield f"{name} has no row: its runs logged no metric."


def of_lost(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        for arm in row.arms:
            if arm.lost_run_ids:
                ids = ", ".join(f"`{i}`" for i in arm.lost_run_ids)
                where = f" in {row.name}" if row.name else ""
                yield (
                    f"`{arm.name}`{where}: {len(arm.lost_run_ids)} of "
                    f"{arm.n + len(arm.lost_run_ids)} done runs have no finite {row.metric} "
                    f"({ids}); its mean is over the others."
                )


def of_mixture(runs: Sequence[Run], by: str, rows: str | None, seed_param: str) -> Iterator[str]:
    """Parameters that vary inside an arm, and those that vary between arms beside `by`."""
    ignored = {by, rows, seed_param}
    within: dict[str, set[str]] = defaultdict(set)
    between: dict[str, set[str]] = defaultdict(set)
    for group in _grouped(runs, rows).values():
        of_arm: dict[str, dict[str, set[str]]] = {}
        for arm, members in _grouped(group, by).items():
            of_arm[arm] = _varying(members, ignored)
            for name, values in of_arm[arm].items():
                if len(values) > 1:
                    within[f"`{name}` ({', '.join(sorted(values))})"].add(arm)
        for name in {name for found in of_arm.values() for name in found}:
            sets = [found.get(name, {"none"}) for found in of_arm.values()]
            if len({frozenset(values) for values in sets}) > 1 and all(len(v) == 1 for v in sets):
                between[name].update(value for values in sets for value in values)
    for what, arms in within.items():
        names = ", ".join(f"`{arm}`" for arm in sorted(arms))
        yield f"Mixed arms: runs of {names} differ in {what}, not only in the seed."
    # Arms named by a suite, and notebooks, are meant to differ in anything.
    if between and by not in (ARM, "suite.arm", "notebook", "name", "code"):
        listed = "; ".join(f"`{n}` ({', '.join(sorted(v))})" for n, v in sorted(between.items()))
        yield f"The arms differ in more than `{by}`: {listed}."


def _grouped(runs: Iterable[Run], name: str | None) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups["" if name is None else label(attribute(run, name))].append(run)
    return groups


def _varying(runs: Sequence[Run], ignored: set[str | None]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for name, value in {**run.params, "notebook": run.notebook}.items():
            if name not in ignored:
                found[name].add(label(value))
    return found


def of_sources(runs: Sequence[Run], by: str, rows: str | None) -> Iterator[str]:
    """Differences in the data read and in the code that ran, inside one row."""
    for name, group in _grouped(runs, rows).items():
        where = f" in {name}" if name else ""
        prints: dict[str, set[str]] = defaultdict(set)
        for run in group:
            for source in run.record.get("data") or []:
                prints[source.get("name", "?")].add(str(source.get("sha256")))
        changed = sorted(source for source, found in prints.items() if len(found) > 1)
        read = {
            tuple(sorted(s.get("name", "?") for s in run.record.get("data") or [])) for run in group
        }
        if changed:
            yield f"The data changed between runs{where}: {', '.join(changed)}."
        elif len(read) > 1 and by not in ("dataset", "notebook"):
            yield f"The runs{where} read different data sets."
    codes = {str(run.record.get("code")) for run in runs}
    if len(codes) > 1 and by != "code":
        yield f"The runs are of {len(codes)} versions of the code."


def of_pairing(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
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
