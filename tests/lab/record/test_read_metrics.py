"""Metrics read many lines at a time are those read line by line, torn lines included."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.record import metrics as metrics_module
from lab.record.files import RecordWarning
from lab.record.metrics import last_row, last_step, parse_rows

NAMES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
LINES = [
    '{"step":1,"time":0.0,"val/loss":0.5}', '{"step":2,"val/loss":"NaN","a/b":"Infinity"}',
    '{"step": 3 , "note" : "x" }', '{"step":4}', '{"step":5,"a/b":"N\\u0061N"}',
]  # fmt: skip
PIECES = [
    "{", "}", "[", "]", ",", '"', '{"', '":1', "\\", '{"step":1', '"x}', '{","b":2}', "{}", "1,2",
    '{"step":1,"a":[{}', '{"step":2}]}', '{"step":1},{"step":2}', '{"step":1.5}', '{"step":true}',
    '"step":9}', "caf\u00e9", " ", "\r",
]  # fmt: skip
line = st.sampled_from(LINES) | st.lists(st.sampled_from(PIECES), max_size=3).map("".join)


def plainly(content: bytes) -> tuple[list[dict[str, Any]], int]:
    """The rows by the standard library, and how many lines are torn."""
    rows, torn = [], 0
    for text in content.split(b"\n"):
        if not text:
            continue
        try:
            row = json.loads(text)
        except ValueError:
            row = None
        if not isinstance(row, dict) or type(row.get("step")) is not int:
            torn += 1
            continue
        rows.append({k: NAMES.get(v, v) if isinstance(v, str) else v for k, v in row.items()})
    return rows, torn


@settings(max_examples=200)
@given(st.lists(line, max_size=12), st.sampled_from(["\n", "", "\n\n"]), st.sampled_from([1, 90]))
@example(['{"step":1,"a":"x}', '{","b":2}'], "\n", 90)
@example(['{"step":1,"a":[{}', '{"step":2}]}', '{"step":1},{"step":2}'], "\n", 90)
@example([*LINES, '{"step":9'], "", 90)
def test_rows_are_those_of_each_line(lines: list[str], end: str, part: int) -> None:
    content = ("\n".join(lines) + end).encode()
    expected, torn = plainly(content)
    with warnings.catch_warnings(record=True) as told, pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("always")
        patch.setattr(metrics_module, "_PART_BYTES", part)
        found = list(parse_rows(content, Path("metrics.jsonl")))
    assert repr(found) == repr(expected)
    assert len(told) == (torn > 0)
    assert all(issubclass(one.category, RecordWarning) for one in told)


def test_the_last_step_is_all_that_was_logged_at_it(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    assert last_step(file) == {}
    file.write_text(
        '{"step":1,"time":0.1,"val/loss":0.9}\n'
        '{"step":2,"time":0.2,"train/loss":0.5,"val/loss":0.7}\n'
        '{"step":2,"time":0.3,"objective/value":0.6,"val/loss":0.6}\n'
        '{"step":3,"val/lo',
        encoding="utf-8",
    )
    assert last_row(file)["time"] == 0.3
    assert last_step(file) == {
        "step": 2, "time": 0.3, "train/loss": 0.5, "val/loss": 0.6, "objective/value": 0.6,
    }  # fmt: skip
