"""Ticking an action changes one line, whatever the file looks like."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lab.log
from lab.errors import LogError
from lab.log.book import Book, edit
from lab.workspace import Workspace

GOLDEN = Path(__file__).parents[2] / "golden" / "seeds"
TASKS = {
    path: len(re.findall(rb"(?m)^\s*(?:-|\d+\.)\s+\[[ x]\]", path.read_bytes()))
    for path in GOLDEN.rglob("*")
    if path.is_file()
}
WITH_TASKS = sorted(path for path, count in TASKS.items() if count)


@settings(max_examples=60)
@given(data=st.data())
def test_ticking_changes_exactly_one_line(workspace: Workspace, data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(WITH_TASKS))
    number = data.draw(st.integers(1, TASKS[source]))
    before = source.read_bytes()
    if data.draw(st.booleans()):
        before = before.replace(b"\n", b"\r\n")
    if data.draw(st.booleans()):
        before = b"\xef\xbb\xbf" + before
    if data.draw(st.booleans()):
        before = before.rstrip()
    workspace.research_log.write_bytes(before)
    listed = lab.log.actions(workspace=workspace)
    chosen = listed[number - 1]
    ticked = lab.log.done(data.draw(st.sampled_from([chosen.id, number])), workspace=workspace)
    assert (ticked.state, ticked.text, ticked.line) == ("done", chosen.text, chosen.line)
    after = workspace.research_log.read_bytes()
    old, new = before.split(b"\n"), after.split(b"\n")
    changed = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    assert changed == ([chosen.line - 1] if chosen.state == "open" else [])
    if changed:
        assert new[changed[0]] == old[changed[0]].replace(b"[ ]", b"[x]", 1)
    assert lab.log.actions("open", workspace=workspace) == [
        a for a in listed if a.state == "open" and a.id != chosen.id
    ]


def seed_log(workspace: Workspace) -> Path:
    workspace.research_log.write_bytes((GOLDEN / "research_log.md").read_bytes())
    return workspace.research_log


def test_an_action_by_id_prefix_number_or_text(workspace: Workspace) -> None:
    for name in ("full", "prefix", "number", "text"):
        seed_log(workspace)
        action = lab.log.actions(workspace=workspace)[1]
        names = {"full": action.id, "prefix": action.id[:5], "number": "2", "text": "bfloat16"}
        assert lab.log.done(names[name], workspace=workspace).text == action.text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a", r"\d+ actions match: a\. Name one: a"),
        ("", "An action item has no name here"),
        ("zzzz", "No action item has this id or number, or these words: zzzz"),
        ("99", "No action"),
        ("aggregation", "actions match"),
    ],
)
def test_a_name_that_is_not_one_action(workspace: Workspace, name: str, message: str) -> None:
    before = seed_log(workspace).read_bytes()
    with pytest.raises(LogError, match=message):
        lab.log.done(name, workspace=workspace)
    assert workspace.research_log.read_bytes() == before


def test_the_second_of_equal_actions(workspace: Workspace) -> None:
    workspace.research_log.write_text("## A\n- [ ] same\n- [ ] same\n")
    second = lab.log.actions(workspace=workspace)[1]
    lab.log.done(second.id, workspace=workspace)
    assert workspace.research_log.read_text() == "## A\n- [ ] same\n- [x] same\n"


def test_equal_actions_in_two_files(workspace: Workspace) -> None:
    workspace.research_log.write_text("## A\n- [ ] same\n")
    workspace.experiment_log.write_text("## A\n- [ ] same\n")
    second = lab.log.actions(workspace=workspace)[1]
    assert second.file == "docs/experiment_log.md"
    lab.log.done(second.id, workspace=workspace)
    assert workspace.research_log.read_text() == "## A\n- [ ] same\n"
    assert workspace.experiment_log.read_text() == "## A\n- [x] same\n"


def test_nothing_is_written_where_nothing_changes(workspace: Workspace) -> None:
    log = seed_log(workspace)
    before = log.stat()
    lab.log.done("3", workspace=workspace)
    assert log.stat().st_ino == before.st_ino


def test_a_file_edited_meanwhile_keeps_the_edit(workspace: Workspace) -> None:
    log = seed_log(workspace)
    calls = []

    def change(book: Book) -> bytes:
        calls.append(book)
        if len(calls) == 1:
            log.write_bytes(log.read_bytes() + b"\nwritten by hand\n")
        return book.encoded(["first line\n", *book.lines])

    edit(log, change)
    assert len(calls) == 2
    text = log.read_bytes()
    assert text.startswith(b"first line\n# Research Log")
    assert text.endswith(b"written by hand\n")


def test_an_error_leaves_no_trace(workspace: Workspace) -> None:
    log = seed_log(workspace)
    before = log.read_bytes()

    def change(book: Book) -> bytes:
        raise LogError("no")

    with pytest.raises(LogError):
        edit(log, change)
    assert log.read_bytes() == before
    assert [path.name for path in log.parent.iterdir()] == ["research_log.md"]


def tick(root: Path, text: str) -> None:
    lab.log.done(text, workspace=Workspace.load(root))


def test_two_processes_lose_nothing(workspace: Workspace) -> None:
    tasks = [f"task number {i:02d}" for i in range(12)]
    workspace.research_log.write_text("## A\n\n" + "".join(f"- [ ] {t}\n" for t in tasks))
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(tick, workspace.root), tasks))
    assert lab.log.actions("open", workspace=workspace) == []
    assert len(lab.log.actions("done", workspace=workspace)) == 12
