"""Secrets are in no file of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from record_helpers import Script, only_run

from lab.executors import run_notebook
from lab.record.redact import REDACTED, Secrets, is_secret, redact_params
from lab.workspace import Workspace


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("api_key", True),
        ("db_password", True),
        ("hf_token", True),
        ("passwd", True),
        ("client_secret", True),
        ("apikey", True),
        ("API_KEY", True),
        ("key", True),
        ("n_tokens", False),
        ("key_dim", False),
        ("tokenizer", False),
        ("monkey", False),
        ("token_file", False),
    ],
)
def test_the_last_word_of_the_name_tells(name: str, secret: bool) -> None:
    assert is_secret(name) is secret
    assert redact_params({name: "hunter2"}) == {name: REDACTED if secret else "hunter2"}


def test_only_strings_are_secrets() -> None:
    params = {"token": 5, "key": None, "secret": True, "password": "", "apikey": ["a"]}
    assert redact_params(params) == params


def test_secrets_in_other_text() -> None:
    secrets = Secrets.of({"api_key": 'it\'s "it"', "hf_token": "ab", "n_tokens": "visible"})
    assert secrets.text('key it\'s "it" visible') == f"key {REDACTED} visible"
    assert secrets.text(json.dumps('it\'s "it"')) == f'"{REDACTED}"'
    # A short value would match by accident, but not where it is assigned.
    assert secrets.text('hf_token = "ab"\nlab = "ab"') == f'hf_token = "{REDACTED}"\nlab = "ab"'
    assert secrets.value({"a": ['it\'s "it"', 3]}) == {"a": [REDACTED, 3]}


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_script_that_fails_on_its_secret(script: Script, workspace: Workspace) -> None:
    source = workspace.root / "src" / "made.py"
    source.parent.mkdir()
    source.write_text("password = 'correct horse'\n")
    for command in (["init", "-q"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit",
                                     "-q", "--allow-empty", "-m", "first"]):  # fmt: skip
        subprocess.run(["git", *command], cwd=workspace.root, check=True)
    process = script(
        """
        import lab
        run = lab.start({"db_password": "correct horse", "n_tokens": "many"})
        assert run.params["db_password"] == "correct horse"
        run.summary["note"] = "opened with correct horse"
        raise ValueError("refused: correct horse")
        """
    )
    process.communicate(timeout=240)
    run = only_run(workspace)
    assert run.params == {"db_password": REDACTED, "n_tokens": "many"}
    assert run.error == {"type": "ValueError", "message": f"refused: {REDACTED}", "cell": None}
    assert run.path.diff.read_text().count(REDACTED) == 1
    assert b"correct horse" not in everything(run.path.root)


CELLS = (
    'api_key: str = "none"  # of the service\n'
    'hf_token: str = "none"  # short\n'
    "n_tokens: int = 3  # how many",
    "import lab\nrun = lab.start()\nassert run.params['api_key'] == 'sesame-open'",
    "print('with', api_key)\napi_key",
)


def test_a_notebook_run_by_papermill(workspace: Workspace) -> None:
    path = workspace.root / "notebooks" / "secret.ipynb"
    path.parent.mkdir()
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    words = ["papermill", path.name, str(workspace.root / "out.ipynb")]
    for name, value in {"api_key": "sesame-open", "hf_token": "x9z", "n_tokens": "4"}.items():
        words += ["-p", name, value]
    environment = {**os.environ, "LAB_WORKSPACE": str(workspace.root), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=path.parent,
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout.decode()
    run = only_run(workspace)
    assert run.params == {"api_key": REDACTED, "hf_token": REDACTED, "n_tokens": 4}
    executed = nbformat.read(run.path.notebook, as_version=4)
    (injected,) = [c for c in executed.cells if "injected-parameters" in c.metadata.get("tags", [])]
    assert f'api_key = "{REDACTED}"' in injected.source
    assert f'hf_token = "{REDACTED}"' in injected.source
    assert "n_tokens = 4" in injected.source
    assert executed.cells[-1].outputs[0].text == f"with {REDACTED}\n"
    left = everything(run.path.root)
    assert b"sesame-open" not in left
    assert b"x9z" not in left


@pytest.mark.parametrize("on", ["pool", "inline"])
def test_a_secret_that_the_notebook_gives_to_its_run(workspace: Workspace, on: str) -> None:
    """The run was created, and its diff taken, before anybody knew of the secret."""
    cells = [
        nbformat.v4.new_code_cell(
            'api_key: str = "first-horse"', metadata={"tags": ["parameters"]}
        ),
        nbformat.v4.new_code_cell('import lab\nrun = lab.start({"db_password": "battery-staple"})'),
        nbformat.v4.new_code_cell("print('battery' + '-staple', api_key)"),
        nbformat.v4.new_code_cell("raise ValueError('refused: battery' + '-staple')"),
    ]
    path = workspace.root / "notebooks" / "secret.ipynb"
    path.parent.mkdir()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *command], cwd=workspace.root, check=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    run = run_notebook(path, {"api_key": "second-horse"}, workspace=workspace, on=on)
    assert run.params == {"api_key": REDACTED, "db_password": REDACTED}
    assert run.error == {"type": "ValueError", "message": f"refused: {REDACTED}", "cell": 5}
    executed = nbformat.read(run.path.notebook, as_version=4)
    assert f"{REDACTED} {REDACTED}" in str(executed.cells[3].outputs)
    assert "db_password" in run.path.diff.read_text()
    assert b"battery-staple" not in everything(run.path.root)
