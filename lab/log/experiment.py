"""One run as an experiment entry tells it: configuration, results, analysis, next steps."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass

from lab import numbers
from lab.comparison.measure import headline, label, measured, pick_of
from lab.diagnosis import Curve, Diagnosis, diagnose
from lab.duration import show_duration
from lab.log.expectation import Plan, against_plan
from lab.log.findings import why
from lab.log.nearest import why_nearest
from lab.record.metrics import is_bookkeeping
from lab.record.run import Run

_SPLIT_ORDER = ("train", "val", "valid", "validation", "test")
_DONE = {
    "done": "✅ Complete",
    "running": "⏳ Running",
    "stopped": "⚠️ Stopped",
    "pruned": "⚠️ Pruned",
    "failed": "❌ Failed",
    "crashed": "❌ Crashed",
}


@dataclass(frozen=True)
class Setting:
    """One parameter; `was` is its value in the baseline where that differs."""

    name: str
    value: str
    was: str | None


@dataclass(frozen=True)
class Experiment:
    """What an experiment entry shows of a run, every value ready to place."""

    name: str
    run_id: str
    date: str
    status: str
    took: str
    location: str
    notebook: str | None
    baseline: str | None
    settings: tuple[Setting, ...]
    results: tuple[str, ...]  # lines of the results block
    analysis: tuple[str, ...]
    insights: tuple[str, ...]
    next_steps: tuple[str, ...]
    planned: tuple[str, ...] = ()  # how it went against its plan
    why_baseline: str = ""  # where nobody named one


def experiment_of(
    run: Run,
    baseline: Run | None = None,
    *,
    repeats: int = 0,
    plan: Plan | None = None,
    nearest: bool = False,
) -> Experiment:
    """The experiment that `run` was, against `baseline` where there is one.

    `repeats` is how many other runs differ from it in nothing but the seed; with `nearest` it says
    that the baseline was taken for being so.
    """
    diagnosis = diagnose(run)
    return Experiment(
        name=experiment_name(run),
        run_id=run.id,
        date=run.started.strftime("%Y-%m-%d %H:%M UTC") if run.started else "unknown",
        status=_DONE.get(run.status, run.status) + (f" ({run.reason})" if run.reason else ""),
        took=show_duration(run.seconds),
        location=f"runs/{run.id}/",
        notebook=run.notebook,
        baseline=baseline.id if baseline else None,
        settings=tuple(_settings(run, baseline)),
        results=tuple(_results(diagnosis, run.told_twice)),
        analysis=tuple(_analysis(run, baseline, diagnosis)),
        insights=tuple(_insights(run, baseline, diagnosis)),
        next_steps=tuple(_next_steps(run, diagnosis, repeats)),
        planned=against_plan(run, plan) if plan else (),
        why_baseline=why_nearest(run, baseline) if baseline and nearest else "",
    )


def experiment_name(run: Run) -> str:
    """What a person would call the run: its name, else notebook and arm."""
    stem = (run.notebook or "run").rsplit("/", 1)[-1].removesuffix(".ipynb")
    arm = run.arm or ""
    return run.name or (arm if stem in arm else f"{stem} {arm}".strip())


def _settings(run: Run, baseline: Run | None) -> list[Setting]:
    found = []
    for name, value in run.params.items():
        was = None
        if baseline is not None:
            before = baseline.params.get(name, "not there")
            was = label(before) if before != value else None
        found.append(Setting(name, label(value), was))
    gone = [n for n in (baseline.params if baseline else {}) if n not in run.params]
    return [*found, *(Setting(n, "not there", label(baseline.params[n])) for n in gone if baseline)]


def _results(diagnosis: Diagnosis, without: Container[str]) -> list[str]:
    """Best and last of every metric but some, split by split, as an analyser prints them."""
    curves = [curve for curve in diagnosis.curves if curve.metric not in without]
    told = [curve for curve in curves if not is_bookkeeping(curve.metric)]
    splits = sorted(
        {_split(curve) for curve in told},
        key=lambda s: (_SPLIT_ORDER.index(s) if s in _SPLIT_ORDER else len(_SPLIT_ORDER), s),
    )
    rose = diagnosis.finding("overfit")
    word = diagnosis.step_word
    lines: list[str] = []
    for split in splits:
        curves = [curve for curve in told if _split(curve) == split]
        longest = max(len(curve.points) for curve in curves)
        lines += ["", f"=== {split} ==="] if lines else [f"=== {split} ==="]
        lines += [f"Total {word}s: {longest}"] if longest > 1 else []
        for curve in curves:
            if len(curve.points) == 1:
                lines.append(f"{_title(curve)}: {_shown(curve, curve.last)}")
                continue
            mark = f" ← rose after this {word}" if rose and rose.metric == curve.metric else ""
            lines.append(
                f"Best {_name(curve)}: {_shown(curve, curve.best)} "
                f"({word} {_at(curve.best_step)}){mark}"
            )
            lines.append(
                f"Last {_name(curve)}: {_shown(curve, curve.last)} ({word} {curve.last_step})"
            )
    return lines or ["No metric was logged."]


def _split(curve: Curve) -> str:
    """The split of a metric, which one of a class has too: `val` of `val/accuracy/cat`."""
    return curve.split.partition("/")[0]


def _name(curve: Curve) -> str:
    return numbers.unit(curve.metric)


def _title(curve: Curve) -> str:
    return numbers.capital(_name(curve))


def _shown(curve: Curve, value: float | None) -> str:
    # Losses are told apart in the third digit and later, so a results block keeps more of them.
    if value is None or not math.isfinite(value):
        return numbers.figure(value)
    if numbers.is_fraction(curve.metric):
        return numbers.percent(value, places=2)
    return f"{value:.6f}" if 1e-3 <= abs(value) < 1e3 else numbers.figure(value, digits=6)


def _at(step: int | None) -> str:
    return "none" if step is None else str(step)


def _analysis(run: Run, baseline: Run | None, diagnosis: Diagnosis) -> list[str]:
    said = []
    if run.status != "done":
        said.append(f"❌ The run {run.status}: {why(run)}.")
    if baseline is not None and (against := _against(run, baseline)):
        said.append(against)
    marks = {"improving": "📊", "too short": "📊"}
    said += [f"{marks.get(f.kind, '⚠️')} {_kind(f.kind)}: {f.text}" for f in diagnosis.findings]
    if not diagnosis.findings and diagnosis.curves:
        said.append("✅ The curves show no overfitting, plateau or divergence.")
    return said


def _kind(kind: str) -> str:
    words = {"gap": "Train/validation gap", "overfit": "Overfitting", "improving": "Not saturated"}
    return f"**{words.get(kind, kind.capitalize())}**"


def _against(run: Run, baseline: Run) -> str | None:
    metric = headline(run)
    entry, other = (run.summary.get(metric or ""), baseline.summary.get(metric or ""))
    if not metric or not entry or not other:
        return None
    mine, theirs = measured(run, metric), measured(baseline, metric)
    if mine is None or theirs is None:
        return None
    gained = (mine - theirs) * (1 if entry.get("goal") == "max" else -1)
    changed = {setting.name for setting in _settings(run, baseline) if setting.was is not None}
    caution = "one run each, so observed only"
    if changed <= {"seed"}:
        caution = "only the seed differs, so this is the spread between seeds"
        gained = 0.0
    mark = "✅" if gained > 0 else "➖" if gained == 0 else "❌"
    return (
        f"{mark} {numbers.heading(metric)} {numbers.against(metric, mine, theirs)} in the baseline "
        f"({numbers.delta(metric, mine - theirs, like=mine)}); {caution}."
    )


def _insights(run: Run, baseline: Run | None, diagnosis: Diagnosis) -> list[str]:
    said = []
    metric = headline(run)
    curve = next((c for c in diagnosis.curves if c.metric == metric), None)
    if metric and curve and curve.best is not None:
        single = len(curve.points) == 1
        chosen = curve.best if pick_of(metric) == "best" else curve.last
        value = numbers.amount(metric, chosen, with_unit=False)
        at = "" if single else f", best at {diagnosis.step_word} {_at(curve.best_step)}"
        said.append(f"{numbers.heading(metric)}: **{value}**{at}")
    if (over := diagnosis.finding("overfit")) is not None:
        said.append(f"Optimal stopping point: {diagnosis.step_word} {over.step}")
        said.append("**Needs regularisation**: overfitting is the bottleneck")
    elif diagnosis.finding("improving"):
        said.append("The budget, not the model, ended this run")
    changed = [s for s in _settings(run, baseline) if s.was is not None]
    if baseline is not None and len(changed) > 1:
        said.append(
            f"{len(changed)} settings differ from the baseline, so no single one can be credited"
        )
    return said


def _next_steps(run: Run, diagnosis: Diagnosis, repeats: int) -> list[str]:
    overfit = diagnosis.finding("overfit") is not None
    said = [
        found.do.rstrip(".")
        for found in diagnosis.findings
        if not (overfit and found.kind in ("gap", "improving"))  # the same advice in other words
    ]
    if run.status != "done":
        said.insert(0, f"Mend what ended the run ({why(run)}) and run it again")
    elif run.seed is not None and not repeats:
        said.append("Repeat with other seeds: one run shows no spread")
    return list(dict.fromkeys(said))
