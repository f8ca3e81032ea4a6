"""A recorded run again: with the source of now or its own, and what is said of the numbers."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

import lab
from lab.errors import InputError
from lab.record.catalogue import find_runs
from lab.record.liveness import host_name
from lab.record.run import Run, update_run
from lab.reproduce.plan import find_plan
from lab.reproduce.source import restored_source


def run_toy(project: Any, **params: Any) -> Run:
    made = lab.run(project.notebook, params, workspace=project.workspace)
    assert made.status == "done", made.error
    return made


def again(project: Any, run: Run, **options: Any) -> tuple[Run, dict[str, Any]]:
    made = lab.rerun(run.id, workspace=project.workspace, **options)
    assert made.status == "done", made.error
    return made, made.record["rerun"]


def test_the_same_source_gives_the_same_numbers(project: Any) -> None:
    first = run_toy(project, seed=3)
    second, said = again(project, first)
    assert second.params == {"seed": 3, "scale": 1.0}
    assert (said["of"], said["source"], said["differences"]) == (first.id, "current", [])
    # Every loss is the same; the times of day, which are a metric too, are left aside.
    assert said["agreement"] == "exact"
    assert said["said"] == (
        f"The numbers are exactly those of {first.id}: 3 values of one metric "
        "(time/epoch_seconds left aside)."
    )
    assert second.last("time/epoch_seconds") != first.last("time/epoch_seconds")


def test_changed_code_is_told_and_the_recorded_code_can_be_run(project: Any) -> None:
    project.write_code(2.0)  # never committed: it is in diff.patch alone
    project.write_notebook(project.notebook_work().replace("range(1, 4)", "range(1, 6)"))
    first = run_toy(project)
    project.git("checkout", "-q", ".")
    project.write_code(50.0)
    project.commit()

    now, said = again(project, first)
    assert said["differences"] == [
        f"The notebook and the code have changed since {first.id}; --source runs what it was."
    ]
    assert said["agreement"] == "unknown"
    assert "No other seed of it was run with the same code" in said["said"]
    assert len(now.history("val/loss")) == 3

    before = os.environ["PYTHONPATH"], project.git("status", "--porcelain")
    then, said = again(project, first, source=True)
    assert (said["source"], said["differences"]) == ("recorded", [])
    assert said["agreement"] == "exact"
    assert [row["val/loss"] for row in then.history("val/loss")] == [
        row["val/loss"] for row in first.history("val/loss")
    ]
    same = ("notebook", "code", "notebook_sha256")
    assert [then.record[key] for key in same] == [first.record[key] for key in same]
    assert then.record["git"]["sha"] == first.record["git"]["sha"]
    assert then.path.root.parent == project.workspace.runs
    assert (os.environ["PYTHONPATH"], project.git("status", "--porcelain")) == before
    assert project.git("worktree", "list").count("\n") == 1
    assert list(Path(tempfile.gettempdir()).glob("lab-source-*")) == []


def test_numbers_within_and_beyond_the_noise_of_seeds(project: Any) -> None:
    """The loss is FACTOR / 3 + noise that is uniform over 0 to 1."""
    seeds = [run_toy(project, seed=seed) for seed in range(3)]
    project.write_notebook(project.notebook_work().replace("Random(seed)", "Random(seed + 100)"))
    _, said = again(project, seeds[0])
    assert said["agreement"] == "seed_noise", said["said"]
    assert "but no more than seeds do: val/loss" in said["said"]
    assert "over 3 seeds" in said["said"]
    project.write_code(500.0)
    _, said = again(project, seeds[0])
    assert said["agreement"] == "different", said["said"]
    assert "by more than seeds do: val/loss" in said["said"]


def test_other_parameters_and_failures_are_not_compared(project: Any) -> None:
    first = project.recorded({"seed": 0, "scale": 1.0}, loss=1.0)
    update_run(first.path, device="a quantum computer")
    project.write_notebook(project.notebook_work() + "run.device('cpu')\n")
    changed = lab.rerun(first.id, {"scale": "2.0"}, workspace=project.workspace)
    late = f"This ran on cpu, {first.id} on a quantum computer."
    assert changed.record["rerun"]["differences"][-1] == late
    assert changed.params["scale"] == 2.0
    assert changed.record["rerun"]["said"] == "Not compared: scale changed."
    project.write_notebook("import lab\nrun = lab.start()\nraise ValueError('no')\n")
    failed = lab.rerun(first.id, workspace=project.workspace)
    assert (failed.status, failed.record["rerun"]["agreement"]) == ("failed", None)


def test_packages_data_python_and_machine_that_differ(project: Any) -> None:
    first = project.recorded()
    listed = first.path.packages.read_text()
    edited = [line for line in listed.splitlines() if not line.startswith("numpy==")]
    first.path.packages.write_text("\n".join([*edited, "numpy==1.0", "gone_package==7"]))
    data = project.root / "data.bin"
    data.write_bytes(b"new")
    sources = [
        {"name": "digits", "sha256": "0" * 64, "path": "data.bin"},
        {"name": "faces", "sha256": "0" * 64, "path": "faces.bin"},
    ]
    hardware = first.record["machine"] | {"cpu": "Z80"}
    update_run(first.path, host="elsewhere", python="3.99.1", data=sources, machine=hardware)
    said = "\n".join(find_plan(first.id, workspace=project.workspace).differences)
    assert "Python is 3." in said
    assert ", was 3.99.1." in said
    assert f"This machine is {host_name()}, it ran on elsewhere." in said
    assert re.search(r"Its hardware differs: cpu .+, was Z80\.", said)
    assert "Packages differ: numpy 1.0 -> " in said
    assert "1 gone (gone-package)" in said
    assert "The data digits have changed: " in said
    assert "The data faces are not there: " in said


def test_data_beside_the_code_are_found_from_the_recorded_source(project: Any) -> None:
    (project.top / ".gitignore").write_text("runs/\nmy lab/data/\n*.pyc\n")
    (project.root / "data" / "in").mkdir(parents=True)
    (project.root / "data" / "in" / "x.txt").write_text("0.25")
    project.commit()
    first = project.recorded()
    sources = [{"name": n, "sha256": "0", "path": n} for n in ("data/in", "/etc", "../x", "gone")]
    update_run(first.path, data=sources)
    with restored_source(
        lab.show(first.id, workspace=project.workspace), project.workspace
    ) as restored:
        root = restored.workspace.root
        assert (root / "data" / "in" / "x.txt").read_text() == "0.25"
        assert not (root / "gone").exists()
    assert not root.exists()
    assert (project.root / "data" / "in" / "x.txt").read_text() == "0.25"


def test_a_source_that_is_not_there(project: Any) -> None:
    first = project.recorded()
    place = project.workspace
    with pytest.raises(InputError, match="in a kernel of this machine: inline"):
        lab.rerun(first.id, source=True, on="inline", workspace=place)
    sha = "f" * 40
    update_run(first.path, git={"sha": sha, "branch": "away", "dirty": False})
    with pytest.raises(InputError, match=rf"is not in this repository: {sha} \(branch away\)"):
        lab.rerun(first.id, source=True, workspace=place)
    update_run(first.path, git={"sha": None, "branch": None, "dirty": None})
    with pytest.raises(InputError, match=f"source of run {first.id} was not recorded"):
        lab.rerun(first.id, source=True, workspace=place)
    shutil.rmtree(project.top / ".git")
    with pytest.raises(InputError, match="in no git repository"):
        lab.rerun(first.id, source=True, workspace=place)
    assert [run.id for run in find_runs(place)] == [first.id]


def test_code_that_git_never_saw_is_told(project: Any) -> None:
    first = project.recorded()
    update_run(first.path, code="0" * 64)
    with restored_source(
        lab.show(first.id, workspace=project.workspace), project.workspace
    ) as restored:
        assert restored.notes == (
            "The restored code is not exactly what ran: something of it was neither in git nor in "
            "diff.patch.",
        )
