"""Runs that broke off: what their record and their executed notebook say of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from lab.numbers import size_text
from lab.record import liveness
from lab.record.files import read_json, write_atomic
from lab.record.metrics import last_row
from lab.record.paths import RunPaths

# The error of a notebook that says the same as that of its run.
_SAME = {"Interrupted": "KeyboardInterrupt"}


def killed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The error of a run whose process went without a word; `record` is its run.json so far."""
    host, pid = record.get("host"), record.get("pid")
    if liveness.rebooted(record):
        message = f"{host} was started again while the run was under way."
    elif host == liveness.host_name():
        message = f"Process {pid} ended without a word: something killed it."
    else:
        message = f"No sign of life came from {host} any more."
    return {"type": "Killed", "message": message, "cell": None}


def explained(record: dict[str, Any], paths: RunPaths) -> dict[str, Any]:
    """The record of a run as it ended; how far one came that broke off, and what it used by then,
    is added to its error."""
    error = record.get("error")
    if not isinstance(error, dict) or record.get("reason") not in ("oom", "killed", "kernel_died"):
        return record
    facts = []
    if isinstance(peak := record.get("peak_memory"), int):
        facts.append(f"peak memory {size_text(peak)}")
    if isinstance(peak := record.get("peak_gpu_memory"), int):
        facts.append(f"on the GPU {size_text(peak)}")
    step = last_row(paths.metrics).get("step")
    if isinstance(step, int):
        facts.append(f"last logged {_step_word(paths)} {step}")
    if not facts:
        return record
    said = ", ".join(facts)
    first, newline, rest = str(error.get("message") or "").partition("\n")
    first = first if not first or first[-1] in ".!?" else f"{first}."
    message = f"{first} {said[0].upper()}{said[1:]}.".strip()
    return record | {"error": error | {"message": message + newline + rest}}


def tell_in_notebook(record: Mapping[str, Any], paths: RunPaths) -> None:
    """Put the error of a run into its executed notebook, if that does not show it by itself.

    A kernel that dies, or is ended at its time limit, cannot print why; a notebook that just stops
    looks complete. On a full disk the notebook stays as it was saved last.
    """
    error = record.get("error")
    if not isinstance(error, dict):
        return
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        notebook = read_json(paths.notebook)
        if _add(notebook["cells"], error):
            text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
            write_atomic(paths.notebook, text.encode("utf-8", "replace"))


def _add(cells: list[dict[str, Any]], error: Mapping[str, Any]) -> bool:
    """Add the error to the cell it was in; whether that had to be done."""
    name, message = str(error.get("type")), str(error.get("message") or "")
    code = [c for c in cells if c.get("cell_type") == "code" and "".join(c["source"]).strip()]
    shown = {
        out.get("ename") for c in code for out in c["outputs"] if out.get("output_type") == "error"
    }
    if not code or shown & {name, _SAME.get(name)}:
        return False
    number = error.get("cell")
    if isinstance(number, int) and 0 < number <= len(code):
        cell = code[number - 1]
    else:
        begun = [c for c in code if c["outputs"] or c.get("execution_count") is not None]
        cell = (begun or code)[-1 if begun else 0]
    shown_lines = f"{name}: {message}".splitlines()
    cell["outputs"].append(
        {"output_type": "error", "ename": name, "evalue": message, "traceback": shown_lines}
    )
    return True


def _step_word(paths: RunPaths) -> str:
    with contextlib.suppress(OSError, ValueError):
        params = read_json(paths.params)
        return "epoch" if isinstance(params, dict) and "epochs" in params else "step"
    return "step"
