"""The card: the analysis in words, in a fixed order, so that two cards can be laid side by side."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lab import numbers
from lab.duration import show_duration
from lab.sweep import baseline as one_class
from lab.sweep import visits
from lab.sweep.analysis import Analysis
from lab.sweep.association import BLOCK, SHUFFLES
from lab.sweep.classical import Boundary
from lab.sweep.configuration import Configuration, shown
from lab.sweep.marginal import VERDICT_FROM, Effect
from lab.sweep.space import number_text


def card(found: Analysis) -> dict[str, Any]:
    """The parts of the card for its template (lab/log_templates/sweep_card.md.j2)."""
    study = found.study
    return {
        "study": study.name,
        "objective": study.objective,
        "verdict": _verdict(found),
        "best": [(name, shown(value)) for name, value in found.winner.best.params.items()],
        "flags": _flags(found),
        "facts": _facts(found),
        "matters": [_matters(found, effect) for effect in found.marginals.effects],
        "importance": _importance(found),
        "ranges": _ranges(found),
        "branches": _branches(found),
        "outcomes": _outcomes(found),
        "coverage": _coverage(found),
        "actions": actions_of(found),
        "decisions": _decisions(found),
        "small_print": _small_print(found),
        "usual": _usual(found),
    }


def _verdict(found: Analysis) -> list[str]:
    best, objective = found.winner.best, found.study.objective
    seeds = numbers.counted(len(best.values), "seed" if best.seeds is not None else "run")
    observed = numbers.amount(objective, best.value)
    lines = [f"Best observed: trial {best.number}, {observed} over {seeds}."]
    if found.winner.expected is not None:
        expected = numbers.amount(objective, found.winner.expected)
        lines.append(f"Expected when it is run again: {expected} (the best of many is also lucky).")
    else:
        lines.append(
            "What to expect when it is run again is unknown: no configuration was run with two "
            "seeds, and the best of many trials is partly luck."
        )
    lines.append(_tie_line(found))
    named = [f"`{effect.factor.name}` ({effect.direction})" for effect in found.marginals.found]
    lines.append(
        f"Told from chance: {', '.join(named)}."
        if named
        else "No parameter is told from chance with "
        f"{numbers.counted(len(found.rows), 'configuration')}."
    )
    return lines


def _tie_line(found: Analysis) -> str:
    ties = found.winner.ties
    if ties is None:
        return "Whether others are as good cannot be said before the best have three seeds each."
    if len(ties) == 1:
        return f"Its seeds tell it from the {found.winner.compared} others that have three or more."
    listed = ", ".join(str(row.number) for row in ties)
    return f"Not told apart: trials {listed}. Take the cheapest or simplest of them."


def _flags(found: Analysis) -> list[str]:
    flags = []
    if found.baseline:
        flags += one_class.told(found.baseline, found.study.objective)
        lead = found.winner.best.value - found.baseline.value
        size = numbers.size(found.study.objective, lead)
        standing = f"{size} above" if lead > 0 else "no better than"
        flags.append(f"The best trial is {standing} always answering `{found.baseline.label}`.")
        share = found.baseline.count / len(found.study.complete)
        if share >= 0.25:
            flags.append(
                f"{numbers.percent(share, places=0)} of the complete trials learned nothing of "
                "their input. Mend that before searching further."
            )
    flags += [
        f"`{b.name}`: {numbers.percent(b.share, places=0)} of the top quarter ({b.n} with this "
        f"parameter) lie within 5% of the {'lower' if b.side == 'low' else 'upper'} bound; "
        "the range may be too narrow."
        for b in _narrow(found)
    ]
    refused = [r.refused for r in found.rankings if r.refused]
    if refused and refused[0].startswith("exploration"):
        flags.append(refused[0][:1].upper() + refused[0][1:] + ".")
    return flags


def _narrow(found: Analysis) -> list[Boundary]:
    """The bounds that the top quarter touches and that can be moved: zero and hard limits stay.

    None where the space was inferred: its bounds are trials themselves.
    """

    def movable(b: Boundary) -> bool:
        parameter = found.study.space.parameter(b.name)
        if b.side == "low":
            return parameter.low not in (0, parameter.hard_low)
        return parameter.high != parameter.hard_high

    if found.study.inferred:
        return []
    return [b for b in found.classical.boundaries if b.narrow and movable(b)]


def _facts(found: Analysis) -> list[tuple[str, str]]:
    study = found.study
    states = Counter(trial.state for trial in study.trials)
    phases = Counter(trial.phase for trial in study.trials)
    told = {"random": "at random", "adaptive": "by a sampler that learns", "imported": "unknown"}
    facts = [
        ("trials", ", ".join(f"{n} {state}" for state, n in sorted(states.items()))),
        ("configurations", str(len(found.rows))),
        ("chosen", ", ".join(f"{n} {told[p]}" for p, n in sorted(phases.items()))),
        ("objective", f"{study.objective}, {study.direction}"),
        ("parameters", str(len(study.space.params))),
    ]
    seconds = [trial.seconds for trial in study.trials if trial.seconds is not None]
    if seconds:
        facts.append(("time", show_duration(sum(seconds))))
    noise = found.winner.noise
    facts.append(
        (
            "noise between seeds",
            "unknown"
            if noise is None
            else f"{numbers.spread(study.objective, noise, like=found.winner.mean)} (standard "
            f"deviation, {found.winner.freedom} degrees of freedom)",
        )
    )
    if study.inferred:
        facts.append(("space", "inferred from the trials: its ranges are those that were tried"))
    return facts


def _matters(found: Analysis, effect: Effect) -> dict[str, str]:
    name = effect.factor.name
    ranking = next((r for r in found.rankings if r.of(name)), None)
    importance = ranking.of(name) if ranking else None
    strength = numbers.MISSING
    if effect.trend is not None and effect.n >= 10 and effect.trend.low is not None:
        t = effect.trend
        strength = f"ρ {t.rho:+.2f} [{t.low:+.2f}, {t.high:+.2f}]"
    elif effect.groups is not None and effect.n >= 10:
        strength = f"ε² {effect.groups.effect:.2f}"
    chance = numbers.MISSING
    first = numbers.MISSING
    if importance:
        chance = f"{importance.chance:.1f}×" if importance.above else "within noise"
        first = numbers.percent(importance.first, places=0) if importance.above else first
    return {
        "name": name,
        "where": effect.factor.where or "all",
        "range": effect.factor.parameter.describe(),
        "n": str(effect.n),
        "shape": effect.direction or numbers.MISSING,
        "strength": strength,
        "chance": chance,
        "first": first,
        "verdict": effect.verdict + (" (suspect)" if name == found.suspect else ""),
    }


def _importance(found: Analysis) -> list[str]:
    lines = []
    reasons = {ranking.refused for ranking in found.rankings}
    if len(reasons) == 1 and None not in reasons:
        lines.append(f"Not ranked: {reasons.pop()}.")
    for ranking in found.rankings if not lines else ():
        where = ranking.where or "parameters of every trial"
        if ranking.refused:
            lines.append(f"Not ranked ({where}): {ranking.refused}.")
        else:
            lines.append(f"Forest ({where}): out-of-bag R² {ranking.r2:.2f}, n = {ranking.n}.")
        lines += [
            f"Together beyond each alone: `{pair.names[0]}` and `{pair.names[1]}`, "
            f"{pair.chance:.1f}× chance."
            for pair in ranking.pairs
            if pair.chance > 1
        ]
    if found.second.refused:
        lines.append(f"Second opinion (PED-ANOVA) not given: {found.second.refused}.")
    else:
        above = [f"`{r.name}` {r.chance:.1f}× chance" for r in found.second.rows if r.above]
        said = ", ".join(above) or "nothing beyond chance"
        lines.append(f"Second opinion, what sets the best random trials apart: {said}.")
    return lines


def _ranges(found: Analysis) -> list[tuple[str, str, str]]:
    """Where the top quarter lives: parameter, its values there, and the whole range."""
    lines = []
    for factor in found.factors:
        best = [r.params[factor.name] for r in found.classical.elite if factor.name in r.params]
        if not best:
            continue
        if factor.parameter.numeric:
            told = f"{number_text(min(best))} to {number_text(max(best))}"
        else:
            counted = Counter(shown(value) for value in best)
            told = ", ".join(f"{value} {n}/{len(best)}" for value, n in sorted(counted.items()))
        lines.append((factor.name, told, factor.parameter.describe()))
    return lines


def _branches(found: Analysis) -> list[str]:
    objective = found.study.objective
    lines = []
    for line in found.branches:
        if not line.trials:
            lines.append(f"{line.name}: never tried")
            continue
        text = f"{line.name}: {numbers.counted(line.trials, 'trial')}"
        text += f" ({line.pruned} pruned, {line.failed} failed)"
        if line.best is not None:
            text += f", best {numbers.amount(objective, line.best)}"
        if line.enough and line.low is not None and line.high is not None:
            low, high = (numbers.amount(objective, v) for v in (line.low, line.high))
            text += f", mean {numbers.amount(objective, line.mean)} [{low}, {high}]"
        else:
            text += "; too few to compare"
        lines.append(text)
    return lines


def _outcomes(found: Analysis) -> list[str]:
    lines = [
        f"{o.state}: {numbers.percent(o.share, places=0)} of {o.n} trials with {o.told}, "
        f"{numbers.percent(o.rest, places=0)} of the other {o.others} "
        f"(p = {o.p:.2g} after Holm over {found.outcome_tests})"
        for o in found.outcomes
    ]
    if lines:
        return lines
    states = {trial.state for trial in found.study.trials}
    if not states & {"failed", "pruned"}:
        return ["No trial failed or was pruned."]
    return [f"No setting goes with it ({numbers.counted(found.outcome_tests, 'test')})."]


def _coverage(found: Analysis) -> list[str]:
    study = found.study
    seen = [visits.visited(parameter, study.trials) for parameter in study.space.params]
    bins, filled = sum(s["bins"] for s in seen), sum(s["complete"] for s in seen)
    lines = [f"{filled} of {bins} bins of single parameters have a complete trial."]
    missing = [f"`{s['name']}` {', '.join(s['missing'])}" for s in seen if s["missing"]]
    if missing:
        lines.append(f"Never tried: {'; '.join(missing)}.")
    repeated = visits.duplicates(study.trials)
    lines.append(f"{numbers.counted(len(repeated), 'configuration')} tried more than once.")
    gaps = [(s["gap"]["share"], s["name"], s["gap"]) for s in seen if s["gap"]]
    if gaps:
        share, name, gap = max(gaps)
        lines.append(
            f"Worst hole: `{name}` {number_text(gap['low'])} to {number_text(gap['high'])} "
            f"({numbers.percent(share, places=0)} of its range)."
        )
    return [line[:1].upper() + line[1:] for line in lines]


def actions_of(found: Analysis) -> list[str]:
    """What to do next, most urgent first; each names what it is about, as it may stand alone."""
    study = found.study
    actions = []
    if found.suspect:
        actions.append(
            f"Compute `{study.objective}` over all examples, not as a mean of batches, and score "
            "the trials again (a linear model or a baseline must score the same at every "
            f"`{found.suspect}`)."
        )
    if found.baseline:
        actions.append(
            f"Show that the task of `{study.name}` can be learned: one configuration above the "
            "score of naming one class, on five seeds."
        )
    if found.winner.noise is None or found.winner.ties is None:
        top = ", ".join(str(row.number) for row in best_rows(found.rows))
        actions.append(
            f"Run the best five of `{study.name}` (trials {top}) on three fresh seeds each."
        )
    if any(r.refused and r.refused.startswith("exploration") for r in found.rankings):
        needed = max(20, 3 * len(study.space.params))
        actions.append(f"Begin the study after `{study.name}` with {needed} trials at random.")
    narrow = _narrow(found)
    if narrow:
        named = ", ".join(f"`{b.name}` ({b.side})" for b in narrow)
        actions.append(f"Widen the ranges of `{study.name}` before narrowing any: {named}.")
    return actions or [f"Run the winner of `{study.name}` and its ties on five fresh seeds."]


def best_rows(rows: tuple[Configuration, ...], count: int = 5) -> list[Configuration]:
    return sorted(rows, key=lambda row: (-row.score, row.number))[:count]


def _decisions(found: Analysis) -> list[tuple[str, str]]:
    n = len(found.rows)
    matters = bool(found.marginals.found)
    return [
        (
            "a configuration to use now",
            f"Trial {found.winner.best.number}"
            + ("" if found.winner.ties else ", after it is confirmed on fresh seeds"),
        ),
        (
            "a narrower search",
            "Narrow only along what matters above"
            if matters and n >= 40
            else f"No: there are {n} configurations, 40 are needed"
            if matters
            else "No: nothing is told from chance",
        ),
        (
            "a claim in a paper",
            "Only what is marked `matters`, confirmed on fresh seeds"
            if matters
            else "No: nothing here carries one",
        ),
    ]


def _small_print(found: Analysis) -> list[str]:
    few = sum(effect.verdict == "too few trials" for effect in found.marginals.effects)
    return [
        "One row a configuration, the mean over its seeds; pruned, failed and running trials are "
        "in no effect.",
        f"Effects: the larger of a line and a parabola on ranks (Kruskal-Wallis for choices), "
        f"against {SHUFFLES} shuffles of the objective within blocks: the random phase is one "
        f"block, all other trials come in blocks of {BLOCK}. This costs power: under a sampler "
        "that learns, real effects are missed more often than by the usual test, which finds "
        "effects that are not there.",
        f"Holm over {found.marginals.family} tests for `matters` (5%), Benjamini-Hochberg for "
        f"`suggestive` (10%); {few} parameters with fewer than {VERDICT_FROM} configurations were "
        "not tested.",
        "Importance belongs to the ranges searched: a narrow range makes a parameter unimportant.",
        "Nothing here is causal beyond trials chosen at random.",
    ]


def _usual(found: Analysis) -> dict[str, Any]:
    view, objective = found.classical, found.study.objective
    return {
        "directions": [(d.name, str(d.n), f"{d.rho:+.3f}", f"{d.p:.3f}") for d in view.directions],
        "choices": [
            (
                c.name,
                shown(c.values[0].value),
                numbers.amount(objective, c.values[0].mean),
                shown(c.values[-1].value),
                numbers.amount(objective, c.values[-1].mean),
                numbers.size(objective, c.gap, like=c.values[0].mean),
                numbers.percent(c.values[0].elite, places=0),
            )
            for c in view.choices
        ],
        "elite": len(view.elite),
        "n": view.n,
    }
