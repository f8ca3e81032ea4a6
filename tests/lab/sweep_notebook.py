"""A tiny notebook that a sweep can run, and spaces for it."""

from __future__ import annotations

import json
from pathlib import Path

PARAMETERS = """\
from typing import Literal

kind: Literal["a", "b"] = "a"
x: float = 0.5  # best at 0.3
depth: int = 2
steps: int = 3
pause: float = 0.0  # seconds a step
seed: int = 0
"""

BODY = """\
import time
import lab

run = lab.start()
for step in range(steps):
    time.sleep(pause)
    value = 1 - (x - 0.3) ** 2 + 0.01 * step + 0.001 * seed - (0.2 if kind == "b" else 0)
    run.log({"val/accuracy": value}, step=step)
    if run.report(value, step=step):
        break
"""

SPACE = """\
study_name: tiny
notebook: notebooks/tiny.ipynb
objective: val/accuracy
n_trials: 6
confirm: none
fixed: {steps: 2}
param_ranges:
  kind: {type: categorical, choices: [a, b]}
  x: {type: float, low: 0.0, high: 1.0}
  depth: {type: int, low: 1, high: 4, when: {kind: a}}
"""


def write_tiny(root: Path, body: str = BODY) -> None:
    cells = [
        {"cell_type": "code", "source": PARAMETERS, "metadata": {"tags": ["parameters"]}},
        {"cell_type": "code", "source": body, "metadata": {}},
    ]
    for index, cell in enumerate(cells):
        cell |= {"id": f"c{index}", "outputs": [], "execution_count": None}  # type: ignore[dict-item]
    whole = {
        "cells": cells,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    file = root / "notebooks" / "tiny.ipynb"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(whole), encoding="utf-8")


def write_space(root: Path, text: str = SPACE, name: str = "tiny.yaml") -> Path:
    file = root / name
    file.write_text(text, encoding="utf-8")
    return file
