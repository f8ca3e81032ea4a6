"""What a person adds to a run afterwards: notes, tags, a place in the archive."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.errors import InputError
from lab.record.catalogue import ARCHIVE
from lab.record.files import locked, read_json
from lab.record.run import Run, change_run, format_time
from lab.record.summary import read_notes, write_summary


def add_note(run: Run, text: str) -> None:
    """Keep `text` with the run, beside every note it has already."""
    if not text.strip():
        raise InputError("An empty note", do="Say something: lab note RUN TEXT.")
    stamp = format_time(datetime.now(UTC))
    with locked(run.path.root):
        known = read_notes(run.path)
        again = (f"{stamp} ({count})" for count in itertools.count(2))
        name = next(name for name in itertools.chain([stamp], again) if name not in known)
        write_summary(run.path, read_json(run.path.record), {name: text})


def change_tags(run: Run, changes: Iterable[str]) -> list[str]:
    """Add the tags written +T and take away those written -T; the tags it then has."""
    asked = list(changes)

    def change(record: dict[str, Any]) -> None:
        record["tags"] = _changed(record.get("tags") or [], asked, run.id)

    tags: list[str] = change_run(run.path, change)["tags"]
    return tags


def _changed(before: list[str], changes: list[str], run_id: str) -> list[str]:
    tags = list(before)
    for change in changes:
        sign, tag = change[:1], change[1:]
        if sign not in ("+", "-") or not tag:
            raise InputError("Not a change of tags", seen=change, do="Write +TAG or -TAG.")
        if sign == "+" and tag not in tags:
            tags.append(tag)
        if sign == "-":
            if tag not in tags:
                known = f"It has: {', '.join(tags)}." if tags else "It has none."
                raise InputError(f"Run {run_id} has no such tag", seen=tag, do=known)
            tags.remove(tag)
    return tags


def archive_run(run: Run) -> Path:
    """Move the run's folder to runs/archive/; the folder it then has. Refuses a running one."""
    if run.status == "running":
        raise InputError(f"Run {run.id} is running", do="Wait for its end, or stop it.")
    folder = run.path.root
    if folder.parent.name == ARCHIVE:
        return folder
    target = folder.parent / ARCHIVE / folder.name
    if target.exists():
        raise InputError("The archive has a run of that id", seen=target, do="Look at both.")
    target.parent.mkdir(exist_ok=True)
    with locked(folder):
        return Path(shutil.move(folder, target))
