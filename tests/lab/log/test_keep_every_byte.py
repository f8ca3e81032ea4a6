"""Whatever a log file holds: reading keeps every byte, and a change changes what it says alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lab.log
from lab.errors import LogError
from lab.log import book as book_module
from lab.log.book import Book
from lab.log.dates import split_date
from lab.log.entry import actions_of, entries_of
from lab.log.outline import _parsed, outline_of
from lab.log.place import add_entry
from lab.workspace import Workspace

RELAXED = settings(max_examples=30)
ENTRY = "## {date} New\n\n**Status**: Open\n\nText.\n\n---\n"
WORDS = st.sampled_from(
    ["alpha", "**bold**", "`code`", "🎉", "é", "2026-01-20", "[ ]", "[x]", "|", "#", "---", "```"]
)
SENTENCE = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
TASK = st.builds(
    "{}{} [{}] {}".format,
    st.sampled_from(["", "  ", "   ", "> ", "- "]),
    st.sampled_from(["-", "*", "+", "1.", "2)"]),
    st.sampled_from([" ", "x", "X"]),
    SENTENCE,
)
HEADING = st.builds(
    "{} {}{}".format,
    st.sampled_from(["#", "##", "###", "####"]),
    st.sampled_from(["", "2026-01-20 ", "Jan 3rd, 2026: ", "2025-12-31 "]),
    SENTENCE,
)
HIDDEN = st.lists(TASK | HEADING | SENTENCE | st.just(""), max_size=4).map("\n".join)
BLOCK = st.one_of(
    SENTENCE,
    TASK,
    HEADING,
    HIDDEN.map(lambda text: f"<!--\n{text}\n-->"),
    HIDDEN.map(lambda text: f"~~~~\n{text}\n~~~~"),
    HIDDEN.map(lambda text: "- item\n\n  | a | b |\n  |---|---|\n  | - [ ] x | y |"),
    st.sampled_from(["**Status**: Open", "- **Status:** Open", "Status: Open", "---", "***", ""]),
    st.just("<details>\n<summary>more</summary>\n\n- [ ] folded away\n\n</details>"),
)


@st.composite
def markdown(draw: st.DrawFn) -> bytes:
    """A log as somebody might write it, in any line ending, with or without a byte-order mark."""
    blocks = draw(st.lists(BLOCK, max_size=14))
    gaps = draw(
        st.lists(st.sampled_from(["\n", "\n\n"]), min_size=len(blocks), max_size=len(blocks))
    )
    text = "".join(block + gap for block, gap in zip(blocks, gaps, strict=True))
    text = text.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n", "\r"])))
    mark = draw(st.sampled_from(["", "\ufeff"]))
    return (mark + (text if draw(st.booleans()) else text.rstrip())).encode()


ANYTHING = st.one_of(
    st.text().map(str.encode), st.binary(), st.text("#-[ ]x\n\r`<!>\t\x00 a1.").map(str.encode)
).filter(lambda data: not data.startswith((b"\xff\xfe", b"\xfe\xff")))


def lines_of(path: Path, data: bytes) -> tuple[str, ...]:
    return Book.parse(path, data).lines


@given(data=ANYTHING | markdown())
@settings(RELAXED, max_examples=120)
def test_reading_keeps_every_byte(workspace: Workspace, data: bytes) -> None:
    book = Book.parse(workspace.research_log, data)
    assert book.encoded(book.lines) == data
    told = [*(e.title for e in entries_of([book], workspace))]
    told += [action.text for action in actions_of([book], workspace)]
    "".join(told).encode()  # can be printed


@given(data=markdown() | ANYTHING)
@settings(RELAXED, max_examples=80)
def test_reading_in_parts_is_reading_at_once(workspace: Workspace, data: bytes) -> None:
    lines = lines_of(workspace.research_log, data)
    whole, parts = _parsed("".join(lines)), outline_of(lines)
    assert (parts.headings, parts.tasks, parts.rules, parts.code, parts.html) == (
        *(whole.headings, whole.tasks, whole.rules, whole.code, whole.html),
    )


@given(data=markdown(), number=st.integers(0, 100))
@RELAXED
def test_ticking_changes_one_box(workspace: Workspace, data: bytes, number: int) -> None:
    workspace.research_log.write_bytes(data)
    listed = lab.log.actions(workspace=workspace)
    if not listed:
        return
    chosen = listed[number % len(listed)]
    lab.log.done(chosen.id, workspace=workspace)
    before = lines_of(workspace.research_log, data)
    after = lines_of(workspace.research_log, workspace.research_log.read_bytes())
    changed = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert changed == ([chosen.line - 1] if chosen.state == "open" else [])
    for line in changed:
        boxes = [m.start() for m in re.finditer(r"\[ \]", before[line])]
        assert after[line] in [f"{before[line][:i]}[x]{before[line][i + 3 :]}" for i in boxes]


@given(data=markdown(), number=st.integers(0, 100))
@RELAXED
def test_a_status_changes_one_line(workspace: Workspace, data: bytes, number: int) -> None:
    workspace.research_log.write_bytes(data)
    entries = lab.log.entries(workspace=workspace)
    having = [entry for entry in entries if entry.status == "Open"]
    if not having:
        return
    chosen = having[number % len(having)]
    lab.log.status(chosen.number, "Done!", workspace=workspace)
    before = lines_of(workspace.research_log, data)
    after = lines_of(workspace.research_log, workspace.research_log.read_bytes())
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert pairs == [(pairs[0][0], pairs[0][0].replace("Open", "Done!"))]


@given(data=markdown(), date=st.sampled_from(["2025-06-01", "2026-01-20", "2027-01-01"]))
@RELAXED
def test_a_new_entry_changes_nothing_before_or_after(
    workspace: Workspace, data: bytes, date: str
) -> None:
    workspace.research_log.write_bytes(data)
    known = lab.log.entries(workspace=workspace)
    items = [action.text for action in lab.log.actions(workspace=workspace)]
    try:
        line = add_entry(workspace.research_log, ENTRY.format(date=date))
    except LogError:  # behind something that is not closed
        assert workspace.research_log.read_bytes() == data
        return
    before = lines_of(workspace.research_log, data)
    after = lines_of(workspace.research_log, workspace.research_log.read_bytes())
    own = next(i for i in range(line - 1, len(after)) if after[i].startswith("---"))
    rest = before[len(before) - (len(after) - own - 2) :] if own + 2 < len(after) else ()
    assert after[own + 2 :] == rest
    head = before[: len(before) - len(rest)]
    # A last line without an end gets one; then come blank lines and a separator.
    ended = [*head[:-1], head[-1].rstrip("\r\n")] if head else []
    assert [
        *after[: max(len(head) - 1, 0)],
        *(a.rstrip("\r\n") for a in after[len(head) - 1 : len(head)] if head),
    ] == ended
    assert all(not text.strip() or text.strip() == "---" for text in after[len(head) : line - 1])
    now = lab.log.entries(workspace=workspace)
    # A heading that is a date and no more is a day, no entry, once there is an entry below it.
    others = [e.title for e in now if e.line != line]
    assert [t for t in others if split_date(t)[1]] == [
        e.title for e in known if split_date(e.title)[1]
    ]
    assert [action.text for action in lab.log.actions(workspace=workspace)] == items


HIDING = """\
# Log

## 2026-01-20 One

<!--
## 2026-01-21 Not a heading
- [ ] not an item

**Status**: Hidden
-->

````markdown
```
## 2026-01-22 Not a heading either
- [ ] nor an item
```
````

- a list
  - [x] nested

    ```
    ## Code in a list
    - [ ] code
    ```

  | a | b |
  |---|---|
  | - [ ] c | d |

- [ ] last

Setext
======

2026-01-23 Underlined
---------------------

prose above a separator
---
"""


def test_what_is_code_or_comment_is_neither_heading_nor_item(workspace: Workspace) -> None:
    book = Book.parse(workspace.research_log, HIDING.encode())
    entries = entries_of([book], workspace)
    assert [(e.date, e.title, e.status) for e in entries] == [
        ("2026-01-20", "One", None),
        ("2026-01-23", "Underlined", None),
    ]
    assert [(a.text, a.state) for a in actions_of([book], workspace)] == [
        ("nested", "done"),
        ("last", "open"),
    ]


def test_a_comment_never_closed_hides_the_rest(workspace: Workspace) -> None:
    book = Book.parse(workspace.research_log, b"## One\n\n<!--\n" + b"## Two\n- [ ] x\n" * 200)
    assert [entry.title for entry in entries_of([book], workspace)] == ["One"]
    assert (book.open, book.tasks) == (2, ())


LEVELS = {
    "first-level entries with parts": (
        "# 2026-01-20 AMP\n## Finding\n- [ ] a\n# 2026-01-21 Norm\n## Finding\n",
        [("2026-01-20", "AMP"), ("2026-01-21", "Norm")],
    ),
    "days with entries": (
        "# 2026-01-20\n## Morning\n- [ ] a\n## Evening\n# 2026-01-21\n## Noon\n",
        [("2026-01-20", "Morning"), ("2026-01-20", "Evening"), ("2026-01-21", "Noon")],
    ),
    "third-level entries": (
        "### 2026-01-20 AMP\n#### Finding\n- [ ] a\n### 2026-01-21 Norm\n",
        [("2026-01-20", "AMP"), ("2026-01-21", "Norm")],
    ),
    "dates at the end": (
        "# Log (2026-01-31)\n## AMP (2026-01-20)\n- [ ] a\n## Norm - Jan 21, 2026\n",
        [("2026-01-20", "AMP (2026-01-20)"), ("2026-01-21", "Norm - Jan 21, 2026")],
    ),
    "date lines": (
        "## AMP\nDate: 20.01.2026\nStatus: Open\n- [ ] a\n## Norm\n- **Date:** Jan 21, 2026\n",
        [("2026-01-20", "AMP"), ("2026-01-21", "Norm")],
    ),
}


@pytest.mark.parametrize("name", LEVELS)
def test_entries_on_other_levels(workspace: Workspace, name: str) -> None:
    text, expected = LEVELS[name]
    book = Book.parse(workspace.research_log, text.encode())
    entries = entries_of([book], workspace)
    assert [(entry.date, entry.title) for entry in entries] == expected
    (action,) = actions_of([book], workspace)
    assert (action.date, action.entry) == expected[0]


@pytest.mark.parametrize(
    ("line", "status", "changed"),
    [
        ("**Status**: Open", "Open", "**Status**: Done"),
        ("**Status:** Open  ", "Open", "**Status:** Done  "),
        ("- **Status**:Open", "Open", "- **Status**: Done"),
        ("status: Open", "Open", "status: Done"),
        ("**Category**: x | **Status**: Open | **Related**: y", "Open",
         "**Category**: x | **Status**: Done | **Related**: y"),
        ("**Status**:", "", "**Status**: Done"),
    ],
)  # fmt: skip
def test_where_a_status_may_stand(
    workspace: Workspace, line: str, status: str, changed: str
) -> None:
    workspace.research_log.write_text(f"## One\n\n{line}\n\ntext\n")
    assert lab.log.entries(workspace=workspace)[0].status == status
    assert lab.log.status("One", "Done", workspace=workspace).status == "Done"
    assert workspace.research_log.read_text() == f"## One\n\n{changed}\n\ntext\n"


def test_a_megabyte_is_read_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = "## 2026-01-{:02d} Entry {}\n\n**Status**: Open\n\ntext {}\n\n- [ ] task {}\n\n---\n\n"
    text = "# Log\n\n" + "".join(entry.format(1 + i // 25, i, "x" * 1700, i) for i in range(600))
    assert len(text) > 1_000_000
    workspace.research_log.write_text(text)
    entries = lab.log.entries(workspace=workspace)
    assert (len(entries), entries[-1].title, len(entries[-1].actions)) == (600, "Entry 599", 1)
    parsed = []

    def counting(part: str) -> object:
        parsed.append(part)
        return real(part)

    real = _parsed.__wrapped__
    monkeypatch.setattr("lab.log.outline._parsed", counting)
    book_module._parsed.cache_clear()
    before, after = lines_of(workspace.research_log, text.encode()), len(parsed)
    assert len(before) > 5_000
    assert after == 601  # part by part, none twice
