"""What became of the trials: by branch of the conditions, and by setting where they failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.stats.intervals import mean_of, t_interval
from lab.stats.multiplicity import holm
from lab.sweep.configuration import configurations, place
from lab.sweep.study import Study
from lab.sweep.trial import Trial

COMPARED_FROM = 10  # complete configurations
_LEAST_OUTCOMES = 3


@dataclass(frozen=True)
class BranchLine:
    """One branch: its trials by state, and the values of its complete configurations."""

    name: str
    trials: int
    complete: int
    pruned: int
    failed: int
    configurations: int
    best: float | None
    mean: float | None
    low: float | None
    high: float | None

    @property
    def enough(self) -> bool:
        """Whether it may be compared with others."""
        return self.configurations >= COMPARED_FROM


@dataclass(frozen=True)
class Outcome:
    """A parameter whose values go with pruning or failing.

    `told` says which values; `share` of the `n` trials there ended so, against `rest` of the
    other `others`. `p` is of Fisher's exact test, or of a rank test for ranges, after Holm.
    """

    state: str
    name: str
    told: str
    share: float
    n: int
    rest: float
    others: int
    p: float


def branch_lines(study: Study) -> tuple[BranchLine, ...]:
    """One line for each branch that the conditions of the space make."""
    rows = configurations(study)
    sign = 1.0 if study.direction == "maximize" else -1.0
    lines = []
    for branch in study.space.branches():
        trials = study.of(branch)
        values = [row.value for row in rows if branch.holds(row.params)]
        interval = t_interval(values)
        low, high = interval or (None, None)
        states = [trial.state for trial in trials]
        lines.append(
            BranchLine(
                name=branch.name,
                trials=len(trials),
                complete=states.count("complete"),
                pruned=states.count("pruned"),
                failed=states.count("failed"),
                configurations=len(values),
                best=max(values, key=lambda v: sign * v) if values else None,
                mean=mean_of(values) if values else None,
                low=low,
                high=high,
            )
        )
    return tuple(lines)


def outcomes(study: Study) -> tuple[tuple[Outcome, ...], int]:
    """Settings associated with pruned and failed trials, and how many tests were made.

    Only where at least three trials ended that way and three did not. Pruned trials are compared
    with complete ones, failed ones with all others that ended.
    """
    ended = [trial for trial in study.trials if trial.state != "running"]
    found: list[Outcome] = []
    for state in ("failed", "pruned"):
        among = ended if state == "failed" else [t for t in ended if t.state != "failed"]
        hits = sum(trial.state == state for trial in among)
        if min(hits, len(among) - hits) < _LEAST_OUTCOMES:
            continue
        for parameter in study.space.params:
            active = [trial for trial in among if parameter.name in trial.params]
            found += _tested(state, parameter.name, active, study)
    corrected = holm([outcome.p for outcome in found])
    clear = [
        Outcome(o.state, o.name, o.told, o.share, o.n, o.rest, o.others, p)
        for o, p in zip(found, corrected, strict=True)
        if p <= 0.05
    ]
    clear.sort(key=lambda outcome: (outcome.state, outcome.p, outcome.name))
    return tuple(clear), len(found)


def _tested(state: str, name: str, trials: list[Trial], study: Study) -> list[Outcome]:
    parameter = study.space.parameter(name)
    ended = [trial.state == state for trial in trials]
    if not 0 < sum(ended) < len(ended):
        return []
    values = [trial.params[name] for trial in trials]
    if parameter.numeric:
        return [_ranged(state, name, [place(parameter, v) for v in values], values, ended)]
    kinds = list(dict.fromkeys(values))
    if len(kinds) < 2:
        return []
    # Of two choices the second is what the first is not.
    kinds = kinds[:1] if len(kinds) == 2 else kinds
    return [_chosen(state, name, kind, values, ended) for kind in kinds]


def _chosen(state: str, name: str, kind: Any, values: list[Any], ended: list[bool]) -> Outcome:
    from scipy.stats import fisher_exact

    from lab.sweep.configuration import shown

    inside = [hit for value, hit in zip(values, ended, strict=True) if value == kind]
    outside = [hit for value, hit in zip(values, ended, strict=True) if value != kind]
    table = [
        [sum(inside), len(inside) - sum(inside)],
        [sum(outside), len(outside) - sum(outside)],
    ]
    p = float(fisher_exact(table)[1])
    return _outcome(state, name, f"{name}={shown(kind)}", inside, outside, p)


def _ranged(
    state: str, name: str, places: list[float], values: list[Any], ended: list[bool]
) -> Outcome:
    """The upper half of the range that was tried against the lower, tested by rank."""
    from scipy.stats import mannwhitneyu

    from lab.sweep.space import number_text

    hit = [p for p, e in zip(places, ended, strict=True) if e]
    miss = [p for p, e in zip(places, ended, strict=True) if not e]
    p = float(mannwhitneyu(hit, miss, alternative="two-sided").pvalue)
    middle = sorted(values)[len(values) // 2]
    upper = [e for v, e in zip(values, ended, strict=True) if v >= middle]
    lower = [e for v, e in zip(values, ended, strict=True) if v < middle]
    if not lower or (upper and sum(upper) * len(lower) >= sum(lower) * len(upper)):
        return _outcome(state, name, f"{name} from {number_text(middle)} up", upper, lower, p)
    return _outcome(state, name, f"{name} below {number_text(middle)}", lower, upper, p)


def _outcome(
    state: str, name: str, told: str, inside: list[bool], outside: list[bool], p: float
) -> Outcome:
    def share(hits: list[bool]) -> float:
        return sum(hits) / len(hits) if hits else 0.0

    here, there = share(inside), share(outside)
    return Outcome(state, name, told, here, len(inside), there, len(outside), p)
