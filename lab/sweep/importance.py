"""Which parameters the objective depends on, against what shuffled objectives give.

fANOVA (Hutter et al. 2014, ICML) on parameters in the scale they are sampled in; PED-ANOVA
(Watanabe et al. 2023, IJCAI) as a second opinion on trials chosen at random. Shares alone invent a
winner from noise, so each is divided by the 95th percentile of the largest share over objectives
shuffled within blocks of trials: below 1 it is what chance gives.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.sweep import forest
from lab.sweep.association import shuffles, winsorised
from lab.sweep.configuration import Configuration, Factor
from lab.sweep.space import MIN_RANDOM, RANDOM_PER_PARAMETER

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHUFFLED = 99
RESAMPLED = 200
LEAST = 30  # configurations from which a forest is grown
LEAST_R2 = 0.2  # out of bag: below it the forest explains nothing
LEAST_RANDOM = 40  # configurations of the random phase for PED-ANOVA
_TOP = 8  # configurations in the top group of PED-ANOVA
_FEW = 10  # values up to which PED-ANOVA takes a parameter for choices
_PAIRED = 3  # parameters whose pairs are looked at
_NEAR = 1e-12


@dataclass(frozen=True)
class Importance:
    """One parameter: its raw share, that over chance, and its rank over resampled trials.

    `rank_low` to `rank_high` is the 80% interval of its rank, `first` the share of the resamples
    in which it was first; None for PED-ANOVA, which is not resampled.
    """

    name: str
    share: float
    chance: float
    rank_low: int | None = None
    rank_high: int | None = None
    first: float | None = None

    @property
    def above(self) -> bool:
        """Whether it is told from noise."""
        return self.chance > 1


@dataclass(frozen=True)
class Pair:
    """Two parameters: the share they carry together beyond each alone, raw and over chance."""

    names: tuple[str, str]
    share: float
    chance: float


@dataclass(frozen=True)
class Ranking:
    """The parameters of one branch; `where` is the condition they share, "" for none.

    `refused` says why there is no ranking, and `rows` is empty then.
    """

    where: str
    n: int
    r2: float | None
    rows: tuple[Importance, ...]
    refused: str | None = None
    pairs: tuple[Pair, ...] = ()

    def of(self, name: str) -> Importance | None:
        return next((row for row in self.rows if row.name == name), None)


@dataclass(frozen=True)
class Importances:
    """Both opinions: forests for each condition, and what sets the best random trials apart."""

    rankings: tuple[Ranking, ...]
    second: Ranking


def importances(rows: Sequence[Configuration], factors: Sequence[Factor]) -> Importances:
    """The importance of every parameter by two methods; most of the time of an analysis."""
    return Importances(fanova(rows, factors), ped_anova(rows, factors))


def exploration(rows: Sequence[Configuration], parameters: int) -> str | None:
    """Why the trials cannot carry a ranking: the sampler chose them; None where they can."""
    chosen = sum(row.adaptive for row in rows)
    random = len(rows) - chosen
    needed = max(MIN_RANDOM, RANDOM_PER_PARAMETER * parameters)
    if not chosen or random >= needed:
        return None
    return (
        f"exploration too small for importance: {random} of {len(rows)} configurations are known "
        f"to be chosen at random, {needed} are needed"
    )


def fanova(
    rows: Sequence[Configuration],
    factors: Sequence[Factor],
    *,
    shuffled: int = SHUFFLED,
    resampled: int = RESAMPLED,
) -> tuple[Ranking, ...]:
    """A ranking for each condition that parameters share, the unconditional ones first."""
    refused = exploration(rows, len(factors))
    rankings = []
    for where in sorted({factor.where for factor in factors}):
        own = [factor for factor in factors if factor.where == where]
        # The parameters without a parent, or the most of a branch, have their rows in common.
        members = set(map(_number, own[0].rows))
        beside = [f for f in factors if members <= set(map(_number, f.rows))]
        if refused is not None:
            rankings.append(Ranking(where, len(members), None, (), refused))
            continue
        rankings.append(_ranking(where, own, beside, own[0].rows, shuffled, resampled))
    return tuple(rankings)


def ped_anova(
    rows: Sequence[Configuration], factors: Sequence[Factor], *, shuffled: int = SHUFFLED
) -> Ranking:
    """What sets the best trials of the random phase apart; it is not a share of variance."""
    import numpy as np

    random = [row for row in rows if not row.adaptive]
    if len(random) < LEAST_RANDOM:
        why = (
            f"{len(random)} configurations are known to be chosen at random, "
            f"{LEAST_RANDOM} are needed"
        )
        return Ranking("", len(random), None, (), why)
    known = {row.number for row in random}
    held = [f for f in factors if sum(row.number in known for row in f.rows) > 1]
    at = [{row.number: _point(f, p) for row, p in zip(f.rows, f.places, strict=True)} for f in held]
    points = [
        {i: place[row.number] for i, place in enumerate(at) if row.number in place}
        for row in random
    ]
    y = np.asarray([row.score for row in random])
    # The top group is all that counts, so ties and outliers need no care.
    evaluate = _evaluator_ped(max(0.10, _TOP / len(random)))
    distributions = [_distribution(factor) for factor in held]

    def shares(values: Floats) -> Floats:
        return _evaluated(evaluate, points, distributions, values)

    found = shares(y)
    line = _noise_line(shares, y, (0,) * len(random), shuffled)
    rows_of = [
        Importance(factor.name, float(share), float(share / line))
        for factor, share in zip(held, found, strict=True)
    ]
    return Ranking("", len(random), None, _ordered(rows_of))


def _ranking(
    where: str,
    own: Sequence[Factor],
    beside: Sequence[Factor],
    rows: Sequence[Configuration],
    shuffled: int,
    resampled: int,
) -> Ranking:
    import numpy as np

    n = len(rows)
    if n < LEAST:
        return Ranking(where, n, None, (), f"{n} configurations, {LEAST} are needed")
    at = [{r.number: p for r, p in zip(f.rows, f.places, strict=True)} for f in beside]
    places = np.asarray([[place[row.number] for place in at] for row in rows])
    y = winsorised(np.asarray([row.score for row in rows]))
    if float(np.ptp(y)) <= _NEAR * float(np.abs(y).max()):
        return Ranking(where, n, None, (), "the objective does not vary")
    columns = [forest.column(factor) for factor in beside]
    x = forest.encoded(places, columns)
    r2 = forest.out_of_bag(x, y)
    if r2 < LEAST_R2:
        why = f"a forest predicts unseen trials with R² {r2:.2f}: it explains nothing"
        return Ranking(where, n, r2, (), why)

    def shares(values: Floats, drawn: Any = slice(None)) -> Floats:
        return forest.shares(forest.grown(x[drawn], values), columns)

    found = shares(y)
    line = _noise_line(shares, y, own[0].block, shuffled)
    ranks = _resampled_ranks(shares, y, resampled)
    rows_of = []
    for i, factor in enumerate(beside):
        if factor in own:
            low, high = np.quantile(ranks[:, i], [0.1, 0.9], method="inverted_cdf")
            first = float((ranks[:, i] == 1).mean())
            share = float(found[i])
            rows_of.append(Importance(factor.name, share, share / line, int(low), int(high), first))
    pairs = _pairs(x, y, columns, beside, found / line, own[0].block, shuffled) if not where else ()
    return Ranking(where, n, r2, _ordered(rows_of), pairs=pairs)


def _resampled_ranks(shares: Callable[..., Floats], y: Floats, count: int) -> NDArray[np.intp]:
    """The rank of each parameter, (count, parameters), over resampled configurations."""
    import numpy as np

    generator = np.random.default_rng(forest.SEED)
    ranks = []
    for _ in range(count):
        drawn = generator.integers(len(y), size=len(y))
        order = np.argsort(-shares(y[drawn], drawn), kind="stable")
        ranks.append(np.argsort(order, kind="stable") + 1)
    return np.asarray(ranks)


def _pairs(
    x: Floats,
    y: Floats,
    columns: Sequence[forest.Column],
    factors: Sequence[Factor],
    chance: Floats,
    block: tuple[int, ...],
    shuffled: int,
) -> tuple[Pair, ...]:
    """The pairs among the three strongest parameters that are told from noise."""
    import numpy as np

    strongest = [i for i in np.argsort(-chance, kind="stable")[:_PAIRED] if chance[i] > 1]
    found = list(itertools.combinations(strongest, 2))
    if not found:
        return ()

    def shares(values: Floats) -> Floats:
        grown = forest.grown(x, values)
        return np.asarray([forest.pair_share(grown, columns, i, j) for i, j in found])

    line = _noise_line(shares, y, block, shuffled)
    return tuple(
        Pair((factors[i].name, factors[j].name), float(share), float(share / line))
        for (i, j), share in zip(found, shares(y), strict=True)
    )


def _noise_line(
    shares: Callable[[Floats], Floats], y: Floats, block: tuple[int, ...], count: int
) -> float:
    """The 95th percentile of the largest share over shuffled objectives."""
    import numpy as np

    largest = [float(shares(y[order]).max()) for order in shuffles(block, count)]
    return max(float(np.quantile(largest, 0.95, method="higher")), _NEAR)


def _ordered(rows: Sequence[Importance]) -> tuple[Importance, ...]:
    """Largest first; those that chance explains by name, so that no order is implied."""
    above = sorted((row for row in rows if row.above), key=lambda row: (-row.chance, row.name))
    return (*above, *sorted((row for row in rows if not row.above), key=lambda row: row.name))


def _number(row: Configuration) -> int:
    return row.number


def _counted(factor: Factor) -> int | None:
    """How many values it has, where these are choices to PED-ANOVA; None for a range.

    A density over few places has no width where the best share one, and then stands for infinitely
    much: shuffled objectives would have larger shares than any real one.
    """
    values = factor.parameter.values
    if not factor.ordered:
        return len(factor.parameter.choices)
    return len(values) if values is not None and len(values) <= _FEW else None


def _point(factor: Factor, place: float) -> float:
    """What stands for a place: the place in a range, the number of a choice."""
    count = _counted(factor)
    return round(place * max(count - 1, 1)) if count is not None and factor.ordered else place


def _distribution(factor: Factor) -> Any:
    """The distribution of a point: a plain range, or choices that are never taken as numbers."""
    import optuna

    if (count := _counted(factor)) is not None:
        # Values outside the space are choices beyond its own.
        points = [_point(factor, place) for place in factor.places]
        least, most = min(0, int(min(points))), max(count - 1, int(max(points)))
        return optuna.distributions.CategoricalDistribution(list(range(least, most + 1)))
    return optuna.distributions.FloatDistribution(
        min(0.0, math.floor(min(factor.places))), max(1.0, math.ceil(max(factor.places)))
    )


def _evaluated(
    evaluator: Any,
    points: Sequence[dict[int, float]],
    distributions: Sequence[Any],
    y: Floats,
) -> Floats:
    """The raw shares by Optuna's evaluator, on a study that holds places instead of values."""
    import warnings

    import numpy as np
    import optuna

    names = [f"p{i:03}" for i in range(len(distributions))]
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study = optuna.create_study(direction="maximize")
            study.add_trials(
                optuna.trial.create_trial(
                    params={
                        names[i]: int(p) if _is_choice(distributions[i]) else p
                        for i, p in point.items()
                    },
                    distributions={names[i]: distributions[i] for i in point},
                    value=float(value),
                )
                for point, value in zip(points, y, strict=True)
            )
            found = evaluator.evaluate(study, params=names)
    finally:
        optuna.logging.set_verbosity(level)
    return np.asarray([found.get(name, 0.0) for name in names])


def _is_choice(distribution: Any) -> bool:
    import optuna

    return isinstance(distribution, optuna.distributions.CategoricalDistribution)


def _evaluator_ped(quantile: float) -> Any:
    from optuna.importance import PedAnovaImportanceEvaluator

    return PedAnovaImportanceEvaluator(target_quantile=quantile)
