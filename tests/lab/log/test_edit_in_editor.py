"""Writing an entry in the user's editor."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

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


def test_words_without_a_heading_are_kept(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, monkeypatch, "path.write_text('just words')")
    with pytest.raises(LogError, match="lost its heading") as caught:
        new(workspace)
    kept = Path(re.findall(r"your text is in (\S+\.md)", str(caught.value))[0])
    assert kept.read_text() == "just words"
    kept.unlink()
    assert not workspace.research_log.exists()
