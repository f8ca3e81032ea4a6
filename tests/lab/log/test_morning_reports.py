"""The morning report of a suite: verdict first, failures by error, cost, change since last time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers import write_run

import lab.log
from lab.log.nights import clock_of, night_of
from lab.log.report import verdict_lines
from lab.record.run import Run
from lab.workspace import Workspace

DAY = "2026-01-20"


def run(
    runs: Path, at: str, arm: str, seed: int, value: float | None = 0.5, *, night: int = 20,
    minutes: int = 10, **record: Any,
) -> Run:  # fmt: skip
    """A run of the suite `width`, started at `at` (HHMM) and as many minutes long."""
    hour, minute = int(at[:2]), int(at[2:]) + minutes
    ended = f"2026-01-{night}T{hour + minute // 60:02d}:{minute % 60:02d}:00.000Z"
    params = record.pop("params", {})
    record.setdefault("seconds", 60.0 * minutes)
    folder = write_run(
        runs,
        f"202601{night}_{at}00",
        params={"width": len(arm), "seed": seed, **params},
        curves={} if value is None else {"val/accuracy": [value]},
        headline=None if value is None else "val/accuracy",
        ended=ended,
        suite={"name": "width", "arm": arm, "index": len(arm), "matrix": {"seed": seed}},
        **record,
    )
    return Run.read(folder)


def broken(message: str) -> dict[str, Any]:
    error = {"type": "OutOfMemoryError", "message": message, "cell": 4}
    return {"status": "failed", "reason": "oom", "error": error}


def report(workspace: Workspace) -> str:
    entry = lab.log.new("suite", suite="width", date=DAY, workspace=workspace)
    assert lab.log.check(workspace=workspace) == []
    return entry.text


def test_the_verdict_stands_first(workspace: Workspace) -> None:
    for seed in range(5):
        run(workspace.runs, f"010{seed}", "thin", seed, 0.50 + 0.001 * seed)
        run(workspace.runs, f"020{seed}", "thicker", seed, 0.60 + 0.001 * seed)
    text = report(workspace)
    first = text.partition("### Finding")[2]
    said = [line for line in first.split("\n") if line and not line.startswith("<!--")]
    assert said[0].startswith("**All 10 runs are done; thicker better than thin by 10.0 points")
    assert first.index("All 10 runs") < first.index("| Arm | Seeds |") < first.index("What it cost")
    assert text.index("What it cost") < text.index("### Action Items")


def test_failures_are_grouped_by_error_numbers_aside(workspace: Workspace) -> None:
    run(workspace.runs, "0100", "thin", 0)
    run(workspace.runs, "0200", "wide", 0, None, **broken("tried to allocate 2.50 GiB"))
    run(workspace.runs, "0300", "wide", 1, None, **broken("tried to allocate 3.00 GiB"))
    run(workspace.runs, "0400", "widest", 0, None, status="stopped", reason="time_limit")
    text = report(workspace)
    assert "**1 of 4 runs done (2 failed, 1 stopped)" in text
    assert text.count("tried to allocate") == 3  # verdict, details, action
    assert "- failed (oom): OutOfMemoryError: tried to allocate 2.50 GiB, cell 4" in text
    assert "`wide` (seeds 0 and 1); 20m00s lost" in text
    assert "- [ ] 2 runs failed (`wide` (seeds 0 and 1)): OutOfMemoryError" in text
    assert "lower the batch size" in text
    assert "raise the suite's `timeout`" in text
    assert "30m00s went into 3 runs not done" in text


def test_the_clock_counts_what_runs_at_once_and_leaves_out_pauses(workspace: Workspace) -> None:
    runs = [
        run(workspace.runs, "0100", "a", 0, minutes=10),
        run(workspace.runs, "0105", "b", 0, minutes=10),  # overlaps: until 01:15
        run(workspace.runs, "0300", "c", 0, minutes=5),  # another sitting
    ]
    clock = clock_of(runs)
    assert clock is not None
    assert (clock.seconds, clock.sittings) == (20 * 60, 2)
    night = night_of("width", runs)
    assert night.seconds == 25 * 60
    assert night.cost == (
        "25m00s of run time, 20m00s on the clock in 2 sittings (2026-01-20 01:00 to 03:05 UTC)."
    )
    assert [part.share for part in night.parts] == pytest.approx([0.4, 0.4, 0.2])


def test_a_retry_is_told_and_no_failure(workspace: Workspace) -> None:
    run(workspace.runs, "0100", "thin", 0, None, status="crashed", reason="kernel_died")
    run(workspace.runs, "0200", "thin", 0)
    text = report(workspace)
    assert "**The one run is done" in text
    assert "**Earlier tries, run again since**" in text
    assert "- crashed: kernel_died: `thin` (seed 0); 10m00s lost" in text


def test_the_first_time_says_nothing_of_a_last(workspace: Workspace) -> None:
    run(workspace.runs, "0100", "thin", 0)
    assert "last time" not in report(workspace)


def nights(workspace: Workspace, after: tuple[float, ...], **changes: Any) -> str:
    """Five seeds of one arm on the 19th, and again on the 20th."""
    for seed in range(5):
        run(workspace.runs, f"010{seed}", "thin", seed, 0.50 + 0.001 * seed, night=19)
        run(workspace.runs, f"010{seed}", "thin", seed, after[seed], **changes)
    return report(workspace)


BEFORE = tuple(0.50 + 0.001 * seed for seed in range(5))


def test_nothing_changed_since_the_last_time(workspace: Workspace) -> None:
    text = nights(workspace, BEFORE)
    assert "(2026-01-19 01:00 UTC), 5 of 5 runs ran again: every result is the same" in text
    assert "- Unchanged: code, notebooks, parameters, data, packages" in text
    assert "| thin | 50.2% | 50.2% | same | 5 | the same to the last digit |" in text


def test_what_changed_since_the_last_time(workspace: Workspace) -> None:
    after = tuple(value + 0.03 + 0.0001 * (i % 2) for i, value in enumerate(BEFORE))
    text = nights(
        workspace, after, code="d" * 64, params={"lr": 0.1},
        git={"sha": "1" * 40, "branch": "main", "dirty": False},
        data=[{"name": "cifar10", "sha256": "x", "path": "p"}],
    )  # fmt: skip
    assert "`thin` better (+3.0 points) with other code, parameters and data" in text
    assert "- Code: `ccccccc` then, `ddddddd` now (`git diff 0000000 1111111 -- src`)" in text
    assert "- Parameters: `lr` not there → 0.1" in text
    assert "- Data: `cifar10` are not what they were" in text
    assert "- Unchanged: notebooks, packages" in text


def test_other_packages_are_named(workspace: Workspace) -> None:
    for night, version in ((19, "1.0"), (20, "2.0")):
        made = run(workspace.runs, "0100", "thin", 0, night / 100, night=night)
        made.path.packages.parent.mkdir()
        made.path.packages.write_text(f"numpy==1.5\nother=={version}\n", encoding="utf-8")
    text = report(workspace)
    assert "- Packages: `other` 1.0 → 2.0" in text
    assert "too few seeds to tell whether a result moved with other packages" in text


def test_chance_between_nights_is_no_change(workspace: Workspace) -> None:
    after = tuple(v + d for v, d in zip(BEFORE, (0.02, -0.02, 0.01, -0.01, 0.005), strict=True))
    assert "no arm changed clearly with the same code" in nights(workspace, after)


def test_on_a_terminal(workspace: Workspace) -> None:
    made = [
        run(workspace.runs, "0100", "thin", 0, 0.5),
        run(workspace.runs, "0200", "wide", 0, None, **broken("no room")),
    ]
    lines = verdict_lines("width", made, workspace)
    assert lines[0].startswith("1 of 2 runs done (1 failed)")
    assert lines[1] == "- Failed: wide (seed 0): OutOfMemoryError: no room, cell 4"
    assert not any(mark in line for line in lines for mark in "*`")
