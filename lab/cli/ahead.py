"""Loading at the start of a long command what only its end needs.

Hours lie between the two. Another version of `lab` installed meanwhile must not be mixed with the
one that runs: its modules would be met by older ones, and fail where the night's work is written.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Iterator

_ROOMS = ("record", "stats", "comparison", "diagnosis", "plotting", "log", "executors", "suite")


def load_ahead() -> None:
    """Import what the end of a suite may use, beside whatever is done meanwhile."""
    threading.Thread(target=_load, daemon=True, name="lab-load-ahead").start()


def _load() -> None:
    for name in _modules():
        try:
            importlib.import_module(name)
        except ImportError:  # of an optional part that is not installed
            continue


def _modules() -> Iterator[str]:
    for room in _ROOMS:
        folder = importlib.import_module(f"lab.{room}")
        for module in pkgutil.walk_packages(folder.__path__, f"{folder.__name__}."):
            # Their own commands need them from the start.
            if not module.name.startswith("lab.executors.dask"):
                yield module.name
