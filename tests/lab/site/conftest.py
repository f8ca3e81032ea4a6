"""A workspace with a log and runs to build a site of, and a browser to look at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, chromium, find_chromium
from helpers import write_run

from lab.workspace import Workspace

EVIDENCE = json.dumps(
    {
        "kind": "comparison",
        "runs": ["20260120_100000", "20260120_100100", "20260119_090000"],
        "by": "pooling",
        "metric": "val/accuracy",
    }
)
LOG = f"""# Research Log

Findings, newest last. See the [experiments](experiment_log.md) too.

---

## 2026-01-20 Pooling: attention better than mean

**Category**: Architecture
**Status**: Resolved
**Related**: `notebooks/domains/image.ipynb`, run `20260120_100000`

### Finding
<!-- lab:evidence {EVIDENCE} -->

| Arm | Seeds | Validation accuracy |
|---|---:|---:|
| **attention** | 1 | **81.0%** |
| mean | 1 | 79.0% |

<!-- /lab:evidence -->

In run 20260120_100000 the loss of $z_n$ fell.
![curves](figures/curves.png) ![gone](figures/gone.png)
A [script](../notebooks/x.py), the [web](https://example.org/a?b=1&c=2), [elsewhere](#impact).

### Impact
Use attention<br>everywhere.

### Action Items
- [ ] Try it on **audio**
- [x] Read the paper

---

## 2026-01-21 A later entry

Nothing in it but a mention of bananas.
"""

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000"
    "01f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture(scope="session")
def png() -> bytes:
    """The smallest picture there is."""
    return PNG


@pytest.fixture
def lab_workspace(workspace: Workspace) -> Workspace:
    """Two runs with curves, figures and notebooks, and a research log of two entries."""
    docs = workspace.root / "docs"
    (docs / "figures").mkdir()
    (docs / "figures" / "curves.png").write_bytes(PNG)
    (docs / "research_log.md").write_text(LOG, encoding="utf-8")
    for minute, pooling in enumerate(("attention", "mean")):
        accuracy = [0.5, 0.7, 0.81 - 0.02 * minute]
        folder = write_run(
            workspace.runs,
            f"20260120_10{minute:02d}00",
            params={"pooling": pooling, "seed": 0, "lr": 1e-3, "epochs": 3, "clip": None},
            curves={
                "train/loss": [2.0, 1.0, 0.5],
                "val/loss": [2.1, 1.2, 0.9],
                "val/accuracy": accuracy,
            },
            headline="val/accuracy",
            suite={"name": "pilot", "arm": pooling, "index": minute},
        )
        (folder / "figures").mkdir()
        (folder / "figures" / "confusion.png").write_bytes(PNG)
        (folder / "environment").mkdir()
        (folder / "environment" / "packages.txt").write_text("numpy==2.4.6\n", encoding="utf-8")
        write_notebook(folder / "notebook.ipynb", pooling)
    return workspace


def write_notebook(path: Path, text: str) -> None:
    """A notebook of one Markdown and one code cell, with `text` in each."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "metadata": {}, "source": [f"# About {text}"]},
        {
            "cell_type": "code",
            "metadata": {"tags": ["injected-parameters"]},
            "execution_count": 1,
            "source": [f'pooling = "{text}"'],
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["ok\n"]}],
        },
    ]
    path.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}))


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if find_chromium() is None:
        pytest.skip("no Chromium on this machine")
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started
