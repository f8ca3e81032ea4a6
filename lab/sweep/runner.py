"""Carry out a sweep: ask for configurations, run the notebook with each, tell what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import math
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lab.errors import LabError, SweepError
from lab.executors.base import Executor, executor_by_name
from lab.executors.running import complete
from lab.notebook.job import Job
from lab.record.files import locked
from lab.record.paths import RunPaths
from lab.record.pruning import answer_reports, open_for_reports
from lab.record.run import Run, end_run
from lab.sweep import asking
from lab.sweep.space import Space
from lab.sweep.storage import (
    OURS,
    create_folder,
    load_study,
    open_study,
    quiet_optuna,
    studies_folder,
    trial_of,
)
from lab.sweep.stored import Stored
from lab.sweep.study import Study
from lab.sweep.trial import Trial
from lab.workspace import Workspace

if TYPE_CHECKING:
    import optuna

_GIVE_UP = 5  # trials that fail in a row, with none that ended well, stop the sweep


class Watcher(Protocol):
    """Told what happens while a sweep runs."""

    def ended(self, trial: Trial, study: SweepState) -> None: ...


@dataclass(frozen=True)
class SweepState:
    """Where a sweep stands: trials begun and to be, the best so far, seconds left at this pace."""

    begun: int
    budget: int
    best: Trial | None
    left: float | None


@dataclass(frozen=True)
class Outcome:
    """What a call of `run_sweep` came to; `recovered` trials had been cut off by a crash."""

    study: Study
    ran: int
    recovered: int
    interrupted: bool


def run_sweep(
    file: Path | str,
    *,
    trials: int | None = None,
    workers: int = 1,
    workspace: Workspace | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Run the sweep of a space file until its study has `trials` trials (default: `n_trials`).

    A study that is there goes on from where it stands: finished trials are kept, those that a
    killed process left behind are run again. Several processes may run one study on one machine.
    Raises SweepError, NotebookError or ParameterError before anything is written.
    """
    place = workspace or Workspace.find()
    space = Space.read(file, workspace=place)
    budget = space.n_trials if trials is None else trials
    folder = _folder(space, place, Path(file))
    work = _Work(space, folder, place, budget, workers, watcher)
    recovered = work.recover()
    interrupted = False
    try:
        complete(work.through(workers))
    except asyncio.CancelledError:
        interrupted = True
    return Outcome(load_study(space.name, place), work.ran, recovered, interrupted)


def _folder(space: Space, workspace: Workspace, file: Path) -> Path:
    """The folder of the study, made for a new one; refuses a space that has become another."""
    folder = studies_folder(workspace) / space.name
    workspace.runs.mkdir(parents=True, exist_ok=True)
    with locked(workspace.runs):
        if not folder.exists():
            return create_folder(
                workspace,
                space,
                source=workspace.relative(file),
                sampler=str(space.sampler["name"]),
            )
    before = Space.read(folder / "space.yaml")
    changed = [
        key
        for key in ("notebook", "objective", "direction", "params", "fixed", "seeds", "pruner")
        if getattr(before, key) != getattr(space, key)
    ]
    if changed:
        told = ", ".join("param_ranges" if key == "params" else key for key in changed)
        raise SweepError(
            f"The space is not the one that study {space.name} began with",
            seen=f"{told} changed",
            do="Give the file another study_name; the old study stays as it is.",
        )
    return folder


class _Work:
    """What the workers of a sweep share."""

    def __init__(
        self,
        space: Space,
        folder: Path,
        workspace: Workspace,
        budget: int,
        workers: int,
        watcher: Watcher | None,
    ) -> None:
        self._space = space
        self._folder = folder
        self._workspace = workspace
        self._budget = budget
        self._workers = workers
        self._watcher = watcher
        self._executor: Executor = executor_by_name("pool", workspace, workers=workers)
        with quiet_optuna():
            self._study: optuna.Study = open_study(folder, pruner=asking.pruner(space))
        self._stored = Stored(workspace, workspace.root / str(space.notebook), space.objective)
        self._began = time.monotonic()
        self._failing = 0
        self.ran = 0

    def recover(self) -> int:
        """Finish or ask again for trials whose process is gone; how many there were."""
        with locked(self._folder):
            left = asking.abandoned(self._study)
            for frozen in left:
                runs = asking.done_runs(frozen, self._workspace.runs)
                values = [v for run in runs if (v := self._value(run)) is not None]
                if runs and len(values) == max(1, len(self._space.seeds)):
                    self._tell_value(frozen.number, frozen._trial_id, runs, values)
                else:
                    asking.put_back(self._study, frozen, asking.DIED)
            return len(left)

    async def through(self, workers: int) -> None:
        async def work() -> None:
            while (trial := self._next()) is not None:
                await self._carry_out(trial)

        await asyncio.gather(*(work() for _ in range(workers)))

    def _next(self) -> optuna.Trial | None:
        if self._failing >= _GIVE_UP:
            return None
        return asking.ask(self._study, self._space, self._folder, self._budget)

    async def _carry_out(self, trial: optuna.Trial) -> None:
        try:
            await self._run_seeds(trial)
        except BaseException as error:
            frozen = self._study.trials[trial.number]
            if isinstance(error, LabError):
                self._fail(trial, str(error))
            else:
                with locked(self._folder):
                    asking.put_back(self._study, frozen, asking.INTERRUPTED)
                raise
        self._announce(trial.number)

    async def _run_seeds(self, trial: optuna.Trial) -> None:
        runs: list[Run] = []
        values: list[float] = []
        for seed in self._space.seeds or (None,):
            run, pruned = await self._run(trial, seed, listens=not runs)
            runs.append(run)
            if pruned:
                self._tell(trial, "PRUNED", runs)
                return
            value = self._value(run)
            if run.status != "done" or value is None:
                self._fail(trial, _problem(run, self._space.objective))
                return
            values.append(value)
        self._tell_value(trial.number, trial._trial_id, runs, values)
        self._failing = 0

    async def _run(
        self, trial: optuna.Trial, seed: int | None, *, listens: bool
    ) -> tuple[Run, bool]:
        """One run of the trial, and whether the pruner stopped it; one from the store if it can."""
        values = self._space.fixed | trial.params | ({} if seed is None else {"seed": seed})
        job = Job.check(
            self._workspace.root / str(self._space.notebook),
            values,
            workspace=self._workspace,
            sweep={"study": self._space.name, "trial": trial.number},
        )
        if (stored := self._stored.find(job.params)) is not None:
            self._note_run(trial, stored.id)
            trial.set_user_attr(f"{OURS}duplicate_of", stored.id)
            return stored, False
        run, pruned = await self._execute(trial, job, listens=listens)
        self._stored.add(run)
        return run, pruned

    async def _execute(self, trial: optuna.Trial, job: Job, *, listens: bool) -> tuple[Run, bool]:
        stopped = False
        listener: list[asyncio.Task[None]] = []

        def decide(step: int, value: float) -> bool:
            nonlocal stopped
            if math.isfinite(value):
                with quiet_optuna():
                    trial.report(value, step)
                    stopped = stopped or bool(trial.should_prune())
            return stopped

        def started(run_id: str) -> None:
            self._note_run(trial, run_id)
            if listens:
                paths = RunPaths(self._workspace.runs / run_id)
                open_for_reports(paths)
                listener.append(asyncio.create_task(answer_reports(paths, decide)))

        try:
            run = await self._executor.run(job, on_start=started)
        finally:
            for task in listener:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        self.ran += 1
        if stopped and run.status == "done":
            # The executor saw a notebook come to its end; that it was told to is known here.
            run = end_run(run.path, "pruned", override=True)
        return run, stopped

    def _note_run(self, trial: optuna.Trial, run_id: str) -> None:
        known = list(trial.user_attrs.get(f"{OURS}runs", []))
        trial.set_user_attr(f"{OURS}runs", [*known, run_id])

    def _value(self, run: Run) -> float | None:
        """The best value of the objective in a run, by the direction of the study."""
        found = [
            float(row[self._space.objective])
            for row in run.history()
            if isinstance(row.get(self._space.objective), int | float)
        ]
        finite = [value for value in found if math.isfinite(value)]
        if not finite:
            return None
        return max(finite) if self._space.direction == "maximize" else min(finite)

    def _tell_value(self, number: int, trial_id: int, runs: list[Run], values: list[float]) -> None:
        with quiet_optuna():
            from optuna.trial import Trial as OptunaTrial

            trial = OptunaTrial(self._study, trial_id)
            trial.set_user_attr(f"{OURS}values", values)
            self._note_cost(trial, runs)
            self._study.tell(number, statistics.fmean(values))

    def _tell(self, trial: optuna.Trial, state: str, runs: list[Run]) -> None:
        with quiet_optuna():
            from optuna.trial import TrialState

            self._note_cost(trial, runs)
            self._study.tell(trial, state=TrialState[state])
        self._failing = 0

    def _note_cost(self, trial: optuna.Trial, runs: list[Run]) -> None:
        trial.set_user_attr(f"{OURS}seeds", list(self._space.seeds))
        trial.set_user_attr(f"{OURS}seconds", sum(run.seconds or 0.0 for run in runs))

    def _fail(self, trial: optuna.Trial, problem: str) -> None:
        with quiet_optuna():
            from optuna.trial import TrialState

            trial.set_user_attr(f"{OURS}problem", problem)
            self._study.tell(trial, state=TrialState.FAIL)
        self._failing += 1

    def _announce(self, number: int) -> None:
        if self._watcher is None:
            return
        found = [trial_of(frozen) for frozen in self._study.get_trials(deepcopy=False)]
        trials = [trial for trial in found if trial is not None]
        study = replace(
            Study(
                name=self._space.name,
                objective=self._space.objective,
                direction=self._space.direction,
                space=self._space,
            ),
            trials=tuple(trials),
        )
        begun = asking.counted_trials(self._study)
        self._watcher.ended(
            next(trial for trial in trials if trial.number == number),
            SweepState(begun, self._budget, study.best, self._left(begun)),
        )

    def _left(self, begun: int) -> float | None:
        if not self.ran:
            return None
        pace = (time.monotonic() - self._began) / self.ran
        return pace * max(0, self._budget - begun)


def _problem(run: Run, objective: str) -> str:
    if run.status == "done":
        known: Mapping[str, Any] = run.metrics
        return f"run {run.id} logged no {objective}; it has {', '.join(known) or 'no metrics'}"
    error = run.error or {}
    told = f": {error['type']}: {error['message']}" if error.get("type") else ""
    return f"run {run.id} {run.status}{told}"
