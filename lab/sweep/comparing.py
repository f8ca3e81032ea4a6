"""Two studies of one objective set against each other: did the second space help?

The best of a search is optimistic, and the more so the more trials it had; so the two winners are
compared on fresh seeds, and the two spaces by the trials that were drawn from them at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.errors import InputError
from lab.stats.intervals import Difference, mean_of, paired_difference, welch_difference
from lab.sweep.confirmed import Confirmation, Confirmed
from lab.sweep.storage import read_confirmation, read_study
from lab.sweep.study import Study
from lab.sweep.trial import Trial
from lab.workspace import Workspace

Answer = Literal["better", "worse", "not told apart", "unknown"]

VERDICT_FROM = 5  # seeds or trials of each from which a word is said
_PAIRED_FROM = 3  # seeds in common


@dataclass(frozen=True)
class Side:
    """One of the two studies: its own trials, without those taken over from another one."""

    study: str
    trials: int
    complete: int
    best: float | None
    random: tuple[float, ...]
    winner: Confirmed | None

    @property
    def random_mean(self) -> float | None:
        return mean_of(self.random) if self.random else None


@dataclass(frozen=True)
class SweepComparison:
    """`winners` and `spaces` are differences of b from a, above zero where b is better.

    `winners` is of the chosen configurations on fresh seeds, None unless both were confirmed;
    `spaces` of the trials drawn at random, None for fewer than two on a side. `answer` says what
    `winners` shows, `space_answer` what `spaces` shows.
    """

    a: Side
    b: Side
    objective: str
    direction: str
    winners: Difference | None
    spaces: Difference | None

    @property
    def answer(self) -> Answer:
        return _word(self.winners, (self.a.winner, self.b.winner))

    @property
    def space_answer(self) -> Answer:
        few = min(len(self.a.random), len(self.b.random)) < VERDICT_FROM
        return "unknown" if few else _told(self.spaces)


def compare(
    a: str | Study, b: str | Study, *, workspace: Workspace | None = None
) -> SweepComparison:
    """Whether study `b` did better than study `a`, as `lab sweep compare A B` says it.

    Raises InputError where they have another objective or direction, or are the same.
    """
    place = workspace or Workspace.find()
    one, other = (s if isinstance(s, Study) else read_study(s, place) for s in (a, b))
    if one.name == other.name:
        raise InputError(
            "A study is not compared with itself", seen=one.name, do="Name two of `lab sweep list`."
        )
    for key in ("objective", "direction"):
        if getattr(one, key) != getattr(other, key):
            raise InputError(
                f"The two studies have not the same {key}",
                seen=f"{getattr(one, key)} and {getattr(other, key)}",
                do="Only what is measured alike can be compared.",
            )
    before, after = (_side(s, read_confirmation(s.name, place)) for s in (one, other))
    sign = 1.0 if one.direction == "maximize" else -1.0
    return SweepComparison(
        before,
        after,
        objective=one.objective,
        direction=one.direction,
        winners=_winners(before, after, sign),
        spaces=_spaces(before, after, sign),
    )


def _side(study: Study, confirmation: Confirmation | None) -> Side:
    own = [trial for trial in study.trials if not trial.taken_over]
    complete = [trial for trial in own if trial.state == "complete" and trial.value is not None]
    values = [_value(trial) for trial in complete]
    pick = max if study.direction == "maximize" else min
    return Side(
        study=study.name,
        trials=len(own),
        complete=len(complete),
        best=pick(values) if values else None,
        random=tuple(_value(trial) for trial in complete if trial.phase == "random"),
        winner=confirmation.winner if confirmation else None,
    )


def _value(trial: Trial) -> float:
    assert trial.value is not None
    return trial.value


def _winners(a: Side, b: Side, sign: float) -> Difference | None:
    if a.winner is None or b.winner is None:
        return None
    one, other = (
        {seed: sign * value for seed, value in zip(w.seeds, w.values, strict=True)}
        for w in (a.winner, b.winner)
    )
    common = sorted(one.keys() & other.keys())
    if len(common) >= max(_PAIRED_FROM, min(len(one), len(other))):
        return paired_difference([other[s] for s in common], [one[s] for s in common])
    if min(len(one), len(other)) < 2:
        return None
    return welch_difference(list(other.values()), list(one.values()))


def _spaces(a: Side, b: Side, sign: float) -> Difference | None:
    if min(len(a.random), len(b.random)) < 2:
        return None
    return welch_difference([sign * v for v in b.random], [sign * v for v in a.random])


def _word(found: Difference | None, winners: tuple[Confirmed | None, Confirmed | None]) -> Answer:
    counts = [0 if winner is None else len(winner.values) for winner in winners]
    return "unknown" if min(counts) < VERDICT_FROM else _told(found)


def _told(found: Difference | None) -> Answer:
    if found is None or found.low is None or found.high is None:
        return "unknown"
    if found.low > 0:
        return "better"
    return "worse" if found.high < 0 else "not told apart"
