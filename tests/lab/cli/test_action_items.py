"""`lab log actions|done|reject|reopen` and `lab next` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from helpers import write_run

from lab.workspace import Workspace

Lab = Callable[..., Any]

LOG = """## 2026-01-20 AMP

- [ ] Test bfloat16 (closes with `precision=bf16`)
- [x] Disable AMP
- [ ] ~~Buy a new GPU~~

## 2999-01-01 Later

- [ ] Write [it] up
"""


def test_listing_and_ticking_by_number(lab: Lab, workspace: Workspace) -> None:
    workspace.research_log.write_text(LOG, encoding="utf-8")
    run = write_run(workspace.runs, "20260121_101500", params={"precision": "bf16"}).name
    items = json.loads(lab("log", "actions", "--json").out)
    assert [item["state"] for item in items] == ["open", "done", "rejected", "open"]
    assert {"id", "text", "state", "file", "line", "entry", "date"} <= items[0].keys()
    assert [(item["stale"], item["looks_done"]) for item in items] == [
        (True, [run]), (False, []), (False, []), (False, []),
    ]  # fmt: skip
    assert items[0]["age"] > 30
    said = lab("log", "actions").out
    for words in (
        "Open (1)",
        "Stale, open for more than 30 days (1)",
        "Write [it] up",
        f"looks done: run {run} (lab log done 1 --by {run})",
        "docs/research_log.md:3 · AMP",
    ):
        assert words in said
    assert lab("log", "done", "1", "--by", run).code == 0
    assert f"(closes with `precision=bf16`) (done by run `{run}`)" in (
        workspace.research_log.read_text()
    )
    assert [i["number"] for i in json.loads(lab("log", "actions", "--open", "--json").out)] == [4]
    assert json.loads(lab("log", "actions", "--stale", "--json").out) == []


def test_rejecting_and_reopening(lab: Lab, workspace: Workspace) -> None:
    workspace.research_log.write_text(LOG, encoding="utf-8")
    assert "rejected" in lab("log", "reject", "4", "--why", "no time").out
    assert "- [x] ~~Write [it] up~~ (rejected: no time)" in workspace.research_log.read_text()
    assert len(json.loads(lab("log", "actions", "--rejected", "--json").out)) == 2
    assert lab("log", "reopen", "4").code == 0
    assert workspace.research_log.read_text() == LOG


def test_what_goes_wrong(lab: Lab, workspace: Workspace) -> None:
    workspace.research_log.write_text(LOG, encoding="utf-8")
    for words in (
        ("log", "done", "9"),
        ("log", "done", "1", "--by", "20260121_101500"),
        ("log", "done", "3"),
        ("log", "actions", "--stale-after", "-1"),
        ("next", "--stale-after", "x"),
    ):
        said = lab(*words)
        assert (said.code, said.out) == (2, "")
        assert said.err
    assert workspace.research_log.read_text() == LOG


def test_next(lab: Lab, workspace: Workspace) -> None:
    assert "No open action items" in lab("next").out
    workspace.research_log.write_text(LOG, encoding="utf-8")
    said = lab("next").out
    assert "No runs on this machine" in said
    assert "lab run NOTEBOOK -p precision=bf16" in said
    run = write_run(workspace.runs, "20260121_101500", params={"precision": "bf16"}).name
    assert f"lab log done 1 --by {run}" in lab("next").out
    plan = json.loads(lab("next", "--json").out)
    assert plan["looks_done"][0]["runs"] == [run]
    assert (plan["open"], plan["runs"], plan["stale_after"]) == (2, 0, 30)
