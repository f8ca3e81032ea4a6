"""Writing an entry in the user's editor."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from waiting import PATIENCE

import lab.log
from lab.errors import LogError
from lab.workspace import Workspace


def editor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, name: str = "EDITOR"
) -> None:
    script = tmp_path / "my editor.py"
    script.write_text(f"import pathlib, sys\npath = pathlib.Path(sys.argv[-1])\n{code}\n")
    monkeypatch.setenv(name, f"{sys.executable} '{script}' --wait")


def new(workspace: Workspace) -> lab.log.NewEntry:
    return lab.log.new("research", "T", edit=True, date="2026-01-20", workspace=workspace)


@pytest.mark.parametrize("name", ["EDITOR", "VISUAL"])
def test_what_the_editor_leaves_is_written(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    code = "path.write_text(path.read_text().replace('### Finding', '### Finding\\nMine.'))"
    editor(tmp_path, monkeypatch, code, name)
    entry = new(workspace)
    assert "### Finding\nMine.\n" in entry.text
    assert "### Finding\nMine.\n" in workspace.research_log.read_text()


def test_a_new_title_and_date_are_taken(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, monkeypatch, "path.write_text('## 2025-05-05 Other\\n\\ntext\\n')")
    entry = new(workspace)
    assert (entry.title, entry.date) == ("Other", "2025-05-05")


@pytest.mark.parametrize("text", ["", "  \\n\\n"])
def test_an_empty_entry_is_not_written(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    editor(tmp_path, monkeypatch, f"path.write_text('{text}')")
    with pytest.raises(LogError, match="empty"):
        new(workspace)
    assert not workspace.research_log.exists()


def test_an_editor_that_fails(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, monkeypatch, "sys.exit(3)")
    with pytest.raises(LogError, match="ended with code 3"):
        new(workspace)
    assert not workspace.research_log.exists()


@pytest.mark.parametrize("command", ["/no/such/editor", "unclosed 'quote"])
def test_an_editor_that_is_not_there(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("EDITOR", command)
    with pytest.raises(LogError, match="cannot be started"):
        new(workspace)


UNCLOSED = "path.write_text(path.read_text() + '\\n```\\nmy words\\n')"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("path.write_text('my words')", "lost its heading"),
        ("path.write_text('## T\\n\\nmy words'); sys.exit(3)", "ended with code 3"),
        ("path.write_bytes(b'## T\\n\\nmy words \\xff')", "not UTF-8"),
        (UNCLOSED, "code fence or comment in the new entry is not closed"),
    ],
)
def test_words_that_are_not_written_are_kept(
    workspace: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    message: str,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    editor(tmp_path, monkeypatch, code)
    with pytest.raises(LogError, match=message) as caught:
        new(workspace)
    kept = Path(re.findall(r"Your text is in (\S+\.md)", str(caught.value))[0])
    assert b"my words" in kept.read_bytes()
    assert not workspace.research_log.exists()


@pytest.mark.parametrize("words", ["", "path.write_text('## T\\n\\nmy words')"])
def test_ctrl_c_in_the_editor(workspace: Workspace, tmp_path: Path, words: str) -> None:
    """As in a terminal, where the editor and the command are interrupted together."""
    ready = tmp_path / "ready"
    script = tmp_path / "editor.py"
    script.write_text(
        f"import pathlib, sys, time\npath = pathlib.Path(sys.argv[-1])\n{words}\n"
        f"pathlib.Path({str(ready)!r}).touch()\ntime.sleep(600)\n"
    )
    place = {"LAB_WORKSPACE": str(workspace.root), "TMPDIR": str(tmp_path)}
    command = subprocess.Popen(
        [sys.executable, "-m", "lab.cli", "log", "new", "research", "T", "--edit"],
        env=os.environ | place | {"EDITOR": f"{sys.executable} {script}"},
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while not ready.exists():
        assert command.poll() is None
        time.sleep(0.02)
    os.killpg(command.pid, signal.SIGINT)
    said = command.communicate(timeout=PATIENCE)[1]
    assert command.returncode == 1
    assert "Traceback" not in said.partition("lab: ")[2]
    kept = re.findall(r"Your text is in (\S+\.md)", said)
    assert [Path(path).read_text() for path in kept] == (["## T\n\nmy words"] if words else [])
    assert len([*tmp_path.glob("lab-entry-*")]) == len(kept)
    assert not workspace.research_log.exists()
