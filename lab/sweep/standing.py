"""How far a search is: its trials of those asked for, and whether its best are confirmed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from lab.numbers import counted
from lab.sweep.asking import AGAIN
from lab.sweep.confirmation import top
from lab.sweep.study import Study
from lab.sweep.trial import State, Trial

Stage = Literal["unfinished", "unconfirmed", "complete", "imported"]

_STATES: tuple[State, ...] = ("complete", "pruned", "failed", "running")


@dataclass(frozen=True)
class Standing:
    """Where a search stands.

    `ended` of `asked` trials have ended, those taken over from another study aside; None asked for
    in a study made elsewhere. `unconfirmed` are the trials of the best that have no value on fresh
    seeds yet, once the search is whole; `confirmed` of `best` have one.
    """

    ended: int
    running: int
    asked: int | None
    best: int
    confirmed: int
    unconfirmed: tuple[int, ...]

    @property
    def missing(self) -> int:
        return 0 if self.asked is None else max(self.asked - self.ended, 0)

    @property
    def stage(self) -> Stage:
        if self.asked is None:
            return "imported"
        if self.missing:
            return "unfinished"
        return "unconfirmed" if self.unconfirmed else "complete"

    @property
    def problems(self) -> list[str]:
        """What is not finished, a sentence each."""
        if self.missing:
            said = f"The search is not finished: {self.ended} of {self.asked} trials have ended."
            later = " Its best are run again on fresh seeds after the last one."
            return [said + (later if self.best else "")]
        if not self.unconfirmed:
            return []
        listed = ", ".join(map(str, self.unconfirmed))
        if not self.confirmed:
            return [
                f"Not confirmed: the best {self.best} (trials {listed}) have not been run again "
                "on fresh seeds."
            ]
        named = f"{'trials' if self.unconfirmed[1:] else 'trial'} {listed}"
        have = "have" if self.unconfirmed[1:] else "has"
        return [
            f"Not all confirmed: of the best {self.best}, {named} {have} no value on fresh seeds."
        ]


def standing(study: Study) -> Standing:
    """Where the search of a study stands."""
    own = [trial for trial in study.trials if counts(trial)]
    foreign = [t for t in study.trials if t.phase == "imported" and not t.taken_over]
    elsewhere = study.notebook is None or (bool(foreign) and not own)
    states = Counter(trial.state for trial in own)
    ended = len(own) - states["running"]
    asked = None if elsewhere else study.space.n_trials
    wanted: tuple[int, ...] = ()
    if asked is not None and study.seeded:
        wanted = tuple(row.number for row in top(study, study.space.confirm["top"]))
    known = {row.trial for row in study.confirmed.rows} if study.confirmed else set()
    whole = asked is not None and ended >= asked
    return Standing(
        ended=ended,
        running=states["running"],
        asked=asked,
        best=len(wanted),
        confirmed=len(known & {*wanted}),
        unconfirmed=tuple(number for number in wanted if number not in known) if whole else (),
    )


def counts(trial: Trial) -> bool:
    """Whether a trial uses up the budget of its search."""
    return trial.phase != "imported" and trial.extra.get("problem") not in AGAIN


def trials_text(study: Study) -> str:
    """The trials by state, of those asked for where some are missing."""
    found = standing(study)
    states = Counter(trial.state for trial in study.trials if not trial.taken_over)
    parts = [f"{states[state]} {state}" for state in _STATES if states[state]]
    if carried := sum(trial.taken_over for trial in study.trials):
        parts.append(f"{carried} taken over from an earlier study")
    told = ", ".join(parts)
    if found.asked is None or not found.missing:
        return told or "no trials yet"
    return f"{found.ended} of {counted(found.asked, 'trial')}" + (f": {told}" if told else "")
