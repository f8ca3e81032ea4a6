"""JSON files of a run: whole at every moment, and no key lost between two writers."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from record_helpers import Script

from lab.record.files import locked, read_json, write_atomic, write_json
from lab.record.run import Run, update_run
from lab.workspace import Workspace


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    small, large = {"n": 1}, {"n": 2, "filler": "x" * 200_000}
    write_json(path, small)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            write_json(path, large)
            write_json(path, small)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = [json.loads(path.read_bytes())["n"] for _ in range(2000)]
    finally:
        stop.set()
        writer.join()
    assert set(seen) == {1, 2}
    assert [entry.name for entry in tmp_path.iterdir()] == ["value.json"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "value.json"
    write_json(path, {"n": 1})

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        write_json(path, {"n": 2})
    assert read_json(path) == {"n": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["value.json"]


def test_modes_follow_the_umask_and_the_file(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    before = os.umask(0o027)
    try:
        write_atomic(path, b"new")
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o664)
        write_atomic(path, b"again")
        assert path.stat().st_mode & 0o777 == 0o664
    finally:
        os.umask(before)


def test_non_finite_numbers_are_named(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    write_json(path, {"a": math.nan, "b": [math.inf, {"c": -math.inf}], "d": 1.5})
    text = path.read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {
        "a": "NaN",
        "b": ["Infinity", {"c": "-Infinity"}],
        "d": 1.5,
    }


def test_two_processes_lose_no_key(
    script: Script, make_run: Callable[..., Run], workspace: Workspace
) -> None:
    run = make_run()
    source = """
        import sys
        from pathlib import Path
        from lab.record.paths import RunPaths
        from lab.record.run import update_run
        paths = RunPaths(Path(sys.stdin.readline().strip()))
        name = sys.stdin.readline().strip()
        for n in range(100):
            update_run(paths, **{f"{name}{n}": n})
    """
    processes = [script(source, stdin=-1) for _ in range(2)]
    for name, process in zip("ab", processes, strict=True):
        assert process.stdin is not None
        process.stdin.write(f"{run.path.root}\n{name}\n")
        process.stdin.flush()
    for process in processes:
        assert process.communicate(timeout=240)[0] == ""
    record = json.loads(run.path.record.read_text())
    assert record.items() >= {f"{name}{n}": n for name in "ab" for n in range(100)}.items()
    assert record.items() >= run.record.items()


def test_threads_lose_no_key(make_run: Callable[..., Run]) -> None:
    run = make_run()

    def update(name: str) -> None:
        for n in range(25):
            update_run(run.path, **{f"{name}{n}": n})

    threads = [threading.Thread(target=update, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record = json.loads(run.path.record.read_text())
    assert record.keys() >= {f"{name}{n}" for name in "abcd" for n in range(25)}


def test_a_child_forked_under_the_lock_does_not_keep_it(script: Script, tmp_path: Path) -> None:
    """DataLoader workers are forked at any moment and live long."""
    out, _ = script(
        f"""
        import os, signal, time
        from pathlib import Path
        from lab.record.files import locked
        folder = Path({str(tmp_path)!r})
        with locked(folder):
            if (pid := os.fork()) == 0:
                time.sleep(60)
                os._exit(0)
        signal.alarm(10)  # instead of waiting for the child
        with locked(folder):
            print("again")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        """
    ).communicate(timeout=240)
    assert out == "again\n"


def test_an_error_under_the_lock_is_the_caller_s(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="mine"), locked(tmp_path):
        raise OSError("mine")
    with locked(tmp_path):
        pass


def test_no_lock_can_be_made(tmp_path: Path) -> None:
    with locked(tmp_path / "nowhere"):
        pass
