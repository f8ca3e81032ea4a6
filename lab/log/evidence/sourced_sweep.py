"""The numbers of a sweep's analysis, each with the runs of its trials, field and aggregation.

A study made elsewhere has trials without runs: its numbers name the study's own file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lab.log.evidence.source import STUDIES
from lab.log.evidence.sourced import walked
from lab.provenance import Source, is_telling, known, merged
from lab.sweep.analysis import Analysis
from lab.sweep.baseline import Baseline
from lab.sweep.branches import BranchLine, Outcome
from lab.sweep.classes import Classes, ClassLine
from lab.sweep.classical import Boundary, Choices, Classical
from lab.sweep.configuration import Configuration, Factor
from lab.sweep.confirmed import Confirmed
from lab.sweep.importance import Ranking
from lab.sweep.marginal import Effect, Level
from lab.sweep.study import Study
from lab.sweep.trial import Trial
from lab.sweep.winner import Winner

_OF_TREND = {
    "rho": "Spearman's rho with the objective",
    "low": "lower end of the 95% interval of Spearman's rho",
    "high": "upper end of the 95% interval of Spearman's rho",
    "p": "p value of a permutation test",
}
_OF_GROUPS = {
    "effect": "epsilon squared of Kruskal-Wallis",
    "statistic": "H of Kruskal-Wallis",
    "p": "p value of a permutation test",
}
_OF_IMPORTANCE = {
    "share": "share of the variance",
    "chance": "share of the variance over that of shuffled objectives",
    "first": "share of resamples in which it ranked first",
}
_OF_BRANCH = {
    "best": "best",
    "mean": "mean over configurations",
    "low": "lower end of the 95% t interval of the mean",
    "high": "upper end of the 95% t interval of the mean",
}
_OF_OUTCOME = {
    "share": "share of trials that ended so",
    "rest": "share of the other trials that ended so",
    "p": "p value after Holm",
}


def sourced_analysis(found: Analysis) -> Analysis:
    """The same analysis; while a ledger is open its numbers say where they come from."""
    return _Sourced(found).analysis() if is_telling() else found


class _Sourced:
    def __init__(self, found: Analysis) -> None:
        self._found = found
        self._study: Study = found.study
        self._objective = found.study.objective

    def analysis(self) -> Analysis:
        found = self._found
        effects = tuple(self._effect(effect) for effect in found.marginals.effects)
        return replace(
            found,
            winner=self._winner(found.winner),
            marginals=replace(found.marginals, effects=effects),
            rankings=tuple(self._ranking(ranking) for ranking in found.rankings),
            second=self._ranking(found.second),
            branches=tuple(self._branch(line) for line in found.branches),
            outcomes=tuple(self._outcome(outcome) for outcome in found.outcomes),
            baseline=self._baseline(found.baseline) if found.baseline else None,
            classes=self._classes(found.classes) if found.classes else None,
            classical=self._classical(found.classical),
        )

    def _of(
        self, rows: Iterable[Configuration | Confirmed | Trial], how: str, field: str | None = None
    ) -> Source:
        runs = merged(run for row in rows for run in row.run_ids)
        whole = f"{STUDIES}{self._study.name}"
        return Source(runs or (whole,), field or self._objective, how)

    def _configuration(self, row: Configuration, *, ranges: bool = False) -> Configuration:
        """The configuration, sourced; with `ranges` none of its choices, as these are counted."""
        n = len(row.values)
        how = f"mean over {n} seeds of trial {row.number}" if n > 1 else f"trial {row.number}"
        params = {
            name: known(value, self._of([row], how, f"params.{name}"))
            for name, value in row.params.items()
            if not ranges or self._study.space.parameter(name).numeric
        }
        return replace(
            row, value=known(row.value, self._of([row], how)), params={**row.params, **params}
        )

    def _winner(self, winner: Winner) -> Winner:
        rows = self._found.rows
        expected = self._of(rows, "the best, shrunk towards the mean by the noise between seeds")
        confirmed = self._study.confirmed.rows if self._study.confirmed else ()
        every: list[Configuration | Confirmed] = [*rows, *confirmed]
        repeated = [row for row in every if len(row.values) > 1]
        noise = self._of(repeated, "standard deviation between seeds")
        return replace(
            winner,
            best=self._configuration(winner.best),
            noise=known(winner.noise, noise),
            freedom=known(winner.freedom, replace(noise, aggregation="degrees of freedom")),
            expected=known(winner.expected, expected),
        )

    def _effect(self, effect: Effect) -> Effect:
        source = self._of(effect.factor.rows, "", self._with(effect.factor))
        levels = tuple(self._level(effect.factor, level) for level in effect.levels)
        return replace(
            effect,
            trend=walked(effect.trend, source, _OF_TREND) if effect.trend else None,
            groups=walked(effect.groups, source, _OF_GROUPS) if effect.groups else None,
            levels=levels,
        )

    def _with(self, factor: Factor) -> str:
        return f"params.{factor.name}, {self._objective}"

    def _level(self, factor: Factor, level: Level) -> Level:
        rows = [row for row in factor.rows if row.params[factor.name] == level.value]
        return walked(level, self._of(rows, f" at {factor.name}={level.value}"), {}, deep=False)

    def _ranking(self, ranking: Ranking) -> Ranking:
        by_name = {factor.name: factor for factor in self._found.factors}
        rows = tuple(
            walked(row, self._of(by_name[row.name].rows, "", self._with(by_name[row.name])),
                   _OF_IMPORTANCE)
            for row in ranking.rows
        )  # fmt: skip
        whole = self._of(self._found.rows, " of the forest")
        pairs = tuple(
            walked(pair, replace(whole, aggregation=f" of {' and '.join(pair.names)}"), {})
            for pair in ranking.pairs
        )
        r2 = known(ranking.r2, replace(whole, aggregation="out-of-bag R² of the forest"))
        n = known(ranking.n, replace(whole, aggregation="number of configurations"))
        return replace(ranking, n=n, r2=r2, rows=rows, pairs=pairs)

    def _branch(self, line: BranchLine) -> BranchLine:
        branch = next(b for b in self._study.space.branches() if b.name == line.name)
        inside = self._study.of(branch)
        return walked(line, self._of(inside, f" of branch {line.name}"), _OF_BRANCH)

    def _outcome(self, outcome: Outcome) -> Outcome:
        active = [trial for trial in self._study.trials if outcome.name in trial.params]
        return walked(outcome, self._of(active, "", f"params.{outcome.name}, state"), _OF_OUTCOME)

    def _baseline(self, base: Baseline) -> Baseline:
        of_one = {n for numbers in base.trials.values() for n in numbers}
        source = self._of(
            [trial for trial in self._study.trials if trial.number in of_one],
            "of trials that named one class only",
        )
        scores = tuple((value, known(score, source)) for value, score in base.scores)
        return replace(base, value=known(base.value, source), scores=scores)

    def _classes(self, found: Classes) -> Classes:
        by_number = {trial.number: trial for trial in self._study.trials}

        def line(one: ClassLine) -> ClassLine:
            field = f"{self._objective}, class {one.name}"
            values = tuple(
                known(value, self._of([by_number[number]], f"trial {number}", field))
                for number, value in zip(found.trials, one.values, strict=True)
            )
            return replace(one, values=values)

        return replace(found, lines=tuple(map(line, found.lines)))

    def _classical(self, view: Classical) -> Classical:
        return replace(
            view,
            elite=tuple(self._configuration(row, ranges=True) for row in view.elite),
            directions=tuple(
                walked(d, self._of(self._found.rows, " as usually computed", d.name), _OF_TREND)
                for d in view.directions
            ),
            choices=tuple(self._choices(choices) for choices in view.choices),
            boundaries=tuple(self._boundary(b, view.elite) for b in view.boundaries),
        )

    def _choices(self, choices: Choices) -> Choices:
        source = self._of(self._found.rows, f" over the choices of {choices.name}")
        return replace(
            choices, values=tuple(walked(v, source, {}, deep=False) for v in choices.values)
        )

    def _boundary(self, bound: Boundary, elite: Iterable[Configuration]) -> Boundary:
        source = self._of(elite, " of the top quarter at the bound", f"params.{bound.name}")
        return walked(bound, source, {})
