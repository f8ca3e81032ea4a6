"""Executors: where runs execute. ``run_notebook`` is what ``lab run`` calls."""

from lab.executors.base import Executor
from lab.executors.named import EXECUTORS, executor_by_name
from lab.executors.running import run_notebook

__all__ = ["EXECUTORS", "Executor", "executor_by_name", "run_notebook"]
