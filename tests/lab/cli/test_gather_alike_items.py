"""Items that say the same of different things are told once, each with its number and id."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from helpers import write_run

from lab.log.items.alike import gathered, same_words, told_together
from lab.workspace import Workspace

Lab = Callable[..., Any]

SUITES = ("cifar10", "etth1", "fsdd", "sst2", "grid")
LOG = "".join(
    f"## 2026-01-2{i} About {suite}\n\n"
    f"- [ ] Run seeds 3 and 4 of every arm (closes with suite `{suite}`, `seed=3`)\n\n---\n\n"
    for i, suite in enumerate(SUITES)
) + (
    "## 2026-01-28 Ranges\n\n- [ ] Try `width` above 8: it is the largest\n"
    "- [ ] Try `depth` above 8: it is the largest\n- [ ] Try `lr` above 8: it is the largest\n"
    "- [ ] Try `lr` below 1: it is the smallest\n"
)  # fmt: skip


def test_groups_stand_where_their_first_item_stood() -> None:
    words = ["b1", "a1", "b2", "c1", "b3", "a2"]
    assert gathered(words, lambda word: word[0]) == [
        ["b1", "b2", "b3"], ["a1"], ["c1"], ["a2"],
    ]  # fmt: skip
    assert gathered(words, lambda word: None if word == "b2" else word[0], many=2) == [
        ["b1", "b3"], ["a1", "a2"], ["b2"], ["c1"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Try `a` above 8", "Try `b` above 8", True),
        ("Try `a` above 8", "Try `b` above 9", False),
        ("Train (closes with suite `x`, `seed=3`)", "Train (closes with `epochs=5`)", True),
        ("Train longer", "Train shorter", False),
    ],
)
def test_only_names_and_what_closes_may_differ(one: str, other: str, alike: bool) -> None:
    assert (same_words(one) == same_words(other)) is alike


def test_what_differs_is_told_of_each() -> None:
    found = told_together(["Try `a` on `cifar10`", "Try `b` on `cifar10`", "Try `c` on `cifar10`"])
    assert found.text == "Try … on `cifar10`"
    assert found.own == ("`a`", "`b`", "`c`")


def test_every_item_keeps_its_number_and_id(lab: Lab, workspace: Workspace) -> None:
    workspace.research_log.write_text(LOG, encoding="utf-8")
    said = lab("log", "actions", "--open", "--stale-after", "99999").out
    assert said.count("Run seeds 3 and 4 of every arm") == 1
    assert "5 alike" in said
    assert "3 alike" in said
    assert "Try … above 8: it is the largest" in said
    assert "`lr`  docs/research_log.md:" in said
    assert "--all shows each" in said
    whole = lab("log", "actions", "--open", "--stale-after", "99999", "--all").out
    assert whole.count("Run seeds 3 and 4 of every arm") == 5
    assert "alike" not in whole
    ids = re.findall(r"\ba[0-9a-f]{6}\b", whole)
    assert len(set(ids)) == 9
    assert set(re.findall(r"\ba[0-9a-f]{6}\b", said)) == set(ids)


def test_an_item_that_looks_done_stands_alone(lab: Lab, workspace: Workspace) -> None:
    log = LOG + "- [ ] Train longer (closes with `epochs=1`)\n" * 2
    log += "- [ ] Train longer (closes with `epochs=9`)\n"
    workspace.research_log.write_text(log, encoding="utf-8")
    write_run(workspace.runs, "20260301_101500", params={"epochs": 9})
    said = lab("log", "actions", "--open", "--stale-after", "99999").out
    assert said.count("Train longer") == 3
    assert "looks done: run 20260301_101500" in said


def test_next_tells_alike_suites_together(lab: Lab, workspace: Workspace) -> None:
    folder = workspace.root / "experiments" / "suites"
    folder.mkdir(parents=True)
    (workspace.root / "notebooks" / "domains").mkdir(parents=True)
    number = 0
    for suite in SUITES[:3]:
        (folder / f"{suite}.yaml").write_text(
            f"name: {suite}\nmatrix: {{seed: [0, 1]}}\n"
            "defaults: {notebook: notebooks/domains/image.ipynb}\nruns: [{arm: a}]\n"
        )
        for seed in (0, 1):
            number += 1
            write_run(
                workspace.runs, f"20260120_10{number:02d}00", params={"seed": seed},
                suite={"name": suite, "arm": "a", "index": seed, "matrix": {"seed": seed}},
            )  # fmt: skip
    workspace.research_log.write_text(LOG, encoding="utf-8")
    said = lab("next", "--stale-after", "99999").out
    assert said.count("Run seeds 3 and 4 of every arm") == 1 + 2  # two suites have no file
    assert "3 suites" in said
    for suite in SUITES[:3]:
        assert said.count(f"lab suite run experiments/suites/{suite}.yaml") == 1
    whole = lab("next", "--stale-after", "99999", "--all").out
    assert whole.count("Run seeds 3 and 4 of every arm") == 5
