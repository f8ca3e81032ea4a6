"""How one setting goes with the objective: ranks, intervals, and tests a sampler cannot fool.

A sampler that learns drifts in every parameter while the objective improves, so everything
correlates with progress: the ordinary p value of Spearman's rho is wrong one time in four on TPE
trials. Shuffling the objective only among trials that were chosen about the same time restores it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BLOCK = 10  # consecutive trials of an adaptive sampler that are taken as exchangeable
SHUFFLES = 4999
_SEED = 20260101
_LEAST_FOR_INTERVAL = 5
_EDGE = 0.1  # an optimum nearer to the end of what was tried is not an interior one


@dataclass(frozen=True)
class Trend:
    """How the objective moves with an ordered setting, on ranks.

    `rho` is Spearman's, with its interval; `curve` the correlation with what a parabola adds to
    the straight line, positive where the ends are higher than the middle; `explained` the adjusted
    share of the variance of the ranks that means of four bins explain. `peak` is where the
    parabola has its extreme, as a share of the trials ordered by the setting; `p` tests both
    directions and both shapes at once.
    """

    n: int
    rho: float
    low: float | None
    high: float | None
    curve: float
    explained: float
    peak: float | None
    p: float

    @property
    def bent(self) -> bool:
        """Whether the parabola says more than the line."""
        return abs(self.curve) > abs(self.rho)

    @property
    def inside(self) -> bool:
        """Whether the extreme of the parabola lies well within what was tried."""
        return self.peak is not None and _EDGE < self.peak < 1 - _EDGE


@dataclass(frozen=True)
class Grouping:
    """Kruskal-Wallis over the values of an unordered setting.

    `effect` is epsilon squared, the share of the variance of the ranks that lies between the
    groups (Tomczak and Tomczak 2014, Trends in Sport Sciences 1); `p` is of the permutation test.
    """

    n: int
    statistic: float
    effect: float
    p: float


def ranks(values: Sequence[float]) -> Floats:
    """Ranks from 1, ties sharing their mean."""
    from scipy.stats import rankdata

    found: Floats = rankdata(values).astype(float)
    return found


def winsorised(y: Floats) -> Floats:
    """Scores with far outliers on the bad side pulled in, so that one diverged run owns nothing.

    To three interquartile ranges below the lower quartile (Tukey's outer fence).
    """
    import numpy as np

    low, high = np.quantile(y, [0.25, 0.75])
    fenced: Floats = np.maximum(y, low - 3 * (high - low)) if high > low else y
    return fenced


def correlation(x: Floats, y: Floats) -> float:
    """Pearson's r; 0 where either does not vary."""
    a, b = x - x.mean(), y - y.mean()
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size else 0.0


def spearman(x: Sequence[float], y: Sequence[float]) -> float:
    """Spearman's rho; 0 where either does not vary."""
    return correlation(ranks(x), ranks(y))


def spearman_interval(rho: float, n: int, *, level: float = 0.95) -> tuple[float, float] | None:
    """The interval of Spearman's rho by Fisher's z; None for fewer than five.

    With the variance of Bonett and Wright (2000, Psychometrika 65), (1 + rho² / 2) / (n - 3).
    """
    if n < _LEAST_FOR_INTERVAL:
        return None
    if abs(rho) >= 1:
        return rho, rho
    error = math.sqrt((1 + rho**2 / 2) / (n - 3))
    half = NormalDist().inv_cdf(0.5 + level / 2) * error
    return math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)


def blocks(adaptive: Sequence[bool]) -> tuple[int, ...]:
    """The block of each trial, in the order of the trials: within one, they may be shuffled.

    Trials of the random phase are all exchangeable and share block 0; those that a sampler chose
    are taken ten at a time, a short rest joining the block before it.
    """
    count = sum(adaptive)
    whole = max(count // BLOCK, 1)
    found, seen = [], 0
    for chosen in adaptive:
        found.append(1 + min(seen // BLOCK, whole - 1) if chosen else 0)
        seen += chosen
    return tuple(found)


@lru_cache(maxsize=16)
def shuffles(block: tuple[int, ...], count: int = SHUFFLES) -> NDArray[np.intp]:
    """`count` orders of the trials that never leave a block, (count, n), always the same ones."""
    import numpy as np

    random = np.random.default_rng(_SEED).random((count, len(block)))
    places = np.asarray(block, dtype=float)
    # Sorted by block and then by chance; a stable sort of the blocks says where each one stands.
    drawn = np.argsort(places + random, axis=1)
    order = np.empty_like(drawn)
    order[:, np.argsort(places, kind="stable")] = drawn
    return order


def trend(x: Sequence[float], y: Sequence[float], block: Sequence[int]) -> Trend:
    """How `y` moves with `x`, tested by shuffling `y` within the blocks.

    The statistic is the larger of the line and the parabola, each in its own standard deviations
    over the shuffles, so that an optimum in the middle is found where rho is zero.
    """
    import numpy as np

    of_x, of_y = ranks(x), ranks(y)
    line, bow = _shapes(of_x)
    rho, curve = correlation(line, of_y), correlation(bow, of_y)
    interval = spearman_interval(rho, len(of_y))
    shuffled = of_y[shuffles(tuple(block))]
    strength = np.zeros(len(shuffled) + 1)
    for shape in (line, bow):
        drawn = np.concatenate([[of_y @ shape], shuffled @ shape])
        spread = drawn[1:].std()
        if spread > 1e-9:
            # Around the mean of the shuffles, which carries the drift of sampler and objective.
            strength = np.maximum(strength, np.abs(drawn - drawn[1:].mean()) / spread)
    return Trend(
        n=len(of_y),
        rho=rho,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        curve=curve,
        explained=_binned(of_x, of_y),
        peak=_peak(of_x, of_y),
        p=_share(strength),
    )


def grouping(groups: Sequence[str], y: Sequence[float], block: Sequence[int]) -> Grouping:
    """Whether `y` differs between the groups, tested by shuffling `y` within the blocks."""
    import numpy as np

    of_y = ranks(y)
    n = len(of_y)
    names = sorted(set(groups))
    member = np.asarray([[group == name for group in groups] for name in names], dtype=float)
    sizes = member.sum(axis=1)
    total = float(((of_y - of_y.mean()) ** 2).sum())
    if len(names) < 2 or total == 0:
        return Grouping(n, 0.0, 0.0, 1.0)
    shuffled = of_y[shuffles(tuple(block))] @ member.T
    usual = shuffled.mean(axis=0)  # of each group's sum over the shuffles: the drift, again
    observed = member @ of_y
    drawn = np.concatenate([[observed], shuffled]) - usual
    strength = (drawn**2 / sizes).sum(axis=1)
    between = float((observed**2 / sizes).sum() - of_y.sum() ** 2 / n)
    statistic = (n - 1) * between / total
    return Grouping(n, statistic, statistic / (n - 1), _share(strength))


def _share(strength: Floats) -> float:
    """How many of the draws are as strong as the first, itself among them."""
    return float((strength >= strength[0] * (1 - 1e-9)).sum()) / len(strength)


def _shapes(of_x: Floats) -> tuple[Floats, Floats]:
    """The line, and what a parabola adds to it."""
    line = of_x - of_x.mean()
    square = line**2 - (line**2).mean()
    size = float(line @ line)
    return line, square - line * (float(square @ line) / size if size else 0.0)


def _peak(of_x: Floats, of_y: Floats) -> float | None:
    import numpy as np

    if len(set(of_x.tolist())) < 3:
        return None
    share = (of_x - 0.5) / len(of_x)
    square, slope, _ = np.polyfit(share, of_y, 2)
    return float(-slope / (2 * square)) if abs(square) > 1e-9 else None


def _binned(of_x: Floats, of_y: Floats) -> float:
    """The adjusted share of variance that means of four bins explain, equal values together."""
    import numpy as np

    n = len(of_y)
    bins = np.minimum((4 * (of_x - 0.5) / n).astype(int), 3)
    held = np.unique(bins)
    total = float(((of_y - of_y.mean()) ** 2).sum())
    if len(held) < 2 or n <= len(held) or total == 0:
        return 0.0
    within = sum(float(((of_y[bins == b] - of_y[bins == b].mean()) ** 2).sum()) for b in held)
    return max(1 - (within / (n - len(held))) / (total / (n - 1)), 0.0)
