"""What a command does to runs, a function of the same name does."""

from __future__ import annotations

from pathlib import Path

from helpers import write_run

import lab
from lab.workspace import Workspace


def test_note_tag_check_archive(workspace: Workspace) -> None:
    folder = write_run(workspace.runs, "20260120_100000", curves={"val/accuracy": [0.5]})
    lab.note("20260120_100000", "looks odd", workspace=workspace)
    assert lab.tag("20260120_100000", "+odd", "+old", "-old", workspace=workspace) == ["odd"]
    run = lab.show("20260120", workspace=workspace)
    assert list(run.notes.values()) == ["looks odd"]
    assert run.tags == ("odd",)
    assert lab.check(workspace=workspace) == []
    (folder / "notebook.ipynb").write_text("{", encoding="utf-8")
    assert [problem.file for problem in lab.check(workspace=workspace)] == ["notebook.ipynb"]
    assert lab.archive(run.id, workspace=workspace) == [workspace.runs / "archive" / run.id]
    assert lab.runs(workspace=workspace).empty


def test_run_and_rerun(workspace: Workspace, toy: Path) -> None:
    first = lab.run(toy, {"epochs": 3}, workspace=workspace, tags=["first"])
    again = lab.rerun(first.id, {"seed": "1"}, workspace=workspace)
    assert again.params == first.params | {"seed": 1}
    assert again.tags == ("first",)
    assert again.status == "done"
