"""What the pictures of a sweep show, as plain values; lab/sweep/draw.py draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.sweep.analysis import Analysis
from lab.sweep.configuration import condition, place, shown
from lab.sweep.importance import Ranking
from lab.sweep.marginal import Effect
from lab.sweep.space import Parameter, number_text
from lab.sweep.trial import Trial

_MOST_PAIRED = 4  # parameters whose pairs are drawn
_TICKS = (0.0, 0.5, 1.0)  # of a range, in the scale it is sampled in
_LISTED = 8  # values of a parameter that are ticks, each


@dataclass(frozen=True)
class Axis:
    """One parameter: `ticks` are places from 0 to 1 with what stands there.

    `places` of the trials are in the scale it is sampled in; choices lie apart by one step.
    `said` is what the analysis says of it in a few words, "" for nothing.
    """

    name: str
    where: str
    numeric: bool
    log: bool
    ticks: tuple[tuple[float, str], ...]
    said: str


@dataclass(frozen=True)
class Dot:
    """One trial: `places` by parameter, `best` the best value so far, `elite` the top quarter."""

    number: int
    state: str
    phase: str
    value: float | None
    values: tuple[float, ...]
    best: float | None
    elite: bool
    places: dict[str, float]
    params: dict[str, Any]
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Bar:
    """One parameter in one method: its share over that of chance, and the 80% interval of rank."""

    name: str
    chance: float
    share: float
    first: float | None
    rank_low: int | None
    rank_high: int | None


@dataclass(frozen=True)
class Bars:
    """One method in one branch; `refused` says why there are no bars."""

    method: str
    where: str
    n: int
    bars: tuple[Bar, ...]
    refused: str | None


@dataclass(frozen=True)
class Figures:
    """Everything that is drawn of a study; `pairs` are those that are drawn of all pairs."""

    study: str
    objective: str
    direction: str
    axes: tuple[Axis, ...]
    dots: tuple[Dot, ...]
    importance: tuple[Bars, ...]
    pairs: tuple[tuple[str, str], ...]

    def axis(self, name: str) -> Axis:
        return next(axis for axis in self.axes if axis.name == name)

    @property
    def complete(self) -> list[Dot]:
        return [dot for dot in self.dots if dot.value is not None]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def figures_of(found: Analysis) -> Figures:
    """The values of every picture of an analysed study."""
    study = found.study
    effects = {effect.factor.name: effect for effect in found.marginals.effects}
    tried = {p.name: p for p in study.space.params if _varies(p, study.trials)}
    return Figures(
        study=study.name,
        objective=study.objective,
        direction=study.direction,
        axes=tuple(
            Axis(
                name=name,
                where=condition(name, study),
                numeric=parameter.numeric,
                log=parameter.log,
                ticks=_ticks(parameter),
                said=_said(effects.get(name)),
            )
            for name, parameter in tried.items()
        ),
        dots=_dots(found, tried),
        importance=(
            *(_bars("fANOVA", ranking) for ranking in found.rankings),
            _bars("PED-ANOVA, random trials", found.second),
        ),
        pairs=_pairs(found),
    )


def trial_rows(figures: Figures) -> list[dict[str, Any]]:
    """One row a trial: what history, slices, pairs and parallel coordinates are drawn of."""
    names = [axis.name for axis in figures.axes]
    return [
        {
            "trial": dot.number,
            "state": dot.state,
            "phase": dot.phase,
            "value": dot.value,
            "best_so_far": dot.best,
            "seeds": len(dot.values),
            "top_quarter": dot.elite,
            **{name: dot.params.get(name) for name in names},
            "runs": " ".join(dot.runs),
        }
        for dot in figures.dots
    ]


def importance_rows(figures: Figures) -> list[dict[str, Any]]:
    """One row a method, branch and parameter; one that was refused has a row that says why."""
    rows = []
    for bars in figures.importance:
        shared = {"method": bars.method, "where": bars.where, "n": bars.n}
        for bar in bars.bars:
            rows.append({**shared, **_renamed(asdict(bar)), "refused": None})
        if bars.refused:
            blank = dict.fromkeys(_renamed(asdict(Bar("", 0, 0, None, None, None))))
            rows.append({**shared, **blank, "refused": bars.refused})
    return rows


def _renamed(bar: dict[str, Any]) -> dict[str, Any]:
    return {"parameter": bar.pop("name"), **bar}


def _varies(parameter: Parameter, trials: Sequence[Trial]) -> bool:
    return len({repr(t.params[parameter.name]) for t in trials if parameter.name in t.params}) > 1


def _dots(found: Analysis, tried: dict[str, Parameter]) -> tuple[Dot, ...]:
    study = found.study
    elite = {row.number for row in found.classical.elite}
    dots: list[Dot] = []
    best: float | None = None
    for trial in sorted(study.trials, key=lambda trial: trial.number):
        value = trial.value if trial.state == "complete" else None
        if value is not None and (best is None or study.better(value, best)):
            best = value
        dots.append(
            Dot(
                number=trial.number,
                state=trial.state,
                phase=trial.phase,
                value=value,
                values=trial.values,
                best=best,
                elite=trial.number in elite,
                places={
                    name: at
                    for name, parameter in tried.items()
                    if name in trial.params
                    and (at := _place(parameter, trial.params[name])) is not None
                },
                params=trial.params,
                runs=trial.run_ids,
            )
        )
    return tuple(dots)


def _place(parameter: Parameter, value: Any) -> float | None:
    """Where a value lies on its axis, 0 to 1; None for a choice that the space does not list."""
    if parameter.numeric:
        return place(parameter, value)
    choices = _choices(parameter)
    return choices.index(value) / max(len(choices) - 1, 1) if value in choices else None


def _choices(parameter: Parameter) -> list[Any]:
    return sorted(parameter.choices) if parameter.ordered else list(parameter.choices)


def _ticks(parameter: Parameter) -> tuple[tuple[float, str], ...]:
    values = _choices(parameter) if not parameter.numeric else parameter.values
    if (values is not None and len(values) <= _LISTED) or not parameter.numeric:
        return tuple((_place(parameter, value) or 0.0, shown(value)) for value in values or ())
    if parameter.kind == "int":
        whole = sorted({round(parameter.unscaled(share)) for share in _TICKS})
        return tuple((float(parameter.scaled(value)), str(value)) for value in whole)
    return tuple((at, number_text(float(f"{parameter.unscaled(at):.2g}"))) for at in _TICKS)


def _said(effect: Effect | None) -> str:
    if effect is None:
        return ""
    shape = effect.direction if effect.verdict in ("matters", "suggestive") else ""
    return f"{effect.verdict}: {shape}" if shape else effect.verdict


def _bars(method: str, ranking: Ranking) -> Bars:
    bars = tuple(
        Bar(row.name, row.chance, row.share, row.first, row.rank_low, row.rank_high)
        for row in ranking.rows
    )
    return Bars(method, ranking.where, ranking.n, bars, ranking.refused)


def _pairs(found: Analysis) -> tuple[tuple[str, str], ...]:
    """The pairs of the parameters whose effect is least likely chance, clearest first."""
    ranked = sorted(
        found.marginals.effects,
        key=lambda e: (e.p if e.p is not None else 2.0, -e.n, e.factor.name),
    )
    names = [effect.factor.name for effect in ranked[:_MOST_PAIRED]]
    parents = {p.name: set(p.when) for p in found.study.space.params}
    return tuple(
        (one, other)
        for i, one in enumerate(names)
        for other in names[i + 1 :]
        # Beside its own parent a parameter has one value to be seen at.
        if one not in parents[other] and other not in parents[one]
    )
