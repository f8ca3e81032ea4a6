"""Reading a parameters cell, and what values it takes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from lab.errors import NotebookError, ParameterError
from lab.schema import Schema, parse_cell, read_notebook_schema

CELL = """
from typing import Literal

epochs: int = 2  # passes over the training set
lr: float = 1e-3  # learning rate
dataset: str = "digits"  # which data
clip: float | None = None  # gradient norm
deep: bool = False
pooling: Literal["mean", "attention", "none"] = "mean"  # how tokens become one
heads: Literal[1, 2, None] = 1  # attention heads
sizes: list[int] = [8, 16]  # hidden sizes
weights: dict[str, float] = {"a": 1}  # of the classes
note: str | None = None  # a remark, with a # in it
"""


@pytest.fixture(scope="module")
def schema() -> Schema:
    return parse_cell(CELL, "notebook.ipynb")


def test_a_parameter_has_annotation_default_and_comment(schema: Schema) -> None:
    rows = {name: rest for name, *rest in schema.rows()}
    assert rows["epochs"] == ["int", "2", "passes over the training set"]
    assert rows["clip"] == ["float | None", "None", "gradient norm"]
    assert rows["deep"] == ["bool", "False", ""]
    assert rows["note"][2] == "a remark, with a # in it"
    assert list(rows) == schema.names
    assert schema.defaults["weights"] == {"a": 1.0}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("epochs", "3", 3),
        ("epochs", "-3", -3),
        ("epochs", "1e3", 1000),
        ("lr", "1e-3", 0.001),
        ("lr", "inf", math.inf),
        ("dataset", "3", "3"),
        ("dataset", "none", "none"),
        ("clip", "none", None),
        ("clip", "1", 1.0),
        ("deep", "Yes", True),
        ("deep", "0", False),
        ("pooling", "none", "none"),
        ("heads", "2", 2),
        ("heads", "null", None),
        ("sizes", "[1, 2]", [1, 2]),
        ("sizes", "[]", []),
        ("weights", '{"a": 2, "b": 0.5}', {"a": 2.0, "b": 0.5}),
        ("weights", '{"a": 1e400}', {"a": math.inf}),
        ("note", "null", None),
        ("note", "x = 1", "x = 1"),
    ],
)
def test_text_becomes_a_value(schema: Schema, name: str, text: str, value: Any) -> None:
    found = schema.coerce({name: text}, text=True)
    assert found == {**schema.defaults, name: value}
    assert type(found[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("epochs", 3.0, 3),
        ("epochs", "3", 3),
        ("lr", 1, 1.0),
        ("lr", "1e-3", 0.001),  # as YAML reads it
        ("deep", 1, True),
        ("deep", "no", False),
        ("clip", "None", None),
        ("note", "none", "none"),  # YAML has null for None
        ("heads", 2.0, 2),
        ("sizes", (1, 2.0), [1, 2]),
    ],
)
def test_a_python_or_yaml_value(schema: Schema, name: str, given: Any, value: Any) -> None:
    found = schema.coerce({name: given})[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("epochs", True),
        ("epochs", 3.5),
        ("epochs", "three"),
        ("epochs", None),
        ("epochs", math.inf),
        ("lr", True),
        ("lr", "fast"),
        ("dataset", 3),
        ("dataset", None),
        ("deep", 2),
        ("deep", "maybe"),
        ("deep", 1.0),
        ("pooling", "man"),
        ("heads", True),
        ("sizes", 3),
        ("sizes", "[1, 2]"),
        ("sizes", [1, "x"]),
        ("weights", {1: 2.0}),
        ("weights", [1]),
    ],
)
def test_a_value_that_does_not_fit(schema: Schema, name: str, given: Any) -> None:
    with pytest.raises(ParameterError, match=f"Parameter {name} of notebook.ipynb") as caught:
        schema.coerce({name: given})
    assert repr(given) in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_name_gets_the_nearest_and_all(schema: Schema) -> None:
    with pytest.raises(ParameterError) as caught:
        schema.coerce({"epoch": 1})
    assert "Did you mean 'epochs'?" in str(caught.value)
    assert "epochs, lr, dataset" in str(caught.value)


def test_an_unknown_choice_gets_the_nearest_and_all(schema: Schema) -> None:
    with pytest.raises(
        ParameterError, match=r"pooling of .* cannot be that: .*'attention'.*mean, attention, none"
    ):
        schema.coerce({"pooling": "atention"})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("x = 1", "no annotation"),
        ("x: int", "no default"),
        ("x: int = 2 * 3", r"computed \(2 \* 3\)"),
        ("x: int = y", r"computed \(y\)"),
        ("x: list[int] = list(range(3))", "computed"),
        ('x: str = f"{1}"', "computed"),
        ("x: int = True", "default True is not int"),
        ('x: int = "1"', "default '1' is not int"),
        ('x: Literal["a"] = "b"', "default 'b' is not Literal"),
        ("x: int = None", "default None is not int"),
        ("x: list[int] = [1, 'a']", "is not list"),
        ("x: tuple[int] = (1,)", "not supported"),
        ("x: dict[int, int] = {}", "not supported"),
        ("x: list = []", "not supported"),
        ("x: np.ndarray = 1", "not supported"),
        ("a: int = 0\nx: int = 1\nx: int = 2", "Line 3.*x is there twice"),
        ("a: int = 0\n\nprint(a)", "Line 3.*only annotated assignments"),
        ("import os", "only annotated assignments"),
        ("%matplotlib inline", "not Python"),
        ("x: int = (", "not Python"),
    ],
)
def test_a_cell_that_breaks_the_contract(line: str, reason: str) -> None:
    with pytest.raises(NotebookError, match=reason):
        parse_cell(line, "notebook.ipynb")


def test_a_value_over_several_lines_keeps_its_comment() -> None:
    schema = parse_cell("x: list[int] = [\n    1,\n    2,\n]  # numbers\n", "notebook.ipynb")
    assert schema.rows() == [("x", "list[int]", "[1, 2]", "numbers")]


def test_a_line_that_a_formatter_broke_keeps_its_comment() -> None:
    schema = parse_cell('long: str = (\n    "a"  # the choice\n)\n', "nb")
    assert schema.parameters[0].comment == "the choice"


def write(path: Path, *cells: tuple[str, list[str]]) -> Path:
    code = [
        {"cell_type": "code", "metadata": {"tags": tags}, "source": [source], "outputs": []}
        for source, tags in cells
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_a_notebook_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", ("n: int = 1", ["parameters"]), ("print(n)", []))
    assert read_notebook_schema(path).defaults == {"n": 1}


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([("n: int = 1", [])], "no parameters cell"),
        ([("n: int = 1", ["parameters"])] * 2, "several parameters cells.*1, 2"),
        ([("import os", []), ("n: int = 1", ["parameters"])], "not its first code cell"),
    ],
)
def test_a_notebook_without_its_one_parameters_cell(
    tmp_path: Path, cells: list[tuple[str, list[str]]], reason: str
) -> None:
    with pytest.raises(NotebookError, match=reason):
        read_notebook_schema(write(tmp_path / "a.ipynb", *cells))


@pytest.mark.parametrize(
    "content", [b"", b"not json", b"[]", b'{"a": 1}', b'{"cells": 3}', b"\xff"]
)
def test_not_a_notebook(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    with pytest.raises(NotebookError, match="not a notebook"):
        read_notebook_schema(path)


def test_a_folder_is_no_notebook(tmp_path: Path) -> None:
    write(tmp_path / "there.ipynb", ("n: int = 1", ["parameters"]))
    with pytest.raises(NotebookError, match=r"folder.*there\.ipynb"):
        read_notebook_schema(tmp_path)


def test_a_missing_notebook_gets_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.lab]\n")
    write(tmp_path / "notebooks" / "domains" / "image.ipynb", ("n: int = 1", ["parameters"]))
    write(tmp_path / "notebooks" / "domains" / "audio.ipynb", ("n: int = 1", ["parameters"]))
    with pytest.raises(NotebookError, match=r"Did you mean notebooks/domains/image\.ipynb"):
        read_notebook_schema(tmp_path / "notebooks" / "imgae.ipynb")
