"""Without an executor, the cells executed so far say what the parameters are."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from lab.errors import NotebookError, ParameterError
from lab.record.cells import read_executed
from lab.workspace import Workspace

CELL = "epochs: int = 2  # passes\nrate: float = 0.5  # step size"
START = "import lab\nrun = lab.start()"


def write_notebook(workspace: Workspace, name: str, *sources: str) -> Path:
    path = workspace.root / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    cells = [
        {
            "cell_type": "code",
            "metadata": {"tags": ["parameters"] if number == 0 else []},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("sources", "params"),
    [
        ([CELL, START], {"epochs": 2, "rate": 0.5}),
        (["", "x = 1", CELL, START], {"epochs": 2, "rate": 0.5}),
        ([CELL, "# Parameters\nepochs = 5\n", START], {"epochs": 5, "rate": 0.5}),
        ([CELL, CELL.replace("2", "7"), START], {"epochs": 7, "rate": 0.5}),
        # A later cell of annotated literals is no edit of the parameters.
        ([CELL, "width: int = 3", START], {"epochs": 2, "rate": 0.5}),
        # What was injected before the cell was edited and run again no longer holds.
        ([CELL, "# Parameters\nepochs = 5\n", CELL, START], {"epochs": 2, "rate": 0.5}),
        (["import os", START], {}),
    ],
)
def test_parameters(workspace: Workspace, sources: list[str], params: dict[str, object]) -> None:
    assert read_executed(sources, workspace).params == params


def test_papermill_writes_non_finite_numbers_as_calls(workspace: Workspace) -> None:
    params = read_executed([CELL, '# Parameters\nrate = float("nan")\n'], workspace).params
    assert math.isnan(params["rate"])
    params = read_executed([CELL, "# Parameters\nrate = float('-inf')\n"], workspace).params
    assert params["rate"] == -math.inf


@pytest.mark.parametrize(
    ("injected", "said"),
    [("epoch = 3", "Did you mean 'epochs'"), ('epochs = "many"', "has to be int")],
)
def test_bad_values_are_refused(workspace: Workspace, injected: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        read_executed([CELL, f"# Parameters\n{injected}\n"], workspace)


def test_a_computed_parameters_cell_is_refused(workspace: Workspace) -> None:
    with pytest.raises(NotebookError, match="computed"):
        read_executed(["epochs: int = 2 * 3", START], workspace)


def test_the_notebook_is_the_one_with_that_cell(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(workspace, "other", "size: int = 1", START)
    assert read_executed([CELL, START], workspace).notebook is None
    # Of several with the same cell: the one most of whose cells were executed ...
    write_notebook(workspace, "first", CELL, "import something_else")
    second = write_notebook(workspace, "second", CELL, START)
    assert read_executed([CELL, START], workspace).notebook == second
    # ... unless Jupyter names it.
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/first.ipynb")
    notebook = read_executed([CELL, START], workspace).notebook
    assert notebook is not None
    assert notebook.name == "first.ipynb"
    # A cell that no file has, not even as it was executed first, has no notebook.
    assert read_executed([CELL.replace("2", "9")], workspace).notebook is None
    edited = read_executed([CELL, CELL.replace("2", "9")], workspace)
    assert (edited.params["epochs"], edited.notebook) == (9, notebook)
