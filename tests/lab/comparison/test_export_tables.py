"""Tables for papers and spreadsheets: LaTeX, CSV, JSON, each read back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import seeded_runs, write_workspace
from typer.testing import CliRunner

from lab.cli import app
from lab.comparison import Comparison, compare
from lab.record.run import Run

A, B = [0.41, 0.42, 0.40, 0.43, 0.42], [0.51, 0.53, 0.50, 0.52, 0.53]


@pytest.fixture
def found(tmp_path: Path) -> Comparison:
    made = seeded_runs(tmp_path, "pool_ing", {"50%_a": A, "b, {b} & c": B})
    return compare([Run.read(path) for path in made], by="pool_ing")


def test_latex_is_a_table_with_every_mark_escaped(found: Comparison) -> None:
    text = found.to_latex()
    lines = text.split("\n")
    assert r"\begin{tabular}{lrrrr}" in lines
    assert r"50\%\_a & 5 & 41.6\% $\pm$ 1.1 & 40.2 to 43.0 & baseline \\" in text.replace(
        r"40.2\% to 43.0\%", "40.2 to 43.0"
    )
    assert r"\textbf{b, \{b\} \& c} & 5 & \textbf{51.8\% $\pm$ 1.3}" in text
    assert "+10.2 points" in text
    assert r"\caption{Best epoch of \texttt{val/accuracy}; mean over seeds $\pm$" in text
    for begin in ("table", "tabular"):
        assert text.count(rf"\begin{{{begin}}}") == text.count(rf"\end{{{begin}}}") == 1
    body = lines[lines.index(r"\midrule") + 1 : lines.index(r"\bottomrule")]
    assert [line.count(" & ") for line in body] == [4, 4]
    bare = text.replace(r"\%", "").replace(r"\_", "").replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert "%" not in "\n".join(bare.split("\n")[1:])  # the first line is a comment


def test_a_negative_difference_has_a_minus_sign(tmp_path: Path) -> None:
    made = seeded_runs(tmp_path, "pooling", {"b": B, "a": A})
    text = compare([Run.read(path) for path in made], by="pooling").to_latex()
    assert "$-$10.2 points" in text


def test_csv_has_every_number_in_full(found: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(found.to_csv(), newline="")))
    assert [row["pool_ing"] for row in rows] == ["50%_a", "b, {b} & c"]
    for row, arm in zip(rows, found.rows[0].arms, strict=True):
        assert float(row["mean"]) == arm.mean
        assert float(row["low"]) == arm.low
        assert row["runs"].split() == list(arm.run_ids)
    assert float(rows[1]["p_baseline"]) == found.rows[0].pairs[0].difference.adjusted


def test_json_has_what_was_tested(found: Comparison) -> None:
    plain = json.loads(json.dumps(found.as_dict()))
    row = plain["rows"][0]
    pair = row["pairs"][0]
    assert (pair["a"], pair["b"]) == ("b, {b} & c", "50%_a")
    assert pair["difference"]["adjusted"] == pair["difference"]["p"]
    assert (row["interesting"], row["declared"], row["refused"]) == (0.01, False, None)
    assert set(row["arms"][0]) >= {"name", "n", "mean", "sd", "low", "high", "values", "seeds"}


@pytest.mark.parametrize(
    ("option", "reads"),
    [
        ("--md", lambda text: "is better than" in text and text.startswith("| Pooling |")),
        ("--latex", lambda text: text.rstrip().endswith(r"\end{table}")),
        ("--csv", lambda text: len(list(csv.reader(io.StringIO(text)))) == 3),
        ("--json", lambda text: json.loads(text)["rows"][0]["metric"] == "val/accuracy"),
    ],
)
def test_every_form_has_its_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, reads: Callable[[str], Any]
) -> None:
    root = write_workspace(tmp_path)
    seeded_runs(root / "runs", "pooling", {"a": A, "b": B})
    monkeypatch.chdir(root)
    result = CliRunner().invoke(app, ["compare", option])
    assert result.exit_code == 0
    assert reads(result.stdout)
