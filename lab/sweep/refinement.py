"""The next space of a study: two options, what each changes and why, and what it risks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

from lab import numbers
from lab.errors import InputError
from lab.sweep.association import spearman
from lab.sweep.baseline import baseline
from lab.sweep.carrying import inside
from lab.sweep.configuration import Configuration, Factor, configurations, factors
from lab.sweep.freezing import Frozen, freezes
from lab.sweep.good_range import FEW_MARGIN, LEAST, WANTED, good_span, margin_for, narrowed
from lab.sweep.importance import Ranking, fanova
from lab.sweep.marginal import Marginals, marginals
from lab.sweep.new_file import write_new
from lab.sweep.next_space import Change, NextSpace
from lab.sweep.optimum import optima, share_held
from lab.sweep.space import MIN_RANDOM, RANDOM_PER_PARAMETER, Parameter, Space, value_text
from lab.sweep.study import Study

OptionName = Literal["aggressive", "conservative"]
AGGRESSIVE: OptionName = "aggressive"
CONSERVATIVE: OptionName = "conservative"
SWEEPS = Path("experiments/sweeps")

_MARGINS = {"aggressive": 0.15, "conservative": 0.30}
_TRIALS = {"aggressive": 50, "conservative": 100}
_STEP = 0.15  # by which a margin grows that risks too much
_WIDEST = 3.0
KEPT = 0.90  # chance that the optimum is still inside below which the margin grows
SURE = 0.95  # chance from which the volume may shrink to less than a third
_LEAST_VOLUME = 1 / 3
_TOGETHER = 0.6  # correlation of two parameters among the best that is worth a note


@dataclass(frozen=True)
class Option:
    """One way to go on: a space, and what is known about leaving the old one for it.

    `volume_ratio` is the share of the old space's volume, in sampling scale, that the new one has
    (above 1 where ranges were widened); what is frozen for lack of evidence does not count.
    `keeps_optimum` is the estimated chance that the optimum of the old space lies in the new one.
    `margin` is by how much the span of the good trials was widened on each side, `widest` the same
    for the parameter that the fewest configurations had. `carried` are the numbers of the trials
    that lie inside, what is frozen aside, and are taken over as observations.
    """

    name: OptionName
    space: Space
    changes: tuple[Change, ...]
    volume_ratio: float
    keeps_optimum: float | None
    margin: float
    widest: float
    carried: tuple[int, ...]

    @property
    def described(self) -> str:
        """What it keeps and risks, in a line."""
        kept = numbers.percent(self.keeps_optimum, places=0)
        margin = f"margin {numbers.percent(self.margin, places=0)}"
        if self.widest > self.margin:
            wider = numbers.percent(self.widest, places=0)
            margin += f" ({wider} for a parameter that fewer than {WANTED} configurations had)"
        return (
            f"{self.volume_ratio:.2g} of the volume, estimated chance {kept} that the optimum is "
            f"still inside, {margin}, {numbers.counted(len(self.carried), 'trial')} carried over, "
            f"{self.space.n_trials} new"
        )


@dataclass(frozen=True)
class Refinement:
    """Both options of a study; `notes` are what holds for both, and what was not done and why."""

    study: str
    aggressive: Option
    conservative: Option
    notes: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Whether any option is another space than the old one."""
        return bool(self.aggressive.changes or self.conservative.changes)

    @property
    def same(self) -> bool:
        """Whether both options are one space."""
        one, other = self.aggressive.space, self.conservative.space
        return (one.params, one.fixed) == (other.params, other.fixed)

    @property
    def options(self) -> tuple[Option, ...]:
        """The options that differ: the conservative one alone where both are one space."""
        return (self.conservative,) if self.same else (self.aggressive, self.conservative)

    @property
    def told(self) -> tuple[str, ...]:
        """The notes, with what both options have in common first."""
        common = []
        if not self.changes:
            common.append(
                "Nothing speaks for another space: go on in this one with more trials (`n_trials`)."
            )
        elif self.same:
            common.append(
                "The aggressive option comes to the same space, with nothing to drop or freeze and "
                "no range to narrow further: there is one next space."
            )
        return (*common, *self._risks, *self.notes)

    @property
    def _risks(self) -> tuple[str, ...]:
        return tuple(
            f"No margin brings the {option.name} option to {KEPT:.0%}: what it drops or fixes may "
            "hold the optimum."
            for option in self.options
            if option.keeps_optimum is not None and option.keeps_optimum < KEPT
        )


def next_name(study: str, option: OptionName) -> str:
    """What the next study is called."""
    return f"{study}_{option}"


def file_of(name: str) -> Path:
    """The usual file of the space of a study, from the root of the workspace."""
    return SWEEPS / f"{name}.yaml"


def refine(study: Study, *, rankings: Sequence[Ranking] | None = None) -> Refinement:
    """The two next spaces of a study.

    Both hold the top quarter joined with the best third of the random phase, and a margin: 30% in
    the conservative option, 15% in the aggressive one, which also drops choices that are shown to
    be worse and freezes what is not told from noise. Margins grow until the optimum is kept with an
    estimated chance of 90%, and to a third of the volume at least unless that chance is 95%. A
    parameter across which the objective is not comparable (`Baseline.moves`) stays as it is.

    Raises InputError where the study has fewer than ten complete configurations. `rankings` are
    those of its importance, where they are known already.
    """
    rows = configurations(study)
    if len(rows) < LEAST:
        raise InputError(
            f"A next space needs at least {LEAST} complete configurations",
            seen=f"{study.name} has {len(rows)}",
            do="Run more trials first.",
        )
    known = _Known(study, rows, rankings)
    return Refinement(
        study.name,
        aggressive=known.option("aggressive"),
        conservative=known.option("conservative"),
        notes=known.notes(),
    )


def write_refinement(found: Refinement, folder: Path) -> list[Path]:
    """Both spaces as files STUDY_aggressive.yaml and STUDY_conservative.yaml of `folder`.

    One file where both are one space, none where that is the old one. Raises InputError where
    there is another file of that name.
    """
    options = found.options if found.changes else ()
    return write_new(
        {folder / f"{option.space.name}.yaml": option_text(option) for option in options}
    )


def option_text(option: Option) -> str:
    """The YAML of an option, a reason beside each line that changed."""
    reasons: dict[tuple[str, str], str] = {}
    dropped = []
    for change in option.changes:
        if change.new == "dropped":
            dropped.append(f"# {change.parameter} ({change.old}): {change.reason}\n")
        for key, before in (change.lines | {"fixed": change.old}).items():
            reasons[change.parameter, key] = f"was {before}: {change.reason}"
    return option.space.to_yaml(reasons) + ("# Dropped:\n" if dropped else "") + "".join(dropped)


class _Known:
    """What a study says about its parameters, once for both options."""

    def __init__(
        self,
        study: Study,
        rows: Sequence[Configuration],
        rankings: Sequence[Ranking] | None,
    ) -> None:
        self._study = study
        self._rows = rows
        self._factors: dict[str, Factor] = {f.name: f for f in factors(study, rows)}
        parts = list(self._factors.values())
        self._marginals: Marginals = marginals(parts)
        # Ranks are not told here, so few resamples will do.
        self._rankings = fanova(rows, parts, resampled=1) if rankings is None else rankings
        self._spans = {name: good_span(f) for name, f in self._factors.items() if f.ordered}
        self._optima = optima(study.space, rows)
        base = baseline(study)
        self._suspect = base.moves if base else None

    def option(self, name: OptionName) -> Option:
        """The option, its margin as wide as its risk asks for."""
        margin, made, kept = self._safe(name)
        space = self._named(name, made, kept)
        carried = tuple(t.number for t in inside(self._study, space))
        fewest = min((span.n for span in self._spans.values() if span), default=len(self._rows))
        return Option(
            name,
            space,
            tuple(made.changes),
            made.volume,
            kept,
            margin=margin_for(margin, len(self._rows)),
            widest=margin_for(margin, fewest),
            carried=carried,
        )

    def _safe(self, name: OptionName) -> tuple[float, NextSpace, float]:
        """The least margin that keeps the optimum well enough; if none does, that keeps most."""
        tried = []
        margin = _MARGINS[name]
        while margin <= _WIDEST:
            made = self._made(name, margin)
            kept = share_held(self._optima, made.holds)
            if kept >= SURE or (kept >= KEPT and made.volume >= _LEAST_VOLUME):
                return margin, made, kept
            tried.append((kept, made.volume, -margin, made))
            margin = round(margin + _STEP, 2)
        kept, _, margin, made = max(tried, key=lambda one: one[:3])
        return -margin, made, kept

    def notes(self) -> tuple[str, ...]:
        n = len(self._rows)
        found = []
        if self._study.space.notebook is None:
            found.append("The study names no notebook: add `notebook:` before a file is run.")
        if self._suspect is not None:
            found.append(
                f"`{self._suspect}` stays as it is: the objective is not comparable across its "
                "values, so that its good ones are not known."
            )
        if n < WANTED:
            found.append(
                f"{n} complete configurations, {WANTED} are wanted: until then margins are "
                f"{FEW_MARGIN:.0%} wider, and so for each parameter that fewer had."
            )
        random = sum(not row.adaptive for row in self._rows)
        if random < LEAST:
            found.append(
                f"{random} configurations are known to be random: ranges hold the top half instead "
                "of the top quarter, since a sampler that learns has left most of the space early."
            )
        refused = [r.refused for r in self._rankings if r.refused]
        if refused:
            found.append(f"Nothing is frozen where importance is not told: {refused[0]}")
        return (*found, *self._at_the_end(), *self._together())

    def _at_the_end(self) -> list[str]:
        """Choices with an order cannot be moved on: nobody knows which value would come next."""
        told = []
        for name, factor in self._factors.items():
            if factor.parameter.numeric or not factor.ordered or len(factor.rows) < LEAST:
                continue
            if name == self._suspect:
                continue
            best = sorted(factor.rows, key=lambda row: -row.score)[: max(5, len(factor.rows) // 4)]
            ends = (min(factor.parameter.choices), max(factor.parameter.choices))
            for end, word in zip(ends, ("smaller", "larger"), strict=True):
                share = sum(row.params[name] == end for row in best) / len(best)
                if share > 2 / len(factor.parameter.choices):
                    told.append(
                        f"{share:.0%} of the best have {name} = {value_text(end)}, the end of its "
                        f"choices: add {word} ones by hand."
                    )
        return told

    def _together(self) -> list[str]:
        """Pairs that move together among the best: two ranges of their own would lose that."""
        told = []
        ranged = [f for f in self._factors.values() if f.parameter.numeric]
        for one, other in combinations(ranged, 2):
            both = [row for row in one.rows if other.name in row.params]
            best = sorted(both, key=lambda row: (-row.score, row.number))[: len(both) // 4]
            if len(best) < LEAST:
                continue
            rho = spearman(
                [one.parameter.scaled(row.params[one.name]) for row in best],
                [other.parameter.scaled(row.params[other.name]) for row in best],
            )
            if abs(rho) > _TOGETHER:
                way = "product" if rho < 0 else "ratio"
                told.append(
                    f"{one.name} and {other.name} go together among the best (rho {rho:+.2f} over "
                    f"{len(best)}): search one of them and their {way} instead of both."
                )
        return told

    def _made(self, name: OptionName, margin: float) -> NextSpace:
        old = self._study.space
        frozen = self._frozen() if name == "aggressive" else {}
        made = NextSpace(old)
        for parameter in old.params:
            if parameter.name == self._suspect:
                continue
            if parameter.name in frozen:
                made.freeze(parameter, frozen[parameter.name])
                continue
            span = self._spans.get(parameter.name)
            if span is not None:
                if (found := narrowed(parameter, span, margin)) is not None:
                    made.change(parameter, *found)
            elif name == "aggressive" and (dropped := self._dropped(parameter)):
                kept = tuple(c for c in parameter.choices if c not in dropped)
                told = ", ".join(map(value_text, dropped))
                reason = f"{told} worse than the best, after correction, with 10 trials or more"
                made.change(parameter, replace(parameter, choices=kept), reason)
        made.settle()
        return made

    def _dropped(self, parameter: Parameter) -> tuple[Any, ...]:
        """Choices that are told from the best one, each with ten configurations or more."""
        effect = self._marginals.of(parameter.name)
        if effect is None or not effect.levels or effect.levels[0].n < LEAST:
            return ()
        best = effect.levels[0].value
        counts = {repr(level.value): level.n for level in effect.levels}
        apart = [other for one, other in effect.apart if one == best]
        return tuple(value for value in apart if counts[repr(value)] >= LEAST)

    def _frozen(self) -> dict[str, Frozen]:
        switches = {parameter.name for parameter in self._study.space.switches}
        factors = [f for f in self._factors.values() if f.name not in switches]
        return freezes(factors, self._marginals, self._rankings, self._spans)

    def _named(self, name: OptionName, made: NextSpace, kept: float) -> Space:
        old = self._study.space
        n_random = RANDOM_PER_PARAMETER * len(made.params)
        sampler = dict(old.sampler) if old.sampler["name"] == "tpe" else {}
        if sampler.get("n_startup_trials", 0) < max(MIN_RANDOM, n_random):
            sampler.pop("n_startup_trials", None)  # too few for the statistics of the next round
        return replace(
            old,
            name=next_name(self._study.name, name),
            parent=self._study.name,
            carry_over=self._study.name,
            carry_ignoring=tuple(sorted(made.frozen)),
            params=tuple(made.params),
            fixed=made.fixed,
            n_trials=max(_TRIALS[name], 2 * n_random),
            # Random trials at the places of the first study's would not be independent of them.
            sampler=sampler
            | {"name": "tpe", "seed": crc32(f"{old.name} {name}".encode()) % 10_000},
            notes="",
            rationale=(
                f"The {name} next space of {self._study.name}: {made.volume:.2g} of its volume, "
                f"estimated chance {kept:.0%} that its optimum is still inside."
            ),
        )
