"""Kernels of Jupyter's own tools are forked behind the kernelspec; papermill's engine `lab`."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from waiting import PATIENCE, gone, until

from lab.notebook.warm.kernelspec import set_provisioner
from lab.notebook.warm.owner import Unsafe
from lab.notebook.warm.provisioner import _arguments


@pytest.fixture
def manager(kernelspec: Path, tmp_path: Path) -> Iterator[KernelManager]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path))
    yield manager
    if manager.has_kernel:
        manager.shutdown_kernel(now=True)


def says(manager: KernelManager, code: str, *, interrupt: bool = False) -> dict[str, Any]:
    """The outputs of one cell, printed text joined, by type."""
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=PATIENCE)
    found: dict[str, Any] = {"stream": ""}

    def hook(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            found["stream"] += message["content"]["text"]
            if interrupt and "ready" in message["content"]["text"]:
                manager.interrupt_kernel()
        else:
            found[message["msg_type"]] = message["content"]

    found["reply"] = client.execute_interactive(
        code, timeout=PATIENCE, output_hook=hook, allow_stdin=False
    )["content"]
    client.stop_channels()
    return found


def test_a_kernel_is_forked_and_lives_as_any_other(manager: KernelManager, tmp_path: Path) -> None:
    said = says(manager, "import os\nprint(os.getpid(), os.getppid(), os.getcwd())\n6 * 7")
    pid, parent, folder = said["stream"].split()
    assert psutil.Process(int(parent)).cmdline()[2] == "lab.notebook.warm.zygote"
    assert folder == str(tmp_path)
    assert said["execute_result"]["data"]["text/plain"] == "42"
    assert manager.transport == "ipc"
    # The one port is that of the debugger, which ipykernel reserves.
    assert len(psutil.Process(int(pid)).net_connections(kind="inet")) <= 1

    held = says(manager, "import time\nprint('ready', flush=True)\ntime.sleep(60)", interrupt=True)
    assert held["reply"]["ename"] == "KeyboardInterrupt"

    manager.restart_kernel()
    again = says(manager, "import os\nprint(os.getpid(), 'pid' in globals())")["stream"].split()
    assert again[0] != pid
    assert again[1] == "False"
    until(lambda: gone(int(pid)))

    manager.shutdown_kernel()
    until(lambda: gone(int(again[0])))


@pytest.mark.parametrize("switch", ["on", "off"])
def test_a_question_is_put_to_the_client(
    kernelspec: Path, monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    monkeypatch.setenv("LAB_WARM", switch)
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    said: list[str] = []
    try:
        client.wait_for_ready(timeout=PATIENCE)
        client.execute_interactive(
            "import getpass\nprint('hello', input('name? '), getpass.getpass('word? '))",
            timeout=PATIENCE,
            allow_stdin=True,
            stdin_hook=lambda message: client.input(message["content"]["prompt"].upper()),
            output_hook=lambda message: said.append(message["content"].get("text", "")),
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "".join(said) == "hello NAME?  WORD? \n"


def test_a_kernel_that_dies_is_noticed(manager: KernelManager) -> None:
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=PATIENCE)
    client.execute("import os; os._exit(3)")
    until(lambda: not manager.is_alive())
    client.stop_channels()


def test_nothing_outlives_the_process_that_started_it(kernelspec: Path, tmp_path: Path) -> None:
    source = """
        import os, subprocess, sys, time
        from jupyter_client.manager import start_new_kernel
        manager, client = start_new_kernel(kernel_name="python3")
        loner = "import subprocess; p = subprocess.Popen(['sleep', '600'], start_new_session=True)"
        client.execute_interactive(
            loner + "; import os; print(os.getpid(), p.pid)", timeout=240,
            output_hook=lambda m: print(m["content"].get("text", ""), end="", flush=True),
        )
        time.sleep(600)
    """
    words = [sys.executable, "-c", textwrap.dedent(source)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        process.kill()
    assert len(pids) == 2
    until(lambda: gone(*pids))


def test_another_python_or_command_is_not_forked() -> None:
    assert _arguments([sys.executable, "-m", "ipykernel_launcher", "-f", "x"])[1:] == ["-f", "x"]
    with pytest.raises(Unsafe, match="another Python"):
        _arguments(["/usr/bin/python0", "-m", "ipykernel_launcher", "-f", "x"])
    with pytest.raises(Unsafe, match="command of its own"):
        _arguments([sys.executable, "-X", "dev", "-m", "ipykernel_launcher", "-f", "x"])


def test_where_it_may_not_be_forked_it_is_started(
    kernelspec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_WARM", "off")
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path))
    try:
        said = says(manager, "import psutil; print(psutil.Process().cmdline()[2])")
        assert said["stream"] == "ipykernel_launcher\n"
    finally:
        manager.shutdown_kernel(now=True)


def test_the_kernelspec_is_put_back(kernelspec: Path, tmp_path: Path) -> None:
    assert json.loads(kernelspec.read_text())["metadata"] == {
        "debugger": True,
        "kernel_provisioner": {"provisioner_name": "lab-warm"},
    }
    set_provisioner(tmp_path, warm=False)
    assert json.loads(kernelspec.read_text())["metadata"] == {"debugger": True}
    assert set_provisioner(tmp_path / "nowhere", warm=True) is None


def notebook(tmp_path: Path, *cells: str) -> Path:
    document = nbformat.v4.new_notebook()
    document.metadata.kernelspec = {"name": "python3", "display_name": "P", "language": "python"}
    tagged = {"tags": ["parameters"]}
    document.cells = [nbformat.v4.new_code_cell("n = 1", metadata=tagged)]
    document.cells += [nbformat.v4.new_code_cell(source) for source in cells]
    nbformat.write(document, tmp_path / "in.ipynb")
    return tmp_path / "in.ipynb"


def execute(path: Path, **how: Any) -> Any:
    out = path.with_name("out.ipynb")
    papermill.execute_notebook(
        path, out, parameters={"n": 2}, progress_bar=False, engine_name="lab", **how
    )
    return nbformat.read(out, as_version=4)


def test_papermill_with_the_engine(tmp_path: Path) -> None:
    path = notebook(tmp_path, "print('n is', n)", "n + 40")
    document = execute(path, cwd=tmp_path)
    nbformat.validate(document)
    plain = nbformat.read(path, as_version=4)
    plain.cells[0].source = "n = 2"
    NotebookClient(plain, kernel_name="python3").execute()
    assert [c.outputs[0] for c in document.cells[2:]] == [
        {**c.outputs[0], **({"execution_count": 4} if "data" in c.outputs[0] else {})}
        for c in plain.cells[1:]
    ]
    assert {cell.metadata.papermill.status for cell in document.cells} == {"completed"}
    assert document.metadata.language_info.name == "python"


def test_papermill_is_told_of_a_cell_that_raises(tmp_path: Path) -> None:
    path = notebook(tmp_path, "1 / 0", "print('after')")
    with pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError"):
        execute(path)
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    assert cells[-1].outputs == []
    assert any(o.output_type == "error" for c in cells for o in c.get("outputs", []))


def test_papermill_is_told_of_a_kernel_that_dies(tmp_path: Path) -> None:
    path = notebook(tmp_path, "print('last', flush=True)", "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(DeadKernelError):
        execute(path)
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    assert cells[2].outputs[0].text == "last\n"


def test_papermill_ends_a_cell_that_takes_too_long(tmp_path: Path) -> None:
    source = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)"
    with pytest.raises(CellTimeoutError):
        execute(notebook(tmp_path, source), execution_timeout=5, cwd=tmp_path)
    pid = int((tmp_path / "pid").read_text())
    until(lambda: gone(pid))
