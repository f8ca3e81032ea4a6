"""Reading the researcher's own logs, as repaired and as received, and looser ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import LogError
from lab.log.book import Book
from lab.log.entry import Action, Entry, actions_of, entries_of
from lab.record.files import RecordWarning
from lab.workspace import Workspace

GOLDEN = Path(__file__).parents[2] / "golden" / "seeds"
FILES = sorted(path for path in GOLDEN.rglob("*") if path.is_file())

# Counted by eye and with grep, not by this reader: entries, actions, done actions.
COUNTS = {
    "optimization_wrap_up.md": (4, 5, 1),
    "research_log.md": (6, 29, 10),
    "training_experiments_log.md": (9, 0, 0),
    "hpo_sweep_coverage.md": (8, 0, 0),
    "hpo_quick_reference_card.md": (9, 7, 0),
    "000_d0c1baf13c2b735c.txt": (4, 5, 1),
    "001_65b12435998d9bd4.txt": (6, 29, 10),
    "002_fd65d00e710738fb.txt": (9, 0, 0),
    "003_40bd5c0c94246310.txt": (8, 0, 0),
    "004_5405b5956da9d9b0.txt": (9, 7, 0),
    "README.md": (0, 0, 0),
}


def parsed(text: str | bytes, workspace: Workspace) -> tuple[list[Entry], list[Action]]:
    data = text.encode() if isinstance(text, str) else text
    book = Book.parse(workspace.research_log, data)
    assert book.encoded(book.lines) == data
    return entries_of([book], workspace), actions_of([book], workspace)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_seeds_parse_and_keep_every_byte(path: Path, workspace: Workspace) -> None:
    entries, actions = parsed(path.read_bytes(), workspace)
    done = sum(action.state == "done" for action in actions)
    assert (len(entries), len(actions), done) == COUNTS[path.name]
    assert sum(len(entry.actions) for entry in entries) == len(actions)


def test_the_seed_research_log(workspace: Workspace) -> None:
    entries, actions = parsed((GOLDEN / "research_log.md").read_bytes(), workspace)
    amp = entries[0]
    assert (amp.number, amp.date, amp.line) == (1, "2026-01-20", 7)
    assert amp.title == "AMP Breaks Complex Number Operations"
    assert (amp.category, amp.status) == ("Training", "Workaround")
    assert amp.related == ("experiments/train.py",)
    assert entries[2].related[-1] == "MLflow runs in `outputs/pooling_test/`"
    assert [(e.date, e.status, len(e.actions)) for e in entries[3:]] == [
        ("2026-01-22", "Resolved", 4),
        (None, "To Investigate", 14),
        ("2026-01-22", "Confirmed", 3),
    ]
    assert actions[2].text == "Disable AMP as default workaround"
    assert (actions[2].state, actions[2].line, actions[2].entry) == ("done", 22, amp.title)
    assert len({action.id for action in actions}) == 29
    assert actions[12].text.startswith("Does each layer amplify")


def test_the_seed_experiment_log(workspace: Workspace) -> None:
    entries, _ = parsed((GOLDEN / "training_experiments_log.md").read_bytes(), workspace)
    dated = [(e.date, e.title, e.status) for e in entries if e.date]
    assert dated == [
        ("2025-12-01", "Experiment: Rust ViT Baseline (Pre-fixes)", None),
        ("2025-11", "Experiment: Python ViT Reference", None),
        ("2025-12-03", "Experiment: Run 1 - All 5 fixes applied 🎉", "✅ Complete"),
    ]


LOOSE = """\
# Log

- [ ] before any entry

## A title without a date

* [x] a star
+ [X] a plus
1. [ ] a number
2) [ ] another
   continued on the next line
   - [ ] nested
> - [ ] quoted

```
- [ ] in a fence
```

~~~markdown
## 2026-01-01 not a heading
- [ ] in a tilde fence
~~~

    - [ ] indented code

- [] no mark
- [y] another mark
- plain

| a | b |
|---|---|
| - [ ] x | y |

## 2026-02-03: Colon and emoji 🎉
**Status:** Open
- [ ] last"""


def test_task_items_under_any_heading_and_marker(workspace: Workspace) -> None:
    entries, actions = parsed(LOOSE, workspace)
    assert [(a.text, a.state, a.entry) for a in actions] == [
        ("before any entry", "open", "Log"),
        ("a star", "done", "A title without a date"),
        ("a plus", "done", "A title without a date"),
        ("a number", "open", "A title without a date"),
        ("another continued on the next line", "open", "A title without a date"),
        ("nested", "open", "A title without a date"),
        ("quoted", "open", "A title without a date"),
        ("last", "open", "Colon and emoji 🎉"),
    ]
    assert [(e.title, e.date, e.status) for e in entries] == [
        ("A title without a date", None, None),
        ("Colon and emoji 🎉", "2026-02-03", "Open"),
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_line_endings_and_byte_order_mark(workspace: Workspace, newline: str, bom: str) -> None:
    _, plain = parsed(LOOSE, workspace)
    entries, actions = parsed((bom + LOOSE.replace("\n", newline)).encode(), workspace)
    assert actions == plain
    assert len(entries) == 2


def test_odd_separators_do_not_shift_lines(workspace: Workspace) -> None:
    # Form feed, line separator and vertical tab end no line in Markdown.
    text = "## One\n\na\x0cb\u2028c\x0bd\x85e\n\n- [ ] task\n"
    _, actions = parsed(text, workspace)
    assert actions[0].line == 5


def test_text_above_a_rule_is_no_entry(workspace: Workspace) -> None:
    entries, _ = parsed("## One\n\nprose without a blank line below\n---\n\n## Two\n", workspace)
    assert [entry.title for entry in entries] == ["One", "Two"]


def test_equal_actions_have_ids_of_their_own(workspace: Workspace) -> None:
    _, actions = parsed("## One\n- [ ] same\n- [x] same\n## Two\n- [ ] same\n", workspace)
    assert actions[1].id == f"{actions[0].id}-2"
    assert actions[2].id not in (actions[0].id, actions[1].id)
    _, again = parsed("# New\n\n## One\n\ntext\n\n- [x] same\n", workspace)
    assert again[0].id == actions[0].id


@pytest.mark.parametrize(
    ("data", "offset", "line", "title"),
    [
        (b"## Caf\xe9\n", 6, 1, "Café"),
        (b"## one\rtwo \x93quoted\x94 \x81\r", 11, 2, "one"),
        (b"## \xed\xa0\x80 half a pair\n", 3, 1, "í\xa0€ half a pair"),
    ],
)
def test_bytes_that_are_no_utf8_are_told_and_kept(
    workspace: Workspace, data: bytes, offset: int, line: int, title: str
) -> None:
    workspace.research_log.write_bytes(data)
    told = rf"not UTF-8: byte 0x.. at offset {offset} \(line {line}\).*its bytes stay"
    with pytest.warns(RecordWarning, match=told):
        book = Book.read(workspace.research_log)
    assert book.encoded(book.lines) == data
    assert [entry.title for entry in entries_of([book], workspace)] == [title]
    title.encode()  # what is shown can be printed anywhere


def test_utf16_is_refused(workspace: Workspace) -> None:
    workspace.research_log.write_bytes("## Café\n".encode("utf-16"))
    with pytest.raises(LogError, match=r"is UTF-16.*iconv -f utf-16"):
        Book.read(workspace.research_log)
    assert LogError.exit_code == 2


def test_an_empty_log(workspace: Workspace) -> None:
    assert parsed(b"", workspace) == ([], [])


def test_characters_that_only_look_like_space(workspace: Workspace) -> None:
    """U+0085 and U+2028 are text to Markdown, whatever Python takes for space."""
    # A fence is not closed by a line that has one, so that all below is code.
    entries, actions = parsed("```\na\n\x85```\n## no entry\n- [ ] no item\n", workspace)
    assert (entries, actions) == ([], [])
    # Four spaces are too many as well.
    assert parsed("```\na\n    ```\n## no entry\n- [ ] no item\n", workspace) == ([], [])
    assert len(parsed("```\na\n   ``` \t\n## entry\n- [ ] item\n", workspace)[1]) == 1
    # A line with nothing else is a line of text: two lines above dashes are no heading.
    entries, _ = parsed("\u2028\n**Status:** Open\n-----\n", workspace)
    assert entries == []
