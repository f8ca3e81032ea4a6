"""What a person adds to a run afterwards: notes, tags, a place in the archive."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from lab.errors import InputError
from lab.record.catalogue import ARCHIVE
from lab.record.files import locked
from lab.record.run import Run, format_time, update_notes, update_run


def add_note(run: Run, text: str) -> None:
    """Keep `text` with the run, beside every note it has already."""
    if not text.strip():
        raise InputError("An empty note", do="Say something: lab note RUN TEXT.")
    stamp = format_time(datetime.now(UTC))
    name, count = stamp, 1
    while name in Run.read(run.path).notes:
        count += 1
        name = f"{stamp} ({count})"
    update_notes(run.path, {name: text})


def change_tags(run: Run, changes: Iterable[str]) -> list[str]:
    """Add the tags written +T and take away those written -T; the tags it then has."""
    tags = list(run.tags)
    for change in changes:
        sign, tag = change[:1], change[1:]
        if sign not in ("+", "-") or not tag:
            raise InputError("Not a change of tags", seen=change, do="Write +TAG or -TAG.")
        if sign == "+" and tag not in tags:
            tags.append(tag)
        if sign == "-":
            if tag not in tags:
                raise InputError(
                    f"Run {run.id} has no such tag", seen=tag, do=f"It has: {', '.join(tags)}."
                )
            tags.remove(tag)
    update_run(run.path, tags=tags)
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
