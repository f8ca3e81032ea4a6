"""Claims: registered with their runs, tested again as runs arrive, graded by their evidence."""

from __future__ import annotations

import itertools
import random
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers import seeded_runs, write_run
from scipy import stats

import lab.log
from lab.errors import InputError, LogError
from lab.log.claimed.expect import Step, read_expectation
from lab.log.claimed.testing import run_test
from lab.log.items.plan import looks_done
from lab.record.catalogue import find_runs
from lab.record.paths import RunPaths
from lab.record.run import Run
from lab.workspace import Workspace

MEAN = (0.468, 0.461, 0.472, 0.465, 0.470)
ATTENTION = (0.482, 0.479, 0.485, 0.476, 0.488)
TEXT = "attention pooling beats mean pooling on CIFAR-10"
ASKED: dict[str, Any] = {
    "by": "pooling", "metric": "val/accuracy", "expect": "attention>mean",
}  # fmt: skip


def arms(runs: Path, n: int, first: Sequence[float] = ATTENTION, start: int = 0) -> None:
    """`n` seeds of attention and mean on cifar10, seeds counting on from `start`."""
    for seed in range(n):
        for hour, (arm, values) in enumerate((("mean", MEAN), ("attention", first))):
            write_run(
                runs,
                f"20260120_{10 + hour}{start + seed:02d}00",
                params={"dataset": "cifar10", "pooling": arm, "seed": start + seed},
                curves={"val/accuracy": [values[seed]]},
                headline="val/accuracy",
            )


def state(workspace: Workspace) -> str:
    (one,) = lab.log.claims(workspace=workspace)
    return one.state


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a>b", [("a", ">", "b")]),
        (" a >= b ", [("a", ">=", "b")]),
        ("a=b", [("a", "=", "b")]),
        ("a==b", [("a", "=", "b")]),
        ("b<a", [("a", ">", "b")]),
        ("b<=a", [("a", ">=", "b")]),
        ("a>b>=c", [("a", ">", "b"), ("b", ">=", "c")]),
        ("0.1 > 1e-3", [("0.1", ">", "1e-3")]),
    ],
)
def test_expectations(text: str, steps: list[tuple[str, str, str]]) -> None:
    assert read_expectation(text) == tuple(Step(*step) for step in steps)


@pytest.mark.parametrize("text", ["", "attention", ">mean", "a>", "a>>b", "a>a"])
def test_no_expectations(text: str) -> None:
    with pytest.raises(InputError):
        read_expectation(text)


@pytest.mark.parametrize(
    ("seeds", "grade"), [(1, "observed"), (2, "observed"), (4, "observed"), (5, "supported")]
)
def test_a_verdict_takes_five_seeds(workspace: Workspace, seeds: int, grade: str) -> None:
    arms(workspace.runs, seeds)
    made = lab.log.claim(TEXT, workspace=workspace, **ASKED)
    assert made.state == grade
    assert ("one seed cannot tell" in made.says) == (seeds == 1)
    assert ("interval" in made.says) == (seeds > 2)


def test_the_numbers_are_those_of_a_paired_t_test(workspace: Workspace) -> None:
    arms(workspace.runs, 5)
    (result,) = run_test(
        find_runs(workspace), read_expectation("attention>mean"), by="pooling"
    ).results
    differences = [a - b for a, b in zip(ATTENTION, MEAN, strict=True)]
    low, high = stats.ttest_1samp(differences, 0).confidence_interval()
    assert result.lead == pytest.approx(statistics.fmean(differences))
    assert (result.low, result.high) == pytest.approx((low, high))
    assert (result.n, result.paired) == (5, True)


def test_of_a_loss_the_lower_is_better(workspace: Workspace) -> None:
    seeded_runs(workspace.runs, "pooling", {"a": (1.0,) * 2 + (1.1,), "b": (2.0, 2.1, 2.0)},
                metric="val/loss")  # fmt: skip
    made = lab.log.claim("a is better", by="pooling", expect="a>b", workspace=workspace)
    assert made.state == "observed"
    assert "lower is better" in made.entry.text


def test_new_runs_change_the_state_and_not_the_entry(workspace: Workspace) -> None:
    arms(workspace.runs, 3)
    lab.log.claim(TEXT, workspace=workspace, **ASKED)
    before = workspace.research_log.read_bytes()
    assert state(workspace) == "observed"
    arms(workspace.runs, 2, start=3)
    assert state(workspace) == "supported"
    # Five seeds that point the other way as far: no verdict any more, so weaker than on its day.
    arms(workspace.runs, 5, first=[2 * m - a for m, a in zip(MEAN, ATTENTION, strict=True)],
         start=10)  # fmt: skip
    assert state(workspace) == "weakened"
    arms(workspace.runs, 5, first=[m - 0.1 for m in MEAN], start=20)
    arms(workspace.runs, 5, first=[m - 0.1 for m in MEAN], start=30)
    (claim,) = lab.log.claims(workspace=workspace)
    assert (claim.state, claim.on_its_day, claim.seeds) == ("contradicted", "observed", 20)
    assert len(claim.new_runs) == 34
    assert "the other way" in claim.says
    assert workspace.research_log.read_bytes() == before
    assert lab.log.check(workspace=workspace) == []


def test_half_the_lead_on_no_more_evidence_is_weaker(workspace: Workspace) -> None:
    arms(workspace.runs, 2)
    lab.log.claim(TEXT, workspace=workspace, **ASKED)
    arms(workspace.runs, 2, first=[m + 0.001 for m in MEAN], start=2)
    (claim,) = lab.log.claims(workspace=workspace)
    assert claim.state == "observed"  # 0.85 points of 1.6
    arms(workspace.runs, 1, first=[m - 0.002 for m in MEAN], start=4)
    assert state(workspace) == "weakened"


def test_every_step_and_row_has_to_hold(workspace: Workspace) -> None:
    for hour, (dataset, shift) in enumerate((("cifar10", 0.0), ("fsdd", -0.1))):
        for seed in range(5):
            for arm, value in (("a", 0.9 + shift), ("b", 0.85), ("c", 0.5)):
                write_run(
                    workspace.runs,
                    f"2026012{hour}_1{'abc'.index(arm)}{seed:02d}00",
                    params={"dataset": dataset, "pooling": arm, "seed": seed},
                    curves={"val/accuracy": [value + 0.001 * seed * ord(arm) % 0.003]},
                    headline="val/accuracy",
                )
    asked: dict[str, Any] = {"by": "pooling", "metric": "val/accuracy", "workspace": workspace}
    chain = lab.log.claim("it falls", expect="a>b>c", runs="dataset == cifar10", **asked)
    assert chain.state == "supported"
    assert "All 2 expectations hold" in chain.says
    both = lab.log.claim("a is best", expect="a>b", **asked)
    assert both.state == "contradicted"
    assert "on fsdd" in both.says
    named = lab.log.claim("a is best on CIFAR-10", expect="a>b", **asked)
    assert named.state == "supported"
    assert "fsdd" not in named.entry.text


def test_a_claim_about_a_data_set_without_runs_is_refused(workspace: Workspace) -> None:
    arms(workspace.runs, 2)
    with pytest.raises(InputError, match="no run of its arms is on: etth1"):
        lab.log.claim("attention beats mean on ETT-h1", workspace=workspace, **ASKED)
    # A name is a word of its own: "arc" and "rules" are data sets too.
    searched = lab.log.claim("attention wins in the architecture", workspace=workspace, **ASKED)
    assert "cifar10" in searched.entry.text
    chosen = {**ASKED, "runs": "dataset == cifar10"}
    lab.log.claim("attention rules on SST-2 as well", workspace=workspace, **chosen)


@pytest.mark.parametrize(
    ("shift", "expect", "grade"),
    [
        (-0.002, "attention>=mean", "supported"),
        (-0.05, "attention>=mean", "contradicted"),
        (-0.0095, "attention>=mean", "undecided"),
        (0.002, "attention=mean", "supported"),
        (0.05, "attention=mean", "contradicted"),
        (0.05, "attention>=mean", "supported"),
    ],
)
def test_no_worse_and_as_good(workspace: Workspace, shift: float, expect: str, grade: str) -> None:
    jitter = (0.001, -0.001, 0.0005, 0.0, -0.0005)
    arms(workspace.runs, 5, first=[m + shift + j for m, j in zip(MEAN, jitter, strict=True)])
    made = lab.log.claim("about the same", workspace=workspace, **(ASKED | {"expect": expect}))
    assert made.state == grade


def test_settings_are_not_mixed(workspace: Workspace) -> None:
    """A seed in two settings is one seed; a run without a counterpart does not count."""
    for depth, lift in ((2, 0.0), (6, 0.2)):
        for seed in range(2):
            for hour, arm in enumerate(("mean", "attention")):
                write_run(
                    workspace.runs,
                    f"2026012{depth}_1{hour}{seed:02d}00",
                    params={"pooling": arm, "depth": depth, "seed": seed},
                    curves={"val/accuracy": [0.4 + lift + 0.01 * hour]},
                    headline="val/accuracy",
                )
    write_run(
        workspace.runs, "20260130_100000", params={"pooling": "mean", "depth": 12, "seed": 0},
        curves={"val/accuracy": [0.99]}, headline="val/accuracy",
    )  # fmt: skip
    test = run_test(find_runs(workspace), read_expectation("attention>mean"), by="pooling")
    (result,) = test.results
    assert (result.n, result.settings) == (2, 2)
    assert result.lead == pytest.approx(0.01)
    assert "20260130_100000" not in test.run_ids
    assert "Over 2 settings" in test.notes[0]


def test_in_an_entry_that_is_there(workspace: Workspace) -> None:
    arms(workspace.runs, 5)
    lab.log.new("research", "Pooling", finding="By hand.", actions=["Do"], workspace=workspace)
    made = lab.log.claim(TEXT, entry="Pooling", workspace=workspace, **ASKED)
    text = workspace.research_log.read_text(encoding="utf-8")
    assert text.index("By hand.") < text.index("### Claim") < text.index("### Impact")
    (claim,) = lab.log.claims(workspace=workspace)
    assert (claim.place, claim.entry) == (made.entry.place, "Pooling")
    assert [entry.title for entry in lab.log.entries(workspace=workspace)] == ["Pooling"]


def test_what_an_entry_gives_up_fails_no_check(workspace: Workspace) -> None:
    arms(workspace.runs, 2)
    lab.log.claim(TEXT, workspace=workspace, **ASKED)
    arms(workspace.runs, 5, first=[m - 0.1 for m in MEAN], start=10)
    arms(workspace.runs, 5, first=[m - 0.1 for m in MEAN], start=20)
    (claim,) = lab.log.claims(workspace=workspace)
    assert claim.fails
    assert claim.as_drift().reason == "claim contradicted"
    lab.log.status("Claim", "Contradicted by later runs", workspace=workspace)
    (claim,) = lab.log.claims(workspace=workspace)
    assert (claim.state, claim.fails) == ("contradicted", False)


def test_a_fresh_clone_knows_a_claim_as_on_its_day(workspace: Workspace, tmp_path: Path) -> None:
    arms(workspace.runs, 3)
    lab.log.claim(TEXT, workspace=workspace, **ASKED)
    workspace.runs.rename(tmp_path / "elsewhere")
    (claim,) = lab.log.claims(workspace=workspace)
    assert (claim.state, claim.on_its_day, claim.seeds) == ("observed", "observed", 3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"expect": "atention>mean"}, "Did you mean 'attention'"),
        ({"by": "poling"}, "pooling"),
        ({"metric": "val/acuracy"}, "Did you mean 'val/accuracy'"),
        ({"runs": "pooling == max"}, "needs runs that are done"),
        ({"margin": 0.1}, "A margin is for"),
        ({"expect": "attention>=mean", "margin": -1.0}, "above zero"),
        ({"expect": "attention>=mean", "margin": float("nan")}, "above zero"),
        ({"expect": "attention>=mean", "margin": float("inf")}, "above zero"),
        ({"expect": "attention>=mean", "metric": "train/loss"}, "need the margin"),
        ({"entry": "No such entry"}, "No entry has this title"),
    ],
)
def test_bad_input_writes_nothing(
    workspace: Workspace, changed: Mapping[str, Any], message: str
) -> None:
    arms(workspace.runs, 2)
    for path in workspace.runs.glob("2*"):
        summary = (path / "summary.json").read_text(encoding="utf-8")
        loss = '{"train/loss": {"last": 1.0, "best": 1.0, "best_step": 1, "goal": "min"}, '
        (path / "summary.json").write_text(loss + summary.lstrip("{"), encoding="utf-8")
    with pytest.raises((InputError, LogError), match=message):
        lab.log.claim(TEXT, workspace=workspace, **(ASKED | changed))
    assert not workspace.research_log.exists()


def test_twice_is_refused_and_dry_runs_write_nothing(workspace: Workspace) -> None:
    arms(workspace.runs, 2)
    lab.log.claim(TEXT, workspace=workspace, dry_run=True, **ASKED)
    assert not workspace.research_log.exists()
    lab.log.claim(TEXT, workspace=workspace, **ASKED)
    with pytest.raises(InputError, match="registered already"):
        lab.log.claim(TEXT, workspace=workspace, **ASKED)


def null_run(number: int, arm: str, seed: int, value: float) -> Run:
    entry = {"last": value, "best": value, "best_step": 1, "goal": "max"}
    record = {"status": "done", "headline": "val/accuracy", "notebook": "n.ipynb"}
    params = {"pooling": arm, "seed": seed}
    return Run(RunPaths(Path(f"r{number:03d}")), record, params, {"val/accuracy": entry})


def test_verdicts_on_chance_are_as_rare_as_promised() -> None:
    """Five seeds of equal arms: 5% of verdicts, half each way; of three steps 5% contradicted."""
    draw = random.Random(0)
    grades: dict[str, Counter[str]] = {"a>b": Counter(), "a>b>c>d": Counter()}
    for _ in range(300):
        runs = [
            null_run(i, arm, seed, draw.gauss(0.5, 0.01))
            for i, (arm, seed) in enumerate(itertools.product("abcd", range(5)))
        ]
        for expect, found in grades.items():
            found[run_test(runs, read_expectation(expect), by="pooling").grade] += 1
    one, three = grades.values()
    assert 2 <= one["supported"] <= 16  # 7.5 expected
    assert 2 <= one["contradicted"] <= 16
    assert three["supported"] <= 3  # all three have to hold
    assert three["contradicted"] <= 16  # 7.5 at most expected: half of 5%
    assert one["undecided"] + one["supported"] + one["contradicted"] == 300


def seed_runs(runs: Path, seeds: Sequence[int], minute: int, **params: Any) -> list[str]:
    """Runs of both arms with these seeds, later than those of `arms`."""
    made = []
    for seed in seeds:
        for arm in ("mean", "attention"):
            run_id = f"20260120_20{minute + len(made):02d}00"
            given = {"dataset": "cifar10", "pooling": arm, "seed": seed} | params
            write_run(runs, run_id, params=given, curves={"val/accuracy": [MEAN[seed % 5]]},
                      headline="val/accuracy")  # fmt: skip
            made.append(run_id)
    return made


def test_seeds_asked_for_are_proposed_for_closing(workspace: Workspace) -> None:
    arms(workspace.runs, 3)
    made = lab.log.claim(TEXT, **ASKED, date="2026-01-20", workspace=workspace)
    item = "Run seeds 3 and 4 of `attention` and `mean` (`pooling`): 5 seeds allow a verdict"
    assert f"- [ ] {item}" in made.entry.text
    (action,) = lab.log.actions("open", workspace=workspace)
    (group,) = lab.next(workspace=workspace).to_run
    # As the last run of the first arm that is lacking was made, with another seed.
    assert (group.runs, group.command) == (4, "lab rerun 20260120_110200 -p seed=3")
    first = seed_runs(workspace.runs, [3], 0)
    other = seed_runs(workspace.runs, [4], 10, dataset="fsdd")
    assert looks_done(workspace=workspace) == {}
    second = seed_runs(workspace.runs, [4], 20)
    assert looks_done(workspace=workspace) == {action.id: (*second[::-1], *first[::-1])}
    assert not {*other} & {*looks_done(workspace=workspace)[action.id]}


def test_seeds_asked_for_count_in_any_setting_of_the_claim(workspace: Workspace) -> None:
    seed_runs(workspace.runs, [0, 1, 2], 0, depth=2)
    seed_runs(workspace.runs, [0, 1, 2], 10, depth=4)
    lab.log.claim(TEXT, **ASKED, date="2026-01-20", workspace=workspace)
    seed_runs(workspace.runs, [3, 4], 20, depth=8)
    assert looks_done(workspace=workspace) == {}
    made = seed_runs(workspace.runs, [3, 4], 30, depth=2)
    (found,) = looks_done(workspace=workspace).values()
    assert found == tuple(made[::-1])


def test_seeds_that_an_entry_asks_for_are_not_asked_for_again(workspace: Workspace) -> None:
    seeded_runs(workspace.runs, "pooling", {"mean": [0.70, 0.71, 0.72], "max": [0.74, 0.76, 0.75]})
    lab.log.new("research", runs="pooling in [mean, max]", by="pooling", workspace=workspace)
    (asked,) = lab.log.actions("open", workspace=workspace)
    made = lab.log.claim("max is better", by="pooling", expect="max>mean", workspace=workspace)
    assert [item.id for item in made.entry.repeated] == [asked.id]
    assert [item.id for item in lab.log.actions("open", workspace=workspace)] == [asked.id]
    assert f"`{asked.id}`" in made.entry.text
    lab.log.reject(asked.id, workspace=workspace)
    other = lab.log.claim("mean is better", by="pooling", expect="mean>max", workspace=workspace)
    assert [item.state for item in other.entry.repeated] == ["rejected"]
