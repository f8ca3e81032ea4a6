"""The pictures of a sweep: their values are those of the trials, and the page needs nothing."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import pytest
from browser import chromium, find_chromium
from sweep_helpers import drawn

from lab.log.card_text import write_card
from lab.sweep.analysis import Analysis, analyze
from lab.sweep.draw import PICTURES, view
from lab.sweep.figures import Figures, figures_of, importance_rows, trial_rows
from lab.sweep.importance import Importance, Ranking
from lab.sweep.page import interactive_page
from lab.sweep.space import Parameter, Space
from lab.workspace import Workspace

pytestmark = pytest.mark.xdist_group("figures")  # they share what takes long to work out

SPACE = Space(
    name="night",
    objective="val/accuracy",
    params=(
        Parameter("model", "categorical", choices=("cvkan", "cnn")),
        Parameter("depth", "int", 1, 3, when={"model": ("cvkan",)}),
        Parameter("lr", "float", 1e-5, 1e-1, log=True),
        Parameter("batch", "categorical", choices=(64, 16)),
    ),
)


@pytest.fixture(scope="module")
def found() -> Analysis:
    study = drawn(SPACE, 24, lambda p, rng: 0.5 + 0.2 * p["lr"] + 0.1 * rng.normal())
    trials = list(study.trials)
    trials[3] = dataclasses.replace(trials[3], state="pruned", value=None, values=())
    trials[5] = dataclasses.replace(trials[5], state="failed", value=None, values=())
    trials[7] = dataclasses.replace(trials[7], value=-1e9, values=(-1e9,))
    made = analyze(dataclasses.replace(study, trials=tuple(trials)))
    rows = (Importance("lr", 0.5, 2.5, 1, 2, 0.9), Importance("batch", 0.01, 0.05, 3, 4, 0.0))
    return dataclasses.replace(made, rankings=(Ranking("", 24, 0.5, rows), *made.rankings[1:]))


@pytest.fixture(scope="module")
def figures(found: Analysis) -> Figures:
    return figures_of(found)


def test_places_are_in_the_scale_a_parameter_is_sampled_in(figures: Figures) -> None:
    lr = next(axis for axis in figures.axes if axis.name == "lr")
    assert lr.ticks == ((0.0, "1e-05"), (0.5, "0.001"), (1.0, "0.1"))
    batch = next(axis for axis in figures.axes if axis.name == "batch")
    assert batch.ticks == ((0.0, "16"), (1.0, "64"))
    for dot in figures.dots:
        assert 10 ** (4 * dot.places["lr"] - 5) == pytest.approx(dot.params["lr"])
        assert ("depth" in dot.places) == (dot.params["model"] == "cvkan")


def test_the_best_so_far_never_falls_and_ends_at_the_best(
    found: Analysis, figures: Figures
) -> None:
    best = [dot.best for dot in figures.dots if dot.best is not None]
    assert best == sorted(best)
    assert best[-1] == found.winner.best.value
    assert [dot.value for dot in figures.dots if dot.state in ("pruned", "failed")] == [None, None]
    assert sum(dot.elite for dot in figures.dots) == 6


def test_a_diverged_trial_does_not_own_the_scale(figures: Figures) -> None:
    low, high = view(figures)
    assert low > -1
    assert high == max(dot.value for dot in figures.complete if dot.value is not None)


def test_a_parameter_is_not_paired_with_its_own_condition(figures: Figures) -> None:
    assert figures.pairs
    assert not any({"model", "depth"} == set(pair) for pair in figures.pairs)


def test_a_method_that_was_refused_says_why(figures: Figures) -> None:
    rows = importance_rows(figures)
    assert [row["parameter"] for row in rows if row["method"] == "fANOVA"][:2] == ["lr", "batch"]
    assert "40 are needed" in next(r["refused"] for r in rows if r["method"] != "fANOVA")


def test_files_agree_with_each_other(found: Analysis, figures: Figures, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.lab]\n", encoding="utf-8")
    out = tmp_path / "out"
    written = write_card(found, out, Workspace.find(tmp_path))
    for name in PICTURES:
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    with (out / "trials.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    values = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    assert len(table) == len(values["dots"]) == 24
    for row, dot, told in zip(table, values["dots"], trial_rows(figures), strict=True):
        assert row["value"] == ("" if dot["value"] is None else repr(dot["value"]))
        assert float(row["lr"]) == dot["params"]["lr"] == told["lr"]
    card = (out / "card.md").read_text(encoding="utf-8")
    for path in written:
        assert path.name == "card.md" or f"`{path.name}`" in card


def test_nothing_in_a_value_ends_the_script(found: Analysis) -> None:
    figures = dataclasses.replace(figures_of(found), study="</script><b>")
    assert "</script><b>" not in interactive_page(figures)


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium to open the page with")
def test_the_page_filters_by_a_drag_along_an_axis(figures: Figures, tmp_path: Path) -> None:
    file = tmp_path / "explore.html"
    file.write_text(interactive_page(figures), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        page = browser.page(file.as_uri())
        counted = "document.getElementById('count').textContent"
        assert page.evaluate(counted) == "22 of 22 complete trials"
        x, y, height = page.evaluate(
            "(() => { const r = document.querySelector('.grab[data-axis=lr]')"
            ".getBoundingClientRect(); return [r.x + r.width / 2, r.y, r.height]; })()"
        )
        places = [dot.places["lr"] for dot in figures.complete]
        for kind, at in (("mousePressed", 0.0), ("mouseMoved", 0.3), ("mouseReleased", 0.5)):
            page.send(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y + at * height, button="left",
                buttons=1, clickCount=1,
            )  # fmt: skip
            if kind == "mouseMoved":
                page.send("Input.dispatchMouseEvent", type=kind, x=x, y=y + 0.5 * height, buttons=1)
        upper = sum(place >= 0.5 for place in places)
        assert page.evaluate(counted) == f"{upper} of 22 complete trials"
        rows = "document.querySelectorAll('#table tbody tr').length"
        assert page.evaluate(rows) == upper
        page.evaluate("document.getElementById('reset').click()")
        assert page.evaluate(counted) == "22 of 22 complete trials"
        assert browser.said() == []
        assert browser.refused() == []
        assert [url for url in browser.requested() if not url.startswith("file:")] == []
