"""Plots in entries: drawn with them, found missing or untrue, drawn again."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path

import pytest
from helpers import write_run
from PIL import Image
from typer.testing import CliRunner

import lab.log
from lab.cli import app
from lab.errors import InputError, LabError
from lab.log.evidence.snapshot import evidence_folder
from lab.plotting.seal import drawn_of, sealed
from lab.suite import read_suite
from lab.suite.schema import LogItem
from lab.workspace import Workspace

LINK = re.compile(r"!\[(.*)\]\((.*)\)")
NEW = {"date": "2026-01-20"}


def night(runs: Path, *, seeds: int = 3, more: float = 0.0) -> None:
    """Two arms of three seeds, four epochs each, with a metric beside that no plot needs."""
    for number, (arm, seed) in enumerate(
        (a, s) for a in ("mean", "attention") for s in range(seeds)
    ):
        top = 1.0 + 0.1 * seed + (0.5 if arm == "mean" else 0.0) + more
        write_run(
            runs,
            f"20260119_10{number:02d}00",
            params={"pooling": arm, "seed": seed, "epochs": 4},
            curves={
                "val/loss": [top + 3, top + 2, top + 1, top],
                "val/accuracy": [0.2, 0.3, 0.4, 0.5 - top / 10],
                "train/grad_norm": [7.25 + e for e in range(4)],
            },
            headline="val/accuracy",
            suite={"name": "pilot", "arm": arm, "index": number, "matrix": {"seed": seed}},
        )  # fmt: skip


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    night(workspace.runs)
    return workspace


def pictures(workspace: Workspace) -> list[Path]:
    return sorted((workspace.root / "docs" / "figures").glob("*"))


def linked(log: Path) -> tuple[str, Path]:
    """The alt text of the one image of a log file, and where its link leads."""
    ((alt, link),) = LINK.findall(log.read_text())
    return alt, log.parent / link


def new(workspace: Workspace, plot: str | bool = "val/loss", **options: object) -> lab.log.NewEntry:
    asked = {"runs": "suite.name == pilot", "by": "pooling", **NEW, **options}
    return lab.log.new("research", plot=plot, workspace=workspace, **asked)  # type: ignore[arg-type]


def test_an_entry_shows_the_curves_it_tells_of(place: Workspace) -> None:
    new(place)
    alt, path = linked(place.research_log)
    # 1.0, 1.1, 1.2 and half more: means over three seeds.
    assert alt == "Validation loss by pooling; mean at the last epoch: mean 1.60, attention 1.10."
    assert [path.resolve()] == pictures(place)
    assert path.name.startswith("val-loss-by-pooling-v")
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.width > 500
    assert lab.log.examine(workspace=place).holds


def test_the_same_values_give_the_same_name_and_bytes(place: Workspace, tmp_path: Path) -> None:
    new(place)
    (first,) = pictures(place)
    shutil.copy(first, tmp_path)
    first.unlink()
    assert lab.log.renew(workspace=place).pictures == [f"docs/figures/{first.name}"]
    assert first.read_bytes() == (tmp_path / first.name).read_bytes()


def test_the_evidence_knows_the_means_and_keeps_no_other_curve(place: Workspace) -> None:
    new(place)
    stored = [json.loads(path.read_text()) for path in evidence_folder(place).glob("*.json")]
    (plot,) = [one for one in stored if one["spec"]["kind"] == "plot"]
    mean = next(number for number in plot["numbers"] if number["text"] == "1.60")
    assert mean["value"] == pytest.approx(1.6)
    assert (mean["field"], mean["aggregation"]) == ("val/loss", "mean over 3 runs at epoch 4")
    assert mean["runs"] == ["20260119_100000", "20260119_100100", "20260119_100200"]
    assert {name for curves in plot["history"].values() for name in curves} == {"step", "val/loss"}


def change_history(workspace: Workspace) -> None:
    """The second epoch of one run was another: no last value, and so no alt text, changes."""
    file = workspace.runs / "20260119_100000" / "metrics.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[1]["val/loss"] += 0.7
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_another_course_is_told_and_drawn_again(place: Workspace) -> None:
    new(place)
    (before,) = pictures(place)
    change_history(place)
    found = lab.log.examine(workspace=place)
    assert [drift.reason for drift in found.drifts] == ["text changed"]
    assert before.name in found.drifts[0].printed
    made = lab.log.renew(workspace=place)
    (after,) = pictures(place)
    assert after.name != before.name
    assert made.pictures == [f"docs/figures/{after.name}"]
    assert linked(place.research_log)[1].resolve() == after
    assert lab.log.examine(workspace=place).holds
    again = lab.log.renew(workspace=place)
    assert (again.rewritten, again.pictures, again.snapshots) == ([], [], [])


@pytest.mark.parametrize("how", ["missing", "painted", "another", "no picture"])
def test_a_picture_that_is_gone_or_changed_is_told_and_drawn_again(
    place: Workspace, how: str
) -> None:
    new(place)
    (path,) = pictures(place)
    drawn = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "painted":
        with Image.open(path) as image:
            painted, out = image.convert("RGB"), io.BytesIO()
        painted.putpixel((5, 5), (255, 0, 0))
        painted.save(out, "png")
        path.write_bytes(out.getvalue())
    elif how == "another":
        new(place, plot="val/accuracy", title="Other")
        (other,) = set(pictures(place)) - {path}
        path.write_bytes(other.read_bytes())
    else:
        path.write_bytes(b"not a picture")
    (drift,) = lab.log.examine(workspace=place).drifts
    assert drift.reason == "picture missing or changed"
    assert drift.printed == f"docs/figures/{path.name}"
    assert place.research_log.read_text().splitlines()[drift.line - 1].startswith("![")
    assert lab.log.renew(workspace=place).rewritten == []
    assert path.read_bytes() == drawn
    assert lab.log.examine(workspace=place).holds


def test_another_version_may_draw_other_pixels(place: Workspace) -> None:
    new(place)
    (path,) = pictures(place)
    values = drawn_of(path.read_bytes())
    out = io.BytesIO()
    Image.new("RGB", (9, 9)).save(out, "png")
    path.write_bytes(sealed(out.getvalue(), str(values)))
    assert lab.log.examine(workspace=place).holds


def test_a_fresh_clone_is_checked_from_the_snapshot(place: Workspace) -> None:
    new(place)
    (path,) = pictures(place)
    shutil.rmtree(place.runs)
    found = lab.log.examine(workspace=place)
    assert (found.holds, set(found.sources)) == (True, {"snapshot"})
    log = place.research_log
    text = log.read_text()
    log.write_text(text.replace("mean 1.60", "mean 1.10"))
    assert [d.recomputed for d in lab.log.examine(workspace=place).drifts] == ["1.60"]
    log.write_text(text)
    path.unlink()
    assert [d.reason for d in lab.log.examine(workspace=place).drifts] == [
        "picture missing or changed"
    ]


def test_an_entry_moved_to_another_folder_is_told_and_mended(place: Workspace) -> None:
    new(place)
    elsewhere = place.root / "docs" / "experiments" / "moved.md"
    elsewhere.parent.mkdir()
    place.research_log.rename(elsewhere)
    (drift,) = lab.log.examine(workspace=place).drifts
    assert drift.file == "docs/experiments/moved.md"
    assert "not where the link leads, but in docs/figures" in drift.detail
    lab.log.renew(workspace=place)
    assert linked(elsewhere)[1].resolve() == pictures(place)[0]
    found = lab.log.examine(workspace=place)
    assert (found.holds, found.notes) == (True, ())


def test_new_runs_give_a_new_picture(place: Workspace) -> None:
    new(place)
    (before,) = pictures(place)
    write_run(
        place.runs, "20260125_100000", params={"pooling": "mean", "seed": 3, "epochs": 4},
        curves={"val/loss": [4.0, 3.0, 2.0, 1.0], "val/accuracy": [0.1, 0.2, 0.3, 0.4]},
        headline="val/accuracy",
        suite={"name": "pilot", "arm": "mean", "index": 9, "matrix": {"seed": 3}},
    )  # fmt: skip
    lab.log.renew(extend=True, workspace=place)
    (after,) = pictures(place)
    assert after != before
    assert "mean 1.45" in linked(place.research_log)[0]
    assert lab.log.examine(workspace=place).holds


def test_a_picture_of_no_block_is_a_note(place: Workspace) -> None:
    new(place)
    (path,) = pictures(place)
    place.research_log.unlink()
    found = lab.log.examine(workspace=place)
    assert found.holds
    assert any(path.name in note.text for note in found.notes)


def test_a_dry_run_and_a_refused_entry_leave_no_picture(place: Workspace) -> None:
    assert "](figures/val-loss" in new(place, dry_run=True).text
    assert not (place.root / "docs" / "figures").exists()
    place.research_log.write_text("# Log\n\n```\nnever closed\n")
    with pytest.raises(LabError, match="not closed"):
        new(place)
    assert not (place.root / "docs" / "figures").exists()
    assert not evidence_folder(place).exists()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("research", {"runs": "seed >= 0", "by": "pooling", "plot": "val/lost"}, "val/lost"),
        ("research", {"title": "T", "finding": "F", "plot": True}, "no runs to compare"),
        ("research", {"title": "T", "finding": "F", "mix": True}, "no runs to compare"),
        ("experiment", {"run": "20260119_100000", "plot": True}, "--plot"),
        ("experiment", {"run": "20260119_100000", "interesting": 0.01}, "--interesting"),
        ("campaign", {"title": "T", "runs": "seed >= 0", "mix": True}, "--mix"),
        ("research", {"runs": "seed >= 0", "interesting": -1.0}, "-1"),
    ],
)
def test_refused(place: Workspace, kind: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        lab.log.new(kind, workspace=place, **options)  # type: ignore[arg-type]
    assert not place.research_log.exists()
    assert not (place.root / "docs" / "figures").exists()


def test_suites_and_campaigns_show_their_curves(place: Workspace) -> None:
    item = LogItem(kind="suite", plot="val/loss")
    ids = [path.name for path in sorted(place.runs.glob("2026*"))]
    lab.log.new_for_suite("pilot", item, ids, place)
    assert linked(place.research_log)[0].startswith("Validation loss by arm;")
    made = lab.log.new("campaign", "Pooling", suite="pilot", plot=True, workspace=place)
    alt, path = linked(made.file)
    assert alt.startswith("Validation accuracy by arm;")
    assert path.is_file()
    assert lab.log.examine(workspace=place).holds


def test_names_with_brackets_stay_in_the_alt_text(workspace: Workspace) -> None:
    for number, layers in enumerate(("[64, 32]", "[64]*2")):
        write_run(
            workspace.runs, f"20260119_10{number:02d}00", params={"layers": layers, "seed": 0},
            curves={"val/loss": [2.0, 1.0]}, headline="val/loss",
        )  # fmt: skip
    new(workspace, runs="seed == 0", by="layers")
    text = workspace.research_log.read_text()
    assert r"\[64, 32\] 1.00, \[64\]\*2 1.00" in text
    assert lab.log.examine(workspace=workspace).holds


def test_by_is_optional_and_judgement_is_passed_on(place: Workspace) -> None:
    made = lab.log.new(
        "research", runs="seed >= 0", interesting=0.25, mix=True, dry_run=True, workspace=place
    )
    spec = json.loads(re.search(r"lab:evidence (\{.*\}) -->", made.text)[1])  # type: ignore[index]
    assert (spec["by"], spec["interesting"], spec["mix"]) == ("pooling", 0.25, True)
    assert "25" in made.text


def test_suite_files_ask_for_them(tmp_path: Path) -> None:
    file = tmp_path / "suite.yaml"
    log = (
        "log:\n  - {by: pooling, plot: true, mix: true, interesting: 0.01}\n  - {plot: val/loss}\n"
    )
    file.write_text("name: s\nruns: [{notebook: a.ipynb}]\n" + log)
    first, second = read_suite(file).log_items
    assert (first.plot, first.mix, first.interesting) == ("", True, 0.01)
    assert (second.plot, second.mix, second.interesting) == ("val/loss", False, None)
    file.write_text(
        "name: s\nruns: [{notebook: a.ipynb}]\nlog: [{kind: experiment, plot: val/loss}]\n"
    )
    with pytest.raises(
        LabError, match=r"suite.yaml:3 log.0.plot: .*an experiment compares nothing"
    ):
        read_suite(file)


@pytest.mark.parametrize("after", [[], ["--dry-run"]])
def test_the_metric_after_plot_may_be_left_out(
    place: Workspace, after: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.root)
    asked = ["log", "new", "research", "--runs", "seed >= 0", "--plot", *after]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0, said.output
    text = said.stdout if after else place.research_log.read_text()
    assert "](figures/val-accuracy-by-pooling-v" in text
    assert bool(after) is not (place.root / "docs" / "figures").exists()
