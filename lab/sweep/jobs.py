"""Single runs of a sweep: from the store where one is there, else by an executor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from lab.executors.base import Executor
from lab.executors.named import executor_by_name
from lab.executors.resources import resources_of
from lab.notebook.job import Job
from lab.record.metrics import read_metrics
from lab.record.paths import RunPaths
from lab.record.pruning import answering
from lab.record.run import Run, end_run
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

    def job(self, values: Mapping[str, Any], seed: int | None, **sweep: Any) -> Job:
        """The run to be, checked; `sweep` goes into its record."""
        given = self._space.fixed | dict(values) | ({} if seed is None else {"seed": seed})
        about = {"study": self._space.name, **sweep}
        asked = resources_of(self._space.slurm).given or None
        return Job.check(self._notebook, given, workspace=self._workspace, sweep=about, slurm=asked)

    def stored(self, job: Job) -> Run | None:
        """A finished run of this very job that still holds."""
        return self._stored.find(job.params)

    async def run(
        self,
        job: Job,
        *,
        on_start: Callable[[str], object] | None = None,
        decide: Decide | None = None,
    ) -> tuple[Run, bool]:
        """Run the job; the ended run, and whether `decide` stopped it."""
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

            run = await self.executor.run(job, on_start=started)
        self.ran += 1
        if stopped and run.status == "done":
            # The executor saw a notebook come to its end; that it was told to is known here.
            run = end_run(run.path, "pruned", override=True)
        if run.status == "done":
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
