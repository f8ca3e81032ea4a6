"""Everything that is computed about a study, as values; the words are in lab/sweep/card.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.errors import InputError
from lab.record.catalogue import find_run
from lab.sweep import visits
from lab.sweep.association import SHUFFLES
from lab.sweep.baseline import Baseline, baseline
from lab.sweep.branches import BranchLine, Outcome, branch_lines, outcomes
from lab.sweep.classes import Classes, classes
from lab.sweep.classical import Classical, classical
from lab.sweep.configuration import Configuration, Factor, configurations, factors, shown
from lab.sweep.early import Early, early
from lab.sweep.good_range import LEAST
from lab.sweep.importance import Importances, Ranking, importances
from lab.sweep.marginal import Marginals, marginals
from lab.sweep.measured import measured_here
from lab.sweep.origins import code_of, data_of
from lab.sweep.refinement import Refinement, refine
from lab.sweep.standing import standing
from lab.sweep.storage import read_study
from lab.sweep.study import Study
from lab.sweep.winner import Winner, winner
from lab.workspace import Workspace

_DIGITS = 6


@dataclass(frozen=True)
class Analysis:
    """One study, analysed; `outcome_tests` is how many settings were tested for failing."""

    study: Study
    rows: tuple[Configuration, ...]
    factors: tuple[Factor, ...]
    winner: Winner
    marginals: Marginals
    rankings: tuple[Ranking, ...]
    second: Ranking
    branches: tuple[BranchLine, ...]
    outcomes: tuple[Outcome, ...]
    outcome_tests: int
    baseline: Baseline | None
    classes: Classes | None
    early: Early | None
    next: Refinement | None
    classical: Classical

    @property
    def suspect(self) -> str | None:
        """The parameter across which the objective is not comparable, if one is known."""
        return self.baseline.moves if self.baseline else None


def analyze(
    study: Study | str,
    *,
    workspace: Workspace | None = None,
    ranked: Callable[[Sequence[Configuration], Sequence[Factor]], Importances] = importances,
) -> Analysis:
    """The analysis of a study, or of the one of that name: the same study, the same numbers.

    `ranked` finds the importances, most of the work: somebody may know them already. Raises
    InputError where there is no such study, or no trial has a value.

    lab.sweep.analyze("demo").marginals.found
    """
    if isinstance(study, str):
        place = workspace or Workspace.find()
        study = measured_here(read_study(study, place), lambda run: find_run(place, run))
    rows = configurations(study)
    confirmed = study.confirmed.rows if study.confirmed else ()
    best = winner(rows, [row.values for row in confirmed])
    if best is None:
        raise InputError(
            "No trial of the study is complete, so there is nothing to analyse",
            seen=study.name,
            do=f"lab sweep status {study.name} says what became of them.",
        )
    # What was taken over from an earlier study was chosen by its result, and tests nothing here.
    tested = [row for row in rows if not row.carried]
    parts = factors(study, tested)
    importance = ranked(tested, parts)
    found, tests = outcomes(study)
    return Analysis(
        study=study,
        rows=rows,
        factors=parts,
        winner=best,
        marginals=marginals(parts),
        rankings=importance.rankings,
        second=importance.second,
        branches=branch_lines(study),
        outcomes=found,
        outcome_tests=tests,
        baseline=baseline(study),
        classes=classes(study, rows),
        early=early(study),
        next=refine(study, rankings=importance.rankings) if len(rows) >= LEAST else None,
        classical=classical(rows, parts),
    )


def parameter_rows(found: Analysis) -> list[dict[str, Any]]:
    """One row a parameter, as numbers: the table of the card."""
    ranked = {row.name: row for ranking in found.rankings for row in ranking.rows}
    rows = []
    for effect in found.marginals.effects:
        trend, groups, name = effect.trend, effect.groups, effect.factor.name
        importance = ranked.get(name)
        rows.append(
            {
                "parameter": name,
                "where": effect.factor.where,
                "range": effect.factor.parameter.describe(),
                "n": effect.n,
                "shape": effect.direction,
                "rho": _rounded(trend.rho if trend else None),
                "rho_low": _rounded(trend.low if trend else None),
                "rho_high": _rounded(trend.high if trend else None),
                "bins_r2": _rounded(trend.explained if trend else None),
                "epsilon_squared": _rounded(groups.effect if groups else None),
                "p_permutation": _rounded(effect.p),
                "p_holm": _rounded(effect.holm),
                "fdr": _rounded(effect.fdr),
                "importance": _rounded(importance.share if importance else None),
                "importance_against_chance": _rounded(importance.chance if importance else None),
                "first_in_resamples": _rounded(importance.first if importance else None),
                "rank_low": importance.rank_low if importance else None,
                "rank_high": importance.rank_high if importance else None,
                "verdict": effect.verdict,
                "suspect": name == found.suspect,
            }
        )
    return rows


def as_json(found: Analysis) -> dict[str, Any]:
    """The analysis as one JSON document, rounded to six significant digits at the end."""
    study, best, base = found.study, found.winner, found.baseline
    stands = standing(study)
    return {
        "study_name": study.name,
        "objective": study.objective,
        "direction": study.direction,
        "trials": dict(sorted(Counter(trial.state for trial in study.trials).items())),
        "stage": stands.stage,
        "missing": stands.missing,
        "unconfirmed": list(stands.unconfirmed),
        "made_from": [
            {"what": one.what, "versions": [[list(v), list(n)] for v, n in one.trials.items()]}
            for one in (*data_of(study), *code_of(study))
        ],
        "phases": dict(sorted(Counter(trial.phase for trial in study.trials).items())),
        "configurations": len(found.rows),
        "best": {
            "trial": best.best.number,
            "params": {name: best.best.params[name] for name in sorted(best.best.params)},
            "observed": _rounded(best.best.value),
            "seeds": len(best.best.values),
            "expected": _rounded(best.expected),
            "ties": None if best.ties is None else [row.number for row in best.ties],
        },
        "noise_sd": _rounded(best.noise),
        "family": found.marginals.family,
        "shuffles": SHUFFLES,
        "parameters": parameter_rows(found),
        "importance": [_ranking(r, "fANOVA") for r in found.rankings]
        + [_ranking(found.second, "PED-ANOVA")],
        "branches": [_plain(vars(line)) for line in found.branches],
        "outcomes": [_plain(vars(line)) for line in found.outcomes],
        "baseline": None
        if base is None
        else {
            "value": _rounded(base.value),
            "class": base.label,
            "samples": base.samples,
            "trials": {label: list(numbers) for label, numbers in base.trials.items()},
            "follows": base.moves,
            "values": [[shown(value), _rounded(score)] for value, score in base.scores],
        },
        "classes": _classes(found.classes),
        "early": _early(found.early),
        "next": _next(found.next),
        "duplicates": visits.duplicates(study.trials),
        "as_usually_computed": classical_json(found.classical),
    }


def _classes(found: Classes | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "trials": list(found.trials),
        "classes": [
            {
                "name": line.name,
                "samples": line.samples,
                "mean": _rounded(line.mean),
                "values": [_rounded(value) for value in line.values],
            }
            for line in found.lines
        ],
    }


def _early(found: Early | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "step": found.step,
        "trials": found.n,
        "pruned": found.pruned,
        "family": found.marginals.family,
        "parameters": [
            {
                "parameter": effect.factor.name,
                "p_permutation": _rounded(effect.p),
                "p_holm": _rounded(effect.holm),
                "shape": effect.direction,
                "verdict": effect.verdict,
            }
            for effect in found.marginals.effects
        ],
    }


def _next(found: Refinement | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        option.name: {
            "changes": [
                {"parameter": c.parameter, "old": c.old, "new": c.new, "reason": c.reason}
                for c in option.changes
            ],
            "volume_ratio": _rounded(option.volume_ratio),
            "keeps_optimum": _rounded(option.keeps_optimum),
            "margin": _rounded(option.margin),
            "widest_margin": _rounded(option.widest),
            "carried": list(option.carried),
            "n_trials": option.space.n_trials,
        }
        for option in (found.conservative, found.aggressive)
    } | {"same": found.same, "notes": list(found.told)}


def classical_json(view: Classical) -> dict[str, Any]:
    return {
        "directions": [_plain(vars(d)) for d in view.directions],
        "choices": [
            {"name": c.name, "gap": _rounded(c.gap), "values": [_plain(vars(v)) for v in c.values]}
            for c in view.choices
        ],
        "boundaries": [_plain(vars(b)) for b in view.boundaries],
        "top_quarter": [row.number for row in view.elite],
    }


def _ranking(ranking: Ranking, method: str) -> dict[str, Any]:
    return {
        "method": method,
        "where": ranking.where,
        "n": ranking.n,
        "r2": _rounded(ranking.r2),
        "refused": ranking.refused,
        "rows": [_plain(vars(row)) for row in ranking.rows],
        "pairs": [_plain(vars(pair)) for pair in ranking.pairs],
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _rounded(v) if isinstance(v, float) else v for name, v in values.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")
