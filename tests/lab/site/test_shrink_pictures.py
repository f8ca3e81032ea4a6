"""Pictures of a site take fewer bytes and look the same."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lab
from lab.site import pictures
from lab.site.shrink import shrunk
from lab.workspace import Workspace


def encoded(values: np.ndarray, kind: str = "PNG") -> bytes:
    made = io.BytesIO()
    Image.fromarray(values).save(made, kind)
    return made.getvalue()


def pixels(data: bytes, mode: str = "RGB") -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert(mode)).astype(float)


def plot(width: int = 640, clear: bool = False) -> np.ndarray:
    """A curve with soft edges on white, as a plot has."""
    x, y = np.meshgrid(np.linspace(0, 6, width), np.linspace(-1.5, 1.5, 400))
    ink = np.clip(1.5 - 40 * abs(y - np.sin(x)), 0, 1)[..., None]
    colour = 255 - ink * (255 - np.array([31, 119, 180]))
    grain = np.random.default_rng(0).integers(0, 2, (400, width, 1))  # which no eye sees
    values = np.clip(colour - grain, 0, 255).astype(np.uint8)
    alpha = np.full((400, width, 1), 255, np.uint8)
    alpha[:200] = 0 if clear else 255
    return np.concatenate([values, alpha], axis=2)


def test_a_plot_looks_the_same_in_fewer_bytes() -> None:
    before = encoded(plot())
    after = shrunk(before)
    assert len(after) < 0.5 * len(before)
    assert abs(pixels(after) - pixels(before)).max() <= 24
    assert np.sqrt(((pixels(after) - pixels(before)) ** 2).mean()) < 6


def test_what_is_clear_stays_clear() -> None:
    after = shrunk(encoded(plot(clear=True)))
    alpha = pixels(after, "RGBA")[..., 3]
    assert (alpha[:200] == 0).all()
    assert (alpha[200:] == 255).all()


def test_a_smooth_map_does_not_get_bands() -> None:
    x, y = np.meshgrid(np.arange(300), np.arange(300))
    values = np.stack([x * 255 // 300, y * 255 // 300, (x + y) * 255 // 600], axis=2)
    before = encoded(values.astype(np.uint8))
    error = pixels(shrunk(before)) - pixels(before)
    assert np.sqrt((error**2).mean()) < 6


def test_a_wide_picture_is_made_narrower_where_that_is_asked_for() -> None:
    before = encoded(plot(1600))
    assert Image.open(io.BytesIO(shrunk(before, width=800))).size == (800, 200)
    assert Image.open(io.BytesIO(shrunk(before))).size == (1600, 400)
    assert Image.open(io.BytesIO(shrunk(before, width=4000))).size == (1600, 400)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        encoded(plot())[:900],
        b"\x89PNG" + bytes(200),
        encoded(plot()[..., :3], "JPEG"),
    ],
)
def test_what_cannot_be_made_smaller_stays(data: bytes) -> None:
    assert shrunk(data) is data


@pytest.fixture
def plotted(lab_workspace: Workspace) -> Workspace:
    """The workspace with a plot in its log, and in the folder and the notebook of a run."""
    data = encoded(plot(1600))
    (lab_workspace.root / "docs" / "figures" / "curves.png").write_bytes(data)
    folder = lab_workspace.runs / "20260120_100000"
    (folder / "figures" / "confusion.png").write_bytes(data)
    cell = {"cell_type": "code", "source": "", "outputs": [
        {"output_type": "display_data", "data": {"image/png": base64.b64encode(data).decode()}}
    ]}  # fmt: skip
    (folder / "notebook.ipynb").write_text(json.dumps({"cells": [cell]}))
    return lab_workspace


def embedded(site: Path) -> bytes:
    page = (site / "notebooks" / "20260120_100000.html").read_text("utf-8")
    found = re.search(r"data:image/\w+;base64,([^\"]+)", page)
    assert found
    return base64.b64decode(found[1])


def test_pictures_of_a_site(plotted: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    original = (plotted.root / "docs" / "figures" / "curves.png").read_bytes()
    site = lab.site.build(workspace=plotted).index.parent
    small = max((site / "files").glob("*.webp"), key=lambda path: path.stat().st_size)
    page = (site / "runs" / "20260120_100000.html").read_text("utf-8")
    assert f'src="../files/{small.name}" alt="confusion" width="1600" height="400"' in page
    assert Image.open(io.BytesIO(embedded(site))).width == 900

    def fail(*_: object, **__: object) -> bytes:
        raise AssertionError("made smaller once more")

    monkeypatch.setattr(pictures, "shrunk", fail)
    assert lab.site.build(workspace=plotted).written == 0
    lab.site.build(workspace=plotted, full_figures=True)
    assert not small.exists()
    assert original in {path.read_bytes() for path in (site / "files").iterdir()}
    assert embedded(site) == original
