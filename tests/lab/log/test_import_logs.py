"""Entries of another log come in once, as they are, in date order."""

from __future__ import annotations

from pathlib import Path

import pytest

import lab.log
from lab.errors import LogError
from lab.workspace import Workspace

GOLDEN = Path(__file__).parents[2] / "golden" / "seeds"
HOME = {
    "research_log.md": "docs/research_log.md",
    "training_experiments_log.md": "docs/experiment_log.md",
    "optimization_wrap_up.md": "docs/experiments/optimization_wrap_up.md",
    "hpo_sweep_coverage.md": "docs/experiments/hpo_sweep_coverage.md",
    "hpo_quick_reference_card.md": "docs/experiments/hpo_quick_reference_card.md",
}
FOREIGN = (
    b"# Their log\n\nWhat it is for.\n\n---\n\n"
    b"## Jan 21, 2026: Norm \xf0\x9f\x8e\x89\r\n\r\n- [x] b\r\n- [ ] c\r\n\n***\n\n"
    b"## Questions without a date\n\n1. [ ] d\n\n---\n\n"
    b"## [19.01.2026] AMP\n\n```\n## 2026-01-20 not an entry\n- [ ] not an item\n```\ntext"
)


def dates(workspace: Workspace) -> list[tuple[str | None, str]]:
    return [(e.date, e.title) for e in lab.log.entries(workspace=workspace)]


@pytest.mark.parametrize("name", HOME)
def test_a_seed_comes_in_whole_and_only_once(workspace: Workspace, name: str) -> None:
    seed = GOLDEN / name
    result = lab.log.import_entries(seed, workspace=workspace)
    assert (result.target, result.left_out, result.releveled) == (HOME[name], 0, 0)
    assert (workspace.root / HOME[name]).read_bytes() == seed.read_bytes()
    assert {entry.state for entry in result.entries} == {"imported"}
    again = lab.log.import_entries(seed, workspace=workspace)
    assert not again.written
    assert {entry.state for entry in again.entries} == {"present"}
    assert (workspace.root / HOME[name]).read_bytes() == seed.read_bytes()


def test_entries_go_to_their_dates_byte_for_byte(workspace: Workspace, tmp_path: Path) -> None:
    own = "# Log\n\n---\n\n## 2026-01-20 Own\n\n- [ ] a\n\n---\n\n## 2026-01-22 Later\n\ntext\n"
    workspace.research_log.write_text(own)
    foreign = tmp_path / "their log.md"
    foreign.write_bytes(FOREIGN)
    dry = lab.log.import_entries(foreign, workspace=workspace, dry_run=True)
    assert workspace.research_log.read_text() == own
    done = lab.log.import_entries(foreign, workspace=workspace)
    assert done.entries == dry.entries
    assert [(e.date, e.title, e.actions, e.open) for e in done.entries] == [
        ("2026-01-21", "Norm 🎉", 2, 1),
        (None, "Questions without a date", 1, 1),
        ("2026-01-19", "AMP", 0, 0),
    ]
    assert done.left_out == 2  # their title and what the log is for
    assert dates(workspace) == [
        ("2026-01-19", "AMP"),
        ("2026-01-20", "Own"),
        ("2026-01-21", "Norm 🎉"),
        (None, "Questions without a date"),
        ("2026-01-22", "Later"),
    ]
    after = workspace.research_log.read_bytes()
    assert b"\r\n\r\n- [x] b\r\n- [ ] c\r\n\n---\n" in after
    assert FOREIGN[FOREIGN.index(b"## [19") :] + b"\n\n---\n\n" in after
    left = iter(after.decode().split("\n"))
    assert all(any(line == other for other in left) for line in own.split("\n"))
    where = {entry.title: entry.place for entry in lab.log.entries(workspace=workspace)}
    assert all(where[entry.title] == entry.place for entry in done.entries)
    items = [(a.text, a.state) for a in lab.log.actions(workspace=workspace)]
    assert items == [("a", "open"), ("b", "done"), ("c", "open"), ("d", "open")]
    lab.log.done(lab.log.actions(workspace=workspace)[2].id, workspace=workspace)
    again = lab.log.import_entries(foreign, workspace=workspace)
    assert [entry.state for entry in again.entries] == ["present"] * 3  # ticked since, and the same


def test_a_new_log_starts_as_theirs_and_in_order(workspace: Workspace, tmp_path: Path) -> None:
    foreign = tmp_path / "their log.md"
    foreign.write_bytes(FOREIGN)
    lab.log.import_entries(foreign, workspace=workspace)
    after = workspace.research_log.read_bytes()
    assert after.startswith(b"# Their log\n\nWhat it is for.\n\n---\n\n## [19.01.2026] AMP\n")
    assert [title for _, title in dates(workspace)] == [
        *("AMP", "Norm 🎉", "Questions without a date"),
    ]


@pytest.mark.parametrize(
    ("theirs", "state"),
    [
        ("one\n\ntwo\n\nthree\n", "present"),
        ("one\n\ntwo\n\nthree, mended\n", "different"),
        ("quite another finding\n\nof the same day\n", "imported"),
    ],
)
def test_an_entry_of_the_same_title(
    workspace: Workspace, tmp_path: Path, theirs: str, state: str
) -> None:
    own = "# Log\n\n## 2026-01-20 Same\n\none\n\ntwo\n\nthree\n"
    workspace.research_log.write_text(own)
    foreign = tmp_path / "theirs.md"
    foreign.write_text(f"## 2026-01-20 Same\n\n{theirs}")
    result = lab.log.import_entries(foreign, workspace=workspace)
    assert [entry.state for entry in result.entries] == [state]
    assert workspace.research_log.read_text().startswith(own)
    assert result.written == (state == "imported")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# 2026-01-21 A\n\n## Finding\n\ntext\n", "## 2026-01-21 A\n\n### Finding\n\ntext\n"),
        ("### 2026-01-21 A\n\n#### Finding\n\ntext\n", "## 2026-01-21 A\n\n### Finding\n\ntext\n"),
        ("2026-01-21 A\n===\n\n```\n# code\n```\n", "2026-01-21 A\n---\n\n```\n# code\n```\n"),
    ],
)
def test_entries_of_another_level_become_entries(
    workspace: Workspace, tmp_path: Path, text: str, expected: str
) -> None:
    workspace.research_log.write_text("# Log\n\n## 2026-01-20 Own\n\ntext\n\n---\n\n## Open\n")
    foreign = tmp_path / "theirs.md"
    foreign.write_text(text)
    result = lab.log.import_entries(foreign, workspace=workspace)
    assert result.releveled == 1
    assert expected in workspace.research_log.read_text()
    assert dates(workspace) == [("2026-01-20", "Own"), (None, "Open"), ("2026-01-21", "A")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no heading at all\n", "has no entries"),
        ("## 2026-01-20 Café\n".encode("latin-1"), r"is not UTF-8: byte 0xe9.*iconv"),
        ("## 2026-01-20 Café\n".encode("utf-16"), "is UTF-16"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "no text file"),
        (b"## 2026-01-20 A\n\n```\nnever closed\n", "code fence or comment in the new entry"),
    ],
)
def test_what_cannot_come_in(
    workspace: Workspace, tmp_path: Path, data: bytes, message: str
) -> None:
    own = "# Log\n\n## 2026-01-20 Own\n\ntext\n"
    workspace.research_log.write_text(own)
    foreign = tmp_path / "theirs.md"
    foreign.write_bytes(data)
    with pytest.raises(LogError, match=message):
        lab.log.import_entries(foreign, "docs/research_log.md", workspace=workspace)
    assert workspace.research_log.read_text() == own


def test_a_file_that_is_not_there(workspace: Workspace) -> None:
    with pytest.raises(LogError, match="cannot be read"):
        lab.log.import_entries("nowhere.md", workspace=workspace)


def test_an_empty_file_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "empty.md"
    file.write_text("\n \n")
    with pytest.raises(LogError, match="There is nothing in this file"):
        lab.log.import_entries(file, workspace=workspace)
    assert not (workspace.root / "docs" / "experiments" / "empty.md").exists()
