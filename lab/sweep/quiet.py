"""Optuna kept off the terminal."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def quiet_optuna() -> Iterator[Any]:
    """Optuna, its log and its notes on experimental parts kept off the terminal."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # Optuna's own loop is not used here; lab/sweep/alive.py beats.
        warnings.filterwarnings("ignore", "Heartbeat of storage")
        yield optuna
