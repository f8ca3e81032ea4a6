"""The public surface of lab, and what importing it costs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest

import lab

NAMESPACES = {"log", "site", "suite", "sweep"}
HEAVY = (
    "IPython", "jinja2", "jupyter_client", "matplotlib", "nbclient", "nbformat", "numpy", "orjson",
    "pandas", "papermill", "psutil", "pydantic", "rich", "scipy", "torch", "typer", "yaml",
)  # fmt: skip


def test_the_public_names() -> None:
    assert lab.__all__ == [
        "InputError", "LabError", "LiveRun", "Run", "WorkFailed", "Workspace", "archive",
        "check", "compare", "diagnose", "diff", "export", "import_runs", "log", "new_notebook",
        "next", "note", "plot", "rerun", "run", "runs", "show", "site", "start", "stop", "submit",
        "suite",
        "sweep", "tag",
    ]  # fmt: skip
    assert lab.__all__ == sorted(lab.__all__)
    assert dir(lab) == lab.__all__


@pytest.mark.parametrize("name", lab.__all__)
def test_every_name_is_there_and_described(name: str) -> None:
    assert getattr(lab, name).__doc__
    # A module of the same name would hide the function as soon as somebody imports it.
    is_module = importlib.util.find_spec(f"lab.{name}") is not None
    assert is_module == (name in NAMESPACES)


@pytest.mark.parametrize("room", sorted(NAMESPACES))
def test_no_function_of_a_namespace_is_hidden_by_a_module(room: str) -> None:
    namespace = importlib.import_module(f"lab.{room}")
    modules = [n for n in namespace.__all__ if importlib.util.find_spec(f"lab.{room}.{n}")]
    assert modules == []


def test_no_other_name() -> None:
    with pytest.raises(AttributeError, match="'strat'"):
        _ = lab.strat


def loaded_by(source: str) -> set[str]:
    """Packages that a new process has loaded after this."""
    out = subprocess.run(
        [sys.executable, "-c", f"{source}; import json, sys; print(json.dumps(list(sys.modules)))"],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout
    return {name.partition(".")[0] for name in json.loads(out)}


def test_importing_lab_loads_nothing_heavy() -> None:
    loaded = loaded_by("import lab")
    assert "lab" in loaded
    assert loaded & set(HEAVY) == set()


def test_naming_what_there_is_loads_no_science() -> None:
    loaded = loaded_by("import lab; lab.start, lab.Run, lab.compare, lab.runs")
    assert loaded & {"torch", "pandas", "matplotlib", "nbformat", "papermill", "cvkan"} == set()
