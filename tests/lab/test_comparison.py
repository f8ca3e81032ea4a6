"""Comparing arms over seeds, on run folders written as plain files."""

from __future__ import annotations

import json
import math
import statistics
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from helpers import seeded_runs, write_run, write_workspace
from scipy import stats

import lab.api
from lab.comparison import Comparison, Row, compare, verdict_of
from lab.errors import InputError
from lab.record.files import encode
from lab.record.run import Run
from lab.workspace import Workspace

MEAN = [0.468, 0.461, 0.472, 0.465, 0.470]
ATTENTION = [0.482, 0.479, 0.485, 0.476, 0.488]


def read(folders: list[Path]) -> list[Run]:
    return [Run.read(folder) for folder in folders]


def pooling(tmp_path: Path, seeds: int, *, other: list[float] = ATTENTION, **kept: Any) -> Row:
    arms = {"mean": MEAN[:seeds], "attention": other[:seeds]}
    return compare(read(seeded_runs(tmp_path, "pooling", arms, **kept)), by="pooling").rows[0]


def test_an_arm_is_its_values_with_their_statistics(tmp_path: Path) -> None:
    row = pooling(tmp_path, 5)
    arm = row.arm("attention")
    assert arm is not None
    assert (arm.n, arm.values, arm.seeds) == (5, tuple(ATTENTION), (0, 1, 2, 3, 4))
    assert arm.mean == pytest.approx(statistics.fmean(ATTENTION))
    assert arm.sd == pytest.approx(statistics.stdev(ATTENTION))
    assert (arm.minimum, arm.maximum) == (0.476, 0.488)
    expected = stats.ttest_1samp(ATTENTION, 0).confidence_interval()
    assert (arm.low, arm.high) == pytest.approx((expected.low, expected.high))
    assert arm.run_ids == tuple(f"20260120_10{n:02d}00" for n in range(5, 10))
    assert row.metric == "val/accuracy"
    assert row.goal == "max"


def test_deltas_are_paired_by_seed(tmp_path: Path) -> None:
    row = pooling(tmp_path, 5)
    arm = row.arm("attention")
    assert arm is not None
    assert arm.to_baseline is not None
    expected = stats.ttest_rel(ATTENTION, MEAN).confidence_interval()
    assert arm.to_baseline.paired
    assert arm.delta_baseline == pytest.approx(0.0148)
    assert (arm.to_baseline.low, arm.to_baseline.high) == pytest.approx(
        (expected.low, expected.high)
    )
    assert arm.delta_best == 0.0
    assert row.arm("mean").delta_best == pytest.approx(-0.0148)  # type: ignore[union-attr]


def test_other_seeds_are_compared_by_welch(tmp_path: Path) -> None:
    made = seeded_runs(tmp_path, "pooling", {"mean": MEAN})
    made += [
        write_run(
            tmp_path,
            f"20260121_1000{i:02d}",
            params={"pooling": "attention", "seed": 10 + i},
            curves={"val/accuracy": [value]},
        )
        for i, value in enumerate(ATTENTION)
    ]
    arm = compare(read(made), by="pooling").rows[0].arm("attention")
    expected = stats.ttest_ind(ATTENTION, MEAN, equal_var=False).confidence_interval()
    assert arm is not None
    assert arm.to_baseline is not None
    assert not arm.to_baseline.paired
    assert arm.to_baseline.low == pytest.approx(expected.low)


def test_seeds_that_only_one_arm_has_are_told(tmp_path: Path) -> None:
    made = seeded_runs(tmp_path, "pooling", {"mean": MEAN, "attention": ATTENTION[:3]})
    found = compare(read(made), by="pooling")
    arm = found.rows[0].arm("attention")
    assert arm is not None
    assert arm.delta_baseline == pytest.approx(
        statistics.fmean(a - m for a, m in zip(ATTENTION[:3], MEAN, strict=False))
    )
    assert any("over the 3 seeds that both have" in note for note in found.notes)


@pytest.mark.parametrize(
    ("seeds", "evidence", "words", "never"),
    [
        (1, "observed", "was observed 1.4 points better", "interval"),
        (2, "range", "their ranges, 47.9% to 48.2% and 46.1% to 46.8%, do not overlap", "interval"),
        (3, "interval", "95% interval", "is better than"),
        (4, "interval", "95% interval", "is better than"),
        (5, "verdict", "is better than `mean` by 1.5 points (95% interval", "observed"),
    ],
)
def test_words_follow_the_evidence(
    tmp_path: Path, seeds: int, evidence: str, words: str, never: str
) -> None:
    verdict = verdict_of(pooling(tmp_path, seeds))
    assert verdict.evidence == evidence
    assert words in verdict.text
    assert never not in verdict.text
    assert "significant" not in verdict.text
    assert verdict.settled is (seeds == 5)


def test_five_seeds_that_cannot_be_told_apart(tmp_path: Path) -> None:
    verdict = verdict_of(pooling(tmp_path, 5, other=[0.471, 0.460, 0.470, 0.469, 0.468]))
    assert "cannot be told apart" in verdict.text
    assert "better" not in verdict.text
    assert not verdict.settled


def test_for_a_loss_the_lowest_is_best(tmp_path: Path) -> None:
    row = pooling(tmp_path, 5, metric="val/mse")
    assert row.goal == "min"
    assert [arm.name for arm in row.best] == ["mean"]
    assert verdict_of(row).text.startswith("`mean` is better than `attention` by 0.015 MSE")


def test_decisions_allow_for_every_pair_tested(tmp_path: Path) -> None:
    arms = {"a": MEAN, "b": ATTENTION, "c": [0.466, 0.465, 0.47, 0.468, 0.469], "d": [0.4] * 5}
    row = compare(read(seeded_runs(tmp_path, "pooling", arms)), by="pooling").rows[0]
    worst = row.arm("d")
    assert worst is not None
    assert worst.to_best is not None
    expected = stats.ttest_rel([0.4] * 5, ATTENTION)
    assert worst.to_best.p == pytest.approx(expected.pvalue)
    assert worst.to_best.low == pytest.approx(expected.confidence_interval().low)
    alone = [stats.ttest_rel(arms[a], arms[b]).pvalue for a, b in combinations("abcd", 2)]
    ranked = sorted(range(6), key=lambda i: alone[i])
    steps = {i: (6 - rank) * alone[i] for rank, i in enumerate(ranked)}
    holm = [max(steps[j] for j in ranked[: ranked.index(i) + 1]) for i in range(6)]
    assert [p.difference.adjusted for p in row.pairs] == pytest.approx([min(p, 1) for p in holm])
    text = verdict_of(row).text
    assert "after Holm over 6 pairs" in text
    assert "It is also better than `a` (by 1.5 points) and `d`" in text


def test_ties_are_ties(tmp_path: Path) -> None:
    row = pooling(tmp_path, 3, other=MEAN)
    assert [arm.best for arm in row.arms] == [True, True]
    assert "are level at 46.7% over 3 seeds" in verdict_of(row).text
    assert "**" not in Comparison(
        "pooling", None, None, None, "seed", (row,), (), {}
    ).to_markdown().replace("**Note", "")


def test_a_validation_metric_counts_by_its_best_a_test_metric_by_what_was_chosen_on_it(
    tmp_path: Path,
) -> None:
    curves = {"val/accuracy": [0.4, 0.6, 0.5], "test/accuracy": [0.7, 0.65]}
    made = [
        write_run(tmp_path, f"20260120_10000{i}", params={"arm_": i}, curves=curves)
        for i in range(2)
    ]
    by_val = compare(read(made), by="arm_", metric="val/accuracy")
    by_test = compare(read(made), by="arm_", metric="test/accuracy")
    assert (by_val.rows[0].pick, by_val.rows[0].arms[0].mean) == ("best", 0.6)
    assert (by_test.rows[0].pick, by_test.rows[0].arms[0].mean) == ("chosen", 0.65)
    assert "*Best epoch of `val/accuracy`" in by_val.to_markdown()
    assert "*`test/accuracy` at the epoch that was best on validation" in by_test.to_markdown()


def test_rows_have_their_own_metric_and_are_never_pooled(tmp_path: Path) -> None:
    made = [
        write_run(
            tmp_path,
            f"20260120_1{row}{i}000",
            params={"pooling": arm, "dataset": dataset, "seed": 0},
            curves={metric: [value]},
            headline=metric,
        )
        for row, (dataset, metric, values) in enumerate(
            [("cifar10", "val/accuracy", (0.468, 0.482)), ("etth1", "val/mse", (0.92, 0.92))]
        )
        for i, (arm, value) in enumerate(zip(("mean", "attention"), values, strict=True))
    ]
    found = compare(read(made), by="pooling", rows="dataset")
    assert [(row.name, row.metric) for row in found.rows] == [
        ("cifar10", "val/accuracy"),
        ("etth1", "val/mse"),
    ]
    assert found.metric is None
    assert found.to_markdown().split("\n")[:4] == [
        "| Dataset | mean | attention | Delta | Seeds |",
        "|---|---:|---:|---:|---:|",
        "| cifar10 | 46.8% | **48.2%** | +1.4 points | 1 |",
        "| etth1 | 0.920 MSE | 0.920 MSE | 0.000 | 1 |",
    ]
    with pytest.raises(InputError, match=r"different headline metrics.*--rows"):
        compare(read(made), by="pooling")


@pytest.mark.parametrize(
    ("by", "names"),
    [("suite.arm", ["narrow", "wide"]), ("arm", ["narrow", "wide"]), ("device", ["cpu"])],
)
def test_arms_are_of_a_suite_or_a_key_of_the_record(
    tmp_path: Path, by: str, names: list[str]
) -> None:
    for i, arm in enumerate(["narrow", "wide"]):
        suite = {"name": "s", "arm": arm, "index": i, "matrix": {}}
        write_run(tmp_path, f"20260120_10000{i}", curves={"val/accuracy": [0.5]}, suite=suite)
    found = compare(read(sorted(tmp_path.iterdir())), by=by)
    assert list(found.arms) == names


def test_numeric_arms_stand_in_order(tmp_path: Path) -> None:
    made = seeded_runs(tmp_path, "d_complex", {512: [0.5], 64: [0.3], 256: [0.4]})
    found = compare(read(made), by="d_complex")
    assert found.arms == ("64", "256", "512")
    assert found.rows[0].baseline == "64"
    assert compare(read(made), by="d_complex", baseline=256).rows[0].baseline == "256"


def test_only_done_runs_count_and_the_others_are_told(tmp_path: Path) -> None:
    made = seeded_runs(tmp_path, "pooling", {"mean": MEAN[:2], "attention": ATTENTION[:2]})
    for i, status in enumerate(["failed", "crashed", "failed"]):
        made.append(
            write_run(
                tmp_path,
                f"20260121_10000{i}",
                params={"pooling": "max" if i else "mean", "seed": 5 + i},
                curves={"val/accuracy": [0.99]},
                status=status,
            )
        )
    found = compare(read(made), by="pooling")
    assert found.rows[0].arm("mean").n == 2  # type: ignore[union-attr]
    assert found.rows[0].arm("max").n == 0  # type: ignore[union-attr]
    assert found.uncounted == {
        "crashed": ("20260121_100001",),
        "failed": ("20260121_100000", "20260121_100002"),
    }
    assert any(
        note.startswith("Not counted, because not done: 1 crashed, 2 failed")
        for note in found.notes
    )
    assert "| max | 0 | – |" in found.to_markdown()


def test_a_repeated_seed_is_no_further_evidence(tmp_path: Path) -> None:
    made = seeded_runs(tmp_path, "pooling", {"mean": [0.4, 0.41]})
    made += seeded_runs(tmp_path, "pooling", {"mean": [0.5]}, start=30)
    found = compare(read(made), by="pooling")
    assert found.rows[0].arms[0].values == (0.5, 0.41)
    assert any("repeated later with the same seed" in note for note in found.notes)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_never_break_a_table(tmp_path: Path, bad: float) -> None:
    arms = {"mean": [0.4, bad], "attention": [bad, bad], "max": [0.3, 0.2]}
    found = compare(read(seeded_runs(tmp_path, "pooling", arms)), by="pooling")
    row = found.rows[0]
    assert [arm.n for arm in row.arms] == [1, 0, 2]
    assert "| attention | 0 | not finite |" in found.to_markdown()
    lost = [note for note in found.notes if "finite val/accuracy" in note]
    assert lost[0].startswith("`mean`: 1 of 2 done runs have no finite")
    assert lost[0].endswith("; its mean is over the others.")
    assert lost[1].startswith("`attention`: none of its 2 done runs has a finite val/accuracy (")
    assert len(lost) == 2
    assert "the others" not in lost[1]
    json.dumps(encode(found.as_dict()), allow_nan=False)
    assert len(found.to_frame()) == 3


def test_all_values_missing(tmp_path: Path) -> None:
    made = seeded_runs(tmp_path, "pooling", {"a": [math.nan], "b": [math.nan]})
    found = compare(read(made), by="pooling")
    assert verdict_of(found.rows[0]).text == "No run has a finite val/accuracy."
    assert "not finite" in found.to_markdown()


def test_what_differs_beside_the_seed_is_told(tmp_path: Path) -> None:
    made = seeded_runs(tmp_path, "pooling", {"mean": [0.4, 0.41]}, params={"lr": 0.1})
    made += seeded_runs(tmp_path, "pooling", {"mean": [0.5]}, start=9, params={"lr": 0.2})
    made += seeded_runs(
        tmp_path,
        "pooling",
        {"max": [0.5]},
        start=20,
        params={"lr": 0.1, "depth": 3},
        code="d" * 64,
        data=[{"name": "cifar10", "sha256": "1", "path": None}],
    )
    refused = compare(read(made), by="pooling")
    said = verdict_of(refused.rows[0])
    assert said.text.startswith("No verdict: runs of one arm differ in `lr` (0.1, 0.2), not only")
    assert (said.winner, said.settled) == (None, False)
    assert "**" not in refused.to_markdown()
    mixed = compare(read(made), by="pooling", mix=True)
    assert verdict_of(mixed.rows[0]).winner == "max"
    notes = "\n".join(mixed.notes)
    assert "Mixed arms: runs of `mean` differ in `lr` (0.1, 0.2), not only in the seed." in notes
    assert "The arms differ in more than `pooling`: `depth` (3, none)." in notes
    assert "2 versions of the code" in notes
    assert "read different data sets" in notes


def test_changed_data_is_told(tmp_path: Path) -> None:
    for i in range(2):
        data = [{"name": "etth1", "sha256": str(i), "path": "ETTh1.csv"}]
        seeded_runs(tmp_path, "pooling", {f"arm{i}": [0.4]}, start=i, data=data)
    runs = read(sorted(tmp_path.iterdir()))
    said = verdict_of(compare(runs, by="pooling").rows[0]).text
    assert said.startswith("No verdict: the data changed between runs: etth1.")
    notes = compare(runs, by="pooling", mix=True).notes
    assert "The data changed between runs: etth1." in notes


def test_arms_that_differ_in_the_seed_only_need_no_note(tmp_path: Path) -> None:
    made = seeded_runs(tmp_path, "pooling", {"mean": MEAN, "attention": ATTENTION})
    assert compare(read(made), by="pooling").notes == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "poling"}, r"--by: poling\. Did you mean 'pooling'"),
        ({"by": "pooling", "rows": "datset"}, r"--rows: datset"),
        ({"by": "pooling", "metric": "val/acuracy"}, r"Did you mean 'val/accuracy'"),
        ({"by": "pooling", "baseline": "maen"}, r"Did you mean 'mean'"),
    ],
)
def test_a_wrong_name_names_the_right_ones(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    made = read(seeded_runs(tmp_path, "pooling", {"mean": MEAN, "attention": ATTENTION}))
    with pytest.raises(InputError, match=message):
        compare(made, **options)


def test_runs_without_a_metric(tmp_path: Path) -> None:
    silent = write_run(tmp_path, "20260121_100000", params={"pooling": "mean", "dataset": "arc"})
    with pytest.raises(InputError, match=r"logged no metric: 20260121_100000"):
        compare(read([silent]), by="pooling")
    made = seeded_runs(tmp_path, "pooling", {"mean": [0.4]}, params={"dataset": "cifar10"})
    found = compare(read([silent, *made]), by="pooling", rows="dataset")
    assert [row.name for row in found.rows] == ["cifar10"]
    assert "arc has no row: its runs logged no metric." in found.notes


def test_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no runs to compare"):
        compare([], by="pooling")
    made = seeded_runs(tmp_path, "pooling", {"mean": [0.4]}, status="failed")
    with pytest.raises(InputError, match=r"None of the runs is done: 1 failed"):
        compare(read(made), by="pooling")


def test_every_display_says_the_same(tmp_path: Path) -> None:
    from rich.console import Console

    arms = {"mean": MEAN, "atten|tion": ATTENTION}
    found = compare(read(seeded_runs(tmp_path, "pooling", arms)), by="pooling")
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(found)
    console.file.close()
    for text in (found.to_markdown(), console.export_text(), found._repr_html_()):
        assert "48.2% ± 0.5" in text
        assert "+1.5 points" in text
    assert "atten\\|tion" in found.to_markdown()
    assert found._repr_markdown_() == found.to_markdown()
    frame = found.to_frame()
    assert list(frame["pooling"]) == ["mean", "atten|tion"]
    assert frame["mean"].to_list() == [pytest.approx(0.4672), pytest.approx(0.482)]
    plain = found.as_dict()
    assert plain["rows"][0]["arms"][1]["delta_baseline"] == pytest.approx(0.0148)
    assert "is better than" in plain["rows"][0]["verdict"]


def test_like_takes_only_runs_that_differ_in_the_arm_and_the_seed(tmp_path: Path) -> None:
    workspace = Workspace.load(write_workspace(tmp_path))
    runs = tmp_path / "runs"

    def run(run_id: str, value: float, *, notebook: str = "a.ipynb", **params: object) -> None:
        curves = {"test/accuracy": [value]}
        write_run(runs, run_id, params=params, curves=curves, notebook=notebook)

    run("20260101_000001", 0.5, pooling="mean", seed=0, lr=1.0, device="cpu")
    run("20260101_000002", 0.6, pooling="max", seed=1, lr=1.0, device="cuda")
    run("20260101_000003", 0.9, pooling="max", seed=0, lr=2.0, device="cpu")
    run("20260101_000004", 0.8, pooling="max", seed=0, lr=1.0, device="cpu", notebook="b.ipynb")
    found = lab.api.compare(
        "pooling", metric="test/accuracy", like="20260101_000001", workspace=workspace
    )
    assert {arm.name: arm.mean for arm in found.rows[0].arms} == {"mean": 0.5, "max": 0.6}
