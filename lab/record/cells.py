"""What the cells executed so far say: the parameters, and which notebook they belong to."""

from __future__ import annotations

import ast
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import LabError, NotebookError
from lab.schema import Schema, parameters_source, parse_cell, read_cells
from lab.workspace import Workspace

_INJECTED = "# Parameters"  # how the cell begins that papermill adds
_SESSION_VARIABLE = "JPY_SESSION_NAME"  # in which Jupyter names the notebook of a kernel


@dataclass(frozen=True)
class NotebookCells:
    """The parameters in force, and the workspace notebook (None: no such notebook is known)."""

    params: dict[str, Any]
    notebook: Path | None


def read_executed(sources: Sequence[str], workspace: Workspace) -> NotebookCells:
    """Read the sources of the cells executed in this kernel, oldest first.

    The parameters cell is the first one made of annotated literals, or the latest edit of it; a
    cell that papermill injected after it gives values. Raises ParameterError on an unknown name or
    a value that the annotation does not allow.
    """
    versions = _parameter_cells(sources)
    if not versions:
        values = _injected_values(sources)
        return NotebookCells(values, None)
    notebook = _find_notebook([sources[index] for index, _ in versions], sources, workspace)
    latest, schema = versions[-1]
    if notebook is not None:
        schema = Schema(workspace.relative(notebook), schema.parameters)
    return NotebookCells(schema.coerce(_injected_values(sources[latest + 1 :])), notebook)


def is_injected(source: str) -> bool:
    return source.lstrip().startswith(_INJECTED)


def _parameter_cells(sources: Sequence[str]) -> list[tuple[int, Schema]]:
    """Position and schema of the parameters cell each time it was executed, edits included."""
    found: list[tuple[int, Schema]] = []
    first_code = next((n for n, source in enumerate(sources) if source.strip()), None)
    for index, source in enumerate(sources):
        try:
            schema = parse_cell(source, "this notebook")
        except NotebookError:
            if index == first_code and _only_annotated(source):
                raise  # the parameters cell, with something in it that the contract refuses
            continue
        if schema.parameters and (not found or _is_edit(schema, found[0][1])):
            found.append((index, schema))
    return found


def _is_edit(schema: Schema, first: Schema) -> bool:
    """Whether a later cell of annotated literals is the parameters cell again: most names agree."""
    now, then = set(schema.names), set(first.names)
    return 2 * len(now & then) >= len(now | then)


def _only_annotated(source: str) -> bool:
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return False
    return bool(body) and all(isinstance(node, ast.AnnAssign) for node in body)


def _injected_values(sources: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for source in sources:
        if is_injected(source):
            for node in ast.parse(source).body:
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    values[node.targets[0].id] = _literal(node.value)
    return values


def _literal(node: ast.expr) -> Any:
    # papermill writes non-finite numbers as float('nan') and so on, also inside lists.
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "float" and len(node.args) == 1:
        return float(ast.literal_eval(node.args[0]))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_literal(node.operand)
    if isinstance(node, ast.List):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        keys = [ast.literal_eval(key) for key in node.keys if key is not None]
        return dict(zip(keys, map(_literal, node.values), strict=True))
    try:
        return ast.literal_eval(node)
    except ValueError:
        return math.nan if ast.unparse(node) == "nan" else ast.unparse(node)


def _find_notebook(
    versions: Sequence[str], sources: Sequence[str], workspace: Workspace
) -> Path | None:
    """The workspace notebook whose parameters cell was executed."""
    executed = {source.strip() for source in sources}
    parameter_cells = {source.strip() for source in versions}
    session = os.environ.get(_SESSION_VARIABLE, "")
    ranked: list[tuple[bool, int, Path]] = []
    for path in sorted((workspace.root / "notebooks").rglob("*.ipynb")):
        if any(part.startswith(".") for part in path.relative_to(workspace.root).parts):
            continue
        try:
            cells = read_cells(path)
            if parameters_source(cells, str(path)).strip() not in parameter_cells:
                continue
        except LabError:
            continue
        shared = sum(str(cell["source"]).strip() in executed for cell in cells)
        named = bool(session) and str(path).endswith(session)
        ranked.append((named, shared, path))
    # The first of equals, so that the choice does not depend on the file system's order.
    return max(ranked, key=lambda entry: entry[:2])[2] if ranked else None
