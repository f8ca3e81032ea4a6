"""What a notebook saves beside its numbers: figures and files."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path
from typing import Any

from lab.errors import InputError
from lab.record.files import write_atomic
from lab.record.paths import RunPaths

_DOTS_PER_INCH = 150


def save_figure(paths: RunPaths, name: str, figure: Any) -> Path:
    """Write anything with matplotlib's `savefig` as a PNG; the same name replaces it."""
    if not hasattr(figure, "savefig"):
        raise InputError(
            f"The figure {name!r} cannot be saved",
            seen=type(figure).__name__,
            do="Give a matplotlib figure, such as the first of plt.subplots().",
        )
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=_DOTS_PER_INCH, bbox_inches="tight")
    file = paths.figures / f"{safe_name(name)}.png"
    write_atomic(file, image.getvalue())
    return file


def save_artifact(paths: RunPaths, source: Path) -> Path:
    """Copy a file or folder into the run's artifacts; what lies in the run already stays there."""
    if not source.exists():
        raise InputError("The artifact is not there", seen=source, do="Check the path.")
    source = source.resolve()
    if source.is_relative_to(paths.root.resolve()):
        return source
    target = paths.artifacts / source.name
    target.parent.mkdir(exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)
    return target


def safe_name(name: str) -> str:
    """`name` as a file name: "val/confusion matrix.png" is "val-confusion-matrix"."""
    safe = re.sub(r"[^\w.-]+", "-", name.removesuffix(".png")).strip("-.")
    return safe[:100] or "figure"
