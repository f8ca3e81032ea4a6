"""What the card makes of an analysis: red flags, actions, decisions and commands to paste."""

from __future__ import annotations

from lab import numbers
from lab.sweep import baseline as one_class
from lab.sweep import visits
from lab.sweep.analysis import Analysis
from lab.sweep.classical import Boundary
from lab.sweep.configuration import Configuration
from lab.sweep.good_range import WANTED
from lab.sweep.origins import code_of, data_of
from lab.sweep.refinement import CONSERVATIVE, Option, file_of, next_name
from lab.sweep.standing import Standing, standing
from lab.sweep.study import Study

_SEVERAL = 0.1  # of the complete trials: so many that named one class are no accident


def flags_of(found: Analysis) -> list[str]:
    """What a reader has to know before anything else."""
    flags = [*standing(found.study).problems]
    flags += [
        told for one in (*data_of(found.study), *code_of(found.study)) if (told := one.problem)
    ]
    base = found.baseline
    if base and is_doubtful(found):
        flags += one_class.told(base, found.study.objective)
        lead = lead_of(found)
        size = numbers.size(found.study.objective, lead)
        ahead = f"{size} above" if lead > 0 else "no better than"
        flags.append(f"The best trial is {ahead} always answering `{base.label}`.")
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
        for b in narrow_bounds(found)
    ]
    refused = [r.refused for r in found.rankings if r.refused]
    if refused and refused[0].startswith("exploration"):
        flags.append(refused[0][:1].upper() + refused[0][1:] + ".")
    return flags


def is_doubtful(found: Analysis) -> bool:
    """Whether naming one class always explains too much of what was scored."""
    base = found.baseline
    if base is None:
        return False
    few = base.count < _SEVERAL * len(found.study.complete)
    return bool(base.moves) or not few or lead_of(found) <= 2 * (found.winner.noise or 0.0)


def lead_of(found: Analysis) -> float:
    """How far the best trial is above naming one class always."""
    return found.winner.best.value - (found.baseline.value if found.baseline else 0.0)


def narrow_bounds(found: Analysis) -> list[Boundary]:
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


def actions_of(found: Analysis) -> list[str]:
    """What to do next, most urgent first; each names what it is about, as it may stand alone.

    What a suite or a sweep would answer says which, so that its runs close the item.
    """
    study = found.study
    name, stands = study.name, standing(study)
    actions = []
    if found.suspect:
        actions.append(
            f"Compute `{study.objective}` over all examples, not as a mean of batches, and score "
            "the trials again (a linear model or a baseline must score the same at every "
            f"`{found.suspect}`)."
        )
    if is_doubtful(found):
        actions.append(
            f"Show that the task of `{name}` can be learned: one configuration above the "
            "score of naming one class, on five seeds."
        )
    repeats = found.winner.noise is None or found.winner.ties is None
    if stands.missing or stands.unconfirmed:
        actions.append(_to_finish(study, stands))
    elif study.confirmed is None and repeats:
        actions.append(_to_repeat(study, best_rows(found.rows)))
    if any(r.refused and r.refused.startswith("exploration") for r in found.rankings):
        needed = max(20, 3 * len(study.space.params))
        begin = f"Begin the study after `{name}` with {needed} trials at random"
        actions.append(begin + _by_refining(found))
    narrow = narrow_bounds(found)
    if narrow:
        named = ", ".join(f"`{b.name}` ({b.side})" for b in narrow)
        widen = f"Widen the ranges of `{name}` before narrowing any: {named}"
        actions.append(widen + _by_refining(found, joint="; "))
    return actions or [_to_settle(found)]


def best_rows(rows: tuple[Configuration, ...], count: int = 5) -> list[Configuration]:
    return sorted(rows, key=lambda row: (-row.score, row.number))[:count]


def _to_finish(study: Study, stands: Standing) -> str:
    again = f"`lab sweep run {study.source}` goes on"
    if stands.missing:
        last = max(trial.number for trial in study.trials) + stands.missing
        closes = f"sweep.study == '{study.name}' and sweep.trial >= {last}"
        told = f"{stands.ended} of {stands.asked} trials have ended"
        return f"Finish the search `{study.name}`: {told}; {again} (closes with `{closes}`)."
    closes = f"sweep.study == '{study.name}' and sweep.stage == 'confirmation'"
    told = ", ".join(map(str, stands.unconfirmed))
    head = f"Confirm the best of `{study.name}` on fresh seeds"
    return f"{head}: trials {told}; {again} (closes with `{closes}`)."


def _to_repeat(study: Study, best: list[Configuration]) -> str:
    told = ", ".join(str(row.number) for row in best)
    head = f"Run the best five of `{study.name}` (trials {told}) on three fresh seeds each"
    if study.notebook is None:
        return f"{head}."
    if not study.seeded:
        return f"{head}; `{study.notebook}` needs a parameter `seed` first."
    return head + _by_promoting(study, len(best), 3)


def _to_settle(found: Analysis) -> str:
    study, confirmed = found.study, found.study.confirmed
    head = f"Run the winner of `{study.name}` and its ties on five fresh seeds"
    if study.notebook is None or not study.seeded:
        return f"{head}."
    ties = [row.number for row in found.winner.ties or (found.winner.best,)]
    wanted = [confirmed.winner.trial, *confirmed.ties] if confirmed else ties
    ranked = [row.number for row in best_rows(found.rows, len(found.rows))]
    top = 1 + max((ranked.index(number) for number in wanted if number in ranked), default=0)
    return head + _by_promoting(study, top, 5)


def _by_promoting(study: Study, top: int, seeds: int) -> str:
    command = f"lab sweep promote {study.name} --top {top} --seeds {seeds} --run"
    return f": `{command}` (closes with suite `{study.name}_promoted`)."


def _by_refining(found: Analysis, joint: str = ": ") -> str:
    """How the next space is written and run, where there is one that can be."""
    study = found.study
    if found.next is None or study.notebook is None or study.inferred:
        return "."
    name = next_name(study.name, CONSERVATIVE)
    return (
        f"{joint}`lab sweep refine {study.name}`, then `lab sweep run {file_of(name)}` "
        f"(closes with `sweep.study == '{name}'`)."
    )


def decisions_of(found: Analysis) -> list[tuple[str, str]]:
    n = len(found.rows)
    matters = bool(found.marginals.found)
    confirmed = found.study.confirmed
    sure = bool(confirmed or found.winner.ties)
    number = confirmed.winner.trial if confirmed else found.winner.best.number
    learned = not found.baseline or lead_of(found) > 2 * (found.winner.noise or 0.0)
    return [
        (
            "a configuration to use now",
            f"Trial {number}" + ("" if sure else ", after it is confirmed on fresh seeds"),
        ),
        (
            "to search on",
            "Mend the task or the metric first: the best is not clearly above naming one class"
            if not learned
            else _mild(found.next.conservative)
            if found.next and found.next.changes
            else "In the same space: nothing speaks for another one"
            if found.next
            else "In the same space: there is too little to narrow it by",
        ),
        (
            "a narrower search",
            "The conservative space: the aggressive one comes to the same"
            if matters and n >= WANTED and found.next and found.next.same
            else "The aggressive space"
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


def _mild(option: Option) -> str:
    """The conservative option, and what makes it so."""
    kept = {parameter.name: parameter for parameter in option.space.params}
    new = [kept.get(change.parameter) for change in option.changes]
    if any(parameter is None or not parameter.numeric for parameter in new):
        return "The conservative space: it freezes nothing, and keeps what is next to good choices"
    return "The conservative space: it drops no choice and freezes nothing"


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


def commands_of(found: Analysis) -> list[str]:
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
