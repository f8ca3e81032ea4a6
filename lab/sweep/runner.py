"""Carry out a sweep: ask for configurations, run the notebook with each, tell what came of it."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import deque
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
from lab.sweep.confirmation import confirm
from lab.sweep.confirmed import Confirmation
from lab.sweep.jobs import Decide, Jobs
from lab.sweep.opening import study_folder
from lab.sweep.quiet import quiet_optuna
from lab.sweep.space import Space
from lab.sweep.storage import OURS, open_study, read_study, study_locked, trial_of
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

    A study that is there goes on from where it stands: finished trials are kept. Of those that a
    killed process left behind, runs that a cluster carries on with are waited for, and the others
    are run again. `on` names the executor. Several processes may run one study on one machine; with
    `storage`, the URL of a PostgreSQL database, several machines may. Once the search has the
    trials that its file asks for, its best configurations are run again on fresh seeds, as
    `confirm` of the space says. Raises SweepError, NotebookError or ParameterError before anything
    is written.
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
            found = read_study(space.name, place)
            confirmation = await confirm(found, place, jobs, workers=workers, told=told)

    try:
        complete(closing(jobs.executor, search_and_confirm()))
    except asyncio.CancelledError:
        interrupted = True
    study = read_study(space.name, place)
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
        self._due: deque[optuna.Trial] = deque()  # adopted, to be carried out next
        self._adopted: set[int] = set()
        self.recovered = 0

    @property
    def _seeds(self) -> tuple[int | None, ...]:
        return self._space.seeds or (None,)

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
            if self._due:
                return self._due.popleft()
            trial = asking.ask(self._study, self._space, self._budget)
            if trial is not None:
                self._heart.beats_for(trial)
        return trial

    def _recover(self) -> None:
        """Adopt trials whose process is gone where runs of theirs go on; ask for others again.

        The caller holds the lock of the study.
        """
        for frozen in asking.abandoned(self._study, self._heart.silent()):
            jobs = (
                self._jobs.job(frozen.params, seed, trial=frozen.number) for seed in self._seeds
            )
            if any(self._jobs.left_behind.goes_on(job) for job in jobs):
                trial = asking.adopt(self._study, frozen)
                self._heart.beats_for(trial)
                self._adopted.add(trial.number)
                self._due.append(trial)
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
        for seed in self._seeds:
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
        self._tell_value(trial, runs, values)

    async def _run(
        self, trial: optuna.Trial, seed: int | None, *, listens: bool
    ) -> tuple[Run, bool]:
        """A run of the trial, left behind or from the store if it can be; whether it was pruned."""
        job = self._jobs.job(trial.params, seed, trial=trial.number)
        decide = self._pruned_by(trial) if listens else None

        def on_start(run_id: str) -> None:
            self._note_run(trial, run_id)

        if trial.number in self._adopted:
            found, pruned = await self._jobs.take_up(job, on_start=on_start, decide=decide)
            if found is not None:
                self._note_run(trial, found.id)
                return found, pruned
        if (stored := self._jobs.stored(job)) is not None:
            self._note_run(trial, stored.id)
            trial.set_user_attr(f"{OURS}duplicate_of", stored.id)
            return stored, False
        return await self._jobs.run(job, on_start=on_start, decide=decide)

    def _pruned_by(self, trial: optuna.Trial) -> Decide:
        """What answers the reports of a run of the trial."""
        # A run that is started again, on a cluster or by us, reports its first steps again.
        known = set(self._study.get_trials(deepcopy=False)[trial.number].intermediate_values)

        def decide(step: int, value: float) -> bool:
            with quiet_optuna():
                if step not in known:
                    known.add(step)
                    trial.report(value, step)
                return bool(trial.should_prune())

        return decide

    def _note_run(self, trial: optuna.Trial, run_id: str) -> None:
        known = list(trial.user_attrs.get(f"{OURS}runs", []))
        if run_id not in known:
            trial.set_user_attr(f"{OURS}runs", [*known, run_id])

    def _tell_value(self, trial: optuna.Trial, runs: list[Run], values: list[float]) -> None:
        with quiet_optuna():
            trial.set_user_attr(f"{OURS}values", values)
            self._note_cost(trial, runs)
            self._study.tell(trial, statistics.fmean(values))
        self._failing = 0

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
