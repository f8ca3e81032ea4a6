"""Forked kernels: fresh in everything but the imports, and cold where forking is not safe."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import nbformat
import pytest
from waiting import gone, until

from lab.executors import run_notebook
from lab.executors.pool import Pool
from lab.notebook.job import Job
from lab.notebook.warm import owner, packets, preload, streams, zygote
from lab.record.run import Run
from lab.workspace import Workspace


def notebook(workspace: Workspace, *cells: str) -> Path:
    path = workspace.root / "notebooks" / "warm.ipynb"
    document = nbformat.v4.new_notebook()
    tagged = {"tags": ["parameters"]}
    document.cells = [nbformat.v4.new_code_cell("seed: int = 0  # a seed", metadata=tagged)]
    document.cells += [nbformat.v4.new_code_cell(source) for source in cells]
    nbformat.write(document, path)
    return path


def printed(run: Run) -> str:
    cells = nbformat.read(run.path.notebook, as_version=4).cells
    return "".join(o.text for c in cells for o in c.get("outputs", []) if o.output_type == "stream")


def test_what_one_notebook_imports_is_there_for_the_next_and_nothing_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = notebook(
        workspace,
        "import sys\nprint('yaml' in sys.modules, 'PIL.Image' in sys.modules, 'left' in globals())",
        "import importlib\nleft = importlib.import_module('PIL.Image')",  # found out at the end
        "import yaml, random, numpy, os",  # found in the cell's text
        "print(random.random(), numpy.random.rand(), os.getppid())",
    )
    # A zygote of its own: for other tests' notebooks the same may have been imported.
    monkeypatch.setenv("A_SETTING_OF_THIS_TEST", "1")
    first, second = (run_notebook(path, workspace=workspace) for _ in range(2))
    assert printed(first).splitlines()[0] == "True False False"
    assert printed(second).splitlines()[0] == "True True False"
    one, other = (printed(run).splitlines()[1].split() for run in (first, second))
    assert one[2] == other[2]
    assert one[0] != other[0]
    assert one[1] != other[1]


def test_a_forked_kernel_listens_on_no_port(workspace: Workspace) -> None:
    path = notebook(
        workspace, "import psutil\nprint(psutil.Process().net_connections(kind='inet'))"
    )
    assert printed(run_notebook(path, workspace=workspace)) == "[]\n"


def test_the_code_beside_a_notebook_is_always_new(workspace: Workspace) -> None:
    path = notebook(workspace, "import beside\nprint(beside.number)")
    for number in ("1", "22", "3"):
        path.with_name("beside.py").write_text(f"number = {number}\n")
        assert printed(run_notebook(path, workspace=workspace)) == f"{number}\n"


def test_threads_are_those_asked_for(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    path = notebook(
        workspace,
        "import numpy\nfrom threadpoolctl import threadpool_info",
        "print(*{pool['num_threads'] for pool in threadpool_info()})",
    )
    for threads in ("1", "3", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        assert printed(run_notebook(path, workspace=workspace)) == f"{threads}\n"


@pytest.mark.parametrize("reason", ["off", "shadow", "trace"])
def test_cold_where_forking_is_unsafe_and_said_once(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    reason: str,
) -> None:
    monkeypatch.setattr(owner, "_said", set())
    path = notebook(workspace, "import os, psutil\nprint(psutil.Process().cmdline()[2])")
    said = {"off": "LAB_WARM is off", "shadow": "pandas beside the notebook", "trace": "debugger"}
    if reason == "off":
        monkeypatch.setenv("LAB_WARM", "off")
    elif reason == "shadow":
        path.with_name("pandas.py").touch()
    with caplog.at_level(logging.WARNING, "lab"):
        for _ in range(2 if reason == "off" else 1):
            before = sys.gettrace()
            if reason == "trace":
                sys.settrace(lambda *_: None)
            try:
                run = run_notebook(path, workspace=workspace)
            finally:
                sys.settrace(before)
            assert printed(run) == "lab.notebook.launch\n"
    assert [said[reason] in record.message for record in caplog.records] == [True]


def test_a_zygote_is_replaced_when_what_it_imports_may_have_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def pid(**changes: str) -> int:
        return owner.zygote({**os.environ, **changes}, tmp_path).pid

    first = pid()
    assert pid(LAB_RUNS="elsewhere", OMP_NUM_THREADS="7") == first
    other = pid(MPLCONFIGDIR=str(tmp_path))
    assert other != first
    until(lambda: gone(first))  # it had no kernels
    monkeypatch.setattr(owner, "_packages", lambda: ("a package was installed",))
    assert pid(MPLCONFIGDIR=str(tmp_path)) not in (first, other)


def test_a_run_outlives_its_zygote_and_the_next_gets_another(workspace: Workspace) -> None:
    path = notebook(
        workspace,
        "import os, time\nprint(os.getppid())\nopen('started', 'w').close()",
        "while os.getppid() == int(open('parent').read()): time.sleep(0.02)",
        "print('went on')",
    )
    parent = owner.zygote(os.environ, path.parent).pid
    path.with_name("parent").write_text(str(parent))

    async def orphaned() -> Run:
        task = asyncio.create_task(Pool(workspace).run(Job.check(path, {}, workspace=workspace)))
        await asyncio.to_thread(until, path.with_name("started").exists)
        os.kill(parent, signal.SIGKILL)
        return await task

    ended = asyncio.run(orphaned())
    assert (ended.status, printed(ended)) == ("done", f"{parent}\nwent on\n")
    assert owner.zygote(os.environ, path.parent).pid != parent


def test_a_loner_that_was_forked_and_not_started_is_killed_too(workspace: Workspace) -> None:
    path = notebook(
        workspace,
        """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("loner", "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
while not os.path.exists("loner") or not open("loner").read():
    time.sleep(0.02)
""",
    )
    assert run_notebook(path, workspace=workspace).status == "done"
    loner = int(path.with_name("loner").read_text())
    until(lambda: gone(loner))


def test_what_cells_leave_open_is_written(workspace: Workspace) -> None:
    path = notebook(
        workspace,
        "left = open('left.txt', 'w'); left.write('written')",
        "import atexit; atexit.register(lambda: open('at_exit.txt', 'w').write('ran'))",
    )
    assert run_notebook(path, workspace=workspace).status == "done"
    assert path.with_name("left.txt").read_text() == "written"
    assert path.with_name("at_exit.txt").read_text() == "ran"


def test_a_cell_that_closes_every_descriptor_ends_the_run(workspace: Workspace) -> None:
    path = notebook(workspace, "import os, time\nos.closerange(3, 1000); time.sleep(600)")
    assert run_notebook(path, workspace=workspace, timeout=300).status == "crashed"


def test_no_fork_with_a_second_thread() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert "thread" in (zygote._unsafe() or "")
    finally:
        over.set()
        thread.join()


def test_imports_found_in_cells() -> None:
    cells = [
        "import torch, numpy as np",
        "  from pandas.core import x\nimport json",
        "x = 'import y'",
    ]
    assert preload.wanted(cells) == {"torch", "numpy", "pandas"}
    assert preload.wanted(["# torch", "import cvkan"]) == set()


@pytest.mark.parametrize("size", [0, 1, 59_990, 60_000, 250_000])
def test_messages_of_any_size_and_a_torn_one_costs_only_itself(size: int) -> None:
    assembly = packets.Assembly()
    torn = list(packets.packets([b"torn" * 50_000]))[:-1]
    message = [b"head", b"x" * size, b""]
    made = [assembly.add(packet) for packet in [*torn, *packets.packets(message)]]
    assert [found for found in made if found is not None] == [message]


@pytest.mark.parametrize(
    ("data", "whole"), [("aé".encode(), 3), (b"a\xc3", 1), (b"\xe2\x82", 0), (b"\xff", 1), (b"", 0)]
)
def test_characters_are_not_cut(data: bytes, whole: int) -> None:
    assert streams._whole_characters(data) == whole
