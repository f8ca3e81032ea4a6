"""A notebook workspace for experiment tracking, and the lab log that is written from it.

import lab

run = lab.start()                                  # in a notebook
run.log({"val/accuracy": 0.8}, step=1)

lab.runs(where="status == done")                   # a DataFrame
lab.compare(by="pooling", where="notebook ~ image")
lab.plot("val/loss", by="pooling")                 # a figure
lab.run("notebooks/domains/image.ipynb", {"epochs": 3})
lab.log.new("research", runs="suite.name == pilot", by="arm")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab import log, site, suite, sweep
    from lab.api import check, compare, diagnose, note, show, tag
    from lab.errors import InputError, LabError, WorkFailed
    from lab.exchange import export_runs as export
    from lab.exchange import import_runs
    from lab.executors import run_notebook as run
    from lab.executors.running import submit_notebook as submit
    from lab.log import next_plan as next
    from lab.log.evidence.citations import archive
    from lab.notebook.new import new_notebook
    from lab.plotting import plot
    from lab.record.catalogue import runs
    from lab.record.live import LiveRun, start
    from lab.record.run import Run
    from lab.record.stop import stop
    from lab.reproduce import diff, rerun
    from lab.workspace import Workspace

__all__ = [
    "InputError",
    "LabError",
    "LiveRun",
    "Run",
    "WorkFailed",
    "Workspace",
    "archive",
    "check",
    "compare",
    "diagnose",
    "diff",
    "export",
    "import_runs",
    "log",
    "new_notebook",
    "next",
    "note",
    "plot",
    "rerun",
    "run",
    "runs",
    "show",
    "site",
    "start",
    "stop",
    "submit",
    "suite",
    "sweep",
    "tag",
]

# Resolved at first use, so that `import lab` and `lab --help` load nothing heavy.
_HOMES = {
    "InputError": "lab.errors:InputError",
    "LabError": "lab.errors:LabError",
    "LiveRun": "lab.record.live:LiveRun",
    "Run": "lab.record.run:Run",
    "WorkFailed": "lab.errors:WorkFailed",
    "Workspace": "lab.workspace:Workspace",
    "archive": "lab.log.evidence.citations:archive",
    "check": "lab.api:check",
    "compare": "lab.api:compare",
    "diagnose": "lab.api:diagnose",
    "diff": "lab.reproduce:diff",
    "export": "lab.exchange:export_runs",
    "import_runs": "lab.exchange:import_runs",
    "log": "lab.log",
    "new_notebook": "lab.notebook.new:new_notebook",
    "next": "lab.log:next_plan",
    "note": "lab.api:note",
    "plot": "lab.plotting:plot",
    "rerun": "lab.reproduce:rerun",
    "run": "lab.executors:run_notebook",
    "runs": "lab.record.catalogue:runs",
    "show": "lab.api:show",
    "site": "lab.site",
    "start": "lab.record.live:start",
    "stop": "lab.record.stop:stop",
    "submit": "lab.executors.running:submit_notebook",
    "suite": "lab.suite",
    "sweep": "lab.sweep",
    "tag": "lab.api:tag",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lab' has no attribute {name!r}")
    module, _, member = _HOMES[name].partition(":")
    found = importlib.import_module(module)
    value = getattr(found, member) if member else found
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
