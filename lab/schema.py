"""The schema of a notebook: what its parameters cell declares.

    epochs: int = 2  # passes over the training set
    pooling: Literal["mean", "attention"] = "mean"  # how tokens become one vector

The cell is read as a syntax tree and never run, so a schema is known before a kernel exists.
"""

from __future__ import annotations

import ast
import difflib
import io
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lab.annotation import Annotation, Misfit, parse_annotation
from lab.errors import LabError, NotebookError, ParameterError, nearest
from lab.workspace import Workspace

PARAMETERS_TAG = "parameters"
_TYPING = {"typing", "__future__"}  # modules a parameters cell may import: annotations need them


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell; `annotation` is its text, `kind` what that text allows."""

    name: str
    annotation: str
    default: Any
    comment: str
    kind: Annotation


@dataclass(frozen=True)
class Schema:
    """The parameters of one notebook, in the order of its cell; `where` names it in messages."""

    where: str
    parameters: tuple[Parameter, ...]

    @property
    def names(self) -> list[str]:
        return [parameter.name for parameter in self.parameters]

    @property
    def defaults(self) -> dict[str, Any]:
        return {parameter.name: parameter.default for parameter in self.parameters}

    def coerce(self, values: Mapping[str, object], *, text: bool = False) -> dict[str, Any]:
        """Every parameter with its value: `values` over the defaults, each of its annotation.

        `text` says that the values were typed on a command line, where everything is a string.

        schema.coerce({"epochs": "3"})                # {"epochs": 3, ...}; so does 3.0, not 3.5
        schema.coerce({"epochs": True})               # ParameterError
        schema.coerce({"sizes": "[1, 2]"}, text=True) # {"sizes": [1, 2], ...}
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in values:
            if name not in known:
                raise ParameterError(
                    f"{self.where} has no such parameter", seen=name, do=nearest(str(name), known)
                )
        full = self.defaults
        for name, value in values.items():
            parameter = known[name]
            try:
                full[name] = parameter.kind.fit(value, text=text)
            except Misfit as misfit:
                # What a Literal allows is told by its misfit already.
                literal = parameter.annotation.startswith("Literal[")
                kind = "cannot be that" if literal else f"has to be {parameter.annotation}"
                raise ParameterError(
                    f"Parameter {name} of {self.where} {kind}",
                    seen=value if text else repr(value),
                    do=str(misfit),
                ) from None
        return full

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Name, annotation, default and comment of each parameter, as text for a help page."""
        return [(p.name, p.annotation, repr(p.default), p.comment) for p in self.parameters]


def parse_cell(source: str, where: str) -> Schema:
    """The schema that the source of a parameters cell declares; `where` names its notebook."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise _refused(
            where, line, source, f"it is not Python: {getattr(error, 'msg', error)}"
        ) from None
    comments = _comments(source)
    parameters: dict[str, Parameter] = {}
    for node in tree.body:
        if _is_typing_import(node):
            continue
        parameter = _parse_line(node, source, where, comments)
        if parameter.name in parameters:
            raise _refused(where, node.lineno, source, f"{parameter.name} is there twice")
        parameters[parameter.name] = parameter
    return Schema(where, tuple(parameters.values()))


def read_notebook_schema(path: Path | str, *, where: str | None = None) -> Schema:
    """The schema of the notebook in this file, called `where` in messages."""
    path = Path(path)
    where = where or str(path)
    return parse_cell(parameters_source(read_cells(path, where), where), where)


def read_cells(path: Path, where: str | None = None) -> list[dict[str, Any]]:
    """The cells of a notebook file, sources joined to one string each."""
    where = where or str(path)
    if path.is_dir():
        raise NotebookError("That is a folder, not a notebook", seen=where, do=_listed(path))
    if not path.is_file():
        raise NotebookError("There is no such notebook", seen=where, do=_near(path))
    try:
        document = orjson.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        raise NotebookError(f"{where} is not a notebook", seen=error, do=_SAVE_AGAIN) from None
    cells = document.get("cells") if isinstance(document, dict) else None
    if isinstance(document, dict) and "worksheets" in document:
        raise NotebookError(
            f"{where} is a notebook of an old format",
            seen=f"nbformat {document.get('nbformat')}",
            do=f"Upgrade it: jupyter nbconvert --to notebook --inplace {where}",
        )
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise NotebookError(f"{where} is not a notebook", seen="no list of cells", do=_SAVE_AGAIN)
    return [cell | {"source": _joined(cell.get("source", ""))} for cell in cells]


def parameters_source(cells: list[dict[str, Any]], where: Path | str) -> str:
    """The source of the one cell tagged `parameters`, which has to be the first code cell."""
    code = [cell for cell in cells if cell.get("cell_type") == "code"]
    tagged = [n for n, cell in enumerate(code) if PARAMETERS_TAG in _tags(cell)]
    if not tagged:
        raise NotebookError(
            f"{where} has no parameters cell",
            seen=f"none of its {len(code)} code cells is tagged '{PARAMETERS_TAG}'",
            do=f"Put the parameters in the first code cell and tag it '{PARAMETERS_TAG}'.",
        )
    if len(tagged) > 1:
        raise NotebookError(
            f"{where} has several parameters cells",
            seen="code cells " + ", ".join(str(n + 1) for n in tagged),
            do=f"Keep the tag '{PARAMETERS_TAG}' on the first code cell only.",
        )
    if tagged[0] != 0:
        raise NotebookError(
            f"The parameters cell of {where} is not its first code cell",
            seen=f"code cell {tagged[0] + 1}",
            do="Move it above all other code; imports belong after it.",
        )
    return str(code[0]["source"])


_SAVE_AGAIN = "Give a Jupyter notebook (.ipynb, nbformat 4), or save it again from JupyterLab."


def _parse_line(node: ast.stmt, source: str, where: str, comments: dict[int, str]) -> Parameter:
    def refuse(reason: str) -> NotebookError:
        return _refused(where, node.lineno, source, reason)

    if isinstance(node, ast.Assign):
        raise refuse("it has no annotation")
    if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
        raise refuse("only annotated assignments belong in this cell")
    if node.value is None:
        raise refuse("it has no default")
    try:
        default = ast.literal_eval(node.value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise refuse(
            f"its default is computed ({ast.unparse(node.value)}), and has to be a literal"
        ) from None
    name, annotation = node.target.id, ast.unparse(node.annotation)
    try:
        kind = parse_annotation(node.annotation)
    except Misfit as misfit:
        raise refuse(f"{str(misfit)[0].lower()}{str(misfit)[1:-1]}") from None
    if not kind.holds(default):
        raise refuse(f"its default {default!r} is not {annotation}")
    # behind the last line, or where a formatter broke a long one, on the first that has one
    last = node.end_lineno or node.lineno
    comment = next((comments[n] for n in (last, *range(node.lineno, last)) if n in comments), "")
    return Parameter(name, annotation, kind.fit(default, text=False), comment, kind)


def _is_typing_import(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module in _TYPING
    return isinstance(node, ast.Import) and all(alias.name in _TYPING for alias in node.names)


def _comments(source: str) -> dict[int, str]:
    """Comment text by the line it is on."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("#").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def _refused(where: str, line: int, source: str, reason: str) -> NotebookError:
    lines = source.splitlines()
    return NotebookError(
        f"Line {line} of the parameters cell of {where} cannot be used, {reason}",
        seen=lines[line - 1].strip() if 0 < line <= len(lines) else "",
        do="Write lines as name: type = literal  # what it is. Compute values in a later cell.",
    )


def _joined(source: Any) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _tags(cell: dict[str, Any]) -> list[Any]:
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return tags if isinstance(tags, list) else []


def _near(path: Path) -> str:
    """Advice for a notebook that is not there: the nearest ones that are."""
    try:
        workspace = Workspace.find(path.parent if path.parent.is_dir() else None)
    except LabError:
        return _listed(path.parent)
    found = sorted((workspace.root / "notebooks").rglob("*.ipynb"))
    by_name = {workspace.relative(p): p.stem for p in found if ".ipynb_checkpoints" not in p.parts}
    ranked = sorted(
        by_name,
        key=lambda name: difflib.SequenceMatcher(None, by_name[name], path.stem).ratio(),
        reverse=True,
    )
    if not ranked:
        return _listed(path.parent)
    return f"Did you mean {ranked[0]}? Notebooks here: {', '.join(sorted(ranked))}."


def _listed(folder: Path) -> str:
    names = sorted(p.name for p in folder.glob("*.ipynb")) if folder.is_dir() else []
    return f"Notebooks there: {', '.join(names) if names else 'none'}."
