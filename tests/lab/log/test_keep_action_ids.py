"""An action keeps its id through edits, moves, reordering and other machines."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers import write_workspace
from hypothesis import given, settings
from hypothesis import strategies as st

import lab
import lab.log
from lab.log.items.life import keep_ids
from lab.log.items.register import (
    Known,
    Loose,
    ids_for,
    own_register,
    read_register,
    register_file,
)
from lab.workspace import Workspace

LOG = """# Research Log

## 2026-01-20 AMP breaks complex numbers

### Action Items
- [ ] Investigate selective AMP (real-valued layers only)
- [ ] Test bfloat16 instead of float16
- [x] Disable AMP as default workaround

---

## 2026-01-21 Pooling

### Action Items
- [ ] Update domain defaults to use attention pooling
- [ ] Write it up
"""


def ids(workspace: Workspace) -> dict[str, str]:
    return {action.text: action.id for action in lab.log.actions(workspace=workspace)}


def write(workspace: Workspace, text: str) -> None:
    workspace.research_log.write_bytes(text.encode())


EDITS: dict[str, tuple[Callable[[str], str], str, str]] = {
    "a word added": (
        lambda text: text.replace("instead of float16", "instead of float16 on the GPU"),
        "Test bfloat16 instead of float16",
        "Test bfloat16 instead of float16 on the GPU",
    ),
    "a typing error mended": (
        lambda text: text.replace("Write it up", "Write it up!"),
        "Write it up",
        "Write it up!",
    ),
    "reworded": (
        lambda text: text.replace(
            "Test bfloat16 instead of float16", "Try bfloat16 instead of half"
        ),
        "Test bfloat16 instead of float16",
        "Try bfloat16 instead of half",
    ),
    "the entry renamed": (
        lambda text: text.replace("AMP breaks complex numbers", "AMP and complex numbers"),
        "Test bfloat16 instead of float16",
        "Test bfloat16 instead of float16",
    ),
    "moved to another entry": (
        lambda text: (
            text.replace("- [ ] Test bfloat16 instead of float16\n", "")
            + "- [ ] Test bfloat16 instead of float16\n"
        ),
        "Test bfloat16 instead of float16",
        "Test bfloat16 instead of float16",
    ),
    "moved and edited": (
        lambda text: (
            text.replace("- [ ] Test bfloat16 instead of float16\n", "")
            + "- [ ] Test bfloat16 instead of float16 too\n"
        ),
        "Test bfloat16 instead of float16",
        "Test bfloat16 instead of float16 too",
    ),
    "ticked by hand": (
        lambda text: text.replace("- [ ] Write it up", "- [X] Write it up"),
        "Write it up",
        "Write it up",
    ),
    "another marker and line ending": (
        lambda text: text.replace("- [ ] Write", "  * [ ] Write").replace("\n", "\r\n"),
        "Write it up",
        "Write it up",
    ),
    "the entries the other way round": (
        lambda text: (
            "## 2026-01-21 Pooling"
            + text.split("## 2026-01-21 Pooling")[1]
            + "\n## 2026-01-20 AMP"
            + text.split("---")[0].split("## 2026-01-20 AMP")[1]
        ),
        "Write it up",
        "Write it up",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_by_hand_keeps_every_id(workspace: Workspace, name: str) -> None:
    change, old, new = EDITS[name]
    write(workspace, LOG)
    before = ids(workspace)
    write(workspace, change(LOG))
    after = ids(workspace)
    assert after[new] == before[old]
    assert sorted(after.values()) == sorted(before.values())
    assert ids(workspace) == after


def test_edits_one_after_the_other(workspace: Workspace) -> None:
    write(workspace, LOG)
    first = ids(workspace)["Test bfloat16 instead of float16"]
    words = ["Test bfloat16 instead of half", "Test bfloat16 in all of them", "Look at all of them"]
    text = LOG
    for old, new in zip(["Test bfloat16 instead of float16", *words], words, strict=False):
        text = text.replace(old, new)
        write(workspace, text)
        assert ids(workspace)[new] == first


def test_a_new_item_has_a_new_id(workspace: Workspace) -> None:
    write(workspace, LOG)
    before = ids(workspace)
    write(workspace, LOG + "- [ ] Ask a colleague\n")
    after = ids(workspace)
    assert after["Ask a colleague"] not in before.values()
    assert {text: after[text] for text in before} == before


def test_another_item_in_its_place_does_not_take_its_id(workspace: Workspace) -> None:
    write(workspace, LOG)
    before = ids(workspace)
    write(workspace, LOG.replace("Write it up", "Order more disks for the cluster"))
    assert ids(workspace)["Order more disks for the cluster"] not in before.values()
    write(workspace, LOG)
    assert ids(workspace) == before


@pytest.mark.parametrize("new", ["Write to the authors of the paper", "Try it on the GPU"])
def test_a_word_in_common_is_no_edit(workspace: Workspace, new: str) -> None:
    write(workspace, LOG)
    before = ids(workspace)
    write(workspace, LOG.replace("Write it up", new))
    assert ids(workspace)[new] not in before.values()


def test_moved_to_another_file(workspace: Workspace) -> None:
    write(workspace, LOG)
    before = ids(workspace)
    item = "- [ ] Test bfloat16 instead of float16\n"
    write(workspace, LOG.replace(item, ""))
    workspace.experiment_log.write_text(f"## Plans\n\n{item}", encoding="utf-8")
    assert ids(workspace) == before
    assert lab.log.actions(workspace=workspace)[-1].file == "docs/experiment_log.md"


def test_on_another_machine(workspace: Workspace, tmp_path: Path) -> None:
    write(workspace, LOG)
    ids(workspace)
    edited = LOG.replace("Test bfloat16", "Try bfloat16")
    write(workspace, edited)
    before = ids(workspace)
    lab.log.refresh(workspace=workspace)
    other = Workspace.load(write_workspace(tmp_path / "other"))
    shutil.copytree(workspace.root / "docs", other.root / "docs", dirs_exist_ok=True)
    assert ids(other) == before
    # Without the register an item that was never edited is known all the same.
    register_file(other).unlink()
    own_register(other).unlink(missing_ok=True)
    assert ids(other) | {"Try bfloat16 instead of float16": ""} == before | {
        "Try bfloat16 instead of float16": ""
    }


def test_a_register_that_two_branches_changed(workspace: Workspace) -> None:
    write(workspace, LOG)
    ids(workspace)
    write(workspace, LOG.replace("Test bfloat16", "Try bfloat16"))
    before = ids(workspace)
    keep_ids(workspace)
    own_register(workspace).unlink()
    path = register_file(workspace)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[1:1] = [
        "<<<<<<< ours\n",
        '{"id": 3}\n',
        "=======\n",
        lines[1],
        ">>>>>>> theirs\n",
        "[]\n",
    ]
    path.write_text("".join(lines), encoding="utf-8")
    assert ids(workspace) == before


def test_a_comment_holds_the_id_whatever_the_words(workspace: Workspace) -> None:
    write(workspace, "## A\n- [ ] Test bfloat16 <!-- lab:action a123abc -->\n- [ ] other\n")
    (action, _) = lab.log.actions(workspace=workspace)
    assert (action.id, action.text) == ("a123abc", "Test bfloat16")
    own_register(workspace).unlink()
    write(workspace, "# B\n\n1. [x] Nothing left of it <!-- lab:action a123abc -->\n")
    (action,) = lab.log.actions(workspace=workspace)
    assert (action.id, action.text, action.state) == ("a123abc", "Nothing left of it", "done")


def test_a_line_that_was_copied(workspace: Workspace) -> None:
    line = "- [ ] same <!-- lab:action a123abc -->\n"
    write(workspace, f"## A\n{line}## B\n{line}")
    first, second = lab.log.actions(workspace=workspace)
    assert first.id == "a123abc" != second.id
    assert lab.log.done(second.id, workspace=workspace).entry == "B"
    assert workspace.research_log.read_text() == f"## A\n{line}## B\n{line.replace('[ ]', '[x]')}"


def test_listing_leaves_the_log_and_its_folder_as_they_are(workspace: Workspace) -> None:
    write(workspace, LOG)
    docs = workspace.root / "docs"
    before = [(path, path.stat()) for path in docs.rglob("*")]
    ids(workspace)
    lab.next(workspace=workspace)
    lab.log.entries(workspace=workspace)
    assert [(path, path.stat()) for path in docs.rglob("*")] == before
    register = own_register(workspace).stat()
    ids(workspace)
    assert own_register(workspace).stat().st_ino == register.st_ino
    lab.log.done(1, workspace=workspace)
    assert len(register_file(workspace).read_text("utf-8").splitlines()) == 5


def test_words_with_separators_are_written_once(workspace: Workspace) -> None:
    write(workspace, "## A\n\n- [ ] Train\u2028longer \x85 and wider\n")
    ids(workspace)
    register = own_register(workspace).stat()
    ids(workspace)
    assert own_register(workspace).stat().st_ino == register.st_ino


def test_what_was_committed_later_holds(workspace: Workspace) -> None:
    write(workspace, LOG)
    before = ids(workspace)
    keep_ids(workspace)
    old, new = "Test bfloat16 instead of float16", "Look at numbers of half the size"
    text = register_file(workspace).read_text("utf-8")
    assert old in text
    # As another machine left it, with the log that goes with it.
    os.utime(own_register(workspace), (1, 1))
    register_file(workspace).write_text(text.replace(old, new), "utf-8")
    write(workspace, LOG.replace(old, new))
    assert ids(workspace)[new] == before[old]
    # And what is edited and listed here since is known here.
    write(workspace, LOG.replace(old, f"{new} first"))
    assert ids(workspace)[f"{new} first"] == before[old]


@pytest.mark.parametrize("shared", [False, True])
def test_a_folder_that_cannot_be_written_to(workspace: Workspace, shared: bool) -> None:
    write(workspace, LOG)
    before = ids(workspace)
    own_register(workspace).unlink()
    keep_ids(workspace)
    folder = register_file(workspace).parent if shared else workspace.runs
    shutil.rmtree(folder)
    folder.write_text("a file where the folder should be")
    assert ids(workspace) == before
    assert {action.text: action.id for action in keep_ids(workspace)} == before


def test_no_folder_for_it(workspace: Workspace) -> None:
    write(workspace, LOG)
    shutil.rmtree(workspace.runs)
    before = ids(workspace)
    write(workspace, LOG.replace("Test bfloat16", "Try bfloat16"))
    assert sorted(ids(workspace).values()) == sorted(before.values())
    shutil.rmtree(workspace.runs)
    write(workspace, "# Research Log\n")
    assert ids(workspace) == {}
    assert keep_ids(workspace) == []
    assert not workspace.runs.exists()
    assert not register_file(workspace).parent.exists()


def test_a_file_that_was_torn(workspace: Workspace) -> None:
    write(workspace, LOG)
    before = ids(workspace)
    for path in (own_register(workspace), register_file(workspace)):
        keep_ids(workspace)
        whole = path.read_bytes()
        own_register(workspace).unlink()
        for torn in (whole[: len(whole) // 2], b"\xff\xfe" + whole, b"\0" * 64, b"[[[" * 50_000):
            path.write_bytes(torn)
            assert {action.text: action.id for action in keep_ids(workspace)} == before
            assert ids(workspace) == before
        assert register_file(workspace).read_bytes() == whole


def test_two_at_once_leave_one_whole_file(workspace: Workspace) -> None:
    write(workspace, LOG)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ids(workspace), range(24)))
    assert all(one == found[0] for one in found)
    assert [path.name for path in workspace.runs.iterdir()] == [".index-actions"]
    assert {known.id for known in read_register(workspace)} == set(found[0].values())


TEXTS = st.lists(st.text("abc ", min_size=1, max_size=12), max_size=8)


@settings(max_examples=60)
@given(TEXTS, TEXTS, st.booleans())
def test_no_id_twice_and_equal_texts_keep_theirs(
    old: list[str], new: list[str], stamps: bool
) -> None:
    items = [Loose(text, "A", None) for text in old]
    first = ids_for(items, [])
    known = [Known(name, text, "A", "2026-01-20") for name, text in zip(first, old, strict=True)]
    assert ids_for(items, known) == first
    changed = [
        Loose(t, "A", first[i] if stamps and i < len(first) else None) for i, t in enumerate(new)
    ]
    second = ids_for(changed, known)
    assert len(set(second)) == len(second) == len(new)
    if not stamps:
        by_text = {
            text: name for name, text in zip(first, old, strict=True) if old.count(text) == 1
        }
        for text, name in zip(new, second, strict=True):
            if new.count(text) == 1 and text in by_text:
                assert name == by_text[text]
