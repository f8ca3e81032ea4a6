"""The tables and lists of the card: what each part of the analysis comes to in words."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from lab import numbers
from lab.sweep import visits
from lab.sweep.advice import narrow_bounds
from lab.sweep.analysis import Analysis
from lab.sweep.configuration import shown
from lab.sweep.marginal import Effect
from lab.sweep.refinement import Option, file_of
from lab.sweep.space import number_text

_MARGIN = re.compile(r", margin \d+%")


def matters_row(found: Analysis, effect: Effect) -> dict[str, str]:
    name = effect.factor.name
    ranking = next((r for r in found.rankings if r.of(name)), None)
    importance = ranking.of(name) if ranking else None
    strength = numbers.MISSING
    if effect.trend is not None and effect.n >= 10 and effect.trend.low is not None:
        t = effect.trend
        strength = f"ρ {t.rho:+.2f} [{t.low:+.2f}, {t.high:+.2f}], bins {t.explained:.2f}"
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


def importance_lines(found: Analysis) -> list[str]:
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
    if hidden := _hidden(found):
        lines.append(
            f"Told from chance by their test and not by the forest: {', '.join(hidden)}. Where a "
            "sampler that learns chose trials, the forest tells few real effects from chance."
        )
    if found.second.refused:
        lines.append(f"Second opinion (PED-ANOVA) not given: {found.second.refused}.")
    else:
        above = [f"`{r.name}` {r.chance:.1f}× chance" for r in found.second.rows if r.above]
        said = ", ".join(above) or "nothing beyond chance"
        lines.append(f"Second opinion, what sets the best random trials apart: {said}.")
    return lines


def _hidden(found: Analysis) -> list[str]:
    """Parameters that matter and that the forest does not see, where a sampler chose trials."""
    if not any(row.adaptive for row in found.rows):
        return []
    ranked = {row.name: row for ranking in found.rankings for row in ranking.rows}
    names = [effect.factor.name for effect in found.marginals.found]
    return [f"`{name}`" for name in names if name in ranked and not ranked[name].above]


def ranges_rows(found: Analysis) -> list[tuple[str, str, str, str]]:
    """Where the top quarter lives: parameter, its values there, the whole range, and its bounds."""
    hits = {b.name: b for b in narrow_bounds(found)}
    lines = []
    for factor in found.factors:
        best = [r.params[factor.name] for r in found.classical.elite if factor.name in r.params]
        if not best:
            continue
        if factor.parameter.numeric:
            told = f"{_short(min(best))} to {_short(max(best))}"
        else:
            counted = Counter(shown(value) for value in best)
            told = ", ".join(f"{value} {n}/{len(best)}" for value, n in sorted(counted.items()))
        hit = hits.get(factor.name)
        side = "" if hit is None else {"low": "lower", "high": "upper"}[hit.side]
        share = "" if hit is None else numbers.percent(hit.share, places=0)
        flag = f"⚠️ {share} at the {side} bound" if hit else ""
        lines.append((factor.name, told, factor.parameter.describe(), flag))
    return lines


def _short(value: float) -> str:
    """Four significant digits: where a range ends is not known any better."""
    return f"{value:.4g}" if isinstance(value, float) else number_text(value)


def branches_lines(found: Analysis) -> list[str]:
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


def outcomes_lines(found: Analysis) -> list[str]:
    states = {trial.state for trial in found.study.trials}
    if not states & {"failed", "pruned"}:
        return ["No trial failed or was pruned."]
    lines = [
        f"{o.state}: {numbers.percent(o.share, places=0)} of {o.n} trials with {o.told}, "
        f"{numbers.percent(o.rest, places=0)} of the other {o.others} "
        f"(p = {o.p:.2g} after Holm over {found.outcome_tests})"
        for o in found.outcomes
    ]
    if not lines:
        lines = [f"No setting goes with it ({numbers.counted(found.outcome_tests, 'test')})."]
    return lines + _early(found)


def _early(found: Analysis) -> list[str]:
    """What pruning does to the effects above, and what they are before anything was pruned."""
    pruned = sum(trial.state == "pruned" for trial in found.study.trials)
    if not pruned:
        return []
    told = numbers.counted(pruned, "trial")
    lines = [f"{told} pruned: the effects above rest on the others, which are a selection."]
    if found.early is None:
        return [*lines, "No step was reached by all of them, so that is the only view there is."]
    held = found.early.marginals
    named = [f"`{effect.factor.name}` ({effect.direction})" for effect in held.found]
    said = ", ".join(named) or "no parameter"
    return [
        *lines,
        f"At step {found.early.step}, the last that all {found.early.n} configurations reached, "
        f"told from chance: {said} (Holm over {numbers.counted(held.family, 'test')} of its own).",
    ]


def classes_table(found: Analysis) -> dict[str, Any] | None:
    """The table of the best trials by class, worst class first."""
    if found.classes is None:
        return None
    objective = found.study.objective

    def told(value: float | None) -> str:
        return numbers.amount(objective, value, with_unit=False)

    return {
        "trials": [str(number) for number in found.classes.trials],
        "lines": [
            (
                line.name,
                numbers.MISSING if line.samples is None else str(line.samples),
                [told(value) for value in line.values],
                told(line.mean),
            )
            for line in found.classes.lines
        ],
    }


def coverage_lines(found: Analysis) -> list[str]:
    study = found.study
    seen = [visits.visited(parameter, study.trials) for parameter in study.space.params]
    bins, filled = sum(s["bins"] for s in seen), sum(s["complete"] for s in seen)
    lines = [f"{filled} of {bins} bins of single parameters have a complete trial."]
    missing = [f"`{s['name']}` {', '.join(s['missing'])}" for s in seen if s["missing"]]
    if missing:
        lines.append(f"Never tried: {'; '.join(missing)}.")
    pairs = visits.pairs(study.space, study.trials)
    if pairs:
        occupied, cells = (sum(p[key] for p in pairs) for key in ("occupied", "cells"))
        chance = round(sum(p["expected"] for p in pairs))
        lines.append(
            f"{occupied} of {cells} cells of pairs have a trial; as many trials drawn evenly "
            f"would fill about {chance}."
        )
    repeated = visits.duplicates(study.trials)
    lines.append(f"{numbers.counted(len(repeated), 'configuration')} tried more than once.")
    gaps = [(s["gap"]["share"], s["name"], s["gap"]) for s in seen if s["gap"]]
    if gaps:
        share, name, gap = max(gaps)
        lines.append(
            f"Worst hole: `{name}` {_short(gap['low'])} to {_short(gap['high'])} "
            f"({numbers.percent(share, places=0)} of its range)."
        )
    return [line[:1].upper() + line[1:] for line in lines]


def next_table(found: Analysis) -> dict[str, Any] | None:
    """Both options of a next space, side by side, and what is known about leaving the old one."""
    if found.next is None:
        return None
    if not found.next.changes:
        return {"rows": [], "lines": list(found.next.told)}
    # One space is told once.
    options = {option.name: option for option in reversed(found.next.options)}
    changes = {name: {c.parameter: c for c in o.changes} for name, o in options.items()}
    rows = []
    for name in dict.fromkeys(name for by_name in changes.values() for name in by_name):
        mild, bold = (
            changes.get(option, {}).get(name) for option in ("conservative", "aggressive")
        )
        change = mild or bold
        assert change is not None
        # Margins differ by option, and stand with each.
        reasons = dict.fromkeys(_MARGIN.sub("", c.reason) for c in (mild, bold) if c is not None)
        rows.append(
            {
                "name": name,
                "old": change.old,
                "conservative": mild.new if mild else "as it is",
                "aggressive": bold.new if bold else "the same" if found.next.same else "as it is",
                "reason": "; ".join(reasons),
            }
        )
    lines = [_option(option, found) for option in options.values()]
    return {"rows": rows, "lines": [*lines, *found.next.told]}


def _option(option: Option, found: Analysis) -> str:
    """An option in a line, with the file that `lab sweep refine` writes it into."""
    name = (
        option.name if found.study.inferred else f"{option.name} (`{file_of(option.space.name)}`)"
    )
    return f"{name}: {option.described}"


def _survives(found: Analysis, name: str) -> str:
    """What of the usual numbers of a parameter holds up: its verdict with what it says."""
    effect = found.marginals.of(name)
    if effect is None:
        return numbers.MISSING
    shape = effect.direction if effect.verdict in ("matters", "suggestive") else ""
    said = f"{effect.verdict}: {shape}" if shape else effect.verdict
    return f"{said} (suspect)" if name == found.suspect else said


def usual_tables(found: Analysis) -> dict[str, Any]:
    view, objective = found.classical, found.study.objective
    return {
        "directions": [
            (d.name, str(d.n), f"{d.rho:+.3f}", f"{d.p:.3f}", _survives(found, d.name))
            for d in view.directions
        ],
        "choices": [
            (
                c.name,
                shown(c.values[0].value),
                numbers.amount(objective, c.values[0].mean),
                shown(c.values[-1].value),
                numbers.amount(objective, c.values[-1].mean),
                numbers.size(objective, c.gap, like=c.values[0].mean),
                numbers.percent(c.values[0].elite, places=0),
                _survives(found, c.name),
            )
            for c in view.choices
        ],
        "elite": len(view.elite),
        "n": view.n,
    }
