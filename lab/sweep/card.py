"""The card: the analysis in words, in a fixed order, so that two cards can be laid side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lab import numbers
from lab.duration import show_duration
from lab.sweep import baseline as one_class
from lab.sweep import visits
from lab.sweep.analysis import Analysis
from lab.sweep.association import BLOCK, SHUFFLES
from lab.sweep.card_tables import (
    branches_lines,
    classes_table,
    coverage_lines,
    importance_lines,
    matters_row,
    next_table,
    outcomes_lines,
    ranges_rows,
    usual_tables,
)
from lab.sweep.classical import Boundary
from lab.sweep.configuration import Configuration, shown
from lab.sweep.good_range import WANTED
from lab.sweep.marginal import VERDICT_FROM

if TYPE_CHECKING:
    from lab.sweep.confirmation import Confirmation


_SEVERAL = 0.1  # of the complete trials: so many that named one class are no accident


def card(found: Analysis) -> dict[str, Any]:
    """The parts of the card for its template (lab/log_templates/sweep_card.md.j2)."""
    study = found.study
    return {
        "study": study.name,
        "objective": study.objective,
        "verdict": _verdict(found),
        "best": [(name, shown(value)) for name, value in _recommended(found).items()],
        "flags": _flags(found),
        "facts": _facts(found),
        "matters": [matters_row(found, effect) for effect in found.marginals.effects],
        "importance": importance_lines(found),
        "ranges": ranges_rows(found),
        "branches": branches_lines(found),
        "outcomes": outcomes_lines(found),
        "classes": classes_table(found),
        "coverage": coverage_lines(found),
        "next": next_table(found),
        "actions": actions_of(found),
        "commands": _commands(found),
        "decisions": _decisions(found),
        "small_print": _small_print(found),
        "usual": usual_tables(found),
    }


def _recommended(found: Analysis) -> Mapping[str, Any]:
    """The values to use: of what was confirmed the best, else the best observed."""
    confirmed = found.study.confirmed
    return confirmed.winner.params if confirmed else found.winner.best.params


def _confirmed(found: Analysis, confirmed: Confirmation) -> list[str]:
    """What fresh seeds say of the best, and how much of the search's promise came."""
    objective, won = found.study.objective, confirmed.winner
    mean = numbers.amount(objective, won.mean)
    ends = won.interval
    between = (
        f" [{numbers.amount(objective, ends[0])}, {numbers.amount(objective, ends[1])}]"
        if ends
        else ""
    )
    drop = confirmed.drop(won)
    size = numbers.size(objective, drop, like=won.mean)
    lines = [
        f"Recommended: trial {won.trial}, {mean}{between} over "
        f"{numbers.counted(len(won.values), 'fresh seed')}; the search had promised "
        f"{numbers.amount(objective, won.search)} ({size} {'more' if drop > 0 else 'less'})."
    ]
    if confirmed.ties:
        ties = ", ".join(map(str, confirmed.ties))
        lines.append(
            f"Not told from it on the same seeds: {'trials' if confirmed.ties[1:] else 'trial'} "
            f"{ties}. Take the cheapest or simplest of them."
        )
    else:
        lines.append(f"Told from the other {len(confirmed.rows) - 1} that were run again.")
    return lines


def _verdict(found: Analysis) -> list[str]:
    best, objective = found.winner.best, found.study.objective
    seeds = numbers.counted(len(best.values), "seed" if best.seeds is not None else "run")
    observed = numbers.amount(objective, best.value)
    lines = [f"Best observed: trial {best.number}, {observed} over {seeds}."]
    if found.study.confirmed is not None:
        lines = [*_confirmed(found, found.study.confirmed), *lines]
    elif found.winner.expected is not None:
        expected = numbers.amount(objective, found.winner.expected)
        lines.append(f"Expected when it is run again: {expected} (the best of many is also lucky).")
    else:
        lines.append(
            "What to expect when it is run again is unknown: no configuration was run with two "
            "seeds, and the best of many trials is partly luck."
        )
    if found.study.confirmed is None:
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
    text = f"Not told apart: trials {listed}. Take the cheapest or simplest of them"
    cost = [(row.seconds / len(row.values), row.number) for row in ties if row.seconds is not None]
    if len(cost) < len(ties):
        return f"{text}."
    each, number = min(cost)
    return f"{text}: trial {number} takes {show_duration(each)} a run."


def _flags(found: Analysis) -> list[str]:
    flags = []
    base = found.baseline
    if base and _doubtful(found):
        flags += one_class.told(base, found.study.objective)
        lead = _lead(found)
        size = numbers.size(found.study.objective, lead)
        standing = f"{size} above" if lead > 0 else "no better than"
        flags.append(f"The best trial is {standing} always answering `{base.label}`.")
        share = base.count / len(found.study.complete)
        if share >= 0.25:
            flags.append(
                f"{numbers.percent(share, places=0)} of the complete trials learned nothing of "
                "their input. Mend that before searching further."
            )
    if found.classes and found.classes.failing:
        named = ", ".join(f"`{name}`" for name in found.classes.failing)
        flags.append(f"None of the best {len(found.classes.trials)} trials gets any of {named}.")
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


def _doubtful(found: Analysis) -> bool:
    """Whether naming one class always explains too much of what was scored."""
    base = found.baseline
    if base is None:
        return False
    few = base.count < _SEVERAL * len(found.study.complete)
    return bool(base.moves) or not few or _lead(found) <= 2 * (found.winner.noise or 0.0)


def _lead(found: Analysis) -> float:
    """How far the best trial is above naming one class always."""
    return found.winner.best.value - (found.baseline.value if found.baseline else 0.0)


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
    return [
        b for b in found.classical.boundaries if b.narrow and b.n >= visits.MIN_TOP and movable(b)
    ]


def _facts(found: Analysis) -> list[tuple[str, str]]:
    study = found.study
    states = Counter(trial.state for trial in study.trials)
    phases = Counter(trial.phase for trial in study.trials)
    how = {"random": "at random", "adaptive": "by a sampler that learns", "imported": "unknown"}
    facts = [
        ("trials", ", ".join(f"{n} {state}" for state, n in sorted(states.items()))),
        ("configurations", str(len(found.rows))),
        ("chosen", ", ".join(f"{n} {how[p]}" for p, n in sorted(phases.items()))),
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
    if found.baseline:
        told = numbers.amount(study.objective, found.baseline.value)
        facts.append(("naming one class always", f"{told} (`{found.baseline.label}`)"))
    if study.inferred:
        facts.append(("space", "inferred from the trials: its ranges are those that were tried"))
    return facts


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
    if _doubtful(found):
        actions.append(
            f"Show that the task of `{study.name}` can be learned: one configuration above the "
            "score of naming one class, on five seeds."
        )
    if study.confirmed is None and (found.winner.noise is None or found.winner.ties is None):
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
    confirmed = found.study.confirmed
    sure = bool(confirmed or found.winner.ties)
    number = confirmed.winner.trial if confirmed else found.winner.best.number
    learned = not found.baseline or _lead(found) > 2 * (found.winner.noise or 0.0)
    return [
        (
            "a configuration to use now",
            f"Trial {number}" + ("" if sure else ", after it is confirmed on fresh seeds"),
        ),
        (
            "to search on",
            "Mend the task or the metric first: the best is not clearly above naming one class"
            if not learned
            else "The conservative space: it drops no choice and freezes nothing"
            if found.next
            else "In the same space: there is too little to narrow it by",
        ),
        (
            "a narrower search",
            "The aggressive space"
            if matters and n >= WANTED
            else f"No: there are {n} configurations, {WANTED} are needed"
            if matters
            else "No: nothing is told from chance",
        ),
        ("to stop searching", _stop(found)),
        (
            "a claim in a paper",
            "Only what is marked `matters`, confirmed on fresh seeds"
            if matters
            else "No: nothing here carries one",
        ),
    ]


def _stop(found: Analysis) -> str:
    """Whether the last third of the trials brought more than noise, and what is left beside."""
    noise = found.winner.noise
    if noise is None:
        return "Not to be said: the noise between seeds is unknown"
    rows, objective = found.rows, found.study.objective
    early = [row.score for row in rows[: max(2 * len(rows) // 3, 1)]]
    gained = max(row.score for row in rows) - max(early)
    size = numbers.size(objective, gained, like=found.winner.mean)
    spread = numbers.size(objective, noise, like=found.winner.mean)
    said = f"the last third of the trials brought {size}, the noise between seeds is {spread}"
    left = len(visits.holes(found.study))
    if gained > noise:
        return f"Not yet: {said}"
    if left:
        holes = numbers.counted(left, "empty cell")
        return f"Nearly: {said}, but {holes} beside good trials were never tried"
    return f"Further search is unlikely to pay: {said}, and no cell beside good trials is empty"


def _commands(found: Analysis) -> list[str]:
    """What can be pasted, in the order of the checklist."""
    name = found.study.name
    commands = [
        (f"lab sweep analyze {name} --out {name}_card", "this card, its pictures and numbers"),
        (f"lab sweep coverage {name}", "what was tried, and what never"),
        (f"lab log new sweep --study {name}", "into the log, with evidence"),
    ]
    if found.next and not found.study.inferred:
        commands.append((f"lab sweep refine {name}", "writes both next spaces"))
    if found.study.notebook:
        commands.append(
            (
                f"lab sweep promote {name} --top 5",
                "the best on fresh seeds; longer with -p epochs=N",
            )
        )
    wide = max(len(command) for command, _ in commands)
    return [f"{command:{wide}}  # {what}" for command, what in commands]


def _small_print(found: Analysis) -> list[str]:
    few = sum(effect.verdict == "too few trials" for effect in found.marginals.effects)
    untested = (
        f"; {numbers.counted(few, 'parameter')} with fewer than {VERDICT_FROM} configurations "
        f"{'was' if few == 1 else 'were'} not tested"
        if few
        else ""
    )
    lines = [
        "One row a configuration, the mean over its seeds; pruned, failed and running trials are "
        "in no effect.",
        f"Effects: the larger of a line and a parabola on ranks (Kruskal-Wallis for choices), "
        f"against {SHUFFLES} shuffles of the objective within blocks: the random phase is one "
        f"block, all other trials come in blocks of {BLOCK}. This costs power: under a sampler "
        "that learns, real effects are missed more often than by the usual test, which finds "
        "effects that are not there.",
        f"Holm over {found.marginals.family} tests for `matters` (5%), Benjamini-Hochberg for "
        f"`suggestive` (10%){untested}.",
        "Bins: the share of the variance of ranks that means of four bins explain, which sees what "
        "goes up and down again.",
        "Importance belongs to the ranges searched: a narrow range makes a parameter unimportant.",
        "Nothing here is causal beyond trials chosen at random.",
    ]
    if any(trial.run_ids for trial in found.study.trials):
        lines.append(
            "The value of a run is that of its best step, which flatters noisy curves: what a "
            "model is worth is told on data that chose nothing."
        )
    if carried := sum(row.carried for row in found.rows):
        lines.append(
            f"{numbers.counted(carried, 'configuration')} taken over from an earlier study: in no "
            "test, since its result is why it was taken."
        )
    return lines
