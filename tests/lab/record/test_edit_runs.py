"""Notes, tags and the archive: what a person adds, nothing else touched or lost."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from helpers import write_run
from record_helpers import Script

from lab.errors import InputError
from lab.record.edit import add_note, archive_run, change_tags
from lab.record.run import Run
from lab.workspace import Workspace


@pytest.fixture
def run(workspace: Workspace) -> Run:
    folder = write_run(workspace.runs, "20260120_100000", curves={"val/x": [0.5]}, tags=["a"])
    return Run.read(folder)


def test_every_note_is_kept(run: Run) -> None:
    for text in ("one", "two", "two"):
        add_note(run, text)
    found = Run.read(run.path)
    assert list(found.notes.values()) == ["one", "two", "two"]
    assert found.metrics == run.metrics
    with pytest.raises(InputError, match="empty note"):
        add_note(run, "  ")


def test_notes_of_several_people(run: Run, script: Script) -> None:
    source = f"""
        from lab.record.edit import add_note
        from lab.record.run import Run
        run = Run.read({str(run.path.root)!r})
        for n in range(30):
            add_note(run, str(n))
    """
    for process in [script(source) for _ in range(2)]:
        assert process.communicate(timeout=240)[0] == ""
    kept = sorted(Run.read(run.path).notes.values(), key=int)
    assert kept == sorted([str(n) for n in range(30)] * 2, key=int)


def test_tags(run: Run) -> None:
    assert change_tags(run, ["+b", "-a", "+b"]) == ["b"]
    assert change_tags(run, ["+c"]) == ["b", "c"]  # `run` is as it was read, the file is newer
    assert Run.read(run.path).tags == ("b", "c")
    assert Run.read(run.path).record.items() >= {"status": "done", "id": run.id}.items()


@pytest.mark.parametrize(
    ("changes", "message"),
    [(["b"], r"Not a change.*\+TAG"), (["+"], "Not a change"), (["+b", "-x"], "no such tag.*a, b")],
)
def test_tags_that_make_no_sense(run: Run, changes: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        change_tags(run, changes)
    assert Run.read(run.path).tags == ("a",)


def test_the_archive(run: Run, workspace: Workspace) -> None:
    before = {p.name: p.read_bytes() for p in run.path.root.iterdir()}
    folder = archive_run(run)
    assert folder == workspace.runs / "archive" / run.id
    assert not run.path.root.exists()
    assert before.items() <= {p.name: p.read_bytes() for p in folder.iterdir()}.items()
    assert archive_run(Run.read(folder)) == folder
    write_run(workspace.runs, run.id)
    with pytest.raises(InputError, match="archive has a run of that id"):
        archive_run(run)
    assert run.path.root.exists()


def test_a_running_run_is_not_archived(make_run: Callable[..., Run]) -> None:
    run = make_run()
    with pytest.raises(InputError, match="is running"):
        archive_run(run)
    assert json.loads(run.path.record.read_text())["status"] == "running"
