"""Single runs of a sweep: from the store, left behind by an earlier process, or by an executor."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from lab.executors.base import Executor, OnStart
from lab.executors.named import executor_by_name
from lab.executors.resources import resources_of
from lab.notebook.job import Job
from lab.record.metrics import read_metrics
from lab.record.paths import RunPaths
from lab.record.pruning import answering, last_answer
from lab.record.run import Run, end_run
from lab.sweep.left_behind import LeftBehind
from lab.sweep.space import Space
from lab.sweep.stored import Stored
from lab.workspace import Workspace

Decide = Callable[[int, float], bool]  # (step, value of the objective): whether to stop


class Jobs:
    """Runs the notebook of a space with values over its fixed ones."""

    def __init__(self, space: Space, workspace: Workspace, *, on: str, workers: int) -> None:
        self.ran = 0
        self._space = space
        self._workspace = workspace
        self._notebook = workspace.root / str(space.notebook)
        self.executor: Executor = executor_by_name(on, workspace, workers=workers)
        self._stored = Stored(workspace, self._notebook, space.objective)
        self.left_behind = LeftBehind(space.name, workspace, self.executor)

    def job(self, values: Mapping[str, Any], seed: int | None, **sweep: Any) -> Job:
        """The run to be, checked; `sweep` goes into its record."""
        given = self._space.fixed | dict(values) | ({} if seed is None else {"seed": seed})
        about = {"study": self._space.name, **sweep}
        asked = resources_of(self._space.slurm).given or None
        return Job.check(self._notebook, given, workspace=self._workspace, sweep=about, slurm=asked)

    def stored(self, job: Job) -> Run | None:
        """A finished run of this very job that still holds."""
        return self._stored.find(job.params)

    async def result(self, job: Job) -> Run:
        """The run of a job: a finished one that still holds, one under way, or else a new one."""
        before = self.left_behind.latest(job)
        if before is not None:
            self._stored.add(before)  # it may have ended since the store was read
        if (stored := self.stored(job)) is not None:
            return stored
        found: Run | None = None
        if before is None or before.status == "running":
            found, _ = await self.take_up(job)
        return found or (await self.run(job))[0]

    async def run(
        self, job: Job, *, on_start: OnStart | None = None, decide: Decide | None = None
    ) -> tuple[Run, bool]:
        """Run the job; the ended run, and whether `decide` stopped it."""
        asked = replace(job, answered=decide is not None)
        found, stopped = await self._answered(
            lambda started: self.executor.run(asked, on_start=started), on_start, decide
        )
        assert found is not None
        self.ran += 1
        return found, stopped

    async def take_up(
        self, job: Job, *, on_start: OnStart | None = None, decide: Decide | None = None
    ) -> tuple[Run | None, bool]:
        """The run that an earlier process left behind, once it has ended; whether it was pruned.

        None where there is none that came to an end of its own.
        """
        found, stopped = await self._answered(
            lambda started: self.left_behind.end_of(job, started), on_start, decide
        )
        return found, stopped or (found is not None and found.status == "pruned")

    async def _answered(
        self,
        work: Callable[[OnStart], Awaitable[Run | None]],
        on_start: OnStart | None,
        decide: Decide | None,
    ) -> tuple[Run | None, bool]:
        """The run that `work` waits for, its reports answered, and whether `decide` stopped it."""
        stopped = False

        with answering() as listen:

            def started(run_id: str) -> None:
                if on_start is not None:
                    on_start(run_id)
                if decide is not None:
                    paths = RunPaths(self._workspace.runs / run_id)
                    listen(paths, lambda step, value: answer(paths, step, value))

            def answer(paths: RunPaths, step: int, value: float) -> bool:
                nonlocal stopped
                # A notebook reports what it is judged by, which need not be what is searched for.
                found = _logged(paths, self._space.objective, step)
                value = value if found is None else found
                if decide is not None and math.isfinite(value):
                    stopped = stopped or decide(step, value)
                return stopped

            run = await work(started)
        # Whoever had listened before may have told it to stop, and gone before it had ended.
        stopped = stopped or (run is not None and last_answer(run.path))
        if run is not None and stopped and run.status == "done":
            # Whoever ran it saw a notebook come to its end; that it was told to is known here.
            run = end_run(run.path, "pruned", override=True)
        if run is not None:
            self._stored.add(run)
        return run, stopped

    def value(self, run: Run) -> float | None:
        """The best value of the objective in a run, by the direction of the study."""
        return best_value(run, self._space.objective, self._space.direction)

    def problem(self, run: Run) -> str:
        """Why a run gave no value."""
        if run.status == "done":
            known = ", ".join(run.metrics) or "no metrics"
            return f"run {run.id} logged no {self._space.objective}; it has {known}"
        error = run.error or {}
        told = f": {error['type']}: {error['message']}" if error.get("type") else ""
        return f"run {run.id} {run.status}{told}"


def best_value(run: Run, objective: str, direction: str) -> float | None:
    """The best finite value of a metric in a run; None where there is none."""
    found = [float(row[objective]) for row in run.history(objective)]
    finite = [value for value in found if math.isfinite(value)]
    if not finite:
        return None
    return max(finite) if direction == "maximize" else min(finite)


def _logged(paths: RunPaths, objective: str, step: int) -> float | None:
    """What the run has logged of the objective at this step."""
    for row in reversed(read_metrics(paths.metrics)):
        if row.get("step") == step and objective in row:
            return float(row[objective])
    return None
