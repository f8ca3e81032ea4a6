"""What a build writes, writes again, leaves alone and removes."""

from __future__ import annotations

import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from helpers import seeded_runs, write_run, write_workspace

import lab
from lab.errors import InputError
from lab.workspace import Workspace


def files_of(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


class Addresses(HTMLParser):
    """Every address in a page, and every name one can point at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [str(given[key]) for key in ("href", "src") if key in given]
        self.names |= {str(given["id"])} if "id" in given else set()


def test_every_page_is_there_and_every_link_leads_somewhere(lab_workspace: Workspace) -> None:
    site = lab.site.build(workspace=lab_workspace)
    root = lab_workspace.root / "site"
    assert site.index == root / "index.html"
    assert (site.entries, site.runs, site.removed) == (2, 2, 0)
    pages = {name: data for name, data in files_of(root).items() if name.endswith(".html")}
    # Lists, entries, log, runs, notebooks, packages.
    assert len(pages) == site.pages == 4 + 2 + 1 + 2 + 2 + 1
    parsed = {name: Addresses(data.decode()) for name, data in pages.items()}
    inner = 0
    for name, page in parsed.items():
        for address in page.found:
            parts = urlsplit(address)
            if parts.scheme:
                assert parts.scheme in ("https", "data"), address
                continue
            target = root / name if not parts.path else (root / name).parent / unquote(parts.path)
            assert target.is_file(), f"{name} links to {address}"
            if parts.fragment and not parts.fragment.startswith("q="):
                other = target.resolve().relative_to(root.resolve()).as_posix()
                assert parts.fragment in parsed[other].names, f"{name} links to {address}"
                inner += 1
    assert inner > 0


def test_entries_and_runs_name_each_other(lab_workspace: Workspace) -> None:
    lab.site.build(workspace=lab_workspace)
    root = lab_workspace.root / "site"
    entry_address = "entries/2026-01-20-pooling-attention-better-than-mean.html"
    entry = (root / entry_address).read_text()
    assert "Where these numbers come from: 3 runs" in entry
    assert 'href="../runs/20260120_100000.html"' in entry
    assert "lab:evidence" not in entry
    assert "81.0%" in entry
    for run_id in ("20260120_100000", "20260120_100100"):
        run = (root / "runs" / f"{run_id}.html").read_text()
        assert f'href="../{entry_address}"' in run
    # Named in the evidence, but on another machine: told, and no link.
    assert "20260119_090000" in entry
    assert "20260119_090000.html" not in entry


def test_the_value_of_a_run_is_the_one_that_was_compared(workspace: Workspace) -> None:
    """Of a test metric the value at the epoch that validated best, not the last."""
    curves = {"val/accuracy": [0.5, 0.9, 0.6], "test/accuracy": [0.41, 0.42, 0.43]}
    write_run(workspace.runs, "20260120_100000", params={"pooling": "mean"}, curves=curves)
    spec = {"runs": ["20260120_100000"], "by": "pooling", "metric": "test/accuracy"}
    (workspace.root / "docs" / "research_log.md").write_text(
        f"## 2026-01-20 T\n\n<!-- lab:evidence {json.dumps(spec)} -->\n\nx\n\n"
        "<!-- /lab:evidence -->\n"
    )
    lab.site.build(workspace=workspace)
    entry = (workspace.root / "site/entries/2026-01-20-t.html").read_text()
    block = entry[entry.index("Where these numbers come from") : entry.index("</details>")]
    assert "<td>mean</td>" in block
    assert '<td class="right">42.0%</td>' in block


def test_images_are_copied_and_missing_ones_are_told(lab_workspace: Workspace) -> None:
    lab.site.build(workspace=lab_workspace)
    root = lab_workspace.root / "site"
    entry = (root / "entries/2026-01-20-pooling-attention-better-than-mean.html").read_text()
    copied = list((root / "files").iterdir())
    assert len(copied) == 1  # the same picture is there once, for the log and for both runs
    assert f'src="../files/{copied[0].name}"' in entry
    assert "Missing image: gone" in entry


def test_a_picture_outside_the_workspace_is_not_taken(lab_workspace: Workspace) -> None:
    outside = lab_workspace.root.parent / "private.png"
    shutil.copy(lab_workspace.root / "docs/figures/curves.png", outside)
    (lab_workspace.root / "docs/figures/link.png").symlink_to(outside)
    log = lab_workspace.root / "docs" / "research_log.md"
    log.write_text("## 2026-01-20 T\n\n![a](../../private.png) ![b](figures/link.png)\n")
    lab.site.build(workspace=lab_workspace)
    entry = (lab_workspace.root / "site/entries/2026-01-20-t.html").read_text()
    assert "Missing image: a" in entry
    assert "Missing image: b" in entry


def test_the_same_input_gives_the_same_bytes(lab_workspace: Workspace, tmp_path: Path) -> None:
    lab.site.build(tmp_path / "one", workspace=lab_workspace)
    lab.site.build(tmp_path / "two", workspace=lab_workspace)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_a_second_build_writes_only_what_changed(lab_workspace: Workspace) -> None:
    first = lab.site.build(workspace=lab_workspace)
    assert first.written == len(files_of(lab_workspace.root / "site")) - 1  # but for the mark
    assert lab.site.build(workspace=lab_workspace).written == 0
    lab.note("20260120_100000", "looks odd", workspace=lab_workspace)
    again = lab.site.build(workspace=lab_workspace)
    assert again.written == 2  # its page and the search index
    assert "looks odd" in (lab_workspace.root / "site/runs/20260120_100000.html").read_text()


def test_a_changed_notebook_is_shown(lab_workspace: Workspace) -> None:
    lab.site.build(workspace=lab_workspace)
    notebook = lab_workspace.runs / "20260120_100000" / "notebook.ipynb"
    notebook.write_text(notebook.read_text().replace("About attention", "About bees"))
    assert lab.site.build(workspace=lab_workspace).written == 1
    assert "About bees" in (lab_workspace.root / "site/notebooks/20260120_100000.html").read_text()


def test_what_is_out_of_date_goes_and_what_is_foreign_stays(lab_workspace: Workspace) -> None:
    lab.site.build(workspace=lab_workspace)
    root = lab_workspace.root / "site"
    (root / "runs" / "mine.txt").write_text("keep")
    shutil.rmtree(lab_workspace.runs / "20260120_100100")
    site = lab.site.build(workspace=lab_workspace)
    assert site.removed == 2  # its page and its notebook
    assert not (root / "runs/20260120_100100.html").exists()
    assert (root / "runs" / "mine.txt").read_text() == "keep"


def test_a_folder_with_other_files_is_left_alone(lab_workspace: Workspace) -> None:
    before = files_of(lab_workspace.root)
    for out in (lab_workspace.root, lab_workspace.root / "docs", lab_workspace.runs):
        with pytest.raises(InputError, match="not part of a site"):
            lab.site.build(out, workspace=lab_workspace)
    with pytest.raises(InputError, match="needs a folder"):
        lab.site.build(lab_workspace.root / "pyproject.toml", workspace=lab_workspace)
    assert files_of(lab_workspace.root) == before


def test_a_forged_list_of_files_removes_nothing_outside(lab_workspace: Workspace) -> None:
    lab.site.build(workspace=lab_workspace)
    root = lab_workspace.root / "site"
    mark = root / ".lab-site.json"
    log = lab_workspace.root / "docs" / "research_log.md"
    mark.write_text(json.dumps({"files": {"../docs/research_log.md": "x", str(log): "x"}}))
    assert lab.site.build(workspace=lab_workspace).removed == 0
    assert log.exists()


def test_a_folder_that_cannot_be_written_is_told(lab_workspace: Workspace, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        out = Path("/proc/1/site")  # not even root makes folders there
    else:
        out = tmp_path / "closed" / "site"
        out.parent.mkdir(mode=0o500)
    with pytest.raises(InputError, match="cannot be written"):
        lab.site.build(out, workspace=lab_workspace)


def test_only_runs_that_match_and_no_notebooks(lab_workspace: Workspace) -> None:
    site = lab.site.build(where="pooling == mean", notebooks=False, workspace=lab_workspace)
    root = lab_workspace.root / "site"
    assert site.runs == 1
    assert [path.name for path in (root / "runs").iterdir()] == ["20260120_100100.html"]
    assert not (root / "notebooks").exists()


def test_an_archived_run_that_an_entry_cites_has_its_page(lab_workspace: Workspace) -> None:
    lab.archive("20260120_100000", workspace=lab_workspace, **_force())
    lab.site.build(workspace=lab_workspace)
    assert (lab_workspace.root / "site/runs/20260120_100000.html").is_file()


def _force() -> dict[str, bool]:
    import inspect

    return {"force": True} if "force" in inspect.signature(lab.archive).parameters else {}


def test_an_empty_workspace_has_a_site(tmp_path: Path) -> None:
    empty = Workspace.load(write_workspace(tmp_path / "empty"))
    site = lab.site.build(workspace=empty)
    assert (site.entries, site.runs, site.pages) == (0, 0, 4)
    assert "lab log new" in site.index.read_text()


def test_runs_of_all_shapes_have_pages(workspace: Workspace) -> None:
    """Without metrics, failed, not finite, with strange values, with an id of no usual form."""
    runs = workspace.runs
    write_run(runs, "20260120_100000", status="running", suite="not an object", git="none")
    write_run(
        runs,
        "20260120_100100",
        status="failed",
        reason="exception",
        error={"type": "ValueError", "message": "bad <input>", "cell": 3},
        curves={"train/loss": [1.0, float("inf"), float("nan")], "val/loss": [float("nan")] * 3},
    )
    write_run(
        runs,
        "20260120_100200",
        params={"sizes": [1, 2], "nested": {"a": None}},
        curves={"val/x": [1e308, -1e308, 1e-320], "val/flat": [0.0, 0.0], "val/one": [3.0]},
        notebook=None,
        sweep={"study": "demo", "trial": 10},
    )
    site = lab.site.build(workspace=workspace)
    pages = {path.name: path.read_text() for path in (site.index.parent / "runs").iterdir()}
    assert len(pages) == 3
    assert "bad &lt;input&gt;" in pages["20260120_100100.html"]
    assert "not finite" in pages["20260120_100100.html"]
    assert "nan" not in pages["20260120_100200.html"].lower().replace("finance", "")
    assert 'points="' in pages["20260120_100200.html"]
    assert "· demo #10" in pages["20260120_100200.html"]
    assert '<td title="demo #10">demo #10</td>' in (site.index.parent / "runs.html").read_text()


def test_claims_say_how_they_stand(workspace: Workspace) -> None:
    means, others = (0.40, 0.41, 0.40, 0.41, 0.42), (0.50, 0.52, 0.51, 0.50, 0.51)
    values = {"mean": means, "attention": others}
    seeded_runs(workspace.runs, "pooling", values, params={"dataset": "cifar10"})
    asked = {"by": "pooling", "metric": "val/accuracy", "workspace": workspace}
    lab.log.claim("attention beats mean", expect="attention>mean", date="2026-01-20", **asked)
    lab.log.claim("mean <b>beats</b> max", expect="mean>attention", date="2026-01-21", **asked)
    site = lab.site.build(workspace=workspace).index.parent
    page = (site / "claims.html").read_text("utf-8")
    assert "2 claims · 1 contradicted · 1 supported" in page
    assert page.index("beats&lt;/b&gt; max") < page.index("attention beats mean")
    assert '<span class="tone bad">Contradicted</span>' in page
    assert '<span class="tone good">Supported</span>' in page
    assert '<a href="entries/2026-01-20-claim-attention-beats-mean.html">' in page
    assert '<a href="claims.html">2 claims</a>' in (site / "index.html").read_text("utf-8")
    seeded_runs(
        workspace.runs, "pooling", {"mean": others, "attention": means}, start=200,
        params={"dataset": "cifar10"},
    )  # fmt: skip
    page = (lab.site.build(workspace=workspace).index.parent / "claims.html").read_text("utf-8")
    assert "10 runs since its day" in page
    assert "supported on its day" in page


def test_alike_actions_are_told_together(workspace: Workspace) -> None:
    lines = [f"- [ ] Run it again (closes with suite `{name}`)" for name in ("a", "b", "c")]
    text = "\n".join(["## 2026-01-20 One", "", *lines, "- [ ] Write it up", "- [x] Sleep"])
    workspace.research_log.write_text(f"{text}\n", encoding="utf-8")
    page = (lab.site.build(workspace=workspace).index.parent / "actions.html").read_text()
    assert page.count("<summary>Run it again <span") == 1
    assert "3 alike" in page
    assert page.count("</code></span></div></li>") == 5  # each with its id
    assert "4 open, 1 done" in page


def test_entries_of_a_day_stand_newest_first_across_files(workspace: Workspace) -> None:
    def entry(title: str, hour: int | None) -> str:
        told = f"Run `20260120_{hour}0000`.\n" if hour else "Thought.\n"
        return f"## 2026-01-20 {title}\n\n{told}\n---\n\n"

    docs = workspace.root / "docs"
    first = [entry("At ten", 10), entry("After ten", None), entry("At two, of ten", 10)]
    (docs / "research_log.md").write_text(
        entry("Yesterday", 23).replace("2026-01-20 Y", "2026-01-19 Y") + "".join(first),
        encoding="utf-8",
    )
    (docs / "experiment_log.md").write_text(
        entry("At nine", 9).replace("_90", "_090") + entry("At three", 15), encoding="utf-8"
    )
    site = lab.site.build(workspace=workspace)
    titles = re.findall(r'<span class="what"><a href="[^"]*">([^<]*)</a>', site.index.read_text())
    assert titles == [
        "At three", "At two, of ten", "After ten", "At ten", "At nine", "Yesterday",
    ]  # fmt: skip
    page = next((site.index.parent / "entries").glob("*after-ten*.html")).read_text()
    assert page.index("At ten") < page.index("At two, of ten")


def test_what_many_runs_share_is_written_once(workspace: Workspace) -> None:
    patch = "@@ -1 +1 @@\n-old <b>\n+new\n same\n"
    for minute in range(3):
        folder = write_run(workspace.runs, f"20260120_10{minute:02d}00") / "environment"
        folder.mkdir()
        (folder / "diff.patch").write_text(patch if minute else f"{patch}+more\n")
        (folder / "packages.txt").write_text("numpy==2.4.6\n")
    root = lab.site.build(workspace=workspace).index.parent
    pages = {path.name: path.read_text() for path in (root / "environment").iterdir()}
    assert len(pages) == 3  # two changes, one list of packages
    links = []
    for run in sorted((root / "runs").iterdir()):
        text = run.read_text()
        assert "old &lt;b&gt;" not in text
        links.append(re.findall(r'href="\.\./environment/([^"]*)">(\w+)', text))
    assert [[word for _, word in found] for found in links] == [["Uncommitted", "Packages"]] * 3
    assert links[0] != links[1] == links[2]
    changes = pages[links[1][0][0]]
    assert (
        '<pre class="diff"><span class="place">@@ -1 +1 @@</span>\n'
        '<span class="minus">-old &lt;b&gt;</span>\n<span class="plus">+new</span>\n same\n'
    ) in changes
