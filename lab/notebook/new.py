"""A new notebook from one that is there: its cells and contract, with a title of its own."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lab.errors import NotebookError
from lab.notebook.contract import read_schema
from lab.record.files import write_atomic
from lab.schema import read_cells
from lab.workspace import Workspace

_FOLDER = "notebooks"
_INJECTED_TAG = "injected-parameters"
_TITLE = re.compile(r"\A\s*#[ \t]+[^\n]*")


@dataclass(frozen=True)
class NewNotebook:
    """A notebook as written; `path` and `source` as seen from the root of the workspace."""

    path: str
    source: str
    title: str
    parameters: tuple[str, ...]


def new_notebook(
    path: Path | str,
    source: Path | str,
    *,
    title: str | None = None,
    workspace: Workspace | None = None,
) -> NewNotebook:
    """Copy the notebook `source` to `path`: same cells and parameters, a fresh title, no outputs.

    Both may be named from the root of the workspace or inside `notebooks/`, with or without
    `.ipynb`; a bare name is the domain of that name. Raises NotebookError where `path` is taken or
    `source` breaks the notebook contract, and then nothing was written.

    new_notebook("ablations/dropout", "domains/image")
    new_notebook("ablations/dropout", "image", title="Does dropout help?")
    """
    workspace = workspace or Workspace.find()
    origin = _source(str(source), workspace)
    schema = read_schema(origin, workspace)
    target = _target(str(path), workspace)
    if target.exists():
        raise NotebookError(
            "There is a notebook of that name", seen=workspace.relative(target), do="Take another."
        )
    title = (title or target.stem.replace("_", " ").replace("-", " ").strip().capitalize()).strip()
    document = orjson.loads(origin.read_bytes())
    document["cells"] = _fresh(read_cells(origin), title)
    document.get("metadata", {}).pop("papermill", None)
    # As nbformat writes it, so that opening and saving it in JupyterLab changes no line.
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
    write_atomic(target, f"{text}\n".encode())
    read_schema(target, workspace)
    return NewNotebook(
        workspace.relative(target), workspace.relative(origin), title, tuple(schema.names)
    )


def _source(name: str, workspace: Workspace) -> Path:
    wanted = name if name.endswith(".ipynb") else f"{name}.ipynb"
    notebooks = workspace.root / _FOLDER
    places = [Path(wanted), workspace.root / wanted, notebooks / wanted]
    if "/" not in name:
        places.append(notebooks / "domains" / wanted)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        known = sorted(
            path.relative_to(notebooks).with_suffix("").as_posix()
            for path in notebooks.rglob("*.ipynb")
            if ".ipynb_checkpoints" not in path.parts
        )
        raise NotebookError(
            "There is no such notebook to start from", seen=name, do=_nearest(name, known)
        )
    return found.resolve()


def _nearest(name: str, known: list[str]) -> str:
    import difflib

    stem = name.removesuffix(".ipynb").removeprefix(f"{_FOLDER}/")
    near = difflib.get_close_matches(stem, known, n=3, cutoff=0.4)
    near = near or [one for one in known if one.startswith("domains/")] or known
    return f"The nearest: {', '.join(near)}." if near else "This workspace has no notebooks."


def _target(name: str, workspace: Workspace) -> Path:
    """Where a new notebook goes: inside `notebooks/`, whatever folder the user stands in."""
    path = Path(name if name.endswith(".ipynb") else f"{name}.ipynb")
    notebooks = workspace.root / _FOLDER
    if not path.is_absolute():
        path = workspace.root / path if path.parts[0] == _FOLDER else notebooks / path
    inside = path.resolve()
    if not inside.is_relative_to(notebooks.resolve()):
        raise NotebookError(
            "A notebook lives in the workspace's folder of notebooks",
            seen=name,
            do=f"Name it as in ablations/{path.stem}.",
        )
    return inside


def _fresh(cells: list[dict[str, Any]], title: str) -> list[dict[str, Any]]:
    """The cells without outputs; the first title among them is the new one."""
    fresh = []
    told = False
    for cell in (dict(cell) for cell in cells):
        metadata = dict(cell.get("metadata", {}))
        if _INJECTED_TAG in metadata.get("tags", []):
            continue  # the values of one run
        cell["metadata"] = {
            k: v for k, v in metadata.items() if k not in ("papermill", "execution")
        }
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
        elif cell["cell_type"] == "markdown" and not told and _TITLE.match(cell["source"]):
            cell["source"] = _TITLE.sub(lambda _: f"# {title}", cell["source"], count=1)
            told = True
        fresh.append(cell)
    if not told:
        fresh.insert(0, {"cell_type": "markdown", "metadata": {}, "source": f"# {title}"})
    return [cell | {"source": cell["source"].splitlines(keepends=True)} for cell in fresh]
