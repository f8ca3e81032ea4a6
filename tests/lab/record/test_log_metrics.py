"""Logging: one whole line a call, whatever happens to the process."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from record_helpers import Script, only_run, run_folders

from lab.errors import InputError
from lab.record.files import RecordWarning
from lab.record.metrics import MetricsWriter, read_metrics
from lab.workspace import Workspace


class Scalar:
    """What torch's and jax's scalars have in common."""

    def __init__(self, value: float, shape: tuple[int, ...] = ()) -> None:
        self.value, self.shape = value, shape

    def item(self) -> float:
        if self.shape:
            raise RuntimeError("a Tensor with 3 elements cannot be converted to Scalar")
        return self.value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


@pytest.fixture
def writer(file: Path) -> MetricsWriter:
    return MetricsWriter(file)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.5, 0.5),
        (3, 3),
        (True, 1),
        (2**80, float(2**80)),
        (np.float32(0.25), 0.25),
        (np.int64(7), 7),
        (np.array(0.5), 0.5),
        (Scalar(0.75), 0.75),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (np.float32("nan"), "NaN"),
        (Scalar(math.inf), "Infinity"),
    ],
)
def test_numbers_of_every_kind(
    writer: MetricsWriter, file: Path, value: object, written: object
) -> None:
    writer.append({"val/x": value}, 1)
    (line,) = file.read_text().splitlines()
    assert json.loads(line)["val/x"] == written
    assert type(json.loads(line)["val/x"]) is type(written)
    (row,) = read_metrics(file)
    assert row["val/x"] == pytest.approx(float(written), nan_ok=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", ["0.5", None, [1.0], 1j, np.array([1.0, 2.0]), Scalar(1.0, (3,)), object()]
)
def test_what_is_not_one_number_is_refused(
    writer: MetricsWriter, file: Path, value: object
) -> None:
    with pytest.raises(InputError, match=r"val/x.*not one number"):
        writer.append({"train/fine": 1.0, "val/x": value}, 1)
    assert file.read_bytes() == b""


@pytest.mark.parametrize("name", ["loss", "", "val/", "/loss", "val/a b", "val/x.last", "step", 3])
def test_names_are_split_and_name(writer: MetricsWriter, file: Path, name: object) -> None:
    with pytest.raises(InputError, match="split/name"):
        writer.append({name: 1.0}, 1)  # type: ignore[dict-item]
    assert file.read_bytes() == b""


def test_a_line_has_step_and_time(writer: MetricsWriter, file: Path) -> None:
    writer.append({"train/loss": 0.5, "val/accuracy": 0.7}, 3)
    row = json.loads(file.read_text())
    assert list(row) == ["step", "time", "train/loss", "val/accuracy"]
    assert row["step"] == 3
    assert row["time"] == pytest.approx(file.stat().st_mtime, abs=5)


def test_a_torn_line_costs_only_itself(file: Path) -> None:
    MetricsWriter(file).append({"val/x": 1.0}, 1)
    with file.open("ab") as torn:
        torn.write(b'{"step": 2, "time": 17637')
    MetricsWriter(file).append({"val/x": 3.0}, 3)
    with pytest.warns(RecordWarning, match="1 torn line"):
        assert [row["step"] for row in read_metrics(file)] == [1, 3]


def test_threads_do_not_mix_lines(writer: MetricsWriter, file: Path) -> None:
    def log(thread: int) -> None:
        for step in range(300):
            writer.append({f"t{thread}/x": step}, step)

    threads = [threading.Thread(target=log, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = read_metrics(file)
    assert len(rows) == 1200
    for n in range(4):
        assert [r["step"] for r in rows if f"t{n}/x" in r] == list(range(300))


def test_every_call_before_sigkill_is_kept(script: Script, workspace: Workspace) -> None:
    process = script(
        """
        import itertools, sys
        from lab.record.live import start
        run = start()
        for step in itertools.count():
            run.log({"train/loss": 1 / (step + 1)}, step=step)
            if step % 500 == 499:
                print(step, flush=True)
        """
    )
    assert process.stdout is not None
    seen = [int(process.stdout.readline()) for _ in range(4)][-1]
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=240)
    run = only_run(workspace)
    assert (run.status, run.reason) == ("crashed", "killed")
    steps = [row["step"] for row in run.history()]
    assert steps == list(range(len(steps)))
    assert steps[-1] >= seen == 1999
    assert run.summary["train/loss"]["best_step"] == steps[-1]


def test_a_forked_child_logs_and_ends_nothing(script: Script, workspace: Workspace) -> None:
    process = script(
        """
        import os, sys
        from lab.record.live import start
        run = start()
        children = []
        for child in range(4):
            if (pid := os.fork()) == 0:
                for step in range(200):
                    run.log({f"child{child}/x": step}, step=step)
                sys.exit(0)  # with its exit handlers, unlike a DataLoader's worker
            children.append(pid)
        for step in range(200):
            run.log({"parent/x": step}, step=step)
        for pid in children:
            assert os.waitpid(pid, 0)[1] == 0
        print(run.alive, (run.path / "run.json").read_text().count('"running"'))
        """
    )
    out, _ = process.communicate(timeout=240)
    assert out == "True 1\n"
    run = only_run(workspace)
    assert run.status == "done"
    rows = run.history()
    assert len(rows) == 1000
    for name in ("parent", "child0", "child3"):
        assert [row["step"] for row in rows if f"{name}/x" in row] == list(range(200))


LIMITED = """
    import resource, sys
    from lab.errors import LabError
    from lab.record.live import start
    run = start()
    for step in range(80):
        run.log({"val/x": float(step)}, step=step)
    run.summary["note"] = "kept"
    full = (run.path / "metrics.jsonl").stat().st_size + 10  # in the middle of a line
    resource.setrlimit(resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
    try:
        for step in range(80, 1000):
            run.log({"val/x": float(step)}, step=step)
    except LabError as error:
        print(step, error)
    try:
        run.log({"val/x": 1.0})
    except LabError as error:
        print(error)
"""


def test_a_full_disk_fails_the_run_and_loses_nothing(script: Script, workspace: Workspace) -> None:
    out, _ = script(LIMITED).communicate(timeout=240)
    full, ended = out.splitlines()
    assert "disk is full" in full
    assert "has ended" in ended
    run = only_run(workspace)
    assert (run.status, run.reason) == ("failed", "disk_full")
    assert run.error is not None
    assert "disk is full" in run.error["message"]
    with pytest.warns(RecordWarning, match="1 torn line"):
        steps = [row["step"] for row in run.history()]
    assert steps == list(range(int(full.split()[0])))
    assert len(steps) == 80
    assert run.notes == {"note": "kept"}


def test_a_file_system_without_room(script: Script, workspace: Workspace, tmp_path: Path) -> None:
    """On a real, full file system even run.json has no room beside it."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting takes rights this process does not have")
    try:
        process = script(
            f"""
            import os
            os.environ["LAB_RUNS"] = {str(small)!r}
            from lab.errors import LabError
            from lab.record.live import start
            run = start()
            try:
                for step in range(100_000):
                    run.log({{"val/x": float(step)}}, step=step)
            except LabError as error:
                print(step)
            """
        )
        out, _ = process.communicate(timeout=240)
        (folder,) = run_folders(small)
        record = json.loads((folder / "run.json").read_text())
        assert (record["status"], record["reason"]) == ("failed", "disk_full")
        lines = (folder / "metrics.jsonl").read_bytes().split(b"\n")[:-1]
        assert [json.loads(line)["step"] for line in lines] == list(range(int(out)))
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_row_is_filled_anew_only_with_the_same_names(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    writer = MetricsWriter(path)
    writer.append({"val/a": 1.0, "val/b": 2.0}, 1)
    writer.append({"val/a": 3.0, "val/b": 4.0}, 2)
    writer.append({"val/a": 5.0}, 3)
    writer.append({"val/a": 6.0, "val/c": 7.0}, 4)
    for wrong in ({"val/a": 1.0, "step": 9.0}, {"val/a": 1.0, "time": 9.0}):
        with pytest.raises(InputError):
            writer.append(wrong, 5)
    writer.append({"val/a": 1e308, "val/c": 1e308}, 6)  # their sum is not finite, they are
    writer.append({"val/a": math.nan, "val/c": math.inf}, 7)
    writer.append({"val/a": True, "val/c": 2}, 8)
    writer.close()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [{k: v for k, v in row.items() if k != "time"} for row in rows] == [
        {"step": 1, "val/a": 1.0, "val/b": 2.0},
        {"step": 2, "val/a": 3.0, "val/b": 4.0},
        {"step": 3, "val/a": 5.0},
        {"step": 4, "val/a": 6.0, "val/c": 7.0},
        {"step": 6, "val/a": 1e308, "val/c": 1e308},
        {"step": 7, "val/a": "NaN", "val/c": "Infinity"},
        {"step": 8, "val/a": 1, "val/c": 2},
    ]
    assert all(abs(row["time"] - time.time()) < 60 for row in rows)
