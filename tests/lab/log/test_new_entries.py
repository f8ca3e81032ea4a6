"""What goes into a new entry by hand, where it goes, and what is refused."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from helpers import write_run
from scenarios import night_with_failures, overfitting_run, pooling_night

import lab.log
from lab.errors import InputError, LabError, LogError, RunNotFound
from lab.suite.plan import plan_suite
from lab.suite.schema import LogItem, Suite
from lab.workspace import Workspace

BY_HAND = """\
## 2026-01-20 AMP breaks complex numbers

**Category**: Training
**Status**: Workaround
**Related**: `experiments/train.py`

### Finding
It gives NaN.

It is the float16.

### Impact
No AMP.

### Action Items
- [ ] Test bfloat16
- [ ] Disable it

---
"""


def test_by_hand(workspace: Workspace) -> None:
    entry = lab.log.new(
        "research",
        "AMP breaks complex numbers",
        category="Training",
        status="Workaround",
        related=["experiments/train.py"],
        finding=["It gives NaN.", "It is the float16."],
        impact="No AMP.",
        actions=["Test bfloat16", "Disable it"],
        date=datetime.date(2026, 1, 20),
        workspace=workspace,
    )
    assert entry.text == BY_HAND
    assert entry.place == "docs/research_log.md:7"


def test_by_hand_with_the_least(workspace: Workspace) -> None:
    entry = lab.log.new("research", "A title", finding="Text", workspace=workspace)
    today = datetime.date.today().isoformat()
    assert entry.text.startswith(f"## {today} A title\n\n**Category**: General\n**Status**: ")
    assert [s for s in entry.text.split("\n") if s.startswith("### ")] == [
        "### Finding",
        "### Impact",
        "### Action Items",
    ]


def test_kinds_have_their_files(workspace: Workspace) -> None:
    overfitting_run(workspace.runs)
    experiment = lab.log.new("experiment", run="20251203_101500", workspace=workspace)
    assert experiment.file == workspace.experiment_log
    other = lab.log.new(
        "research", "T", finding="F", file="docs/experiments/mine.md", workspace=workspace
    )
    assert other.file == workspace.root / "docs" / "experiments" / "mine.md"
    assert len(lab.log.entries(workspace=workspace)) == 2


def test_runs_by_expression(workspace: Workspace) -> None:
    pooling_night(workspace.runs)
    entry = lab.log.new(
        "research", runs="dataset == cifar10 and seed < 1", by="pooling", workspace=workspace
    )
    assert "attention observed 1.4 points better than mean (one seed)" in entry.title
    assert "`20260119_230002`, `20260119_230202`" in entry.text


def test_an_experiment_of_several_runs_is_of_the_best(workspace: Workspace) -> None:
    runs = pooling_night(workspace.runs)[:4]
    entry = lab.log.new("experiment", runs=runs, workspace=workspace)
    assert "run `20260119_230202`" in entry.text  # attention, seed 0: 48.2%


def test_a_given_baseline(workspace: Workspace) -> None:
    pooling_night(workspace.runs)
    entry = lab.log.new(
        "experiment", run="20260119_230202", baseline="20260119_230002", workspace=workspace
    )
    assert "- **pooling: attention** ← mean in the baseline" in entry.text
    assert "48.2% against 46.8% in the baseline (+1.4 points)" in entry.text


def test_the_entry_that_a_suite_asks_for(workspace: Workspace) -> None:
    ids = [run.id for run in pooling_night(workspace.runs)]
    item = LogItem(by="pooling", rows="dataset", title="Pilot", where="dataset != etth1")
    entry = lab.log.new_for_suite("pilot", item, ids, workspace)
    assert entry.title == "Pilot"
    assert "across 2 datasets" in entry.text
    assert "| etth1 |" not in entry.text


def test_a_suite_over_domains_is_not_pooled(workspace: Workspace) -> None:
    ids = [run.id for run in pooling_night(workspace.runs)]
    entry = lab.log.new_for_suite("pilot", LogItem(by="pooling"), ids, workspace)
    assert "| Notebook | mean | attention | Delta | Seeds |" in entry.text


def test_a_suite_of_which_nothing_ended_well(workspace: Workspace) -> None:
    for i in range(2):
        suite = {"name": "night", "arm": f"a{i}", "index": i, "matrix": {}}
        write_run(workspace.runs, f"20260120_10000{i}", status="failed", suite=suite,
                  error={"type": "OSError", "message": "gone", "cell": 1})  # fmt: skip
    entry = lab.log.new("suite", suite="night", workspace=workspace)
    assert "**0 of 2 runs done (2 failed).**" in entry.text
    assert "- failed: OSError: gone, cell 1\n" in entry.text
    assert "25s lost; runs `20260120_100000`, `20260120_100001`" in entry.text
    assert "- [ ] 2 runs failed (`a0` and `a1`): OSError: gone, cell 1; " in entry.text


def test_a_retry_that_succeeded_is_no_failure(workspace: Workspace) -> None:
    for i, status in enumerate(["crashed", "done"]):
        suite = {"name": "night", "arm": "a", "index": 0, "matrix": {}}
        write_run(workspace.runs, f"20260120_10000{i}", status=status, suite=suite,
                  curves={"val/accuracy": [0.5]})  # fmt: skip
    assert "All 1 runs done" not in (
        text := lab.log.new("suite", suite="night", workspace=workspace).text
    )
    assert "The one run is done" in text
    assert "- crashed: `a`; 12s lost" in text.partition("Earlier tries, run again since")[2]
    assert "None." in text.partition("### Action Items")[2]


def test_curves_ask_for_actions(workspace: Workspace) -> None:
    for i, arm in enumerate(["a", "b"]):
        write_run(
            workspace.runs,
            f"20260120_10000{i}",
            params={"pooling": arm, "seed": 0, "epochs": 8},
            curves={"val/accuracy": [0.1 * (1 + e + i) / 2 for e in range(8)]},
        )
    text = lab.log.new("research", runs="seed == 0", by="pooling", workspace=workspace).text
    assert "Run longer (`epochs=16`): 2 of 2 runs were still improving at the end" in text


def test_the_best_at_the_edge_asks_for_more(workspace: Workspace) -> None:
    for i, width in enumerate([64, 128, 256]):
        write_run(workspace.runs, f"20260120_10000{i}", params={"d_complex": width, "seed": 0},
                  curves={"val/accuracy": [0.3 + i / 10]})  # fmt: skip
    text = lab.log.new("research", runs="seed == 0", by="d_complex", workspace=workspace).text
    assert "Try `d_complex` above 256: the best value is the largest tried" in text


def test_failures_ask_for_actions(workspace: Workspace) -> None:
    runs = night_with_failures(workspace.runs)
    text = lab.log.new("research", runs=runs, by="arm", rows="notebook", workspace=workspace).text
    assert (
        "- [ ] Mend and run again what failed: `20260120_000100` "
        "(ValueError: shapes (3, 4) and (5,), cell 4)" in text
    )


@pytest.mark.parametrize(
    ("kind", "options", "error", "message"),
    [
        ("note", {}, InputError, "Unknown kind of entry: note"),
        ("story", {}, InputError, "Allowed: research, experiment, suite"),
        ("research", {}, InputError, "needs a title"),
        ("research", {"title": "T"}, InputError, "nothing to write"),
        ("research", {"title": "T", "by": "pooling"}, InputError, "no runs to compare"),
        ("research", {"runs": "seed == 0"}, InputError, "different headline metrics"),
        ("research", {"runs": "seed == 99", "by": "pooling"}, InputError, "No run is selected"),
        (
            "research",
            {"runs": "seed == 0", "by": "poolng", "rows": "dataset"},
            InputError,
            "pooling",
        ),
        ("research", {"run": "20260119_230002"}, InputError, "makes an experiment entry"),
        ("research", {"title": "T", "finding": "F", "date": "tomorrow"}, LogError, "Not a date"),
        ("research", {"title": "T\n## U", "finding": "F"}, InputError, "A title is one line"),
        ("research", {"title": "T", "finding": "F", "status": "a\nb"}, InputError, "A status is"),
        ("research", {"title": "T", "finding": "F", "actions": ["a\nb"]}, InputError, "one line"),
        ("research", {"title": "T", "finding": "F", "actions": [" "]}, InputError, "one line"),
        ("experiment", {}, InputError, "about a run"),
        ("experiment", {"run": "20260119_230003"}, RunNotFound, "20260119_230002"),
        ("suite", {}, InputError, "needs a suite"),
        ("suite", {"suite": "pilott"}, InputError, "No run is selected: pilott"),
    ],
)
def test_refused_with_nothing_written(
    workspace: Workspace,
    kind: str,
    options: dict[str, Any],
    error: type[LabError],
    message: str,
) -> None:
    pooling_night(workspace.runs, seeds=1)
    with pytest.raises(error, match=message) as caught:
        lab.log.new(kind, workspace=workspace, **options)
    assert caught.value.exit_code == 2
    assert list((workspace.root / "docs").iterdir()) == []


def test_two_entries_at_once_are_both_there(workspace: Workspace) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(write, workspace.root), [f"Title {i}" for i in range(8)]))
    titles = {entry.title for entry in lab.log.entries(workspace=workspace)}
    assert titles == {f"Title {i}" for i in range(8)}


def write(root: Path, title: str) -> None:
    lab.log.new("research", title, finding="F", workspace=Workspace.load(root))


def test_more_seeds_are_not_asked_for_where_runs_are_not_alike(workspace: Workspace) -> None:
    for number, (data, pooling) in enumerate((("a", "mean"), ("b", "attention"))):
        write_run(
            workspace.runs,
            f"20260119_10{number:02d}00",
            params={"pooling": pooling, "seed": 0},
            curves={"val/accuracy": [0.5, 0.6 + number / 10]},
            headline="val/accuracy",
            data=[{"name": data, "sha256": data * 64, "path": data}],
        )
    text = lab.log.new("research", runs="seed == 0", by="pooling", workspace=workspace).text
    assert "Compare `pooling` again over runs that differ in nothing else" in text
    assert "of every arm: 5 seeds" not in text


@pytest.mark.parametrize("file", ["../../out.md", "README.md", "docs/notes.txt", "docs/x/a.md"])
def test_a_file_that_nothing_would_check_is_no_log_file(workspace: Workspace, file: str) -> None:
    curves = {"val/accuracy": [0.5, 0.6]}
    for number, pooling in enumerate(("mean", "attention")):
        run = write_run(
            workspace.runs, f"20260120_10000{number}", params={"pooling": pooling}, curves=curves
        )
    source = workspace.root / "old.md"
    source.write_text("# Old\n\n## 2026-01-20 A finding\n\nWords.\n")
    suite = Suite.model_validate({"name": "s", "runs": [{}], "log": {"file": file}})
    writes: list[Callable[[], object]] = [
        lambda: lab.log.new("research", "T", finding="F", file=file, workspace=workspace),
        lambda: lab.log.new("experiment", "T", run=run.name, file=file, workspace=workspace),
        lambda: lab.log.import_entries(source, file, workspace=workspace),
        lambda: lab.log.claim(
            "Attention is better", by="pooling", metric="val/accuracy", expect="attention>mean",
            file=file, workspace=workspace,
        ),
        lambda: plan_suite(suite, workspace),
    ]  # fmt: skip
    before = sorted(workspace.root.parent.parent.rglob("*.md"))
    for write in writes:
        with pytest.raises(LogError, match=re.escape(f"no log file of this workspace: {file}.")):
            write()
    assert sorted(workspace.root.parent.parent.rglob("*.md")) == before


def test_log_files_are_those_that_the_workspace_names(workspace: Workspace) -> None:
    for file in ("docs/experiments/a.md", "docs/experiments/b/c.md", "docs/x/../research_log.md"):
        path = workspace.log_file(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# Log\n")
        assert path in workspace.log_files()
        assert workspace.log_file(path) == path
