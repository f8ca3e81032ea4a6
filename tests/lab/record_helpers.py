"""What the tests of run records share."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from lab.record.run import Run
from lab.workspace import Workspace

Script = Callable[..., "subprocess.Popen[str]"]


def only_run(workspace: Workspace) -> Run:
    """The one run there is."""
    (folder,) = (path.parent for path in workspace.runs.glob("*/run.json"))
    return Run.read(folder)


def run_folders(runs: Path) -> list[Path]:
    return sorted(path.parent for path in runs.glob("*/run.json"))
