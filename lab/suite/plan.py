"""From a suite to the runs it asks for, and which of them are there already."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import InputError, LabError, SuiteError
from lab.executors.node import RESUME
from lab.notebook.contract import locate, read_schema
from lab.presets import find_preset
from lab.record.catalogue import find_runs
from lab.record.fingerprint import code_sha256, data_cache, data_sha256, notebook_sha256
from lab.record.redact import redact_params
from lab.record.run import Run
from lab.schema import Schema
from lab.suite.schema import Arm, Suite
from lab.workspace import Workspace

AFRESH = "asked for afresh"


@dataclass(frozen=True)
class PlannedRun:
    """One run that a suite asks for: a triple (suite, arm, matrix values), and what it executes."""

    suite: str
    arm: str
    index: int
    matrix: dict[str, Any]
    notebook: Path
    params: dict[str, Any]
    tags: tuple[str, ...]
    timeout: float | None
    satisfied_by: str | None
    why: str
    slurm: dict[str, Any] | None = None  # what it asks of a cluster

    @property
    def due(self) -> bool:
        return self.satisfied_by is None

    @property
    def label(self) -> str:
        """How a person tells this run from its neighbours: notebook, arm and matrix values."""
        values = " ".join(f"{name}={value}" for name, value in self.matrix.items())
        stem = self.notebook.stem
        return " ".join(
            part for part in (stem, self.arm if self.arm != stem else "", values) if part
        )

    @property
    def identity(self) -> dict[str, Any]:
        """The `suite` key of run.json."""
        return {"name": self.suite, "arm": self.arm, "index": self.index, "matrix": self.matrix}


def plan_suite(
    suite: Suite,
    workspace: Workspace,
    *,
    fresh: bool = False,
    runs: Iterable[Run] | None = None,
) -> list[PlannedRun]:
    """Every run of `suite` in order, each told why it is due or which run satisfies it.

    A triple (suite name, arm, matrix values) is satisfied by a `done` run of it with equal notebook
    source, parameters, code and data; `fresh` ignores such runs. `runs` are those of the workspace,
    newest first, where they have been read already. Raises SuiteError, NotebookError,
    ParameterError or LogError before anything is written.
    """
    for entry in suite.log_items:
        if entry.file is not None:
            workspace.log_file(entry.file)
    wanted = list(_expand(suite, workspace))
    earlier = _earlier_runs(find_runs(workspace) if runs is None else runs, suite.name)
    state = CurrentState(workspace)
    return [_decide(item, earlier, state, fresh=fresh) for item in wanted]


def _expand(suite: Suite, workspace: Workspace) -> Iterable[PlannedRun]:
    schemas: dict[Path, Schema] = {}
    seen: set[tuple[str, Path]] = set()
    index = 0
    for position, item in enumerate(suite.runs):
        preset = _preset_of(suite, item, position)
        notebook = _notebook_of(suite, item, position, preset, workspace)
        arm = item.arm or notebook.stem
        if (arm, notebook) in seen:
            raise SuiteError(
                "Two runs of the suite have the same arm and notebook",
                seen=f"{arm} on {workspace.relative(notebook)}",
                do="Give each its own `arm:`; use `matrix:` for seeds.",
            )
        seen.add((arm, notebook))
        if notebook not in schemas:
            schemas[notebook] = read_schema(notebook, workspace)
        values_by_name = dict(preset.values) if preset else {}
        matrix = suite.matrix or {}
        for values in itertools.product(*matrix.values()):
            point = dict(zip(matrix, values, strict=True))
            params = values_by_name | suite.defaults.params | item.params | point
            yield PlannedRun(
                suite=suite.name,
                arm=arm,
                index=index,
                matrix=point,
                notebook=notebook,
                params=_coerce(schemas[notebook], params, arm),
                tags=tuple(dict.fromkeys([*suite.defaults.tags, *item.tags])),
                timeout=suite.timeout,
                satisfied_by=None,
                why="",
                slurm=_resources(suite, item),
            )
            index += 1


def _resources(suite: Suite, item: Arm) -> dict[str, Any] | None:
    asked = item.slurm.over(suite.slurm) if item.slurm else suite.slurm
    return asked.given if asked else None


def _preset_of(suite: Suite, item: Arm, position: int) -> Any:
    """The preset that a run starts from, or None."""
    name = item.preset or suite.defaults.preset
    try:
        return None if name is None else find_preset(name)
    except InputError as error:
        place = f"Run {position + 1} of the suite"
        raise SuiteError(f"{place}: {error.what}", seen=error.seen, do=error.do) from None


def _notebook_of(suite: Suite, item: Arm, position: int, preset: Any, workspace: Workspace) -> Path:
    named = item.notebook or suite.defaults.notebook or (preset and preset.notebook)
    if named is None:
        raise SuiteError(
            f"Run {position + 1} of the suite names no notebook",
            seen=item.arm,
            do="Give it `notebook:` or `preset:`, or put one under `defaults:`.",
        )
    return locate(workspace.root / named, workspace)


def _coerce(schema: Schema, params: Mapping[str, Any], arm: str) -> dict[str, Any]:
    try:
        return schema.coerce(params)
    except LabError as error:
        raise type(error)(f"Arm '{arm}': {error.what}", seen=error.seen, do=error.do) from None


class CurrentState:
    """What the workspace holds now, each part read once for the whole plan."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._notebooks: dict[Path, str] = {}
        self._data: dict[str, str | None] = {}
        self.code = code_sha256(workspace)

    def notebook(self, path: Path) -> str:
        if path not in self._notebooks:
            self._notebooks[path] = notebook_sha256(path)
        return self._notebooks[path]

    def data(self, path: str) -> str | None:
        if path not in self._data:
            file = self._workspace.root / path
            cache = data_cache(self._workspace.runs)
            self._data[path] = data_sha256(file, cache=cache) if file.exists() else None
        return self._data[path]


Triple = tuple[str, str]


def _earlier_runs(runs: Iterable[Run], suite: str) -> dict[Triple, list[Run]]:
    """Runs of this suite by arm and matrix values, newest first."""
    found: dict[Triple, list[Run]] = defaultdict(list)
    for run in runs:
        identity = run.record.get("suite")
        if identity and identity.get("name") == suite:
            found[_triple(identity["arm"], identity.get("matrix") or {})].append(run)
    return found


def _triple(arm: str, matrix: Mapping[str, Any]) -> Triple:
    return arm, repr(sorted(matrix.items()))


def _decide(
    item: PlannedRun,
    earlier: Mapping[Triple, list[Run]],
    state: CurrentState,
    *,
    fresh: bool,
) -> PlannedRun:
    candidates = [
        run
        for run in earlier.get(_triple(item.arm, item.matrix), [])
        if run.notebook is None or Path(run.notebook).name == item.notebook.name
    ]
    if fresh:
        return _due(item, AFRESH)
    if not candidates:
        return _due(item, "no run of it yet")
    reasons = [mismatch(run, item.notebook, item.params, state) for run in candidates]
    for run, reason in zip(candidates, reasons, strict=True):
        if reason is None:
            return PlannedRun(**{**vars(item), "satisfied_by": run.id, "why": f"done as {run.id}"})
    return _due(item, reasons[0] or "")


def _due(item: PlannedRun, why: str) -> PlannedRun:
    return PlannedRun(**{**vars(item), "satisfied_by": None, "why": why})


def mismatch(
    run: Run, notebook: Path, params: Mapping[str, Any], state: CurrentState
) -> str | None:
    """Why `run` is not a finished run of `notebook` with `params` as all is now; None if it is."""
    if run.status != "done":
        return f"{run.id} {run.status}" + (f" ({run.reason})" if run.reason else "")
    if run.record.get("notebook_sha256") != state.notebook(notebook):
        return f"notebook changed since {run.id}"
    changed = _changed_params(run.params, redact_params(params))
    if changed:
        return f"parameters changed since {run.id}: {changed}"
    if run.record.get("code") != state.code:
        return f"code changed since {run.id}"
    for source in run.record.get("data") or []:
        noted = source.get("content", source["sha256"])
        if source.get("path") and state.data(source["path"]) != noted:
            return f"data {source['name']} changed since {run.id}"
    return None


def _changed_params(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    # A run may record more than the notebook's parameters (a whole configuration merged in), and
    # one that a cluster cut off and started again says which run it went on from.
    return ", ".join(
        f"{name} {before.get(name)!r} -> {value!r}"
        for name, value in now.items()
        if (name not in before or before[name] != value) and not (name == RESUME and value is None)
    )
