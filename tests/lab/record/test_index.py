"""The index answers what reading the files answers, whatever happens to either."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import random
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import write_run

from lab.errors import LabError, QueryError
from lab.record import index as index_module
from lab.record.catalogue import find_run, find_runs
from lab.record.edit import add_note, archive_run, change_tags
from lab.record.index import Index, open_index
from lab.record.index_file import Segment
from lab.record.indexed_run import ALL, IndexedRun
from lab.record.lazy import Shelf
from lab.record.paths import RunPaths
from lab.record.run import Run, update_run
from lab.record.where import parse_query
from lab.workspace import Workspace

LONG_AGO = 1_700_000_000_000_000_000
NAMES = ("run.json", "params.json", "summary.json", "metrics.jsonl")
QUERIES = (
    "status == done",
    "lr > 0.1 and val/accuracy >= 0.5",
    "tags == good or not suite.arm == a",
    "val/loss.last < 1",
)

TEXTS = (
    ("record", "a"), ("record", "good"), ("record", "x"), ("params", "mean"), ("params", "max"),
)  # fmt: skip


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every new row is worth a write, and five of them a new main file."""
    monkeypatch.setattr(index_module, "_FEW", 1)
    monkeypatch.setattr(index_module, "_MERGE_ROWS", 5)


def forget_processes() -> None:
    """What a new process would start with."""
    index_module._OPEN.clear()


class Clock:
    """Gives files times long ago, later ones later, as if nothing was done in haste."""

    def __init__(self) -> None:
        self.now = LONG_AGO

    def age(self, *paths: Path) -> None:
        for path in paths:
            self.now += 1_000_000
            os.utime(path, ns=(self.now, self.now))


def made(runs: Path, clock: Clock, number: int, rng: random.Random) -> Path:
    values = [rng.choice([0.1, 0.5, 0.5, 0.9, float("nan"), float("inf")]) for _ in range(3)]
    curves = {"val/accuracy": values, "val/loss": [1.0, 0.5 + rng.random()]}
    if rng.random() < 0.2:
        curves.pop("val/accuracy")
    run_id = f"20260120_1000{number % 60:02d}" + rng.choice(["", "", "-2", "-10", "_j7"])
    if (runs / run_id).exists():
        return runs / run_id
    pool = "mean" if number % 3 else "sum"
    folder = write_run(
        runs, run_id, curves=curves,
        params={"seed": number, "lr": rng.choice([0.1, 0.3]), "pool": pool},
        tags=rng.choice([[], ["good"]]), status=rng.choice(["done", "done", "failed"]),
        suite=rng.choice([None, {"name": "s", "arm": rng.choice("ab"), "index": 0}]),
    )  # fmt: skip
    clock.age(*(folder / name for name in ("metrics.jsonl", *NAMES[:3])))
    return folder


def truth(runs: Path) -> list[Run]:
    """Every run as its files tell it, newest first; those that cannot be read are left out."""
    found = []
    for folder in runs.iterdir():
        try:
            run = Run.read_if_there(RunPaths(folder))
        except LabError:
            continue
        found += [run] if run is not None else []

    def age(run: Run) -> tuple[str, int, str]:
        stamp, _, rest = run.id.partition("-")
        return stamp[:15], int(rest.partition("_")[0] or 1), run.id

    return sorted(found, key=age, reverse=True)


def by_metric(runs: list[Run], metric: str, which: str) -> list[str]:
    goal = next(run.metrics[metric]["goal"] for run in runs if metric in run.metrics)

    def key(run: Run) -> tuple[int, float]:
        value = run.metrics.get(metric, {}).get(which)
        if not isinstance(value, int | float):
            return 2, 0.0
        return (1, 0.0) if value != value else (0, -value if goal == "max" else value)

    return [run.id for run in sorted(runs, key=key)]


def told(run: Run | None) -> str:
    assert run is not None
    return repr((run.id, run.path, run.record, run.params, run.summary))


def check_all(workspace: Workspace) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = truth(workspace.runs)
        assert [told(run) for run in find_runs(workspace)] == [told(run) for run in whole]
        assert [told(r) for r in find_runs(workspace, limit=3)] == [told(r) for r in whole[:3]]
        for metric in ("val/accuracy", "val/loss"):
            if any(metric in run.metrics for run in whole):
                for which in ("best", "last"):
                    ids = by_metric(whole, metric, which)
                    found = find_runs(workspace, sort=f"{metric}.{which}")
                    assert [run.id for run in found] == ids
                    found = find_runs(workspace, sort=f"{metric}.{which}", limit=2)
                    assert [run.id for run in found] == ids[:2]
        for text in QUERIES:
            query = parse_query(text)
            try:
                found = find_runs(workspace, where=text)
            except QueryError:  # no run has the name
                continue
            assert [told(r) for r in found] == [told(r) for r in whole if query.matches(r)]
        shelf = Shelf(workspace)
        assert [told(shelf.run(run.id)) for run in whole] == [told(run) for run in whole]
        assert {run.id for run in whole} <= {run.id for run in shelf.runs()}
        for kind, value in TEXTS:
            holding = {run.id for run in whole if value in texts_in(getattr(run, kind))}
            assert holding <= {*Shelf(workspace).may_hold(kind, [value])}


def texts_in(value: Any) -> set[str]:
    """Every text that JSON holds, its keys aside."""
    if isinstance(value, str):
        return {value}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {text for one in inner for text in texts_in(one)}


def change_json(path: Path, change: Callable[[dict[str, Any]], Any], *, in_place: bool) -> None:
    content = json.loads(path.read_text())
    change(content)
    if in_place:
        path.write_text(json.dumps(content))
    else:
        beside = path.with_name("beside")
        beside.write_text(json.dumps(content))
        beside.replace(path)


def edit(workspace: Workspace, clock: Clock, rng: random.Random, number: int) -> None:
    """Something that people, this program or the weather do to a runs folder."""
    runs = workspace.runs
    folders = sorted(path for path in runs.iterdir() if (path / "run.json").is_file())
    if not folders:
        made(runs, clock, number, rng)
        return
    folder, in_place = rng.choice(folders), rng.random() < 0.5
    what = rng.choice(
        ["new", "new", "params", "summary", "record", "metrics", "note", "tag", "archive",
         "remove", "damage", "lost", "running", "touch", "index"]
    )  # fmt: skip
    changed: tuple[str, ...] = ()
    try:
        if what == "new":
            made(runs, clock, number, rng)
        elif what == "params":
            change_json(
                folder / "params.json", lambda p: p.update(lr=0.2, pool="max"), in_place=in_place
            )
            changed = ("params.json",)
        elif what == "summary":
            best = {"last": 0.7, "best": 0.7, "best_step": 1, "goal": "max"}
            change_json(
                folder / "summary.json", lambda s: s.update({"val/accuracy": best}),
                in_place=in_place,
            )  # fmt: skip
            changed = ("summary.json",)
        elif what == "record":
            change_json(folder / "run.json", lambda r: r.update(name="x"), in_place=in_place)
            changed = ("run.json",)
        elif what == "metrics":
            with (folder / "metrics.jsonl").open("a") as file:
                line = '{"step": 9, "time": 0.0, "val/loss": 0.125}\n'
                file.write(line + rng.choice(["", '{"torn']))
            changed = ("metrics.jsonl",)
        elif what == "note":
            add_note(Run.read(folder), "a note")
            changed = ("summary.json",)
        elif what == "tag":
            change_tags(Run.read(folder), [f"+t{number}"])
            changed = ("run.json",)
        elif what == "archive":
            archive_run(Run.read(folder))
        elif what == "remove":
            shutil.rmtree(folder)
        elif what == "damage":
            (folder / rng.choice(NAMES)).write_text('{"half')
        elif what == "lost":
            (folder / rng.choice(NAMES)).unlink()
        elif what == "running":
            update_run(RunPaths(folder), status="running", pid=os.getpid(), host="here")
            (folder / "heartbeat").touch()
        elif what == "touch":
            changed = NAMES
        elif what == "index":
            disturb(runs, rng)
    except (LabError, OSError, ValueError):  # it was damaged before
        return
    if changed and rng.random() < 0.8:  # else it was a moment ago
        clock.age(*(folder / name for name in changed if (folder / name).exists()))


def disturb(runs: Path, rng: random.Random) -> None:
    """Damage, cut, remove or swap a file of the index."""
    files = sorted(runs.glob(".index*"))
    if not files:
        return
    path = rng.choice(files)
    content = bytearray(path.read_bytes())
    what = rng.choice(["flip", "cut", "empty", "remove", "text"])
    if what == "flip" and content:
        content[rng.randrange(len(content))] ^= 0xFF
    elif what == "cut":
        del content[rng.randrange(len(content) + 1) :]
    elif what == "empty":
        content.clear()
    elif what == "text":
        content = bytearray(b"not an index " * 9)
    if what == "remove":
        path.unlink()
    elif rng.random() < 0.5:
        path.write_bytes(content)
    else:
        path.with_name(".index.tmp-beside").write_bytes(content)
        path.with_name(".index.tmp-beside").replace(path)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("seed", range(5))
def test_random_edits(workspace: Workspace, seed: int) -> None:
    rng, clock = random.Random(seed), Clock()
    for number in range(12):
        made(workspace.runs, clock, number, rng)
    for number in range(12, 52):
        edit(workspace, clock, rng, number)
        if rng.random() < 0.3:
            forget_processes()
        check_all(workspace)


@pytest.fixture
def thirty(workspace: Workspace) -> Workspace:
    clock, rng = Clock(), random.Random(1)
    for number in range(30):
        made(workspace.runs, clock, number, rng)
    find_runs(workspace)
    return workspace


def opened(workspace: Workspace) -> list[str]:
    """The ids of runs whose files are read now."""
    return [run.id for run in find_runs(workspace) if not isinstance(run, IndexedRun)]


def test_the_second_listing_reads_no_run(thirty: Workspace) -> None:
    assert (thirty.runs / ".index").is_file()
    assert opened(thirty) == []
    forget_processes()
    assert opened(thirty) == []


def test_only_what_changed_is_read_again(thirty: Workspace) -> None:
    folder = find_runs(thirty)[7].path.root
    (folder / "params.json").write_text('{"lr": 7}')
    assert opened(thirty) == [folder.name]
    assert find_run(thirty, folder.name).params == {"lr": 7}


def test_what_lacks_a_text_is_told_without_being_read(thirty: Workspace) -> None:
    holding = {run.id for run in find_runs(thirty) if run.params["pool"] == "sum"}
    assert len(holding) == 10
    assert {*Shelf(thirty).may_hold("params", ["sum"])} == holding
    assert Shelf(thirty).may_hold("params", ["sum", "mean"]) == []
    assert (
        len(Shelf(thirty).may_hold("params", [0.1, None])) == 30
    )  # these can be written otherwise
    folder = next(run.path.root for run in find_runs(thirty) if run.id not in holding)
    change_json(folder / "params.json", lambda p: p.update(pool="sum"), in_place=True)
    assert {*Shelf(thirty).may_hold("params", ["sum"])} == {*holding, folder.name}
    (thirty.runs / ".index").unlink()
    forget_processes()
    assert len(Shelf(thirty).may_hold("params", ["sum"])) == 30  # nothing is known of them


def test_a_change_in_the_same_tick_of_the_clock_is_seen(workspace: Workspace) -> None:
    """Same size and same time, as two writes within a tick: nothing of the last seconds is kept."""
    for number in range(20):
        write_run(workspace.runs, f"20260120_1000{number:02d}", params={"lr": 1})
    find_runs(workspace)
    params = workspace.runs / "20260120_100007" / "params.json"
    before = params.stat()
    params.write_text(params.read_text().replace("1", "2"))
    os.utime(params, ns=(before.st_mtime_ns, before.st_mtime_ns))
    assert [run.id for run in find_runs(workspace, where="lr == 2")] == ["20260120_100007"]


def test_runs_are_what_they_were_when_they_were_found(thirty: Workspace) -> None:
    forget_processes()
    runs = find_runs(thirty)
    before = [told(Run.read(run.path)) for run in runs]
    shutil.rmtree(thirty.runs)
    assert [told(run) for run in runs] == before


def test_an_indexed_run_is_a_run(thirty: Workspace) -> None:
    forget_processes()
    run = find_runs(thirty, where="val/loss < 9")[3]
    whole = Run.read(run.path)
    assert isinstance(run, IndexedRun)
    assert run == whole
    assert whole == run
    assert run != find_runs(thirty)[9]
    assert type(pickle.loads(pickle.dumps(run))) is Run
    assert pickle.loads(pickle.dumps(run)) == run
    assert run.history() == whole.history()


@pytest.mark.usefixtures("small")
def test_a_folder_that_cannot_be_written_is_listed_all_the_same(
    thirty: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in thirty.runs.glob(".index*"):
        path.unlink()
    forget_processes()
    real = os.open

    def refuse(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if flags & os.O_CREAT and str(path).startswith(str(thirty.runs)):
            raise PermissionError(30, "Read-only file system")
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    check_all(thirty)
    assert not list(thirty.runs.glob(".index*"))
    assert opened(thirty) == []  # this process remembers


def test_a_full_disk_costs_the_index_and_nothing_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, rng = Clock(), random.Random(1)
    for number in range(30):
        made(workspace.runs, clock, number, rng)

    def full(descriptor: int, content: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    check_all(workspace)
    assert not list(workspace.runs.glob(".index*"))


def _list_and_touch(root: str, seed: int) -> None:
    workspace = Workspace.load(Path(root))
    rng = random.Random(seed)
    index_module._FEW = 1
    index_module._MERGE_ROWS = 5
    clock = Clock()
    clock.now += seed * 10**12
    for _ in range(15):
        folder = rng.choice(sorted(p for p in workspace.runs.iterdir() if p.is_dir()))
        add_note(Run.read(folder), "seen")
        clock.age(folder / "summary.json")
        assert len(find_runs(workspace, sort="val/loss")) == 30


def test_several_processes_at_once(thirty: Workspace) -> None:
    context = multiprocessing.get_context("spawn")
    others = [
        context.Process(target=_list_and_touch, args=(str(thirty.root), seed)) for seed in range(3)
    ]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0, 0, 0]
    check_all(thirty)
    assert sum(len(run.notes) for run in find_runs(thirty)) == 45
    left = {path.name for path in thirty.runs.glob(".index*")}
    assert left <= {".index", ".index.new"}


def test_a_forked_process_does_not_write_what_its_parent_read(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, rng = Clock(), random.Random(1)
    for number in range(20):
        made(workspace.runs, clock, number, rng)
    index = open_index(workspace.runs)
    for name in index.names():
        index.run(name, 0)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    index.save()
    assert not (workspace.runs / ".index").exists()


@pytest.mark.usefixtures("small")
def test_what_is_gone_leaves_the_index_when_it_is_written_again(thirty: Workspace) -> None:
    gone = find_runs(thirty)[4]
    archive_run(gone)
    clock = Clock()
    clock.now += 10**12
    for number in range(40, 50):
        made(thirty.runs, clock, number, random.Random(number))
    find_runs(thirty)
    segment = Segment.open(thirty.runs / ".index")
    assert segment is not None
    assert gone.id not in segment.rows
    assert len(segment.rows) == 39


def test_files_of_killed_writers_are_cleared(workspace: Workspace) -> None:
    old, new = workspace.runs / ".index.tmp-1-a", workspace.runs / ".index.tmp-2-b"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    clock, rng = Clock(), random.Random(1)
    for number in range(20):
        made(workspace.runs, clock, number, rng)
    find_runs(workspace)
    assert not old.exists()
    assert new.exists()


def test_a_few_new_runs_are_not_worth_a_write(thirty: Workspace) -> None:
    clock = Clock()
    clock.now += 10**12
    made(thirty.runs, clock, 45, random.Random(1))
    before = {path: path.stat().st_mtime_ns for path in thirty.runs.glob(".index*")}
    assert len(find_runs(thirty)) == 31
    assert {path: path.stat().st_mtime_ns for path in thirty.runs.glob(".index*")} == before


def test_an_index_of_more_than_a_block(workspace: Workspace) -> None:
    clock, rng = Clock(), random.Random(1)
    for number in range(300):
        write_run(
            workspace.runs, f"20260120_10{number // 60:02d}{number % 60:02d}",
            params={"lr": number}, curves={"val/accuracy": [rng.random()]},
        )  # fmt: skip
    for folder in workspace.runs.iterdir():
        clock.age(*(folder / name for name in ("metrics.jsonl", *NAMES[:3])))
    find_runs(workspace)
    forget_processes()
    check_all(workspace)
    index = Index(workspace.runs)
    index.refresh()
    folders = [path for path in workspace.runs.iterdir() if path.is_dir()]
    assert all(isinstance(index.run(path.name, ALL), IndexedRun) for path in folders)
