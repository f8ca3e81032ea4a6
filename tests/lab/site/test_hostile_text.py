"""Whatever a log or a run says, no script of theirs runs in a real browser, and nothing is sent."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from helpers import write_run, write_workspace

import lab
from lab.workspace import Workspace

RAN = "SCRIPT RAN"
CALL = f"console.log('{RAN}')"
ATTACKS = (
    f"<script>{CALL}</script>",
    f"</script><script>{CALL}</script>",
    f"</style></title></textarea><script>{CALL}</script>",
    f'"><img src=x onerror="{CALL}">',
    f"'><img src=x onerror={CALL}>",
    f"<svg onload={CALL}></svg>",
    f"<details open ontoggle={CALL}>x</details>",
    f'<iframe srcdoc="<script>{CALL}</script>"></iframe>',
    f'<iframe src="javascript:{CALL}"></iframe>',
    f'<a href="javascript:{CALL}" class=bait>x</a>',
    f"[x](javascript:{CALL})",
    f"[x](<JaVaScRiPt:{CALL}>) <javascript:{CALL}>",
    f"[x](data:text/html,<script>{CALL}</script>)",
    f"![x](javascript:{CALL}) ![x](https://evil.example/i.png)",
    f"<!-- --><script>{CALL}</script> --!><script>{CALL}</script>",
    f"<b onmouseover={CALL} onfocus={CALL} tabindex=0 autofocus>x</b>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'><base href=https://evil.example>",
    "<link rel=stylesheet href=https://evil.example/x.css><style>@import 'https://evil.example'</style>",
    f"$\\text{{<script>{CALL}</script><img src=x onerror={CALL}>}}$",
    f"$\\href{{javascript:{CALL}}}{{x}}$",
    "$$\\style{background:url(https://evil.example/)}{x}$$",
    f"{{{{ 7*7 }}}} ${{{CALL}}} \u2028 \u2029 `${{{CALL}}}` \\u003cscript\\u003e{CALL}",
)
HOSTILE = " ".join(ATTACKS)
FILE_NAME = f'"><img src=x onerror="{CALL}">'


def notebook() -> dict[str, Any]:
    """A notebook with the attacks in every place that is shown."""
    page = f"<html><body>{HOSTILE}</body></html>"
    data = [
        {"text/html": page},
        {"text/html": [page], "text/plain": HOSTILE},
        {"text/markdown": HOSTILE},
        {"text/latex": HOSTILE},
        {"text/plain": HOSTILE},
        {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg'><script>{CALL}</script></svg>"},
        {"image/png": HOSTILE},
        {"application/javascript": CALL, "text/html": f"<script>{CALL}</script>"},
    ]
    outputs: list[dict[str, Any]] = [{"output_type": "display_data", "data": one} for one in data]
    outputs += [
        {"output_type": "stream", "text": HOSTILE},
        {"output_type": "error", "ename": HOSTILE, "evalue": HOSTILE, "traceback": [HOSTILE]},
    ]
    attached = {"a.svg": {"image/svg+xml": f"<svg onload={CALL}></svg>"}}
    return {
        "cells": [
            {"cell_type": "markdown", "source": f"{HOSTILE}\n\n![a](attachment:a.svg)",
             "attachments": attached},
            {"cell_type": "raw", "source": HOSTILE},
            {"cell_type": "code", "source": HOSTILE, "outputs": outputs, "execution_count": 1,
             "metadata": {"tags": [HOSTILE]}},
        ]
    }  # fmt: skip


def hostile_run(runs: Path) -> None:
    """A run with the attacks in every text of its files, and in their names."""
    folder = write_run(
        runs,
        "20260120_100000",
        params={"seed": 0, "text": HOSTILE, HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}]},
        status="failed",
        reason=HOSTILE,
        headline=f"val/{HOSTILE}",
        name=HOSTILE,
        notebook=f"notebooks/{HOSTILE}.ipynb",
        tags=[HOSTILE, *ATTACKS],
        suite={"name": HOSTILE, "arm": HOSTILE, "index": 0},
        host=HOSTILE,
        device=HOSTILE,
        python=HOSTILE,
        slurm_job_id=HOSTILE,
        code=HOSTILE,
        git={"sha": HOSTILE, "branch": HOSTILE, "dirty": True},
        data=[{"name": HOSTILE, "sha256": HOSTILE, "path": HOSTILE}],
        error={"type": HOSTILE, "message": HOSTILE, "cell": HOSTILE},
    )
    metrics = {f"val/{HOSTILE}": 0.5, f"{HOSTILE}/loss": 0.25, "val/accuracy": 0.5}
    rows = [{"step": step, "time": 0.0, **metrics} for step in (1, 2, 3)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary: dict[str, Any] = {
        name: {"last": value, "best": value, "best_step": HOSTILE, "goal": HOSTILE}
        for name, value in metrics.items()
    }
    summary["notes"] = {HOSTILE: HOSTILE, "list": list(ATTACKS)}
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "notebook.ipynb").write_text(json.dumps(notebook()))
    for name in ("figures", "artifacts", "checkpoints", "environment"):
        (folder / name).mkdir()
    image = folder.parents[1] / "docs" / "i.png"
    shutil.copy(image, folder / "figures" / f"{FILE_NAME}.png")
    (folder / "figures" / f"{FILE_NAME}.svg").write_text(f"<svg onload={CALL}></svg>")
    (folder / "figures" / "not-a.png").write_text(HOSTILE)
    (folder / "artifacts" / "page.html").write_text(HOSTILE)
    (folder / "artifacts" / FILE_NAME).write_text(HOSTILE)
    (folder / "checkpoints" / f"{FILE_NAME}.pt").write_text("")
    (folder / "environment" / "packages.txt").write_text(HOSTILE)
    (folder / "environment" / "diff.patch").write_text(f"+{HOSTILE}\n-{HOSTILE}\n@@ {HOSTILE}\n")
    other = write_run(runs, "20260120_100100", tags=[HOSTILE])
    other.rename(runs / FILE_NAME)


def hostile_log() -> str:
    """Every attack on a line, in a list, a task, a table, code, a heading and evidence."""
    title = HOSTILE.replace("\u2028", " ").replace("\u2029", " ")
    spec = json.dumps({"runs": ["20260120_100000"], "by": HOSTILE, "metric": HOSTILE})
    spec = spec.replace("--", "-\\u002d").replace(">", "\\u003e")
    fields = f"**Category**: {title}\n**Status**: {title}\n**Related**: {title}\n"
    parts = [f"## 2026-01-20 {title}\n\n{fields}\n<!-- lab:evidence {spec} -->\n"]
    for attack in ATTACKS:
        parts.append(f"{attack}\n")
        parts.append(f"- {attack}\n- [ ] {attack}\n- [x] `{attack}`\n")
        parts.append(f"| {attack} | b |\n|---|--:|\n| {attack} | {attack} |\n")
        parts.append(f"### {attack}\n\n> {attack}\n\n    {attack}\n")
        parts.append(f"```{attack.split()[0]}\n{attack}\n```\n")
        parts.append(f"![{attack}](i.png) [{attack}](#{attack.split()[0]})\n")
    parts.append("<!-- /lab:evidence -->\n")
    return "\n".join(parts)


@pytest.fixture(scope="module")
def hostile_site(tmp_path_factory: pytest.TempPathFactory, png: bytes) -> Path:
    root = write_workspace(tmp_path_factory.mktemp("hostile") / "workspace")
    name = json.dumps(HOSTILE)
    (root / "pyproject.toml").write_text(f"[project]\nname = {name}\n[tool.lab]\n")
    docs = root / "docs"
    (docs / "experiments").mkdir()
    (docs / "i.png").write_bytes(png)
    (docs / "research_log.md").write_text(f"# {HOSTILE}\n\n{HOSTILE}\n\n{hostile_log()}")
    (docs / "experiments" / f"{FILE_NAME}.md").write_text(f"# {HOSTILE}\n\n{hostile_log()}")
    hostile_run(root / "runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LAB_RUNS", raising=False)  # the runs are this workspace's own
        return lab.site.build(workspace=Workspace.load(root)).index.parent


def test_the_attacks_work_where_nothing_stops_them(browser: Browser, tmp_path: Path) -> None:
    """So that silence below means something."""
    page = tmp_path / "naive.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><title>x</title>{ATTACKS[0]}{ATTACKS[3]}")
    since = len(browser.said())
    tab = browser.page(page.as_uri())
    tab.pause()
    assert browser.said()[since:].count(RAN) == 2


def test_nothing_of_theirs_runs_and_nothing_is_sent(browser: Browser, hostile_site: Path) -> None:
    said, asked, refused = len(browser.said()), len(browser.requested()), len(browser.refused())
    pages = sorted(hostile_site.rglob("*.html"))
    # Lists, entries, logs, runs, a notebook, packages and changes.
    assert len(pages) == 4 + 2 + 2 + 2 + 1 + 2
    tab = browser.page("about:blank")
    for page in pages:
        tab.go(page.as_uri())
        assert tab.evaluate("document.readyState") == "complete"
        if "notebooks" not in page.parts:
            provoke(tab)
        tab.pause()
        assert tab.evaluate("location.href").split("#")[0] == page.as_uri()
    assert [line for line in browser.said()[said:] if RAN in line] == []
    # An error of our own script would be as silent a hole in this test as in the page.
    assert browser.said()[said:] == []
    # Nothing had to be refused: it was text before the policy could see it.
    assert browser.refused()[refused:] == []
    schemes = {address.partition(":")[0] for address in browser.requested()[asked:]}
    assert schemes <= {"file", "data", "about"}
    assert "file" in schemes


def provoke(tab: Any) -> None:
    """Do what a reader may do: unfold, point at, focus, follow what is no page, search."""
    tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    addresses = tab.evaluate(
        "[...document.querySelectorAll('a, area, iframe, form')]"
        ".map(a => a.protocol || new URL(a.src || a.action, location.href).protocol)"
    )
    assert set(addresses) <= {"file:", "https:", "data:"}
    tab.evaluate(
        """document.querySelectorAll('body *').forEach(e => {
             for (const kind of ['mouseover', 'focus', 'pointermove', 'error', 'load', 'toggle'])
               e.dispatchEvent(new Event(kind, {bubbles: false}));
             if (!e.closest('a') && e.id !== 'theme') e.click?.();
           })"""
    )
    tab.evaluate("document.getElementById('search').focus()")
    tab.type("script")
    tab.until("document.getElementById('results').textContent")
    shown = tab.evaluate("document.getElementById('results').textContent")
    assert "<script>" in shown  # as text


def test_the_policy_holds_where_escaping_would_fail(browser: Browser, hostile_site: Path) -> None:
    """A page into which the attacks were written raw: the browser itself refuses to run them."""
    since, refused = len(browser.said()), len(browser.refused())
    for name in ("runs/20260120_100000.html", "notebooks/20260120_100000.html"):
        text = (hostile_site / name).read_text()
        raw = f'<script>{CALL}</script><img src=x onerror="{CALL}"><svg onload={CALL}></svg>'
        broken = (hostile_site / name).with_name("broken.html")
        broken.write_text(text.replace("</body>", f"{raw}</body>"))
        tab = browser.page(broken.as_uri())
        tab.pause()
        assert tab.evaluate("document.querySelectorAll('[onerror]').length") == 1
        broken.unlink()
    assert browser.said()[since:] == []
    assert len(browser.refused()[refused:]) >= 6  # three on each page


def test_only_pictures_and_our_own_files_lie_in_the_folder(hostile_site: Path) -> None:
    """A page or drawing of a run, opened by itself, would run what is in it."""
    kinds = {path.suffix for path in hostile_site.rglob("*") if path.is_file()}
    assert kinds == {".html", ".css", ".js", ".webp", ".json"}
    scripts = sorted(path.name for path in hostile_site.rglob("*.js"))
    assert scripts == ["search.js", "site.js"]
    for path in hostile_site.rglob("*"):
        assert path.name.replace(".", "").replace("-", "").replace("_", "").isalnum()


def test_the_search_index_closes_no_script(hostile_site: Path) -> None:
    text = (hostile_site / "assets" / "search.js").read_text("ascii")
    assert "<" not in text
    data = json.loads(text.removeprefix("labSearch(").removesuffix(");\n"))
    assert any(ATTACKS[0] in item["x"] for item in data)
