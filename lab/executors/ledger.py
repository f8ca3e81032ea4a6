"""Which runs a task of a cluster came to: empty files that nodes leave for those who wait.

One listing of one folder tells a waiting process about all tasks, however many there are; what a
run came to stands in the run itself.

    0.1.20260120_231502_j71.started    # task 0, first attempt
    0.1.20260120_231502_j71.again      # it was cut off; another attempt follows
    0.2.20260120_232210_j71.started
    0.2.20260120_232210_j71.ended
"""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Attempt:
    """One run of a task; `again` when it ended and another is to follow."""

    number: int
    run_id: str
    ended: bool = False
    again: bool = False


class Ledger:
    """The marks in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, task: int, number: int, run_id: str) -> None:
        self._mark(task, number, run_id, "started")

    def end(self, task: int, number: int, run_id: str, *, again: bool = False) -> None:
        self._mark(task, number, run_id, "again" if again else "ended")

    def attempts(self) -> dict[int, list[Attempt]]:
        """Every attempt so far by task, in order."""
        words: dict[tuple[int, int, str], set[str]] = defaultdict(set)
        for name in self._names():
            parts = name.split(".")
            if len(parts) == 4 and parts[0].isdecimal() and parts[1].isdecimal():
                words[int(parts[0]), int(parts[1]), parts[2]].add(parts[3])
        found: dict[int, list[Attempt]] = defaultdict(list)
        for (task, number, run_id), said in sorted(words.items()):
            again = "again" in said
            found[task].append(Attempt(number, run_id, again or "ended" in said, again))
        return found

    def refresh(self) -> None:
        """Have a network file system ask its server what is there, instead of remembering."""
        with contextlib.suppress(OSError):
            os.utime(self.folder)

    def _names(self) -> list[str]:
        try:
            return [entry.name for entry in os.scandir(self.folder)]
        except FileNotFoundError:
            return []

    def _mark(self, task: int, number: int, run_id: str, word: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{task}.{number}.{run_id}.{word}").touch()
