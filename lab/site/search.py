"""The search index: a script that hands its data to the page, since files cannot be fetched."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from lab.site.atlas import Atlas, in_time
from lab.site.markdown import words
from lab.site.rows import value_text

_LONG = 20_000  # characters of an entry that are searched


def search_script(atlas: Atlas) -> str:
    """JavaScript that calls `labSearch` with everything there is to find.

    The data is ASCII without `<`, so that no browser reads it as anything else wherever it ends up.
    """
    data = json.dumps([*_entries(atlas), *_runs(atlas)], separators=(",", ":"))
    for letter in "<>&":
        data = data.replace(letter, f"\\u{ord(letter):04x}")
    return f"labSearch({data});\n"


def _entries(atlas: Atlas) -> Iterable[dict[str, Any]]:
    for note in reversed(in_time(atlas.notes)):
        entry = note.entry
        about = [entry.date or "", entry.category or "", entry.status or ""]
        yield {
            "u": note.address,
            "k": "entry",
            "t": entry.title,
            "s": " · ".join(filter(None, about)),
            "x": words(note.source)[:_LONG],
        }


def _runs(atlas: Atlas) -> Iterable[dict[str, Any]]:
    for run in atlas.runs:
        row = atlas.rows[run.id]
        about = [row.notebook, row.suite, row.arm, f"{row.metric} {row.value}".strip(), row.status]
        notes = " ".join(f"{name} {value_text(value)}" for name, value in run.notes.items())
        yield {
            "u": row.address,
            "k": "run",
            "t": " ".join(dict.fromkeys(filter(None, (run.id, run.name)))),
            "s": " · ".join(filter(None, about)),
            "x": f"{row.words} {notes} {' '.join(run.metrics)}",
        }
