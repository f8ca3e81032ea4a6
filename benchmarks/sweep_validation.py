"""How often the card of a sweep is wrong: simulated studies whose truth is known.

    python benchmarks/sweep_validation.py [--scale 1.0] [--only NAME]

Objectives are simulated, the samplers are Optuna's own, and everything else is what `lab sweep
analyze` runs. `--scale` multiplies the number of studies. A rate is held against what is wanted
with its 95% interval (Clopper and Pearson 1934, Biometrika 26): it holds unless that is excluded.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from changed_studies import CHANGES
from scipy import stats
from simulated_searches import (
    DIP_SHARE,
    WEIGHTS,
    additive,
    asked,
    dip,
    dip_space,
    hill,
    mixed,
    near,
    plain,
    pure_noise,
    rising,
    sgd,
    sgd_space,
    some_real,
    two_real,
)

from lab.stats.intervals import paired_difference, t_interval, welch_difference
from lab.sweep.association import spearman_interval
from lab.sweep.configuration import Factor, configurations, factors
from lab.sweep.good_range import good_span, narrowed
from lab.sweep.importance import exploration, fanova
from lab.sweep.marginal import Marginals, marginals
from lab.sweep.space import Parameter
from lab.sweep.study import Study
from lab.sweep.trial import Trial
from lab.sweep.winner import winner


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the table: what came out of `n` studies, and whether that is as wanted."""

    what: str
    n: int
    found: str
    wanted: str
    holds: bool | None  # None where nothing is wanted: for comparison


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", choices=sorted(PROOFS))
    options = parser.parse_args()
    print("# Is the card of a sweep sound?\n")
    print(__doc__.split("\n\n")[-1].replace("\n", " ").strip() + "\n")
    print(f"Made by `python benchmarks/sweep_validation.py` (scale {options.scale:g}).\n")
    began = time.monotonic()
    for name, (title, proof) in PROOFS.items():
        if options.only in (None, name):
            print(f"## {title}\n\n| | Studies | Found | Wanted | Holds |\n|---|---:|---|---|---|")
            for one in proof(options.scale):
                held = {True: "yes", False: "**no**", None: ""}[one.holds]
                print(f"| {one.what} | {one.n} | {one.found} | {one.wanted} | {held} |", flush=True)
            print()
    print(f"It took {(time.monotonic() - began) / 60:.0f} minutes.", file=sys.stderr)


def null_studies(scale: float) -> Iterator[Finding]:
    """Objectives that no parameter changes: how many studies call one `matters`."""
    for sampler, startup in (("random", 60), ("TPE after 24 at random", 24), ("TPE after 10", 10)):
        n = _many(200, scale)
        wrong = sum(
            bool(_effects(asked(plain(8), 60, pure_noise, seed=seed, startup=startup)).found)
            for seed in range(n)
        )
        yield _rate(f"{sampler}, 8 parameters, 60 trials", wrong, n, most=0.05)


def null_branches(scale: float) -> Iterator[Finding]:
    """The same with choices and a branch, and null parameters beside a switch that matters."""
    n = _many(1000, scale)
    wrong = sum(
        bool(_effects(asked(mixed(), 40, pure_noise, seed=seed, startup=40)).found)
        for seed in range(n)
    )
    yield _rate("random, ranges, choices and a branch, 40 trials", wrong, n, most=0.05)
    n = _many(500, scale)
    flagged = blamed = 0
    for seed in range(n):
        effects = _effects(asked(sgd_space(), 90, sgd, seed=seed, startup=90))
        flagged += getattr(effects.of("momentum"), "verdict", "") == "matters"
        blamed += getattr(effects.of("optimizer"), "verdict", "") == "matters"
    yield _rate("a branch that is worse: its own null parameter `matters`", flagged, n, most=0.05)
    yield _rate("the same: the switch `matters`", blamed, n, least=0.95)


def null_beside_real(scale: float) -> Iterator[Finding]:
    """Two real and six null parameters: a sampler that learns makes everything look related."""
    for sampler, startup in (("random", 60), ("TPE after 24 at random", 24), ("TPE after 10", 10)):
        n = _many(100, scale)
        ours = usual = power = 0
        for seed in range(n):
            effects = _effects(asked(plain(8), 60, two_real, seed=seed, startup=startup)).effects
            ours += any(effect.verdict == "matters" for effect in effects[2:])
            power += sum(effect.verdict == "matters" for effect in effects[:2])
            usual += any(
                stats.spearmanr(e.factor.places, e.factor.scores).pvalue <= 0.05
                for e in effects[2:]
            )
        yield _rate(f"{sampler}: a null parameter `matters`", ours, n, most=0.05)
        yield _told(f"{sampler}: the same by the usual Spearman test at 5%", n, f"{usual / n:.0%}")
        yield _told(f"{sampler}: a real parameter `matters`", n, f"{power / n / 2:.0%}")


def importances(scale: float) -> Iterator[Finding]:
    """What is above the noise line of the forest; 49 shuffles a study."""
    for sampler, startup in (("random", 60), ("TPE after 24 at random", 24)):
        n = _many(40, scale)
        null = real = top = ranked = 0
        for seed in range(n):
            (found,) = _ranked(asked(plain(8), 60, two_real, seed=seed, startup=startup), 49)
            if not found.rows:
                continue
            ranked += 1
            above = [row.name for row in found.rows if row.above]
            null += any(name not in ("x0", "x1") for name in above)
            real += sum(name in ("x0", "x1") for name in above)
            top += max(found.rows, key=lambda row: row.share).name in ("x0", "x1")
        yield _rate(f"{sampler}: a null parameter above the line", null, n, most=0.05)
        yield _told(f"{sampler}: a real one above the line", n, f"{real / n / 2:.0%}")
        yield _told(
            f"{sampler}: the first in rank is real, of {ranked} ranked",
            n,
            f"{top / max(ranked, 1):.0%}",
        )
    n = _many(60, scale)
    ranked = sum(
        any(
            row.above
            for ranking in _ranked(asked(plain(6), 60, pure_noise, seed=seed, startup=60), 49)
            for row in ranking.rows
        )
        for seed in range(n)
    )
    yield _rate("noise alone, random: anything above the line", ranked, n, most=0.05)
    n = _many(20, scale)
    refused = 0
    for seed in range(n):
        rows = configurations(asked(plain(8), 60, two_real, seed=seed, startup=10))
        refused += (exploration(rows, 8) or "").startswith("exploration too small")
    yield _rate("TPE after 10: not ranked, exploration too small", refused, n, least=1.0)


def known_answers(scale: float) -> Iterator[Finding]:
    """Objectives whose shares and shapes are known."""
    n = _many(60, scale)
    hits = 0
    for seed in range(n):
        study = asked(plain(3), 100, additive, seed=seed, startup=100)
        (found,) = _ranked(study, 1)
        order = [row.name for row in sorted(found.rows, key=lambda row: -row.share)]
        hits += order == ["x0", "x1", "x2"]
    yield _rate("shares 0.6, 0.3, 0.1 at 100 trials: in that order", hits, n, least=0.9)
    n = _many(40, scale)
    errors = []
    for seed in range(n):
        (found,) = _ranked(asked(dip_space(), 80, dip, seed=seed, startup=80), 1)
        row = found.of("lr")
        errors.append(abs((row.share if row else 0.0) - DIP_SHARE))
    within = sum(error <= 0.1 for error in errors)
    yield _rate(
        f"a dip on a log scale, true share {DIP_SHARE:.2f}, 80 trials: within 0.1", within, n,
        least=0.9,
    )  # fmt: skip
    yield _told("the same: mean error", n, f"{float(np.mean(errors)):.3f}")
    n = _many(100, scale)
    for word, objective in (("interior optimum", hill), ("rising", rising)):
        said = sum(
            getattr(_effects(asked(plain(4), 60, objective, seed=seed, startup=60)).of("x0"),
                    "direction", "") == word
            for seed in range(n)
        )  # fmt: skip
        yield _rate(f"{word}, 60 trials: called so", said, n, least=0.95)


def intervals(scale: float) -> Iterator[Finding]:
    """Every interval that is printed, at a nominal 95%."""
    n = _many(4000, scale)
    rng = np.random.default_rng(1)
    for size in (3, 5, 10):
        hits = sum(_covers(t_interval(rng.normal(size=size).tolist()), 0.0) for _ in range(n))
        yield _rate(f"t interval of a mean, {size} seeds", hits, n, least=0.94)
        hits = sum(
            _covers(t_interval((rng.exponential(size=size) ** 0.7).tolist()), math.gamma(1.7))
            for _ in range(n)
        )
        yield _rate(f"the same, skewed values, {size} seeds", hits, n, least=0.88)
        hits = 0
        for _ in range(n):
            shared = rng.normal(size=size)
            a, b = (shared + 0.5 * rng.normal(size=size) for _ in range(2))
            hits += _covers(_ends(paired_difference(a.tolist(), b.tolist())), 0.0)
        yield _rate(f"difference of two arms by seed, {size} pairs", hits, n, least=0.94)
        hits = 0
        for _ in range(n):
            a, b = rng.normal(size=size), 2 * rng.normal(size=size)
            hits += _covers(_ends(welch_difference(a.tolist(), b.tolist())), 0.0)
        yield _rate(
            f"difference of unpaired arms, unequal spread, {size} each", hits, n, least=0.93
        )
    truth = 6 / math.pi * math.asin(0.6 / 2)  # Spearman's rho of a normal pair with r = 0.6
    for size in (10, 12, 20, 40):
        hits = 0
        for _ in range(n):
            x = rng.normal(size=size)
            y = 0.6 * x + 0.8 * rng.normal(size=size)
            hits += _covers(spearman_interval(stats.spearmanr(x, y).statistic, size), truth)
        yield _rate(f"Spearman's rho, {size} configurations", hits, n, least=0.93)


def winners(scale: float) -> Iterator[Finding]:
    """The best of 60 configurations, 2 seeds each: what it promised and what it is worth."""
    n = _many(400, scale)
    for noise in (1.0, 2.0):
        luck, left = [], []
        for seed in range(n):
            rng = np.random.default_rng(seed)
            level = rng.normal(size=60)
            trials = []
            for number, true in enumerate(level):
                values = tuple(float(true + noise * v) for v in rng.normal(size=2))
                params = {"x0": number / 60}
                mean = sum(values) / 2
                trials.append(Trial(number, params, mean, "complete", "random", values, (0, 1)))
            study = Study("s", "score", "maximize", plain(1), tuple(trials))
            found = winner(configurations(study))
            assert found is not None
            assert found.expected is not None
            luck.append(found.best.value - level[found.best.number])
            left.append(found.expected - level[found.best.number])
        what = f"noise {noise:g} times the true spread"
        yield _told(f"{what}: the best is too good by", n, f"{np.mean(luck) / noise:.2f} noise SD")
        error, mean = float(np.std(left) / math.sqrt(n)), float(np.mean(left))
        yield Finding(
            f"{what}: the expected value is too good by", n,
            f"{mean / noise:+.2f} ± {2 * error / noise:.2f} noise SD", "at most 0.2",
            abs(mean) / noise <= 0.2,
        )  # fmt: skip


def ranges(scale: float) -> Iterator[Finding]:
    """Good ranges with the least margin: whether the optimum stays in all three that matter."""
    n = _many(100, scale)
    learns = "TPE after 24 at random"
    kinds = (("random", 60, 60), ("random", 120, 120), (learns, 60, 24), (learns, 120, 24))
    for sampler, trials, startup in kinds:
        place = np.random.default_rng(trials + startup)
        kept, widths = 0, []
        for seed in range(n):
            best = tuple(place.uniform(0.1, 0.9, size=4).tolist())
            study = asked(plain(4), trials, near(best), seed=seed, startup=startup)
            inside = [_narrowed(factor) for factor in factors(study, configurations(study))]
            held = zip(inside, best, WEIGHTS, strict=True)
            kept += all(parameter.contains(at) for parameter, at, weight in held if weight)
            widths.append(math.prod((p.high or 0) - (p.low or 0) for p in inside))
        yield _rate(f"{sampler}, {trials} trials: the optimum is kept", kept, n, least=0.95)
        yield _told("the same: volume left, mean", n, f"{float(np.mean(widths)):.2f}")


def metamorphic(scale: float) -> Iterator[Finding]:
    """What must change no verdict and no shape: names, order, units, direction, a constant."""
    n = _many(30, scale)
    changed = dict.fromkeys(CHANGES, 0)
    for seed in range(n):
        study = asked(mixed(), 50, some_real, seed=seed, startup=25)
        before = _verdicts(study)
        for name, change in CHANGES.items():
            changed[name] += _verdicts(change(study)) != before
    for name, count in changed.items():
        yield _rate(f"{name}: a verdict changes", count, n, most=0.0)


def bytes_of_cards(scale: float) -> Iterator[Finding]:
    """The same card in other processes: hash seeds, threads and locales differ."""
    n = _many(3, scale)
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
        "import sweep_validation as v; print(v.card_hash())"
    )
    found = set()
    for i in range(n):
        env = os.environ | {
            "PYTHONHASHSEED": str(i), "OMP_NUM_THREADS": str(1 + i % 2),
            "LC_ALL": ("C", "C.UTF-8")[i % 2], "TZ": ("UTC", "Asia/Tokyo")[i % 2],
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        found.add(done.stdout.strip())
    told = f"{len(found)} ({sorted(found)[0][:12]})"
    yield Finding("different cards of one study, by process", n, told, "1", len(found) == 1)


def card_hash() -> str:
    """A fingerprint of the card of one simulated study."""
    from lab.log.card_text import card_text
    from lab.sweep.analysis import analyze
    from lab.workspace import Workspace

    study = asked(mixed(), 40, some_real, seed=1, startup=40)
    text = card_text(analyze(study), Workspace.find(Path(__file__).parent))
    return hashlib.sha256(text.encode()).hexdigest()


PROOFS: dict[str, tuple[str, Callable[[float], Iterator[Finding]]]] = {
    "null": ("Studies in which nothing matters", null_studies),
    "beside": ("Null parameters beside real ones", null_beside_real),
    "branches": ("Branches and choices in which nothing matters", null_branches),
    "importance": ("Importance against chance", importances),
    "known": ("Known answers", known_answers),
    "intervals": ("Intervals", intervals),
    "ranges": ("Ranges of the next space", ranges),
    "winner": ("What the best trial is worth", winners),
    "metamorphic": ("What must not matter", metamorphic),
    "bytes": ("The same bytes", bytes_of_cards),
}


def _effects(study: Study) -> Marginals:
    return marginals(factors(study, configurations(study)))


def _ranked(study: Study, shuffled: int) -> Any:
    rows = configurations(study)
    return fanova(rows, factors(study, rows), shuffled=shuffled, resampled=1)


def _narrowed(factor: Factor) -> Parameter:
    """The parameter of the next space, with the margin of the aggressive option."""
    span = good_span(factor)
    changed = narrowed(factor.parameter, span, 0.15) if span else None
    return changed[0] if changed else factor.parameter


def _verdicts(study: Study) -> list[tuple[str, str]]:
    return sorted((e.verdict, e.direction) for e in _effects(study).effects)


def _many(count: int, scale: float) -> int:
    return max(round(count * scale), 2)


def _rate(
    what: str, hits: int, n: int, *, most: float | None = None, least: float | None = None
) -> Finding:
    """A share of studies; it holds where its 95% interval does not exclude what is wanted."""
    low = float(stats.beta.ppf(0.025, hits, n - hits + 1)) if hits else 0.0
    high = float(stats.beta.ppf(0.975, hits + 1, n - hits)) if hits < n else 1.0
    holds = low <= most if most is not None else high >= (least or 0.0)
    if most == 0.0:
        holds = hits == 0
    wanted = f"at most {most:.0%}" if most is not None else f"at least {least:.0%}"
    told = f"{hits / n:.1%} [{low:.1%}, {high:.1%}]"
    return Finding(what, n, told, wanted, holds)


def _told(what: str, n: int, found: str) -> Finding:
    return Finding(what, n, found, "", None)


def _ends(found: Any) -> tuple[float, float] | None:
    return None if found.low is None else (found.low, found.high)


def _covers(interval: tuple[float, float] | None, truth: float) -> bool:
    return interval is not None and interval[0] <= truth <= interval[1]


if __name__ == "__main__":
    main()
