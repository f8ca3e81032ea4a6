"""Done by a run, rejected, reopened, old: what can happen to an action item."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from helpers import write_run
from hypothesis import given, settings
from hypothesis import strategies as st

import lab.log
from lab.errors import LogError, RunNotFound
from lab.log.items.wording import read_item, rejected, reopened, ticked
from lab.workspace import Workspace

RUN = "20260121_101500"
GOLDEN = Path(__file__).parents[2] / "golden" / "seeds" / "research_log.md"


def write(workspace: Workspace, text: str) -> None:
    workspace.research_log.write_text(text, encoding="utf-8")


def test_done_by_a_run(workspace: Workspace) -> None:
    write_run(workspace.runs, RUN)
    write(workspace, "## A\n\n  1. [ ] Test bfloat16  \n     on the GPU\n- [ ] other\n")
    before = lab.log.actions(workspace=workspace)
    done = lab.log.done(1, by="20260121", workspace=workspace)
    assert (done.state, done.by, done.id) == ("done", RUN, before[0].id)
    assert done.text == "Test bfloat16 on the GPU"
    assert workspace.research_log.read_text() == (
        f"## A\n\n  1. [x] Test bfloat16 (done by run `{RUN}`)  \n     on the GPU\n- [ ] other\n"
    )
    again = write_run(workspace.runs, "20260122_101500").name
    assert lab.log.done(1, by=again, workspace=workspace).by == again
    assert workspace.research_log.read_text().count("done by run") == 1


def test_a_run_that_cannot_have_done_it(workspace: Workspace) -> None:
    write_run(workspace.runs, RUN, status="done")
    write(workspace, "## A\n- [ ] Test bfloat16\n")
    with pytest.raises(RunNotFound, match="20250101"):
        lab.log.done(1, by="20250101", workspace=workspace)
    assert workspace.research_log.read_text() == "## A\n- [ ] Test bfloat16\n"


def test_rejected_and_reopened(workspace: Workspace) -> None:
    text = "## A\n- [ ] Try dropout `p=0.5` <!-- lab:action a12 -->\r\n"
    workspace.research_log.write_bytes(text.encode())
    gone = lab.log.reject("a12", why="slow (an hour)", workspace=workspace)
    assert (gone.state, gone.reason, gone.text) == (
        "rejected", "slow [an hour]", "Try dropout `p=0.5`",
    )  # fmt: skip
    assert workspace.research_log.read_bytes().decode() == (
        "## A\n- [x] ~~Try dropout `p=0.5`~~ (rejected: slow [an hour]) <!-- lab:action a12 -->\r\n"
    )
    assert lab.log.actions("rejected", workspace=workspace) == [gone]
    assert lab.log.actions("done", workspace=workspace) == []
    with pytest.raises(LogError, match=r"was rejected.*reopen a12"):
        lab.log.done("a12", workspace=workspace)
    assert lab.log.reopen("a12", workspace=workspace).state == "open"
    assert workspace.research_log.read_bytes() == text.encode()


@settings(max_examples=40)
@given(data=st.data())
def test_reopening_gives_the_bytes_back(workspace: Workspace, data: st.DataObject) -> None:
    before = GOLDEN.read_bytes()
    workspace.research_log.write_bytes(before)
    opened = lab.log.actions("open", workspace=workspace)
    chosen = data.draw(st.sampled_from(opened))
    if data.draw(st.booleans()):
        after = lab.log.reject(chosen.id, why=data.draw(st.sampled_from([None, "no"])),
                               workspace=workspace)  # fmt: skip
    else:
        after = lab.log.done(chosen.id, workspace=workspace)
    assert (after.text, after.line) == (chosen.text, chosen.line)
    changed = workspace.research_log.read_bytes().split(b"\n")
    pairs = zip(changed, before.split(b"\n"), strict=True)
    assert [i for i, (a, b) in enumerate(pairs, 1) if a != b] == [chosen.line]
    lab.log.reopen(chosen.id, workspace=workspace)
    assert workspace.research_log.read_bytes() == before


WORDS = st.text(
    st.characters(exclude_characters="\r\n~`<>", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")),
    min_size=1,
    max_size=30,
)


@given(WORDS, st.sampled_from(["\n", "\r\n", "", "  \n", " <!-- x --> \n"]))
def test_a_line_and_back(text: str, end: str) -> None:
    line = f"> - [ ] {text}{end}"
    done = ticked(line, 4, RUN)
    assert read_item(done[8:].strip(), ticked=True).by == RUN
    assert reopened(done, 4) == line
    gone = rejected(line, 4, "because")
    assert read_item(gone[8:].strip(), ticked=True).state == "rejected"
    assert reopened(gone, 4) == line


@pytest.mark.parametrize(
    ("line", "state", "text"),
    [
        ("- [ ] ~~Try it~~", "rejected", "Try it"),
        ("- [x] ~~Try it~~", "done", "~~Try it~~"),
        ("- [x] ~~Try it~~ (rejected)", "rejected", "Try it"),
        ("- [ ] Try it (rejected: too slow)", "rejected", "Try it"),
        ("- [ ] Answer the (rejected) paper", "open", "Answer the (rejected) paper"),
        ("- [ ] Read run (done by run `x`)", "open", "Read run (done by run `x`)"),
        ("- [x] Try it (done by run `x`)", "done", "Try it"),
    ],
)
def test_what_people_write(workspace: Workspace, line: str, state: str, text: str) -> None:
    write(workspace, f"## A\n{line}\n")
    (action,) = lab.log.actions(workspace=workspace)
    assert (action.state, action.text) == (state, text)


def test_age_counts_from_the_entry_or_the_first_look(workspace: Workspace) -> None:
    days = [date.today() - timedelta(days=n) for n in (31, 30)]
    write(
        workspace,
        "".join(f"## {day} E\n- [ ] item {day}\n- [x] done {day}\n" for day in days)
        + "## No date\n- [ ] undated\n",
    )
    found = lab.log.actions(workspace=workspace)
    assert [action.age for action in found] == [31, 31, 30, 30, 0]
    assert [action.stale() for action in found] == [True, False, False, False, False]
    assert [action.stale(0) for action in found] == [True, False, True, False, False]


@pytest.mark.parametrize("why", ["", "two\nlines", "  "])
def test_a_reason_is_one_line(workspace: Workspace, why: str) -> None:
    write(workspace, "## A\n- [ ] x\n")
    with pytest.raises(LogError, match="one line"):
        lab.log.reject(1, why=why, workspace=workspace)
    assert workspace.research_log.read_text() == "## A\n- [ ] x\n"


def test_an_unknown_state(workspace: Workspace) -> None:
    with pytest.raises(LogError, match=r"Unknown state: opne.*'open'"):
        lab.log.actions("opne", workspace=workspace)
