"""How a run asks the sweep that started it whether to stop: two small files in its folder.

The notebook writes `report.json` and waits for an answer to that step in `answer.json`, which the
sweep makes before the kernel starts. The study is thereby written by one process alone, and the
kernel needs nothing of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from lab.record.files import write_atomic
from lab.record.paths import RunPaths

PATIENCE = 60.0  # seconds a run waits for an answer before it goes on
_TICK = 0.01
_LISTENING = 0.03


def ask(paths: RunPaths, step: int, value: Any) -> bool:
    """Whether the sweep wants the run to stop; False where none listens."""
    if not paths.answer.exists():
        return False
    _write(paths.report, {"step": step, "value": float(value)})
    over = time.monotonic() + PATIENCE
    while time.monotonic() < over:
        answer = _read(paths.answer)
        if answer is None:  # the sweep has gone
            return False
        if answer.get("step") == step:
            return bool(answer["stop"])
        time.sleep(_TICK)
    return False


def open_for_reports(paths: RunPaths) -> None:
    """Let the run know that its reports will be answered."""
    _write(paths.answer, {"step": None, "stop": False})


async def answer_reports(paths: RunPaths, decide: Callable[[int, float], bool]) -> None:
    """Answer each report of a run by `decide(step, value)`, until cancelled."""
    answered: int | None = None
    try:
        while True:
            report = _read(paths.report)
            if report is not None and report["step"] != answered:
                answered = int(report["step"])
                stop = decide(answered, float(report["value"]))
                _write(paths.answer, {"step": answered, "stop": stop})
            await asyncio.sleep(_LISTENING)
    finally:
        with contextlib.suppress(OSError):
            paths.answer.unlink()
            paths.report.unlink()


def _write(path: Path, value: dict[str, Any]) -> None:
    write_atomic(path, orjson.dumps(value), sync=False)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value
