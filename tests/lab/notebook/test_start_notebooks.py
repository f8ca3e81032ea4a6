"""A new notebook from one that is there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest

import lab
from lab.errors import NotebookError
from lab.schema import read_notebook_schema
from lab.workspace import Workspace

REAL = Path(__file__).parents[3] / "notebooks" / "domains" / "image.ipynb"


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    (workspace.root / "notebooks" / "domains").mkdir(parents=True)
    shutil.copy(REAL, workspace.root / "notebooks" / "domains" / "image.ipynb")
    return workspace


@pytest.mark.parametrize("source", ["domains/image", "image", "notebooks/domains/image.ipynb"])
def test_it_is_the_same_but_for_its_title(place: Workspace, source: str) -> None:
    made = lab.new_notebook("ablations/drop_out", source, workspace=place)
    assert (made.path, made.title) == ("notebooks/ablations/drop_out.ipynb", "Drop out")
    target = place.root / made.path
    assert read_notebook_schema(target).rows() == read_notebook_schema(REAL).rows()
    nbformat.validate(nbformat.read(target, as_version=4))
    before, after = (json.loads(path.read_text()) for path in (REAL, target))
    assert after["cells"][0]["source"][0] == "# Drop out\n"
    assert after["cells"][0]["source"][1:] == before["cells"][0]["source"][1:]
    assert after["cells"][1:] == before["cells"][1:]
    assert target.read_text().startswith('{\n "cells": [\n')


def test_an_executed_notebook_leaves_its_run_behind(place: Workspace) -> None:
    source = place.root / "notebooks" / "ran.ipynb"
    document = json.loads(REAL.read_text())
    code = next(cell for cell in document["cells"] if cell["cell_type"] == "code")
    injected = {**code, "id": "x", "metadata": {"tags": ["injected-parameters"]}}
    document["cells"].insert(document["cells"].index(code) + 1, injected)
    for cell in document["cells"]:
        cell["metadata"]["papermill"] = {"duration": 1}
        if cell["cell_type"] == "code":
            cell |= {"execution_count": 3, "outputs": [{"output_type": "stream", "text": "x"}]}
    source.write_text(json.dumps(document))
    made = lab.new_notebook("fresh", "ran", title="Mine", workspace=place)
    cells = json.loads((place.root / made.path).read_text())["cells"]
    assert len(cells) == len(document["cells"]) - 1
    assert not any(cell.get("outputs") or "papermill" in cell["metadata"] for cell in cells)


def test_nothing_is_overwritten(place: Workspace) -> None:
    before = REAL.read_bytes()
    with pytest.raises(NotebookError, match="There is a notebook of that name"):
        lab.new_notebook("domains/image", "domains/image", workspace=place)
    assert (place.root / "notebooks" / "domains" / "image.ipynb").read_bytes() == before


@pytest.mark.parametrize("path", ["../elsewhere", "/somewhere/else", "../../x.ipynb"])
def test_a_notebook_lives_among_the_others(place: Workspace, path: str) -> None:
    with pytest.raises(NotebookError, match="folder of notebooks"):
        lab.new_notebook(path, "image", workspace=place)


def test_a_source_that_is_not_there(place: Workspace) -> None:
    with pytest.raises(NotebookError, match=r"domain/image.*The nearest: domains/image"):
        lab.new_notebook("x", "domain/image", workspace=place)
