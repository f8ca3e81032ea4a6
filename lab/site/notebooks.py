"""An executed notebook as one page that stands on its own: no script, nothing loaded.

nbconvert's page is not used: it is half a megabyte of styles, takes its formulas and widgets from
the web, and 200 runs would take a minute.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from markupsafe import Markup

from lab.site.code import highlighted, plain_output
from lab.site.markdown import Picture, render
from lab.site.pictures import data_address, kind_of
from lab.site.sanitize import sanitized
from lab.site.shrink import shrunk
from lab.site.tex import formula

_KINDS = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
_WIDTH = 900  # pixels, about what a page of a notebook has for its figures
_FORMULA = re.compile(r"\${1,2}([^$]+)\${1,2}")


@dataclass(frozen=True)
class Output:
    """One output: `kind` is "text", "error", "html" or "image"."""

    kind: str
    html: Markup


@dataclass(frozen=True)
class Cell:
    """One cell as shown; `label` is the number it was executed as."""

    kind: str  # "markdown", "code" or "raw"
    html: Markup
    label: str
    role: str  # "parameters", "injected" or ""
    outputs: tuple[Output, ...]


def cells_of(data: bytes, *, full_figures: bool = True) -> list[Cell] | None:
    """The cells of a notebook file; None where it is not one."""
    try:
        notebook = orjson.loads(data)
    except ValueError:
        return None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        return None
    return [_cell(cell, full_figures) for cell in cells if isinstance(cell, dict)]


def _cell(cell: Mapping[str, Any], full: bool) -> Cell:
    source = _text(cell.get("source"))
    kind = cell.get("cell_type")
    if kind == "markdown":
        return Cell("markdown", _markdown(source, _mapping(cell.get("attachments"))), "", "", ())
    if kind != "code":
        return Cell("raw", highlighted(source), "", "", ())
    tags = _mapping(cell.get("metadata")).get("tags")
    tags = tags if isinstance(tags, list) else []
    role = "injected" if "injected-parameters" in tags else ""
    role = "parameters" if "parameters" in tags else role
    count = cell.get("execution_count")
    outputs = cell.get("outputs")
    return Cell(
        "code",
        highlighted(source, "python"),
        str(count) if isinstance(count, int) else "",
        role,
        tuple(_outputs(outputs if isinstance(outputs, list) else [], full)),
    )


def _markdown(source: str, attachments: Mapping[str, Any]) -> Markup:
    return render(source, _NotebookLinks(attachments)) if attachments else _bare_markdown(source)


@lru_cache(maxsize=1024)  # the same cells stand in every run of a notebook
def _bare_markdown(source: str) -> Markup:
    return render(source, _NotebookLinks({}))


def _outputs(outputs: list[Any], full: bool) -> Iterator[Output]:
    text = ""
    for output in outputs:
        if isinstance(output, dict) and output.get("output_type") == "stream":
            text += _text(output.get("text"))  # what a cell prints comes in pieces
            continue
        if text.strip():
            yield _words(text)
        text = ""
        if isinstance(output, dict) and (shown := _output(output, full)):
            yield shown
    if text.strip():
        yield _words(text)


def _output(output: Mapping[str, Any], full: bool) -> Output | None:
    if output.get("output_type") == "error":
        trace = output.get("traceback")
        lines = [_text(line) for line in trace] if isinstance(trace, list) else []
        said = "\n".join(lines) or f"{output.get('ename')}: {output.get('evalue')}"
        return _words(said, "error")
    data = _mapping(output.get("data"))
    for kind in ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"):
        if kind in data and (address := _image(kind, _text(data[kind]), full)):
            alt = _text(data.get("text/plain")) or "figure"
            image = Markup('<img src="{}" alt="{}">').format(address, alt[:200])
            return Output("image", image)
    if "text/html" in data:
        return Output("html", sanitized(_text(data["text/html"])))
    if "text/markdown" in data:
        return Output("html", _bare_markdown(_text(data["text/markdown"])))
    if "text/latex" in data:
        return _latex(_text(data["text/latex"]))
    if "text/plain" in data:
        return _words(_text(data["text/plain"]))
    return None


def _latex(text: str) -> Output:
    """One formula typeset, as sympy gives it; anything more as it was written."""
    match = _FORMULA.fullmatch(text.strip())
    return Output("html", formula(match[1].strip(), block=True)) if match else _words(text)


def _words(text: str, kind: str = "text") -> Output:
    return Output(kind, Markup("{}").format(plain_output(text)))


def _image(kind: str, content: str, full: bool = True) -> str | None:
    """The image as an address that holds it; None where it is none."""
    if kind == "image/svg+xml":
        return data_address(kind, content.encode("utf-8", "replace"))
    try:
        data = base64.b64decode(content)
    except (binascii.Error, ValueError):
        return None
    data = data if full else shrunk(data, width=_WIDTH)
    found = kind_of(data)
    return data_address(_KINDS[found], data) if found in _KINDS else None


def _text(value: Any) -> str:
    """A multi-line string of a notebook, which is one string or a list of lines."""
    if isinstance(value, list):
        return "".join(str(part) for part in value)
    return "" if value is None else str(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class _NotebookLinks:
    """A notebook's page leads to the web at most; its images are its attachments."""

    attachments: Mapping[str, Any]

    def page(self, target: str) -> str | None:
        return None

    def picture(self, target: str) -> Picture | None:
        bundle = _mapping(self.attachments.get(target.removeprefix("attachment:")))
        for kind, content in bundle.items():
            if kind.startswith("image/") and (address := _image(kind, _text(content))):
                return Picture(address)
        return None

    def run(self, run_id: str) -> str | None:
        return None

    def evidence(self, spec: Mapping[str, Any]) -> Markup:
        return Markup("")

    def task(self, line: int) -> str | None:
        return None


def read_notebook(path: Path) -> bytes | None:
    """The file's bytes; None where there is none."""
    try:
        return path.read_bytes()
    except OSError:
        return None
