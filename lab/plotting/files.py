"""A plot as a file or as bytes: the same runs give the same bytes."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import InputError
from lab.plotting.build import curves_of_runs
from lab.plotting.curves import CurvePlot
from lab.plotting.draw import draw
from lab.plotting.style import SETTINGS
from lab.record.files import write_atomic
from lab.record.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("png", "svg", "pdf", "html")
_DOTS = 110  # per inch
_COLOURS = 256  # of a PNG; no pixel is off by more than a tenth of its range

# Nothing of when or by which version: a picture changes only with its numbers.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font-family: sans-serif;
  background: #fff; color: #0f172a; }}
svg {{ max-width: 100%; height: auto; }}
</style>
</head>
<body>
<figure role="img" aria-label="{alt}">
{svg}
</figure>
</body>
</html>
"""


def curves_png(
    runs: Iterable[Run],
    metric: str,
    by: str,
    *,
    rows: str | None = None,
    seed_param: str = "seed",
) -> bytes:
    """The curves of `metric` by arm as a PNG, the same bytes for the same numbers.

    For logs and pages; `curves_of_runs(...).alt` is the text beside it. Raises InputError where
    nothing can be compared.
    """
    plot = curves_of_runs(runs, metric=metric, by=by, rows=rows, seed_param=seed_param)
    return figure_bytes(draw(plot), "png")


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """A figure as png, svg or pdf."""
    import matplotlib as mpl

    file = io.BytesIO()
    with mpl.rc_context(SETTINGS):
        figure.savefig(file, format=kind, dpi=_DOTS, metadata=_METADATA[kind])
    return _small(file) if kind == "png" else file.getvalue()


def _small(png: io.BytesIO) -> bytes:
    """A PNG with a palette: a third of the size, for pictures that go into a repository."""
    from PIL import Image

    file = io.BytesIO()
    with Image.open(png) as image:
        flat = image.convert("RGB").quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE)
        flat.save(file, format="png", optimize=True, dpi=(_DOTS, _DOTS))
    return file.getvalue()


def save_plot(plot: CurvePlot, path: Path, *, force: bool = False) -> None:
    """Write a plot to `path`, as the ending of its name says: png, svg, pdf or html.

    Raises InputError for any other ending, where the file cannot be written, and without `force`
    where it is there with another content.
    """
    kind = kind_of(path)
    if kind == "html":
        svg = figure_bytes(draw(plot), "svg").decode()
        svg = svg[svg.index("<svg") :]
        title, alt = html.escape(plot.title), html.escape(plot.alt, quote=True)
        content = _PAGE.format(title=title, alt=alt, svg=svg).encode()
    else:
        content = figure_bytes(draw(plot), kind)
    try:
        if not force and path.exists() and path.read_bytes() != content:
            raise InputError(
                "There is another file of that name",
                seen=path,
                do="Name another with --out, or replace it with --force.",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)
    except OSError as error:
        raise InputError(
            "The figure cannot be written",
            seen=f"{path} ({error.strerror})",
            do="Name another file with --out.",
        ) from None


def kind_of(path: Path) -> str:
    """The kind of figure that a file name asks for."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        endings = ", ".join(f".{name}" for name in KINDS)
        raise InputError(
            "This ending is none of a figure", seen=path.name, do=f"Use one of {endings}."
        )
    return kind


def figure_name(metric: str, by: str, rows: str | None = None) -> str:
    """A file name without ending that says what the figure shows.

    figure_name("val/loss", "pooling")     # "val-loss-by-pooling"
    """
    words = f"{metric} by {by}" + (f" per {rows}" if rows else "")
    return re.sub(r"[^a-z0-9_]+", "-", words.lower()).strip("-")
