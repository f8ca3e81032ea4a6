"""What one run contributes: which arm it is of, its metric, and the value that stands for it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.errors import InputError, nearest
from lab.record.run import Run

ARM = "arm"
_HEADLINES = ("test/accuracy", "val/accuracy")
_VALIDATIONS = ("val", "valid", "validation")


def attribute(run: Run, name: str) -> Any:
    """The value of `name` in a run: its arm, a parameter, or a (dotted) key of run.json."""
    if name == ARM and (arm := (run.record.get("suite") or {}).get("arm")) is not None:
        return arm
    if name in run.params:
        return run.params[name]
    value: Any = run.record
    for part in name.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def check_attribute(runs: Sequence[Run], name: str, option: str) -> None:
    """Raise InputError where no run has `name`, naming what there is."""
    if any(attribute(run, name) is not None for run in runs):
        return
    known = {key for run in runs for key in run.params}
    known |= {ARM} if any(attribute(run, ARM) for run in runs) else set()
    raise InputError(
        f"None of the {len(runs)} runs has the parameter named by {option}",
        seen=name,
        do=nearest(name, sorted(known), see="`lab runs --json`")
        + " A key of run.json, as `notebook`, will do too.",
    )


def label(value: Any) -> str:
    """A value of `by` or `rows` as a name in a table."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def in_order(runs: Iterable[Run]) -> list[Run]:
    """Runs in the order that a person would list them: of one suite by its file, else by time."""
    found = sorted(runs, key=lambda run: run.id)
    suites = [run.record.get("suite") or {} for run in found]
    if len({suite.get("name") for suite in suites}) == 1 and suites[0].get("name"):
        found.sort(key=lambda run: (run.record["suite"].get("index") or 0, run.id))
    return found


def ordered(values: Iterable[Any]) -> list[Any]:
    """Distinct values: numbers ascending, anything else in order of appearance."""
    distinct = list({label(value): value for value in values}.values())
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in distinct)
    return sorted(distinct) if numeric else distinct


def headline(run: Run) -> str | None:
    """The metric that stands for a run: the one it names, else an accuracy, else what there is."""
    if named := run.record.get("headline"):
        return str(named)
    names = [name for name in run.summary if isinstance(run.summary[name], dict) and "/" in name]
    for name in (*_HEADLINES, *(n for split in ("test/", "val/", "") for n in names if split in n)):
        if name in names:
            return name
    return None


def shared_metric(runs: Sequence[Run], row: str | None) -> str | None:
    """The one headline metric of `runs`, None where none has any.

    Raises InputError where they disagree.
    """
    counts = Counter(name for run in runs if (name := headline(run)))
    if not counts:
        return None
    if len(counts) > 1:
        raise InputError(
            "These runs have different headline metrics" + (f" in row {row}" if row else ""),
            seen=", ".join(sorted(counts)),
            do="Name one with --metric, or split the runs with --rows, as in --rows notebook.",
        )
    return next(iter(counts))


def no_metric(runs: Sequence[Run]) -> InputError:
    return InputError(
        "These runs logged no metric",
        seen=", ".join(run.id for run in runs[:5]),
        do='Log one in the notebook: run.log({"val/accuracy": ...}, step=epoch).',
    )


def check_metric(runs: Sequence[Run], metric: str) -> None:
    """Raise InputError where no run has `metric`."""
    if metric != "notes" and any(metric in run.summary for run in runs):
        return
    known = sorted({name for run in runs for name in run.summary if name != "notes"})
    if metric not in known:
        raise InputError(
            f"None of the {len(runs)} runs has this metric",
            seen=metric,
            do=nearest(metric, known, see="`lab runs --json`"),
        )


def pick_of(metric: str) -> str:
    """Which value of a run stands for a metric that is looked at alone: a test metric's last.

    A test set is looked at once, at the end; its best over epochs would be a choice made on it.
    """
    return "last" if metric.startswith("test/") else "best"


@dataclass(frozen=True)
class Picked:
    """The value that stands for a run, the step it is of, and why that one."""

    value: float
    step: int | None
    pick: str  # "best", "chosen" on validation, or "last"


def picked(run: Run, metric: str) -> Picked | None:
    """What stands for a run; None where the metric is missing or that value is not finite.

    A validation metric counts by its best epoch. A test metric counts by the epoch that was best
    in the same metric on validation (in val/loss where there is no such), of the epochs that were
    tested; by its last value where none of those was validated.
    """
    entry = run.summary.get(metric)
    if not isinstance(entry, dict):
        return None
    pick = pick_of(metric)
    found = Picked(entry.get(pick), entry.get("best_step") if pick == "best" else None, pick)  # type: ignore[arg-type]
    if pick == "last" and (sibling := validation_of(run, metric)):
        found = _chosen(run, metric, sibling) or found
    if not isinstance(found.value, int | float) or not math.isfinite(found.value):
        return None
    return found


def measured(run: Run, metric: str) -> float | None:
    """The value of `metric` that stands for a run; None where missing or not finite."""
    found = picked(run, metric)
    if found is None:
        return None
    # A float stays the object it is: it may know which run it is of.
    return found.value if isinstance(found.value, float) else float(found.value)


def validation_of(run: Run, metric: str) -> str | None:
    """The metric on which the epoch of a test metric is chosen: val/accuracy of test/accuracy."""
    name = metric.partition("/")[2]
    names = (f"{split}/{which}" for which in (name, "loss") for split in _VALIDATIONS)
    return next((found for found in names if isinstance(run.summary.get(found), dict)), None)


def _chosen(run: Run, metric: str, validation: str) -> Picked | None:
    """The test value at the step that validated best; None where it was never tested."""
    test, chosen_on = run.summary[metric], run.summary[validation]
    step = chosen_on.get("best_step")
    if step is not None and test.get("best_step") == step and test["best"] == test["last"]:
        # Tested at that epoch alone, or best and last there anyway: the curves cannot say more.
        return Picked(test["last"], step, "chosen")
    tested, validated = _curves(run, metric, validation)
    both = [at for at in tested if math.isfinite(validated.get(at, math.nan))]
    if not both:
        return None
    sign = 1 if chosen_on.get("goal") == "max" else -1
    best = max(both, key=lambda at: (sign * validated[at], -at))
    # A single test is of the chosen epoch where no other validated better.
    if len(tested) < 2 and sign * validated[best] < sign * chosen_on["best"]:
        return None
    return Picked(tested[best], best, "chosen")


def _curves(run: Run, *metrics: str) -> list[dict[int, float]]:
    """The values of each metric by step, the last of a step."""
    import warnings

    from lab.record.files import RecordWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordWarning)  # `lab check` tells of torn lines
        lines = run.history()
    return [{line["step"]: line[name] for line in lines if name in line} for name in metrics]


def goal_in(runs: Sequence[Run], metric: str) -> str:
    """The goal that runs recorded for `metric`."""
    from lab.record.metrics import goal_of

    found = Counter(
        run.summary[metric]["goal"] for run in runs if "goal" in (run.summary.get(metric) or {})
    )
    return str(found.most_common(1)[0][0]) if found else goal_of(metric)


def seed_of(run: Run, seed_param: str) -> Any:
    """The seed of a run, from its parameters, else what it recorded."""
    if seed_param in run.params:
        return run.params[seed_param]
    return run.record.get("seed") if seed_param == "seed" else None
