"""Templates: a user's own comes first, and a wrong one names file and line."""

from __future__ import annotations

import pytest

import lab.log
from lab.errors import TemplateError
from lab.log.render import BUILT_IN, cell, render
from lab.workspace import Workspace


def own(workspace: Workspace, text: str, name: str = "research_entry.md.j2") -> str:
    workspace.templates.mkdir(exist_ok=True)
    path = workspace.templates / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def new(workspace: Workspace) -> lab.log.NewEntry:
    return lab.log.new("research", "T", finding="F", date="2026-01-20", workspace=workspace)


def test_a_users_template_comes_first(workspace: Workspace) -> None:
    own(workspace, "## {{ entry.date }} {{ entry.title }}\n\nMine: {{ entry.finding[0] }}\n")
    assert new(workspace).text == "## 2026-01-20 T\n\nMine: F\n"


def test_a_user_may_override_one_block(workspace: Workspace) -> None:
    own(workspace, "| {{ table.headings[0] }} |\n|---|\n", "comparison_table.md.j2")
    from scenarios import pooling_night

    runs = pooling_night(workspace.runs)
    text = lab.log.new(
        "research", runs=runs, by="pooling", rows="dataset", workspace=workspace
    ).text
    assert "| Dataset |\n|---|\n" in text
    assert lab.log.check(workspace=workspace) == []


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("## {{ entry.date }}\n\n{{ entry.titel }}\n", 3, "no attribute 'titel'"),
        ("## T\n{{ nothing }}\n", 2, "'nothing' is undefined"),
        ("## T\n\n\n{% if entry %}\n", 4, "if"),
        ("## T\n{{ entry.date | shout }}\n", 2, "No filter named 'shout'"),
        ("## T\n{{ entry.date | percent }}\n", 2, "TypeError"),
    ],
)
def test_a_wrong_template_names_file_and_line(
    workspace: Workspace, template: str, line: int, message: str
) -> None:
    path = own(workspace, template)
    with pytest.raises(TemplateError) as caught:
        new(workspace)
    assert f"{path}:{line}" in str(caught.value)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2
    assert not workspace.research_log.exists()


def test_a_wrong_include_names_its_own_file(workspace: Workspace) -> None:
    path = own(workspace, "{{ table.headngs }}", "comparison_table.md.j2")
    own(workspace, '## {{ entry.date }} T\n{% include "comparison_table.md.j2" %}\n')
    with pytest.raises(TemplateError, match="is undefined") as caught:
        new(workspace)
    assert f"{path}:1" in str(caught.value)


def test_a_template_that_is_not_there(workspace: Workspace) -> None:
    with pytest.raises(TemplateError, match=r"no such template: poster\.md\.j2"):
        render("poster", workspace)


def test_built_in_templates_compute_nothing() -> None:
    for path in BUILT_IN.glob("*.j2"):
        text = path.read_text(encoding="utf-8")
        for sign in (" + ", " - 1", " * ", " / ", "{% set", "| sum", "| round"):
            assert sign not in text, f"{path.name} computes: {sign}"


@pytest.mark.parametrize(("text", "safe"), [("a|b", "a\\|b"), ("a\nb", "a b"), ("plain", "plain")])
def test_cells_cannot_break_a_table(text: str, safe: str) -> None:
    assert cell(text) == safe
