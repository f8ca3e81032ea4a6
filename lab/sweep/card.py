"""The card: the analysis in words, in a fixed order, so that two cards can be laid side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lab import numbers
from lab.duration import show_duration
from lab.sweep.advice import actions_of, commands_of, decisions_of, flags_of
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
from lab.sweep.configuration import Configuration, shown
from lab.sweep.marginal import VERDICT_FROM
from lab.sweep.origins import code_of, data_of
from lab.sweep.standing import trials_text
from lab.sweep.trial import Trial

if TYPE_CHECKING:
    from lab.sweep.confirmed import Confirmation


def card(found: Analysis) -> dict[str, Any]:
    """The parts of the card for its template (lab/log_templates/sweep_card.md.j2)."""
    study = found.study
    return {
        "study": study.name,
        "objective": study.objective,
        "verdict": _verdict(found),
        "best": [(name, shown(value)) for name, value in _recommended(found).items()],
        "flags": flags_of(found),
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
        "commands": commands_of(found),
        "decisions": decisions_of(found),
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
        named = {won.trial, *confirmed.ties}
        lines.append(
            f"Not told from it on the same seeds: {'trials' if confirmed.ties[1:] else 'trial'} "
            f"{ties}. Take the cheapest or simplest of them"
            + _cheapest([row for row in found.rows if row.number in named])
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
    return (
        f"Not told apart: trials {listed}. Take the cheapest or simplest of them{_cheapest(ties)}"
    )


def _cheapest(rows: Sequence[Configuration]) -> str:
    """Which of them takes the least time, as the end of a sentence."""
    cost = [(row.seconds / len(row.values), row.number) for row in rows if row.seconds is not None]
    if not cost or len(cost) < len(rows):
        return "."
    each, number = min(cost)
    return f": trial {number} takes {show_duration(each)} a run, the least."


def _facts(found: Analysis) -> list[tuple[str, str]]:
    study = found.study
    phases = Counter(_chosen(trial) for trial in study.trials)
    facts = [
        ("trials", trials_text(study)),
        ("configurations", str(len(found.rows))),
        ("chosen", ", ".join(f"{n} {how}" for how, n in sorted(phases.items()))),
        ("objective", f"{study.objective}, {study.direction}"),
        ("parameters", str(len(study.space.params))),
        ("branches", _branches(found)),
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
            else f"{numbers.size(study.objective, noise, like=found.winner.mean)} (standard "
            f"deviation, {found.winner.freedom} degrees of freedom)",
        )
    )
    if found.baseline:
        told = numbers.amount(study.objective, found.baseline.value)
        facts.append(("naming one class always", f"{told} (`{found.baseline.label}`)"))
    made = [
        (
            "data",
            ", ".join(f"{one.what.removeprefix('the data ')} {one.told}" for one in data_of(study)),
        ),
        (
            "code",
            ", ".join(f"{one.what.removeprefix('the ')} {one.told}" for one in code_of(study)),
        ),
    ]
    facts += [(name, told) for name, told in made if told]
    if study.inferred:
        facts.append(("space", "inferred from the trials: its ranges are those that were tried"))
    return facts


def _chosen(trial: Trial) -> str:
    """Who chose a trial, in words."""
    if trial.taken_over:
        return "taken over"
    how = {"random": "at random", "adaptive": "by a sampler that learns", "imported": "unknown"}
    return how[trial.phase]


def _branches(found: Analysis) -> str:
    """How many branches the conditions make, and how many of them can be compared."""
    count = len(found.branches)
    if count == 1:
        return "one: no parameter depends on another"
    tried = sum(bool(line.trials) for line in found.branches)
    enough = sum(line.enough for line in found.branches)
    return f"{count}, {tried} tried, {enough} with enough trials to compare"


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
        "effects that are not there. A longer random phase is the cure.",
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
