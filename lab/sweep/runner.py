"""Carry out a sweep: ask for configurations, run the notebook with each, tell what came of it."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lab.errors import LabError
from lab.executors.base import closing
from lab.executors.running import complete
from lab.executors.workers import side_by_side
from lab.record.run import Run
from lab.sweep import asking
from lab.sweep.alive import Heart
from lab.sweep.confirmation import Confirmation, confirm
from lab.sweep.jobs import Jobs
from lab.sweep.opening import study_folder
from lab.sweep.space import Space
from lab.sweep.storage import OURS, load_study, open_study, quiet_optuna, study_locked, trial_of
from lab.sweep.study import Study
from lab.sweep.trial import Trial
from lab.workspace import Workspace

if TYPE_CHECKING:
    import optuna

_GIVE_UP = 5  # trials that fail in a row, with none that ended well, stop the sweep


class Watcher(Protocol):
    """Told what happens while a sweep runs."""

    def ended(self, trial: Trial, study: SweepState) -> None: ...

    def confirming(self, trial: int, seed: int, value: float | None) -> None: ...


@dataclass(frozen=True)
class SweepState:
    """Where a sweep stands: trials begun and to be, the best so far, seconds left at this pace."""

    begun: int
    budget: int
    best: Trial | None
    left: float | None


@dataclass(frozen=True)
class Outcome:
    """What a call of `run_sweep` came to.

    `ran` runs were made, `recovered` trials had been cut off by a crash, `carried` trials were
    taken over from the study before this one. `confirmation` is None where the search has not all
    its trials yet or asks for none.
    """

    study: Study
    ran: int
    recovered: int
    carried: int
    interrupted: bool
    confirmation: Confirmation | None


def run_sweep(
    file: Path | str,
    *,
    trials: int | None = None,
    workers: int = 1,
    on: str = "pool",
    storage: str | None = None,
    workspace: Workspace | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Run the sweep of a space file until its study has `trials` trials (default: `n_trials`).

    A study that is there goes on from where it stands: finished trials are kept, those that a
    killed process left behind are run again. `on` names the executor. Several processes may run
    one study on one machine; with `storage`, the URL of a PostgreSQL database, several machines
    may. Once the search has the trials that its file asks for, its best configurations are run
    again on fresh seeds, as `confirm` of the space says. Raises SweepError, NotebookError or
    ParameterError before anything is written.
    """
    place = workspace or Workspace.find()
    space = Space.read(file, workspace=place)
    jobs = Jobs(space, place, on=on, workers=workers)
    opened = study_folder(space, place, Path(file), storage)
    budget = space.n_trials if trials is None else trials
    work = _Work(space, opened.folder, place, budget, jobs, watcher)
    confirmation: Confirmation | None = None
    interrupted = False

    async def search_and_confirm() -> None:
        nonlocal confirmation
        await work.through(workers)
        if work.is_whole and budget >= space.n_trials:
            told = None if watcher is None else watcher.confirming
            found = load_study(space.name, place)
            confirmation = await confirm(found, place, jobs, workers=workers, told=told)

    try:
        complete(closing(jobs.executor, search_and_confirm()))
    except asyncio.CancelledError:
        interrupted = True
    study = load_study(space.name, place)
    return Outcome(study, jobs.ran, work.recovered, opened.carried, interrupted, confirmation)


class _Work:
    """What the workers of a sweep share."""

    def __init__(
        self,
        space: Space,
        folder: Path,
        workspace: Workspace,
        budget: int,
        jobs: Jobs,
        watcher: Watcher | None,
    ) -> None:
        self._space = space
        self._folder = folder
        self._workspace = workspace
        self._budget = budget
        self._jobs = jobs
        self._watcher = watcher
        self._study: optuna.Study = open_study(folder, pruner=asking.pruner(space))
        self._began = time.monotonic()
        self._failing = 0
        self.recovered = 0

    @property
    def is_whole(self) -> bool:
        """Whether the study has all its trials, and none is under way."""
        running = any(t.state.name == "RUNNING" for t in self._study.get_trials(deepcopy=False))
        return not running and asking.counted_trials(self._study) >= self._budget

    async def through(self, workers: int) -> None:
        async def work() -> None:
            while (trial := self._next()) is not None:
                await self._carry_out(trial)

        with Heart(self._folder, self._study) as self._heart:
            await side_by_side(*(work() for _ in range(workers)))

    def _next(self) -> optuna.Trial | None:
        if self._failing >= _GIVE_UP:
            return None
        with study_locked(self._folder):
            self._recover()
            trial = asking.ask(self._study, self._space, self._budget)
            if trial is not None:
                self._heart.beats_for(trial)
        return trial

    def _recover(self) -> None:
        """Finish or ask again for trials whose process is gone."""
        for frozen in asking.abandoned(self._study, self._heart.silent()):
            runs = asking.done_runs(frozen, self._workspace.runs)
            values = [v for run in runs if (v := self._jobs.value(run)) is not None]
            if runs and len(values) == max(1, len(self._space.seeds)):
                self._tell_value(frozen.number, frozen._trial_id, runs, values)
            else:
                asking.put_back(self._study, frozen, asking.DIED)
            self.recovered += 1

    async def _carry_out(self, trial: optuna.Trial) -> None:
        try:
            await self._run_seeds(trial)
        except LabError as error:
            self._fail(trial, str(error))
        except BaseException:
            with study_locked(self._folder):
                asking.put_back(self._study, self._study.trials[trial.number], asking.INTERRUPTED)
            raise
        finally:
            self._heart.rests_for(trial)
        self._announce(trial.number)

    async def _run_seeds(self, trial: optuna.Trial) -> None:
        runs: list[Run] = []
        values: list[float] = []
        for seed in self._space.seeds or (None,):
            run, pruned = await self._run(trial, seed, listens=not runs)
            runs.append(run)
            if pruned:
                self._tell_pruned(trial, runs)
                return
            value = self._jobs.value(run)
            if run.status != "done" or value is None:
                self._fail(trial, self._jobs.problem(run))
                return
            values.append(value)
        self._tell_value(trial.number, trial._trial_id, runs, values)
        self._failing = 0

    async def _run(
        self, trial: optuna.Trial, seed: int | None, *, listens: bool
    ) -> tuple[Run, bool]:
        """One run of the trial, and whether the pruner stopped it; one from the store if it can."""
        job = self._jobs.job(trial.params, seed, trial=trial.number)
        if (stored := self._jobs.stored(job)) is not None:
            self._note_run(trial, stored.id)
            trial.set_user_attr(f"{OURS}duplicate_of", stored.id)
            return stored, False

        def decide(step: int, value: float) -> bool:
            with quiet_optuna():
                trial.report(value, step)
                return bool(trial.should_prune())

        return await self._jobs.run(
            job,
            on_start=lambda run_id: self._note_run(trial, run_id),
            decide=decide if listens else None,
        )

    def _note_run(self, trial: optuna.Trial, run_id: str) -> None:
        known = list(trial.user_attrs.get(f"{OURS}runs", []))
        trial.set_user_attr(f"{OURS}runs", [*known, run_id])

    def _tell_value(self, number: int, trial_id: int, runs: list[Run], values: list[float]) -> None:
        with quiet_optuna():
            from optuna.trial import Trial as OptunaTrial

            trial = OptunaTrial(self._study, trial_id)
            trial.set_user_attr(f"{OURS}values", values)
            self._note_cost(trial, runs)
            self._study.tell(number, statistics.fmean(values))

    def _tell_pruned(self, trial: optuna.Trial, runs: list[Run]) -> None:
        with quiet_optuna():
            from optuna.trial import TrialState

            self._note_cost(trial, runs)
            self._study.tell(trial, state=TrialState.PRUNED)
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
        found = {t.number: trial_of(t) for t in self._study.get_trials(deepcopy=False)}
        space = self._space
        study = replace(
            Study(space.name, space.objective, space.direction, space),
            trials=tuple(trial for trial in found.values() if trial is not None),
        )
        begun = asking.counted_trials(self._study)
        ended = found[number]
        assert ended is not None
        self._watcher.ended(ended, SweepState(begun, self._budget, study.best, self._left(begun)))

    def _left(self, begun: int) -> float | None:
        if not self._jobs.ran:
            return None
        pace = (time.monotonic() - self._began) / self._jobs.ran
        return pace * max(0, self._budget - begun) * max(1, len(self._space.seeds))
