"""What a plot shows: means and intervals against scipy, files with the same bytes each time."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import write_run
from IPython.core.formatters import DisplayFormatter
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image
from scipy.stats import t

import lab
from lab.errors import InputError
from lab.plotting import curves_of_runs, curves_png, figure_name, save_plot
from lab.plotting.draw import draw
from lab.plotting.limits import cut_bands
from lab.plotting.style import COLOURS
from lab.record.catalogue import find_runs
from lab.record.run import Run
from lab.workspace import Workspace

STEPS = 6


@pytest.fixture
def runs(workspace: Workspace) -> list[Run]:
    """Arms of three seeds, two seeds (one of which ended early) and one seed."""
    random = np.random.default_rng(0)
    for i, (pooling, seed, steps) in enumerate(
        [
            ("mean", 0, 6),
            ("mean", 1, 6),
            ("mean", 2, 6),
            ("max", 0, 6),
            ("max", 1, 4),
            ("sum", 0, 6),
        ]
    ):
        write_run(
            workspace.runs,
            f"20260120_10000{i}",
            params={"pooling": pooling, "seed": seed, "epochs": STEPS},
            curves={
                "val/accuracy": np.linspace(0.2, 0.6, steps) + random.normal(0, 0.02, steps),
                "val/loss": np.linspace(2, 1, steps) + random.normal(0, 0.02, steps),
                "test/accuracy": {steps: 0.5 + 0.01 * i},
            },
        )
    return find_runs(workspace)


def test_means_and_bands(runs: list[Run]) -> None:
    plot = curves_of_runs(runs, metric="val/accuracy", by="pooling")
    mean, largest, total = (arm for arm in plot.panels[0].arms)
    assert (mean.name, mean.n, mean.band) == ("mean", 3, "t")
    values = np.array([[row["val/accuracy"] for row in run.history()] for run in _of(runs, "mean")])
    expected = t.interval(0.95, 2, values.mean(0), values.std(0, ddof=1) / np.sqrt(3))
    assert [p.mean for p in mean.points] == pytest.approx(values.mean(0))
    assert [p.low for p in mean.points] == pytest.approx(expected[0])
    assert [p.high for p in mean.points] == pytest.approx(expected[1])
    pair = [[row["val/accuracy"] for row in run.history()] for run in _of(runs, "max")]
    assert (largest.band, largest.points[0].low) == ("range", min(pair[0][0], pair[1][0]))
    assert [p.n for p in largest.points] == [2, 2, 2, 2, 1, 1]
    assert (total.band, total.points[0].low) == ("none", None)
    assert "95% t interval of the mean, range of the runs where there are two" in plot.bands
    assert "Dotted: fewer runs than n" in plot.bands
    assert plot.step_word == "epoch"


def test_a_metric_logged_once_is_drawn_as_dots(runs: list[Run]) -> None:
    plot = curves_of_runs(runs, metric="test/accuracy", by="pooling")
    assert plot.single
    assert plot.panels[0].arms[0].values == (0.5, 0.51, 0.52)
    assert "Validation" not in plot.alt
    assert draw(plot).axes[0].get_xticklabels()[0].get_text() == "mean"


def test_panels_are_never_pooled(workspace: Workspace, runs: list[Run]) -> None:
    for i, seed in enumerate((0, 1)):
        write_run(
            workspace.runs, f"20260121_10000{i}",
            params={"pooling": "mean", "seed": seed}, curves={"val/accuracy": [0.1, 0.9]},
            notebook="notebooks/domains/audio.ipynb",
        )  # fmt: skip
    plot = curves_of_runs(
        find_runs(workspace), metric="val/accuracy", by="pooling", rows="notebook"
    )
    assert [panel.name for panel in plot.panels] == [
        "notebooks/domains/image.ipynb", "notebooks/domains/audio.ipynb",
    ]  # fmt: skip
    assert plot.panels[1].arms[0].points[-1].mean == pytest.approx(0.9)
    assert [axes.get_title(loc="left") for axes in draw(plot).axes] == ["image", "audio"]


def test_a_row_without_the_metric_has_no_panel(workspace: Workspace, runs: list[Run]) -> None:
    write_run(
        workspace.runs, "20260121_100000", params={"pooling": "mean", "seed": 0},
        curves={"val/mse": [0.1]}, notebook="notebooks/domains/series.ipynb",
    )  # fmt: skip
    plot = curves_of_runs(
        find_runs(workspace), metric="val/accuracy", by="pooling", rows="notebook"
    )
    assert [panel.name for panel in plot.panels] == ["notebooks/domains/image.ipynb"]
    assert "no finite val/accuracy" in " ".join(plot.notes)


def test_arms_that_mix_settings_are_told(workspace: Workspace, runs: list[Run]) -> None:
    assert "lr" not in " ".join(curves_of_runs(runs, metric="val/loss", by="pooling").notes)
    for i, lr in enumerate((0.1, 0.2)):
        write_run(
            workspace.runs, f"20260121_10000{i}", curves={"val/loss": [2, 1]},
            params={"pooling": "sum", "seed": 1, "epochs": STEPS, "lr": lr},
        )  # fmt: skip
    plot = curves_of_runs(find_runs(workspace), metric="val/loss", by="pooling")
    assert plot.notes[0].startswith("Runs of one arm differ in `lr` (")


def test_many_steps_are_averaged_in_groups(workspace: Workspace) -> None:
    values = np.arange(1000.0)
    write_run(
        workspace.runs, "20260120_100000", params={"a": 1}, curves={"train/loss": values}
    )  # fmt: skip
    plot = curves_of_runs(find_runs(workspace), metric="train/loss", by="a")
    points = plot.panels[0].arms[0].points
    assert len(points) == 250
    assert (points[0].step, points[0].mean) == (4, 1.5)
    assert "Each point is the mean of 4 steps." in plot.notes


def test_the_same_runs_give_the_same_small_picture(runs: list[Run]) -> None:
    png = curves_png(runs, "val/loss", "pooling")
    assert png == curves_png(runs, "val/loss", "pooling")
    assert len(png) < 60_000
    assert b"matplotlib" not in png
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        assert image.width > 600
        colours = np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)
    for colour in COLOURS[:3]:
        wanted = np.array(to_rgb(colour)) * 255
        assert np.abs(colours - wanted).max(axis=1).min() < 25, colour


@pytest.mark.parametrize("kind", ["png", "svg", "pdf", "html"])
def test_files(runs: list[Run], tmp_path: Path, kind: str) -> None:
    plot = curves_of_runs(runs, metric="val/loss", by="pooling")
    first, second = tmp_path / f"a.{kind}", tmp_path / "new" / f"b.{kind}"
    save_plot(plot, first)
    save_plot(plot, second)
    assert first.read_bytes() == second.read_bytes()
    if kind == "html":
        page = first.read_text(encoding="utf-8")
        assert "Validation loss by pooling; mean at the last epoch: mean" in page
        assert not re.search(r"<script|src=|href=\"http", page)


def test_no_picture_of_another_kind(runs: list[Run], tmp_path: Path) -> None:
    plot = curves_of_runs(runs, metric="val/loss", by="pooling")
    with pytest.raises(InputError, match=r"a\.gif.*\.png, \.svg, \.pdf, \.html"):
        save_plot(plot, tmp_path / "a.gif")
    assert not list(tmp_path.glob("a.*"))


def test_a_file_is_replaced_only_on_request(runs: list[Run], tmp_path: Path) -> None:
    loss = curves_of_runs(runs, metric="val/loss", by="pooling")
    accuracy = curves_of_runs(runs, metric="val/accuracy", by="pooling")
    path = tmp_path / "a.svg"
    save_plot(loss, path)
    before = path.read_bytes()
    save_plot(loss, path)  # the same again, which loses nothing
    with pytest.raises(InputError, match=r"another file of that name.*a\.svg.*--out.*--force"):
        save_plot(accuracy, path)
    assert path.read_bytes() == before
    save_plot(accuracy, path, force=True)
    assert path.read_bytes() != before


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"a": (0.50, 0.51, 0.52)}, ""),
        ({"a": (0.2, 0.5, 0.8), "b": (0.5, 0.51, 0.52)}, "The band of a is cut at the axis."),
        (
            {"a": (0.2, 0.5, 0.8), "b": (0.1, 0.5, 0.9)},
            "The bands of a and b are cut at the axis.",
        ),
        (
            {name: (0.2, 0.5, 0.8) for name in "abcd"},
            "The bands of 4 arms are cut at the axis.",
        ),
    ],
)
def test_a_band_wider_than_the_axis_is_told(
    workspace: Workspace, values: dict[str, tuple[float, ...]], told: str
) -> None:
    for i, (arm, results) in enumerate(values.items()):
        for seed, result in enumerate(results):
            write_run(
                workspace.runs, f"20260120_10{i}00{seed}", params={"x": arm, "seed": seed},
                curves={"val/accuracy": [0.2 * result, result]},
            )  # fmt: skip
    plot = curves_of_runs(find_runs(workspace), metric="val/accuracy", by="x")
    assert cut_bands(plot) == told
    figure = draw(plot)
    caption = " ".join(figure.texts[-1].get_text().split())
    assert caption == f"Lines: mean of the runs. Bands: 95% t interval of the mean. {told}".strip()
    bottom, top = figure.axes[0].get_ylim()
    points = [p for arm in plot.panels[0].arms for p in arm.points]
    assert bool(told) == (min(p.low for p in points) < bottom or max(p.high for p in points) > top)


def test_a_band_below_zero_is_cut_by_a_logarithmic_axis(workspace: Workspace) -> None:
    for seed, last in enumerate((0.01, 0.02, 0.09)):
        write_run(
            workspace.runs, f"20260120_10000{seed}", params={"x": "a", "seed": seed},
            curves={"val/loss": [9.0 + seed, last]},
        )  # fmt: skip
    plot = curves_of_runs(find_runs(workspace), metric="val/loss", by="x")
    assert draw(plot).axes[0].get_yscale() == "log"
    assert cut_bands(plot) == "The band of a is cut at the axis."


def test_a_figure_for_notebooks(workspace: Workspace, runs: list[Run]) -> None:
    figure = lab.plot("val/loss", "pooling", workspace=workspace)
    assert isinstance(figure, Figure)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["mean (n = 3)", "max (n = 2)", "sum (n = 1)"]
    shown, _ = DisplayFormatter().format(figure, include={"image/png"})
    assert shown["image/png"] == curves_png(runs, "val/loss", "pooling")


def test_a_diverged_run_leaves_a_hole_and_no_error(workspace: Workspace) -> None:
    for seed, bad in ((0, float("nan")), (1, 1.0)):
        write_run(
            workspace.runs, f"20260120_10000{seed}", params={"a": 1, "seed": seed},
            curves={"val/loss": [3.0, bad, 2.0]},
        )  # fmt: skip
    plot = curves_of_runs(find_runs(workspace), metric="val/loss", by="a")
    assert [p.n for p in plot.panels[0].arms[0].points] == [2, 1, 2]
    assert draw(plot).axes


def test_names_of_files() -> None:
    assert figure_name("val/loss", "pooling") == "val-loss-by-pooling"
    assert figure_name("val/loss", "suite.arm", "notebook") == "val-loss-by-suite-arm-per-notebook"


def _of(runs: list[Run], pooling: str) -> list[Run]:
    return sorted((r for r in runs if r.params["pooling"] == pooling), key=lambda run: run.id)
