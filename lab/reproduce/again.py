"""`lab rerun`: a recorded run again, and whether its numbers come again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from lab.errors import InputError
from lab.executors import run_notebook
from lab.record.catalogue import find_run
from lab.record.run import Run, update_run
from lab.reproduce.agreement import Agreement, agreement
from lab.reproduce.plan import Plan, plan
from lab.reproduce.source import restored_source
from lab.workspace import Workspace


def rerun(
    run_id: str,
    changes: Mapping[str, str] | None = None,
    *,
    source: bool = False,
    timeout: float | None = None,
    on: str = "pool",
    workspace: Workspace | None = None,
    on_start: Callable[[str], object] | None = None,
) -> Run:
    """Run a recorded run's notebook again with its parameters, but for `changes` to them.

    With `source` the notebook and the code are those that were recorded (the commit and the
    changes it had), else those of now. `timeout` is in seconds. run.json of the new run tells
    under `rerun` what differs and whether the numbers agree.
    """
    place = workspace or Workspace.find()
    with prepared(run_id, changes or {}, place, source=source, on=on) as again:
        ended = run_notebook(
            again.plan.notebook,
            again.plan.params,
            workspace=again.workspace,
            tags=again.plan.tags,
            timeout=timeout,
            on=on,
            on_start=on_start,
        )
    return Run.read(record(ended, again, place)[0].path)


class Prepared:
    """A rerun that may start: its plan, and the workspace whose source it takes."""

    def __init__(self, plan: Plan, workspace: Workspace, *, recorded: bool) -> None:
        self.plan = plan
        self.workspace = workspace
        self.recorded = recorded


@contextlib.contextmanager
def prepared(
    run_id: str, changes: Mapping[str, str], workspace: Workspace, *, source: bool, on: str = "pool"
) -> Iterator[Prepared]:
    """Everything that has to be there while the rerun executes. Raises InputError."""
    run = find_run(workspace, run_id)
    if not source:
        yield Prepared(plan(run, changes, workspace), workspace, recorded=False)
        return
    if on != "pool":
        raise InputError(
            "The recorded source runs in a kernel of this machine", seen=on, do="Leave --on away."
        )
    with restored_source(run, workspace) as restored:
        made = plan(run, changes, workspace, source=restored.workspace)
        made = replace(made, differences=(*restored.notes, *made.differences))
        yield Prepared(made, restored.workspace, recorded=True)


def record(ended: Run, again: Prepared, workspace: Workspace) -> tuple[Run, Agreement | None]:
    """Note in run.json what was repeated, and whether the numbers agree where it is done."""
    found = agreement(ended, again.plan.of, workspace) if ended.status == "done" else None
    differences = list(again.plan.differences)
    devices = (again.plan.of.record.get("device"), ended.record.get("device"))
    if None not in devices and devices[0] != devices[1]:
        differences.append(f"This ran on {devices[1]}, {again.plan.of.id} on {devices[0]}.")
    noted = {
        "of": again.plan.of.id,
        "source": "recorded" if again.recorded else "current",
        "differences": differences,
        "agreement": found.verdict if found else None,
        "said": found.text if found else None,
    }
    update_run(ended.path, rerun=noted)
    return Run.read(ended.path), found
