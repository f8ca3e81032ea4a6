"""Runs leave one workspace in a zip file and are the same in another."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from helpers import seeded_runs, write_run, write_workspace
from hypothesis import given, settings
from hypothesis import strategies as st

import lab
from lab.errors import InputError
from lab.record.catalogue import as_json, find_run, find_runs
from lab.workspace import Workspace

ID = "20260120_231502"


@pytest.fixture
def other(tmp_path: Path) -> Workspace:
    """A second workspace, as on another machine."""
    return Workspace.load(write_workspace(tmp_path / "other"))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_everything_of_a_run_arrives(
    workspace: Workspace, other: Workspace, tmp_path: Path
) -> None:
    curve = [0.1, math.nan, math.inf, -math.inf, 5e-324]
    folder = write_run(
        workspace.runs,
        ID,
        params={"seed": 3, "näme": "ünïcode ☃", "api_key": "[redacted]"},
        curves={"val/accuracy": curve, "val/überlauf": [1e308]},
        headline="val/accuracy",
        tags=["ä b"],
    )
    (folder / "figures" / "tiefe ebene").mkdir(parents=True)
    (folder / "figures" / "tiefe ebene" / "bild ☃.png").write_bytes(os.urandom(1000))
    (folder / "environment").mkdir()
    (folder / "environment" / "diff.patch").write_bytes(b"")
    (folder / "environment" / "packages.txt").write_text("numpy==2.4.6\n")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "config.json").write_bytes(b"{}")
    (folder / ".lock").touch()
    (folder / ".run.json.77-abcd").write_text("half a wri")
    file = tmp_path / "night.zip"

    done = lab.export(ID[:11], file=file, workspace=workspace)
    assert (done.kind, done.runs, done.notes) == ("zip", (ID,), ())
    arrived = lab.import_runs(file, workspace=other)

    assert (arrived.runs, arrived.here, arrived.renamed) == ((ID,), (), ())
    sent = contents(folder)
    del sent[".run.json.77-abcd"]
    assert contents(other.runs / ID) == sent
    assert lab.check(workspace=other) == []
    here, there = (find_run(place, ID) for place in (workspace, other))
    assert json.dumps(as_json(here)) == json.dumps(as_json(there))
    history = [row["val/accuracy"] for row in there.history()]
    assert history[0] == 0.1
    assert math.isnan(history[1])
    assert history[2:] == [math.inf, -math.inf, 5e-324]


def test_the_lists_of_runs_are_equal(
    workspace: Workspace, other: Workspace, tmp_path: Path
) -> None:
    seeded_runs(workspace.runs, "pooling", {"mean": [0.5, 0.6], "max": [0.7, 0.8]})
    lab.export(where="status == done", file=tmp_path / "all.zip", workspace=workspace)
    assert len(lab.import_runs(tmp_path / "all.zip", workspace=other).runs) == 4
    ours, theirs = ([as_json(r) for r in find_runs(place)] for place in (workspace, other))
    assert ours == theirs


def test_the_manifest_says_what_sha256sum_says(workspace: Workspace, tmp_path: Path) -> None:
    folder = write_run(workspace.runs, ID, curves={"val/loss": [1.0]})
    lab.export(ID, file=tmp_path / "a.zip", workspace=workspace)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        listed = json.loads(archive.read("manifest.json"))["runs"][ID]
        assert archive.testzip() is None
    expected = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in contents(folder).items()
    }
    assert listed == expected


def test_equal_runs_make_equal_files(workspace: Workspace, tmp_path: Path) -> None:
    write_run(workspace.runs, ID, curves={"val/loss": [1.0]})
    for name in ("a.zip", "b.zip"):
        lab.export(ID, file=tmp_path / name, workspace=workspace)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_importing_twice_changes_nothing(
    workspace: Workspace, other: Workspace, tmp_path: Path
) -> None:
    write_run(workspace.runs, ID, curves={"val/loss": [1.0]})
    lab.export(ID, file=tmp_path / "a.zip", workspace=workspace)
    lab.import_runs(tmp_path / "a.zip", workspace=other)
    before = {path: path.stat().st_mtime_ns for path in other.runs.rglob("*")}
    again = lab.import_runs(tmp_path / "a.zip", workspace=other)
    assert (again.runs, again.here) == ((), (ID,))
    assert {path: path.stat().st_mtime_ns for path in other.runs.rglob("*")} == before


def test_an_archived_run_is_here(workspace: Workspace, tmp_path: Path) -> None:
    write_run(workspace.runs, ID, curves={"val/loss": [1.0]})
    lab.export(ID, file=tmp_path / "a.zip", workspace=workspace)
    lab.archive(ID, workspace=workspace)
    assert lab.import_runs(tmp_path / "a.zip", workspace=workspace).here == (ID,)
    assert not (workspace.runs / ID).exists()


def test_another_run_of_that_id_is_refused_or_gets_a_new_one(
    workspace: Workspace, other: Workspace, tmp_path: Path
) -> None:
    write_run(workspace.runs, ID, curves={"val/loss": [1.0]})
    write_run(workspace.runs, "20260120_231503", curves={"val/loss": [3.0]})
    lab.export(where="status == done", file=tmp_path / "a.zip", workspace=workspace)
    mine = write_run(other.runs, ID, curves={"val/loss": [2.0]})
    before = contents(other.runs)
    with pytest.raises(InputError, match=f"here with other content: {ID}.*--new-ids"):
        lab.import_runs(tmp_path / "a.zip", workspace=other)
    assert contents(other.runs) == before

    arrived = lab.import_runs(tmp_path / "a.zip", new_ids=True, workspace=other)
    assert arrived.renamed == ((ID, f"{ID}-2"),)
    assert set(arrived.runs) == {"20260120_231503", f"{ID}-2"}
    assert contents(mine) == {k[16:]: v for k, v in before.items() if k.startswith(ID)}
    renamed = find_run(other, f"{ID}-2")
    assert renamed.best("val/loss") == 1.0
    assert renamed.record["imported"] == {"from": "zip", "source": "a.zip", "id": ID}
    assert lab.check(workspace=other) == []
    # The same file once more: both are here, the renamed one under its new id.
    again = lab.import_runs(tmp_path / "a.zip", new_ids=True, workspace=other)
    assert (again.runs, len(again.here)) == ((), 2)


def test_a_new_id_is_not_that_of_an_archived_run(
    workspace: Workspace, other: Workspace, tmp_path: Path
) -> None:
    write_run(workspace.runs, ID, curves={"val/loss": [1.0]})
    lab.export(ID, file=tmp_path / "a.zip", workspace=workspace)
    for run_id in (ID, f"{ID}-2"):
        write_run(other.runs, run_id, curves={"val/loss": [2.0]})
        lab.archive(run_id, workspace=other)
    arrived = lab.import_runs(tmp_path / "a.zip", new_ids=True, workspace=other)
    assert arrived.runs == (f"{ID}-3",)
    assert sorted(path.name for path in other.runs.iterdir()) == [f"{ID}-3", "archive"]


def test_a_log_that_cites_the_runs_is_checked_there(
    workspace: Workspace, other: Workspace, tmp_path: Path
) -> None:
    seeded_runs(workspace.runs, "pooling", {"mean": [0.5, 0.6, 0.55], "max": [0.7, 0.8, 0.75]})
    lab.log.new("research", "Pooling", runs="status == done", by="pooling", workspace=workspace)
    lab.export(where="status == done", file=tmp_path / "a.zip", workspace=workspace)
    lab.import_runs(tmp_path / "a.zip", workspace=other)
    other.research_log.write_bytes(workspace.research_log.read_bytes())
    assert lab.log.check(workspace=other) == []
    # It is the runs that are looked at: a changed number is found.
    worst = other.runs / "20260120_100000" / "summary.json"
    worst.write_text(worst.read_text().replace("0.5", "0.9"))
    assert lab.log.check(workspace=other) != []


def test_a_long_dull_log_is_not_taken_for_a_bomb(
    workspace: Workspace, other: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.exchange.bomb._HARMLESS", 1 << 20)
    folder = write_run(workspace.runs, ID, curves={"val/loss": [1.0]})
    (folder / "artifacts").mkdir()
    with (folder / "artifacts" / "zeros.bin").open("wb") as file:
        file.truncate(20 << 20)  # would pack to a thousandth
    lab.export(ID, file=tmp_path / "a.zip", workspace=workspace)
    assert lab.import_runs(tmp_path / "a.zip", workspace=other).runs == (ID,)
    assert (other.runs / ID / "artifacts" / "zeros.bin").stat().st_size == 20 << 20


def test_big_files_pass_in_little_memory(
    workspace: Workspace, other: Workspace, tmp_path: Path
) -> None:
    folder = write_run(workspace.runs, ID, curves={"val/loss": [1.0]})
    (folder / "artifacts").mkdir()
    noise = os.urandom(1 << 20)
    with (folder / "artifacts" / "log.txt").open("wb") as file:
        for _ in range(16):
            file.write(noise)
    tracemalloc.start()
    try:
        lab.export(ID, file=tmp_path / "a.zip", workspace=workspace)
        lab.import_runs(tmp_path / "a.zip", workspace=other)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_links_out_of_the_run_stay_and_are_told(
    workspace: Workspace, other: Workspace, tmp_path: Path
) -> None:
    folder = write_run(workspace.runs, ID, curves={"val/loss": [1.0]})
    (tmp_path / "private").write_text("not of the run")
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "out").symlink_to(tmp_path / "private")
    (folder / "artifacts" / "best").symlink_to("../params.json")
    done = lab.export(ID, file=tmp_path / "a.zip", workspace=workspace)
    assert done.notes == (f"{ID}: left out artifacts/out",)
    lab.import_runs(tmp_path / "a.zip", workspace=other)
    assert (other.runs / ID / "artifacts" / "best").read_text() == (
        (folder / "params.json").read_text()
    )
    assert not (other.runs / ID / "artifacts" / "out").exists()


def test_what_cannot_be_exported(workspace: Workspace, tmp_path: Path) -> None:
    write_run(workspace.runs, ID, curves={"val/loss": [1.0]})
    write_run(workspace.runs, "20260120_231503", status="running", pid=os.getpid())
    file = tmp_path / "a.zip"
    with pytest.raises(InputError, match="running cannot be exported: 20260120_231503"):
        lab.export("20260120_231503", file=file, workspace=workspace)
    with pytest.raises(InputError, match="zip file to write"):
        lab.export(file=ID, workspace=workspace)
    with pytest.raises(InputError, match="No runs to export"):
        lab.export(file=file, workspace=workspace)
    file.write_text("mine")
    with pytest.raises(InputError, match="a file of that name already"):
        lab.export(ID, file=file, workspace=workspace)
    assert file.read_text() == "mine"
    with pytest.raises(InputError, match="cannot be written"):
        lab.export(ID, file=tmp_path / "nowhere" / "a.zip", workspace=workspace)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "workspace"]


names = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"), exclude_characters="/\\\0"),
    min_size=1,
    max_size=20,
).filter(lambda name: name not in (".", "..") and name.isprintable())
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(), scalars, max_size=3)


@settings(max_examples=25)
@given(
    params=st.dictionaries(st.text(min_size=1, max_size=10), values, max_size=4),
    files=st.dictionaries(names, st.binary(max_size=200), max_size=4),
    curve=st.lists(st.floats(), max_size=5),
)
def test_any_names_and_values_arrive(
    tmp_path_factory: pytest.TempPathFactory,
    params: dict[str, object],
    files: dict[str, bytes],
    curve: list[float],
) -> None:
    root = tmp_path_factory.mktemp("any")
    here, there = (Workspace.load(write_workspace(root / name)) for name in ("a", "b"))
    folder = write_run(here.runs, ID, params=params, curves={"val/x": curve})
    (folder / "artifacts").mkdir()
    for name, data in files.items():
        (folder / "artifacts" / name).write_bytes(data)
    lab.export(ID, file=root / "a.zip", workspace=here)
    lab.import_runs(root / "a.zip", workspace=there)
    assert contents(there.runs / ID) == contents(folder)
    assert repr(find_run(there, ID).history()) == repr(find_run(here, ID).history())
