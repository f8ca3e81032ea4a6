"""Which cited runs have been in this runs/: a run that was here and is not is missing.

In a fresh clone no run ever was, and the snapshots stand in for them. The list is a cache in
runs/.index-cited; without it a block whose runs are all gone is checked against its snapshot.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from lab.record.files import write_atomic
from lab.workspace import Workspace

_NAME = ".index-cited"


def remembered(workspace: Workspace) -> set[str]:
    try:
        return set((workspace.runs / _NAME).read_text("utf-8", "replace").split())
    except OSError:
        return set()


def remember(workspace: Workspace, run_ids: Iterable[str]) -> None:
    """Note that these runs are here; where runs/ cannot be written, nothing is noted."""
    before = remembered(workspace)
    now = before | set(run_ids)
    if now != before and workspace.runs.is_dir():
        with contextlib.suppress(OSError):
            listed = "".join(f"{i}\n" for i in sorted(now))
            write_atomic(workspace.runs / _NAME, listed.encode(), sync=False)
