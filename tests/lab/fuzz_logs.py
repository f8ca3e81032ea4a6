"""Fuzzing the reading and changing of logs: no crash, no lost byte.

    python tests/lab/fuzz_logs.py --seconds 1800 --seed 7 --keep /some/folder

Documents are the researcher's own logs, cut up, mixed and broken, and Markdown made at random. What
a command refuses with a message is fine; any other exception, or a byte that changed where none
should, is a finding, and the document is kept.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import lab.log
from lab.errors import LabError
from lab.log.book import Book
from lab.log.entry import actions_of, entries_of
from lab.log.importing import import_entries
from lab.log.outline import _parsed, outline_of
from lab.log.place import add_entry
from lab.workspace import Workspace

GOLDEN = Path(__file__).parents[1] / "golden"
SEEDS = [p.read_bytes() for p in sorted(GOLDEN.rglob("*")) if p.is_file()]
_WORDS = rb"""
# |## |### |###### |##|- [ ] |* [x] |1. [X] |  - [ ] |> - [ ] |-\t[ ] |-\n|[ ]|[x]|\\|`|*|  \n
```|````python\n|~~~\n|<!--|-->|<!-- x -->\n|<details>|</details>\n|<script>|<pre>\n|[a]: /url\n
---\n|***\n|===\n|-----\n|**Status**: Open\n|**Status:**\n|- **Date**: 2025-11-02\n|**Status:**x
Status: Done ~ **Category**: x\n|2026-01-20|Jan 3rd, 2026|20260120_231502|31.12.2025|03/04/2026
\r\n|\r|\n\n|\t|    |\x00|\x0c|\x1c|\xe2\x80\xa8|\xc2\x85|\xef\xbb\xbf|\xff|\xe9|\x81|\xed\xa0\x80
\xf0\x9f|\xff\xfee\x00|\xf0\x9f\x8e\x89|\xe2\x80\x9a\xc3\xba\xc3\x96|~ a ~ b ~\n|~---~---~\n
<!-- lab:evidence {"kind": "experiment", "run": "20260120_231502"} -->\n|<!-- lab:evidence {} -->
<!-- /lab:evidence -->\n"""
WORDS = [
    word.decode("unicode_escape").encode("latin-1").replace(b" ~", b" |")
    for line in _WORDS.split(b"\n")
    for word in line.split(b"|")
    if word
]
ENTRY = "## {date} New\n\n**Status**: Open\n\n### Finding\nText.\n\n- [ ] task\n\n---\n"


def document(chance: random.Random) -> bytes:
    """One document to read."""
    if chance.random() < 0.3:
        return b"".join(_random_line(chance) for _ in range(chance.randrange(60)))
    data = chance.choice(SEEDS)
    for _ in range(chance.randrange(12)):
        data = _mutated(data, chance)
    style = chance.random()
    if style < 0.15:
        data = data.replace(b"\n", b"\r\n")
    elif style < 0.2:
        data = data.replace(b"\n", b"\r")
    if chance.random() < 0.1:
        data = b"\xef\xbb\xbf" + data
    return data


def _random_line(chance: random.Random) -> bytes:
    words = [chance.choice(WORDS) for _ in range(chance.randrange(4))]
    words += [bytes(chance.choices(b"ab #-*[]`<>!|:\t0129\xc3\xa9", k=chance.randrange(8)))]
    return b"".join(words) + chance.choice((b"\n", b"\n", b"\n", b"\r\n", b"\r", b""))


def _mutated(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    kind = chance.randrange(7)
    if kind == 0 and lines:
        del lines[chance.randrange(len(lines))]
        return b"".join(lines)
    if kind == 1 and lines:
        chance.shuffle(lines)
        return b"".join(lines)
    if kind == 2:
        other = chance.choice(SEEDS).splitlines(keepends=True)
        at = chance.randrange(len(lines) + 1)
        take = chance.randrange(len(other) + 1)
        return b"".join([*lines[:at], *other[take : take + 20], *lines[at:]])
    at = chance.randrange(len(data) + 1)
    if kind == 3:
        return data[:at]
    if kind == 4:
        return data[:at] + data[at + chance.randrange(1, 40) :]
    if kind == 5:
        return data[:at] + bytes(chance.randrange(256) for _ in range(3)) + data[at:]
    starts = [0, *(i + 1 for i, byte in enumerate(data) if byte == 10)]
    at = chance.choice(starts) if chance.random() < 0.7 else at
    return data[:at] + chance.choice(WORDS) + data[at:]


def read(data: bytes, workspace: Workspace, chance: random.Random) -> None:
    book = Book.parse(workspace.research_log, data)
    assert book.encoded(book.lines) == data
    whole, parts = _parsed("".join(book.lines)), outline_of(book.lines)
    assert (whole.headings, whole.tasks, whole.rules, whole.code, whole.html) == (
        *(parts.headings, parts.tasks, parts.rules, parts.code, parts.html),
    )
    assert all(s.line < s.end <= len(book.lines) for s in book.sections)
    entries = entries_of([book], workspace)
    actions = actions_of([book], workspace)
    assert len({action.id for action in actions}) == len(actions)
    shown = [text for e in entries for text in (e.title, e.status or "", *e.related)]
    "".join(shown + [action.text + action.entry for action in actions]).encode()


def tick(data: bytes, workspace: Workspace, chance: random.Random) -> None:
    workspace.research_log.write_bytes(data)
    listed = lab.log.actions(workspace=workspace)
    if not listed:
        return
    chosen = chance.choice(listed)
    lab.log.done(chosen.id, workspace=workspace)
    after = workspace.research_log.read_bytes()
    before = Book.parse(workspace.research_log, data).lines
    now = Book.parse(workspace.research_log, after).lines
    changed = [i for i, (a, b) in enumerate(zip(before, now, strict=True)) if a != b]
    assert changed == ([chosen.line - 1] if chosen.state == "open" else [])
    for i in changed:
        assert len(before[i]) == len(now[i])
        assert sum(a != b for a, b in zip(before[i], now[i], strict=True)) == 1
    again = lab.log.actions(workspace=workspace)
    assert [(a.id, a.text, a.line) for a in again] == [(a.id, a.text, a.line) for a in listed]


def status(data: bytes, workspace: Workspace, chance: random.Random) -> None:
    workspace.research_log.write_bytes(data)
    entries = lab.log.entries(workspace=workspace)
    if not entries:
        return
    lab.log.status(chance.randrange(len(entries)) + 1, "Resolved", workspace=workspace)
    after = workspace.research_log.read_bytes()
    before = Book.parse(workspace.research_log, data).lines
    now = Book.parse(workspace.research_log, after).lines
    assert sum(a != b for a, b in zip(before, now, strict=True)) <= 1


def add(data: bytes, workspace: Workspace, chance: random.Random) -> None:
    workspace.research_log.write_bytes(data)
    known = lab.log.entries(workspace=workspace)
    date = f"202{chance.randrange(4, 8)}-0{chance.randrange(1, 10)}-15"
    try:
        line = add_entry(workspace.research_log, ENTRY.format(date=date))
    except LabError:
        assert workspace.research_log.read_bytes() == data
        raise
    after = workspace.research_log.read_bytes()
    assert _common(data, after) + _common(data[::-1], after[::-1]) >= len(data)
    now = lab.log.entries(workspace=workspace)
    assert len(now) == len(known) + 1
    assert next(e for e in now if e.line == line).title == "New"


def _common(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    differ = (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))


def bring_in(data: bytes, workspace: Workspace, chance: random.Random) -> None:
    source = workspace.root / "foreign log.md"
    source.write_bytes(data)
    if chance.random() < 0.3:
        workspace.research_log.unlink(missing_ok=True)
    else:
        workspace.research_log.write_bytes(chance.choice(SEEDS))
    before = workspace.research_log.read_bytes() if workspace.research_log.exists() else b""
    target = chance.choice([None, "docs/research_log.md"])
    dry = import_entries(source, target, dry_run=True, workspace=workspace)
    done = import_entries(source, target, workspace=workspace)
    assert done.entries == dry.entries
    assert source.read_bytes() == data
    if not (workspace.root / done.target).exists():
        assert done.count("imported") == 0
        return
    after = (workspace.root / done.target).read_bytes()
    if done.target == "docs/research_log.md":
        left = iter(after.split(b"\n"))
        assert all(any(line == other for other in left) for line in before.split(b"\n")[:-1])
    for entry in done.entries:
        own = _core(data, entry.source)
        assert done.releveled or entry.state != "imported" or own in after
    again = import_entries(source, target, workspace=workspace)
    assert again.count("imported") == 0
    assert (workspace.root / done.target).read_bytes() == after


def _core(data: bytes, line: int) -> bytes:
    """The bytes of the entry at this line, without the separator behind it."""
    book = Book.parse(Path(), data)
    section = next(s for s in book.sections if s.line == line - 1)
    end = section.end
    while end > line and (not book.lines[end - 1].strip() or end - 1 in book.rules):
        end -= 1
    return "".join(book.lines[section.line : end]).encode("utf-8", "surrogateescape").rstrip()


def look(data: bytes, workspace: Workspace, chance: random.Random) -> None:
    """The commands that only read, and the one that rewrites what is generated."""
    workspace.research_log.write_bytes(data)
    lab.log.check(workspace=workspace)
    assert workspace.research_log.read_bytes() == data


OPERATIONS: tuple[Callable[[bytes, Workspace, random.Random], None], ...] = (
    read, read, read, tick, status, add, bring_in, look,
)  # fmt: skip


def fuzz(seconds: float, seed: int, keep: Path | None = None, quiet: bool = True) -> Counter[str]:
    """Fuzz for so long; how often each thing was done, and the findings under `finding: ...`."""
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    end, told = time.monotonic() + seconds, time.monotonic()
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=base) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (Path(folder) / "pyproject.toml").write_text("[tool.lab]\n")
        (Path(folder) / "docs").mkdir()
        workspace = Workspace.load(Path(folder))
        while time.monotonic() < end:
            data, operation = document(chance), chance.choice(OPERATIONS)
            for old in workspace.root.glob("docs/**/*.md"):
                old.unlink()
            shutil.rmtree(workspace.root / "docs" / "evidence", ignore_errors=True)
            counts["documents"] += 1
            counts["bytes"] += len(data)
            counts[operation.__name__] += 1
            try:
                operation(data, workspace, chance)
            except LabError as error:
                counts[f"refused: {error.what.split('/')[-1][-60:]}"] += 1
            except Exception as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                kind = f"{operation.__name__} {type(error).__name__}"
                name = f"finding: {kind} {where.name}:{where.lineno}"
                counts[name] += 1
                if keep is not None and counts[name] <= 3:
                    keep.mkdir(parents=True, exist_ok=True)
                    stem = f"{operation.__name__}-{where.name}-{where.lineno}-{counts[name]}"
                    (keep / f"{stem}.md").write_bytes(data)
                    (keep / f"{stem}.txt").write_text(traceback.format_exc())
            if not quiet and time.monotonic() - told > 60:
                told = time.monotonic()
                print(dict(counts), flush=True)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the documents of findings")
    asked = parser.parse_args()
    counts = fuzz(asked.seconds, asked.seed, asked.keep, quiet=False)
    for name, count in sorted(counts.items()):
        print(f"{count:>12,}  {name}")
    return int(any(name.startswith("finding") for name in counts))


if __name__ == "__main__":
    sys.exit(main())
