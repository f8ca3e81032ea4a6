"""Expressions: what they select, and what is said of one that cannot be read."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from helpers import write_run
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.errors import QueryError
from lab.record.run import Run
from lab.record.where import parse_query


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """a, b and c; d has next to nothing."""
    place: Path = tmp_path_factory.mktemp("runs")
    folders = [
        write_run(
            place,
            "20260120_100000",
            params={"pooling": "mean", "lr": 0.1, "epochs": 2, "deep": True, "label": "007"},
            curves={"val/accuracy": [0.9, 0.7], "val/loss": [1.0, 2.0]},
            name="a",
            tags=["x", "best one"],
            suite={"name": "pilot", "arm": "wide", "index": 0, "matrix": {"seed": 0}},
        ),
        write_run(
            place,
            "20260120_100001",
            params={"pooling": "attention", "lr": 1e-3, "epochs": 10, "deep": False, "label": "7"},
            curves={"val/accuracy": [0.5, 0.6], "val/loss": [math.nan]},
            name="b",
            tags=["y"],
            suite={"name": "pilot", "arm": "narrow", "index": 1, "matrix": {"seed": 1}},
        ),
        write_run(
            place,
            "20260120_100002",
            params={"pooling": "max", "lr": None, "epochs": 3, "deep": True, "label": "x7"},
            name="c",
            status="failed",
            reason="exception",
            error={"type": "ValueError", "message": "no", "cell": 2},
        ),
        write_run(place, "20260120_100003", name="d", status="stopped", notebook=None),
    ]
    return [Run.read(folder) for folder in folders]


SELECTED = {
    "status == done": "ab",
    "status != done": "cd",
    "epochs > 2": "bc",
    "epochs >= 2 and epochs <= 3": "ac",
    "epochs < 3.0": "a",
    "pooling == mean": "a",
    "pooling != mean": "bc",
    "not pooling == mean": "bcd",
    "pooling in [mean, max]": "ac",
    "pooling in (mean)": "a",
    "pooling not in [mean]": "bc",
    "not pooling in [mean, max]": "bd",
    "epochs in [2, 10]": "ab",
    "deep == true": "ac",
    "deep == False": "b",
    "deep == 1": "",
    "lr == 0.1": "a",
    "lr == 1e-1": "a",
    "lr < 1": "ab",
    "lr == null": "c",
    "lr != null": "ab",
    # precedence: not before and before or
    "name == a or name == b and epochs == 99": "a",
    "(name == a or name == b) and epochs == 10": "b",
    "not name == a and not name == b": "cd",
    "not (name == a or name == b)": "cd",
    "not not name == a": "a",
    # text: digits stay what was typed
    "id == 20260120_100001": "b",
    "id in [20260120_100000, '20260120_100002']": "ac",
    "label == 7": "b",
    "label == 007": "a",
    "label ~ ^0": "a",
    "name == 'a'": "a",
    'name == "it\\"s"': "",
    "'name' == a": "a",
    "started > 2026-01-20T10:00:01": "bcd",
    # patterns, lists, dotted names
    "notebook ~ IMAGE": "abc",
    "notebook ~ 'do[mn]ains/.*ipynb$'": "abc",
    "notebook ~ None": "",
    "tags == x": "a",
    "tags == 'best one'": "a",
    "tags ~ best": "a",
    "tags in [x, y]": "ab",
    "tags != x": "bcd",
    "suite.arm == wide": "a",
    "arm == wide": "a",
    "suite.matrix.seed == 1": "b",
    "suite.name ~ pil and suite.index > 0": "b",
    "error.type == ValueError": "c",
    "params.label == 7": "b",
    "sweep.study == any": "",  # no run has a sweep, but runs have such a name
    # metrics: best, last
    "val/accuracy >= 0.9": "a",
    "val/accuracy == 0.6": "b",
    "val/accuracy.last >= 0.7": "a",
    "val/accuracy.last < 0.7": "b",
    "val/accuracy.best > 0.8": "a",
    "val/loss < 1.5": "a",
    "val/loss.last == nan": "b",
    "val/loss.last > 0": "a",
    "val/loss > inf": "",
    "  status==done  and(epochs>2)": "b",
}


@pytest.mark.parametrize("text", SELECTED)
def test_what_is_selected(runs: list[Run], text: str) -> None:
    assert "".join(run.name or "" for run in parse_query(text).select(runs)) == SELECTED[text]


@pytest.mark.parametrize(
    ("text", "place", "wanted"),
    [
        ("", "the end", "a name"),
        ("epochs", "the end", "an operator after 'epochs'"),
        ("epochs >", "the end", "a value"),
        ("epochs = 2", "'=' at place 8", "One = is written =="),
        ("epochs > 2 epochs", "'epochs' at place 12", "`and`, `or` or the end"),
        ("(epochs > 2", "the end", r"`\)`"),
        ("epochs > 2)", r"'\)' at place 11", "the end"),
        ("epochs in 2", "'2' at place 11", r"a list such as \[a, b\]"),
        ("epochs in []", r"'\]' at place 12", "a value"),
        ("epochs in [1 2]", "'2' at place 14", "`]`"),
        ("and epochs > 2", "'and' at place 1", "a name"),
        ("name == 'a", '"\'" at place 9', "a value"),
        ("name == and", "'and' at place 9", "a value"),
        ("a == 1 or", "the end", "a name"),
        ("a ! 1", "'!' at place 3", "an operator"),
    ],
)
def test_where_an_expression_stops_making_sense(text: str, place: str, wanted: str) -> None:
    with pytest.raises(QueryError, match=f"cannot be read: {place}.*{wanted}"):
        parse_query(text)


@pytest.mark.parametrize("pattern", ["'['", "'a{99999999999}'", "*"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(QueryError, match=r"Not a pattern at place 6.*regular expression"):
        parse_query(f"name ~ {pattern}")


def test_names_that_no_run_has(runs: list[Run]) -> None:
    with pytest.raises(QueryError, match=r"poolng.*Did you mean 'pooling'"):
        parse_query("status == done and poolng == mean").select(runs)
    with pytest.raises(QueryError, match=r"val/acuracy.*'val/accuracy'"):
        parse_query("val/acuracy > 0").select(runs)
    assert parse_query("poolng == mean").select([]) == []


def test_nothing_is_evaluated(runs: list[Run]) -> None:
    for text in ("__import__('os').system('true')", "name == (1).__class__", "1 + 1 == 2"):
        with pytest.raises(QueryError):
            parse_query(text).select(runs)


PIECES = (
    "( ) [ ] , and or not in ~ == != < <= > >= = ! ' \" \\ status val/accuracy epochs.x tags",
    "suite.arm 1 -2.5e400 nan true null [[a] 'a b' (?i) {2} é",
)
WORDS = st.lists(st.sampled_from(" ".join(PIECES).split(" ")), max_size=12).map(" ".join)


@settings(max_examples=150)
@given(text=st.one_of(st.text(max_size=40), WORDS))
@example("not " * 3000 + "status == done")
@example("(" * 3000 + "status == done" + ")" * 3000)
@example("status == " + "9" * 5000)
@example("name ~ '[[a]'")
def test_any_text_is_read_or_refused(runs: list[Run], text: str) -> None:
    try:
        chosen = parse_query(text).select(runs)
    except QueryError:
        return
    assert all(run in runs for run in chosen)
