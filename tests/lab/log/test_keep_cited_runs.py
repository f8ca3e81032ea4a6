"""A run that an entry cites is not archived by accident."""

from __future__ import annotations

import pytest
from helpers import write_run

import lab
from lab.errors import InputError
from lab.workspace import Workspace

CITED, FREE = "20260120_100000", "20260120_100000-2"


@pytest.mark.parametrize(
    "line",
    [
        f"**Related**: `a.py`, runs `{CITED}`",
        f"As run {CITED} shows.",
        f'<!-- lab:evidence {{"kind": "experiment", "run": "{CITED}"}} -->',
        f"- [x] Try it (done by run `{CITED}`)",
        f"see runs/{CITED}/figures/confusion.png",
    ],
)
def test_a_cited_run_stays(workspace: Workspace, line: str) -> None:
    for run_id in (CITED, FREE, f"{CITED}_j7"):
        write_run(workspace.runs, run_id)
    workspace.research_log.write_text(f"# Log\n\n## 2026-01-20 AMP\n\n{line}\n\nagain {CITED}\n")
    with pytest.raises(InputError, match=r"docs/research_log.md:5 \(AMP\)\. Nothing") as caught:
        lab.archive(FREE, CITED, workspace=workspace)
    assert caught.value.exit_code == 2
    assert (workspace.runs / FREE).is_dir()
    lab.archive(FREE, f"{CITED}_j7", workspace=workspace)
    assert not (workspace.runs / FREE).is_dir()
    assert lab.archive(CITED, force=True, workspace=workspace) == [
        workspace.runs / "archive" / CITED
    ]
    assert lab.show(CITED, workspace=workspace).id == CITED
