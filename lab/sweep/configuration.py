"""What the analysis looks at: one row a configuration, and one factor a parameter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.stats.intervals import mean_of, variance_of
from lab.sweep.association import blocks
from lab.sweep.space import Parameter, value_text
from lab.sweep.study import Study
from lab.sweep.trial import Trial


@dataclass(frozen=True)
class Configuration:
    """The complete trials of one setting: `value` is the mean over its seeds.

    `number` is that of its first trial, `score` the value turned so that more is better, `seeds`
    those of `values`, sorted, or None where they are not known, and `adaptive` whether a sampler
    that learns may have chosen it, or nobody knows. `carried` is one taken over from an earlier
    study, which was chosen because of what came out of it.
    """

    number: int
    params: Mapping[str, Any]
    value: float
    score: float
    values: tuple[float, ...]
    seeds: tuple[int, ...] | None
    adaptive: bool
    run_ids: tuple[str, ...] = ()
    seconds: float | None = None
    carried: bool = False


@dataclass(frozen=True)
class Factor:
    """One parameter over the configurations in which it plays a part.

    `where` tells those apart ("encoder_type=cnn"; "" where it is always there); `places` are its
    values in the scale it is sampled in, from 0 to 1, or by rank of the choice.
    """

    parameter: Parameter
    where: str
    ordered: bool
    rows: tuple[Configuration, ...]
    places: tuple[float, ...]

    @property
    def name(self) -> str:
        return self.parameter.name

    @property
    def values(self) -> list[Any]:
        return [row.params[self.name] for row in self.rows]

    @property
    def scores(self) -> list[float]:
        return [row.score for row in self.rows]

    @property
    def block(self) -> tuple[int, ...]:
        """The blocks within which the configurations may be shuffled."""
        return blocks([row.adaptive for row in self.rows])

    @property
    def told(self) -> str:
        return f"{self.name} ({self.where})" if self.where else self.name


def configurations(study: Study) -> tuple[Configuration, ...]:
    """One row a setting, by number; trials of the same setting and repeated seeds are merged."""
    found: dict[tuple[tuple[str, str], ...], list[Trial]] = {}
    for trial in sorted(study.trials, key=lambda trial: trial.number):
        if trial.state == "complete" and trial.value is not None:
            found.setdefault(_key(trial.params), []).append(trial)
    sign = 1.0 if study.direction == "maximize" else -1.0
    # Where all trials are imported the study was made elsewhere, and they are its own.
    own = any(t.phase != "imported" or t.taken_over for t in study.trials)
    rows = []
    for trials in found.values():
        values, seeds = _values(trials)
        first = trials[0]
        took = [trial.seconds for trial in trials if trial.seconds is not None]
        rows.append(
            Configuration(
                number=first.number,
                params=first.params,
                value=mean_of(values),
                score=sign * mean_of(values),
                values=values,
                seeds=seeds,
                adaptive=all(trial.phase != "random" for trial in trials),
                run_ids=tuple(dict.fromkeys(run for trial in trials for run in trial.run_ids)),
                seconds=sum(took) if took else None,
                carried=all(trial.phase == "imported" for trial in trials) and own,
            )
        )
    return tuple(sorted(rows, key=lambda row: row.number))


def factors(study: Study, rows: Iterable[Configuration]) -> tuple[Factor, ...]:
    """Every parameter that took at least two values, in the order of the space."""
    complete = tuple(rows)
    found = []
    for parameter in study.space.params:
        active = tuple(
            row
            for row in complete
            if parameter.name in row.params and _known(parameter, row.params[parameter.name])
        )
        if len({str(row.params[parameter.name]) for row in active}) < 2:
            continue
        found.append(
            Factor(
                parameter=parameter,
                where=condition(parameter.name, study),
                ordered=parameter.ordered,
                rows=active,
                places=tuple(place(parameter, row.params[parameter.name]) for row in active),
            )
        )
    return tuple(found)


def _known(parameter: Parameter, value: Any) -> bool:
    """Whether the space has a place for the value: not for choices that it does not list."""
    return parameter.numeric or value in parameter.choices


def place(parameter: Parameter, value: Any) -> float:
    """Where a value lies in the scale it is sampled in; of choices without an order, which one."""
    if parameter.ordered:
        return float(parameter.scaled(value))
    return float(parameter.choices.index(value))


def condition(name: str, study: Study) -> str:
    """When a parameter plays a part, its parents' conditions with its own."""
    parts: dict[str, Any] = {}
    known = {parameter.name: parameter for parameter in study.space.params}
    due = [name]
    while due:
        parameter = known.get(due.pop())
        for parent, wanted in parameter.when.items() if parameter else ():
            if parent not in parts:
                parts[parent] = wanted
                due.append(parent)
    return ", ".join(
        f"{parent}={'|'.join(map(shown, wanted))}" for parent, wanted in sorted(parts.items())
    )


def noise_variance(repeats: Iterable[Sequence[float]]) -> tuple[float, int] | None:
    """The variance between seeds of one setting, pooled, and its degrees of freedom.

    `repeats` are the values of each setting; None where none was run with two seeds.
    """
    total, freedom = 0.0, 0
    for values in repeats:
        if len(values) > 1:
            total += variance_of(values) * (len(values) - 1)
            freedom += len(values) - 1
    return (total / freedom, freedom) if freedom else None


def _values(trials: Iterable[Trial]) -> tuple[tuple[float, ...], tuple[int, ...] | None]:
    """The values by seed, each seed once, and the seeds; without seeds those of each run once.

    A trial served by the run of an earlier one says nothing new, least of all about noise.
    """
    listed = [(t, t.values or ((t.value,) if t.value is not None else ())) for t in trials]
    if all(len(trial.seeds) == len(values) for trial, values in listed):
        by_seed = {s: v for t, values in listed for s, v in zip(t.seeds, values, strict=True)}
        seeds = sorted(by_seed)
        return tuple(by_seed[seed] for seed in seeds), tuple(seeds)
    if all(len(trial.run_ids) == len(values) for trial, values in listed):
        by_run = {r: v for t, values in listed for r, v in zip(t.run_ids, values, strict=True)}
        return tuple(by_run.values()), None
    return tuple(value for _, values in listed for value in values), None


def _key(params: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(value)) for name, value in params.items()))


def shown(value: Any) -> str:
    """A value as a reader writes it: `cnn`, `true`, `5e-05`."""
    return value if isinstance(value, str) else value_text(value)
