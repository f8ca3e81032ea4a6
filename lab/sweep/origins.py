"""What the trials of a study were made from: the data they read, and the code that ran."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.numbers import counted
from lab.record.run import Run
from lab.sweep.study import Study

DATA, CODE, NOTEBOOK = "run_data", "run_code", "run_notebook"  # of a trial, among what is extra

_SHOWN = 8  # digits of a fingerprint


@dataclass(frozen=True)
class Versions:
    """Of one thing, every version that trials were made from, with the trials of each.

    Two seeds of one trial may read two versions, which then are told as one: what each trial read.
    """

    what: str
    trials: Mapping[tuple[str, ...], tuple[int, ...]]

    @property
    def told(self) -> str:
        """The version, or how many there are."""
        if len(self.trials) > 1:
            return f"{len(self.trials)} versions"
        (only,) = self.trials
        return " and ".join(f"`{one[:_SHOWN]}`" for one in only)

    @property
    def problem(self) -> str | None:
        """That not all trials were made from the same; None where they were."""
        if len(self.trials) < 2:
            return None
        parts = [
            f"{' and '.join(one[:_SHOWN] for one in version)} in {counted(len(numbers), 'trial')} "
            f"(first {numbers[0]})"
            for version, numbers in self.trials.items()
        ]
        return f"Not all trials are of one version of {self.what}: {'; '.join(parts)}."


def noted(runs: Iterable[Run]) -> dict[str, Any]:
    """What is kept with a trial of the data and the code of its runs."""
    data: dict[str, set[str]] = {}
    code: set[str] = set()
    notebook: set[str] = set()
    for run in runs:
        for source in run.record.get("data") or []:
            data.setdefault(str(source.get("name")), set()).add(str(source.get("sha256")))
        code |= {str(found)} if (found := run.record.get("code")) else set()
        notebook |= {str(found)} if (found := run.record.get("notebook_sha256")) else set()
    found = {CODE: sorted(code), NOTEBOOK: sorted(notebook)}
    told = {key: values for key, values in found.items() if values}
    return ({DATA: {name: sorted(data[name]) for name in sorted(data)}} if data else {}) | told


def data_of(study: Study) -> tuple[Versions, ...]:
    """Every data set of the complete trials, by name."""
    names = sorted({name for trial in study.complete for name in trial.extra.get(DATA, {})})
    return tuple(
        _versions(
            f"the data `{name}`",
            {trial.number: trial.extra.get(DATA, {}).get(name, ()) for trial in study.complete},
        )
        for name in names
    )


def code_of(study: Study) -> tuple[Versions, ...]:
    """The code and the notebook, where the complete trials tell them."""
    found = [
        _versions(what, {t.number: t.extra.get(key, ()) for t in study.complete})
        for what, key in (("the code", CODE), ("the notebook", NOTEBOOK))
    ]
    return tuple(one for one in found if one.trials)


def _versions(what: str, by_trial: Mapping[int, Iterable[str]]) -> Versions:
    trials: dict[tuple[str, ...], tuple[int, ...]] = {}
    for number, values in sorted(by_trial.items()):
        if version := tuple(values):
            trials[version] = (*trials.get(version, ()), number)
    return Versions(what, trials)
