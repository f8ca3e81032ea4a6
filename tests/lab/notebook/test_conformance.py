"""A forked kernel shows what a cold one shows: the same notebooks both ways, output by output.

Through each door that there is: `lab run`, papermill's engine `lab`, and Jupyter's own client,
whose kernels the provisioner `lab-warm` forks.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbclient import NotebookClient

from lab.executors import run_notebook
from lab.workspace import Workspace

# Each text is a notebook; its cells are apart by a line of dashes. One that raises says so.
NOTEBOOKS = {
    "shell": """
        from IPython.display import HTML, Markdown, clear_output, display, update_display
        display(HTML("<b>rich</b>"), metadata={"text/html": {"isolated": True}})
        display({"text/plain": "raw", "application/json": {"a": [1, None, 2.5]}}, raw=True)
        -----
        handle = display(Markdown("*before*"), display_id="it")
        handle.display("again")
        -----
        update_display(Markdown("*after*"), display_id="it")
        -----
        for number in range(3):
            clear_output(wait=True)
            print("step", number)
        -----
        print("gone")
        clear_output()
        print("stays")
        -----
        class Both:
            def _repr_html_(self):
                return "<i>html</i>"
            def __repr__(self):
                return "plain"
            def _repr_mimebundle_(self, include=None, exclude=None):
                return {"application/x-own": "mine"}
        Both()
        -----
        class Bad:
            def __repr__(self):
                raise ValueError("no repr")
        try:
            display(Bad())
        except ValueError:
            print("raised")
        -----
        1; 2
        -----
        3;
        -----
        _, In[1][:8], len(In)
        -----
        import os, subprocess, sys, time
        print("one", end=""); print(" two", flush=True)
        print("wrong", file=sys.stderr)
        -----
        print("before"); time.sleep(0.4)
        os.system("echo from a shell"); time.sleep(0.4)
        subprocess.run([sys.executable, "-c", "print('from a child')"]); time.sleep(0.4)
        os.write(1, b"straight to the descriptor\\n"); time.sleep(0.4)
        print("after")
        -----
        !echo from a bang; echo wrong >&2
        -----
        %%bash
        echo from bash
        -----
        %%bash --no-raise-error
        exit 3
        -----
        import asyncio
        async def later():
            await asyncio.sleep(0.01)
            return "later"
        await later()
        -----
        task = asyncio.create_task(later())
        asyncio.get_running_loop().is_running()
        -----
        await task
        -----
        never = later()
        try:
            asyncio.run(never)
        except RuntimeError as error:
            never.close()
            print(error)
        -----
        try:
            input("name? ")
        except Exception as error:
            print(type(error).__name__, error)
        -----
        # raises
        import getpass
        getpass.getpass()
        -----
        def inner(x):
            return 1 / x
        def outer():
            try:
                inner(0)
            except ZeroDivisionError as error:
                raise RuntimeError("outer failed") from error
        -----
        # raises
        outer()
        -----
        # raises
        print("first")
        def broken(:
            pass
        -----
        import os, sys, threading
        print(__name__, sys.path[0] == "", os.path.basename(os.getcwd()))
        print(os.getpgrp() == os.getpid(), threading.current_thread() is threading.main_thread())
        print(sys.stdout.isatty(), sys.stdout.encoding, sys.stdin.read())
        -----
        get_ipython().__class__.__name__, get_ipython().user_ns is globals()
        -----
        [os.environ.get(k) for k in ("MPLBACKEND", "OMP_NUM_THREADS", "PAGER", "TERM")]
        -----
        sys.modules["__main__"].__dict__ is globals(), "cvkan" in sys.modules
        -----
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(abs, [-1, -2]))
        -----
        import lab
        lab.start().params
        -----
        from comm import create_comm
        comm = create_comm(target_name="lab.test", data={"a": 1}, buffers=[b"bytes"])
        comm.send({"b": 2})
        comm.close()
        print("closed")
        -----
        %matplotlib inline
        -----
        %%capture captured
        print("hidden")
        -----
        captured.stdout
        -----
        %%time
        pass
        -----
        %%writefile beside.py
        number = 41
        -----
        import beside
        beside.number + 1
        -----
        %pwd
        -----
        words = !echo a b
        words
        -----
        # raises
        %no_such_magic
        -----
        import warnings, logging
        warnings.warn("careful")
        logging.getLogger("x").warning("logged")
        -----
        %xmode minimal
        -----
        # raises
        raise KeyError("short")
    """,
    "libraries": """
        import numpy, torch
        print(torch.get_num_threads(), torch.get_num_interop_threads(), torch.get_default_dtype())
        -----
        import pandas
        import seaborn
        import matplotlib, matplotlib.pyplot as plt
        matplotlib.get_backend(), plt.isinteractive(), plt.rcParams["figure.dpi"]
        -----
        figure, axes = plt.subplots(figsize=(2, 1))
        axes.plot([1, 2, 3])
        print("drawn")
        -----
        seaborn.lineplot(x=[1, 2], y=[3, 4])
        plt.show()
        print("shown")
        -----
        pandas.DataFrame({"a": [1, 2]})
        -----
        %config InlineBackend.figure_formats = ["svg"]
        figure = plt.figure(figsize=(1, 1))
        -----
        from threadpoolctl import threadpool_info
        numpy.ones((64, 64)) @ numpy.ones((64, 64))
        sorted((pool["internal_api"], pool["num_threads"]) for pool in threadpool_info())
    """,
    "ends": """
        import atexit, sys
        left = open("left.txt", "w")
        left.write("written")
        atexit.register(lambda: open("at_exit.txt", "w").write("ran"))
        -----
        sys.exit("given up")
    """,
}


HOLDS = """
    import time
    print("before", flush=True)
    -----
    try:
        print("holding", flush=True)
        time.sleep(60)
    finally:
        print("wound up", flush=True)
    -----
    print("after")
"""


def write(workspace: Workspace, name: str, text: str) -> Path:
    notebook = nbformat.v4.new_notebook()
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "x", "language": "python"}
    tagged = {"tags": ["parameters"]}
    notebook.cells = [nbformat.v4.new_code_cell("seed: int = 0  # a seed", metadata=tagged)]
    for source in textwrap.dedent(text).strip().split("\n-----\n"):
        raises = {"tags": ["raises-exception"]} if source.startswith("# raises") else {}
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata=raises))
    path = workspace.root / "notebooks" / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


@dataclass(frozen=True)
class Seen:
    """What an executed notebook holds, without what differs from run to run, and how it ended."""

    cells: list[Any]
    metadata: Any
    ended: str


def by_run(path: Path, workspace: Workspace, timeout: float | None = None) -> Seen:
    run = run_notebook(path, workspace=workspace, timeout=timeout)
    document = nbformat.read(run.path.notebook, as_version=4)
    ended = steady(str((run.status, run.reason, run.error)), run.id)
    return Seen(shown(document, run.id), document.metadata, ended)


def by_papermill(path: Path, workspace: Workspace, timeout: float | None = None) -> Seen:
    """Its own engine for a cold kernel, ours for a forked one."""
    out, ended = path.with_name("out.ipynb"), ""
    engine = None if os.environ["LAB_WARM"] == "off" else "lab"
    try:
        papermill.execute_notebook(
            path, out, progress_bar=False, engine_name=engine, execution_timeout=timeout,
            cwd=path.parent,
        )  # fmt: skip
    except Exception as error:
        ended = f"{type(error).__name__}: {error}"
    document = nbformat.read(out, as_version=4)
    statuses = [cell.metadata.get("papermill", {}).get("status") for cell in document.cells]
    about = (document.metadata.kernelspec, statuses)
    return Seen(shown(document), about, steady(ended, ""))


def by_jupyter(path: Path, workspace: Workspace, timeout: float | None = None) -> Seen:
    """Cell by cell with nbclient, in the kernel that Jupyter starts."""
    document = nbformat.read(path, as_version=4)
    client = NotebookClient(
        document, kernel_name="python3", timeout=timeout, interrupt_on_timeout=True,
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    ended = ""
    try:
        client.execute()
    except Exception as error:
        ended = f"{type(error).__name__}: {error}"
    return Seen(shown(document), document.metadata, steady(ended, ""))


DOORS = [by_run, by_papermill, by_jupyter]
LEFT_OUT = (by_papermill, "libraries")


@pytest.fixture
def both_ways(
    workspace: Workspace, kernelspec: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Seen, Seen]]:
    """Runs a notebook in a cold kernel and in a forked one; what is seen of each."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(workspace.root)

    def run(door: Any, path: Path, timeout: float | None = None) -> tuple[Seen, Seen]:
        seen = []
        # Kernels that see it do not capture descriptors.
        monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
        for switch in ("off", "on"):
            monkeypatch.setenv("LAB_WARM", switch)
            (path.parent / "beside.py").unlink(missing_ok=True)
            seen.append(door(path, workspace, timeout))
        return seen[0], seen[1]

    return run


def shown(notebook: Any, run_id: str = "") -> list[Any]:
    """Per cell its number and outputs; what is printed is joined, since only its order counts."""
    nbformat.validate(notebook)
    found = []
    for cell in notebook.cells:
        outputs: list[Any] = []
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                same = [o for o in outputs if o.get("name") == output.name]
                if same:
                    same[-1]["text"] += steady(output.text, run_id)
                    continue
            outputs.append(_steady(output, run_id))
        # The time of a reply is not kept by nbclient where it stopped to wait for it.
        times = sorted(set(cell.metadata.get("execution", ())) - {"shell.execute_reply"})
        found.append((cell.get("execution_count"), outputs, times))
    return found


def _steady(value: Any, run_id: str) -> Any:
    if isinstance(value, dict):
        return {key: _steady(item, run_id) for key, item in value.items()}
    if isinstance(value, list):
        return [_steady(item, run_id) for item in value]
    return steady(value, run_id) if isinstance(value, str) else value


def steady(text: str, run_id: str) -> str:
    """Without what differs from run to run: addresses, process ids, times, the file of a cell."""
    text = re.sub(r"0x[0-9a-f]+", "0x", text)
    text = re.sub(r"ipykernel_\d+/\d+", "ipykernel", text)
    text = re.sub(r"[\d.e+]+ (s|ms|μs|us|ns)\b", "T", text)
    text = re.sub(r"<dc:date>.*?</dc:date>|id=\"[^\"]*\"|#[mpc]\w+", "", text)
    text = text.replace("\r\n", "\n")  # progress bars are folded by our engine, not by nbclient
    return text.replace(run_id, "RUN") if run_id else text


@pytest.mark.parametrize(
    ("door", "name"),
    # What the libraries draw goes the same way through papermill as through `lab run`.
    [(door, name) for door in DOORS for name in NOTEBOOKS if (door, name) != LEFT_OUT],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_the_same_outputs(
    workspace: Workspace, both_ways: Callable[..., tuple[Seen, Seen]], door: Any, name: str
) -> None:
    cold, warm = both_ways(door, write(workspace, name, NOTEBOOKS[name]))
    assert warm == cold
    assert [cell for cell in cold.cells if cell[1]]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_the_same_when_time_is_up(
    workspace: Workspace, both_ways: Callable[..., tuple[Seen, Seen]], door: Any
) -> None:
    path = write(workspace, "holds", HOLDS)
    # Of a run, the start of its kernel included; of a cell at the other doors.
    cold, warm = both_ways(door, path, timeout=10.0 if door is by_run else 5.0)
    assert warm == cold
    assert "wound up" in str(cold.cells)
