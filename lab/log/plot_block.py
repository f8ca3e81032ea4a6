"""A plot in an entry: a generated block that is one image, named by the values it is drawn of.

![Validation loss by pooling; ...](figures/val-loss-by-pooling-v3fa1b2c4d5.png)

So other values give another link, and the block no longer holds; pixels need not be compared.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.comparison import Comparison
from lab.comparison.measure import headline
from lab.errors import InputError
from lab.log.evidence.sourced import sourced_plot
from lab.plotting import CurvePlot, curves_of_runs, figure_name
from lab.record.run import Run
from lab.workspace import Workspace

Spec = dict[str, Any]

_MARKS = re.compile(r"([\\\[\]`*<])")


def plot_spec(
    comparison: Comparison,
    runs: Sequence[Run],
    *,
    metric: str,
    folder: str,
    query: dict[str, str] | None,
) -> Spec:
    """The evidence of a plot of the arms of a comparison.

    `metric` may be empty for the usual one; `folder` is where the log file lies, as the link in it
    is relative.
    """
    spec: Spec = {
        "kind": "plot",
        "runs": [run.id for run in runs],
        "by": comparison.by,
        "metric": metric or usual_metric(runs, comparison.metric),
        "rows": comparison.rows_by,
        "seed_param": comparison.seed_param,
        "from": folder,
    }
    return {**spec, "query": query} if query else spec


def usual_metric(runs: Sequence[Run], compared: str | None) -> str:
    """What is drawn where nobody says: what was compared, of a test its course on validation."""
    done = [run for run in runs if run.status == "done"]
    headlines = {compared or headline(run) for run in done} - {None}
    wanted = str(headlines.pop()) if len(headlines) == 1 else "val/loss"
    validated = f"val/{wanted.removeprefix('test/')}"
    for metric in dict.fromkeys((validated if wanted.startswith("test/") else wanted, wanted)):
        if any(run.summary.get(metric) for run in done):
            return metric
    raise InputError(
        "The runs have no metric in common to plot", do="Name one, as in: --plot train/loss."
    )


def plotted(spec: Spec, runs: Sequence[Run]) -> CurvePlot:
    """The plot that a block's evidence asks for; raises InputError where there is none."""
    return curves_of_runs(
        runs,
        metric=spec["metric"],
        by=spec["by"],
        rows=spec.get("rows"),
        seed_param=spec.get("seed_param", "seed"),
    )


def plot_text(spec: Spec, runs: Sequence[Run], workspace: Workspace) -> str:
    """The Markdown of the block."""
    plot = plotted(spec, runs)
    folder = workspace.root / str(spec.get("from") or "")
    link = Path(os.path.relpath(figures_folder(workspace) / file_name(plot), folder)).as_posix()
    alt = _MARKS.sub(r"\\\1", " ".join(sourced_plot(plot).alt.split()))
    return f"![{alt}]({quote(link)})"


def figures_folder(workspace: Workspace) -> Path:
    """Where the pictures lie: beside the research log, to be committed with it."""
    return workspace.research_log.parent / "figures"


def log_folder(log: Path, workspace: Workspace) -> str:
    """The folder of a log file, as the evidence of its plots has it."""
    return workspace.relative(log.parent)


def file_name(plot: CurvePlot) -> str:
    """What the plot shows, then the values it shows."""
    return f"{figure_name(plot.metric, plot.by, plot.rows_by)}-{values_name(plot)}.png"


def values_name(plot: CurvePlot) -> str:
    """A fingerprint of what is drawn, the same wherever the last digits of a float differ."""
    said = json.dumps(_rounded(plot.as_dict()), sort_keys=True)
    # The letter keeps the digits behind it from being read as a number of the block.
    return f"v{sha256(said.encode()).hexdigest()[:10]}"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return {key: _rounded(inside) for key, inside in value.items()}
    return [_rounded(inside) for inside in value] if isinstance(value, list | tuple) else value
