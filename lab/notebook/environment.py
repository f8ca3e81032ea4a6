"""What the process of a run is told through its environment."""

from __future__ import annotations

from lab.record.paths import RunPaths
from lab.workspace import RUNS_VARIABLE, WORKSPACE_VARIABLE, Workspace

RUN_VARIABLE = "LAB_RUN"  # the folder of the run that lab.start() adopts


def run_environment(paths: RunPaths, workspace: Workspace) -> dict[str, str]:
    """The variables that name the run and its workspace."""
    env = {RUN_VARIABLE: str(paths.root), WORKSPACE_VARIABLE: str(workspace.root)}
    if workspace.runs != workspace.root / "runs":
        env[RUNS_VARIABLE] = str(workspace.runs)
    return env
