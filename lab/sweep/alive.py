"""Signs of life of the trials that this process runs, for processes on other machines."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lab.sweep.database import BEAT, shared
from lab.sweep.storage import database_of

if TYPE_CHECKING:
    import optuna


class Heart:
    """Beats in the database for each trial under way; does nothing for a study in a journal.

    On one machine a process that is gone is known by its number. On another one only its silence
    tells, by the clock of the database.
    """

    def __init__(self, folder: Path, study: optuna.Study) -> None:
        url = database_of(folder)
        self._storage = None if url is None else shared(url)
        self._study = study._study_id
        self._trials: set[int] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lab-sweep", daemon=True)

    def __enter__(self) -> Self:
        if self._storage is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._storage is not None:
            self._thread.join()

    def beats_for(self, trial: optuna.Trial) -> None:
        if self._storage is not None:
            self._storage.record_heartbeat(trial._trial_id)
            self._trials.add(trial._trial_id)

    def rests_for(self, trial: optuna.Trial) -> None:
        self._trials.discard(trial._trial_id)

    def silent(self) -> set[int]:
        """Optuna's ids of the running trials that have given no sign for too long."""
        if self._storage is None:
            return set()
        return set(self._storage._get_stale_trial_ids(self._study)) - self._trials

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            for trial_id in list(self._trials):
                # A database that is away for a moment; whoever tells it the value will say so.
                with contextlib.suppress(Exception):
                    assert self._storage is not None
                    self._storage.record_heartbeat(trial_id)
