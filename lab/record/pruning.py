"""How a run asks the sweep that started it whether to stop: two small files in its folder.

The notebook writes `report.json` and waits for an answer to that step in `answer.json`. Whoever
makes the folder makes that file, too: of a run on a cluster the sweep hears only later. The study
is thereby written by one process alone, and the kernel needs nothing of it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
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
    # The next report need not wait: a sweep that takes the run up makes the file anew.
    with contextlib.suppress(OSError):
        paths.answer.unlink()
    return False


def promise(paths: RunPaths) -> None:
    """Have the reports of a run wait for an answer, which somebody will give."""
    _write(paths.answer, {"step": None, "stop": False})


def last_answer(paths: RunPaths) -> bool:
    """Whether a sweep that is gone had told the run to stop; what it left in the folder goes."""
    answer = _read(paths.answer)
    _clear(paths)
    return answer is not None and bool(answer["stop"])


@contextlib.contextmanager
def answering() -> Iterator[Callable[[RunPaths, Callable[[int, float], bool]], None]]:
    """Answer the reports of a run by `decide(step, value)`, from when it is named until the end.

    with answering() as listen:
        listen(paths, decide)      # once, as soon as the folder is there

    In a thread of its own, because cells may run in this very process and hold up its event loop.
    What `decide` raises ends the answers, and is raised at the end.
    """
    over = threading.Event()
    threads: list[threading.Thread] = []
    problems: list[Exception] = []

    def listen(paths: RunPaths, decide: Callable[[int, float], bool]) -> None:
        promise(paths)
        arguments = (paths, decide, over, problems)
        threads.append(threading.Thread(target=_answer, args=arguments, daemon=True))
        threads[-1].start()

    try:
        yield listen
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if problems:
        raise problems[0]


def _answer(
    paths: RunPaths,
    decide: Callable[[int, float], bool],
    over: threading.Event,
    problems: list[Exception],
) -> None:
    answered: int | None = None
    try:
        while not over.wait(_LISTENING):
            report = _read(paths.report)
            if report is not None and report["step"] != answered:
                answered = int(report["step"])
                stop = decide(answered, float(report["value"]))
                _write(paths.answer, {"step": answered, "stop": stop})
    except Exception as problem:
        problems.append(problem)
    finally:
        _clear(paths)


def _clear(paths: RunPaths) -> None:
    for path in (paths.answer, paths.report):
        with contextlib.suppress(OSError):
            path.unlink()


def _write(path: Path, value: dict[str, Any]) -> None:
    write_atomic(path, orjson.dumps(value), sync=False)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value
