"""Generated tasks: nine kinds of transformation, each shown by a few pairs of small grids.

The classes bear the names of the taxonomy of ARC tasks and are simple stand-ins for its kinds:

    S1  the grid is turned or mirrored
    S2  the size changes: enlarged, repeated, or cut to what is not background
    S3  what a shape encloses is filled, or its surroundings are
    C1  colours are exchanged, each for another
    C2  shapes are coloured by their size
    K1  things are counted: as many cells in a row as there are shapes
    L1  two halves are combined cell by cell by a logical operation
    A1  everything falls to one side until it meets something
    A2  rays go out from every cell until the border

Which of a kind's variants it is, and with which colours, is drawn once a task.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

CLASSES = ("S1", "S2", "S3", "C1", "C2", "K1", "L1", "A1", "A2")
MOST_CELLS = 12  # across a grid

Cells = npt.NDArray[np.uint8]
Demonstration = tuple[Cells, Cells]
# draws an input and its output; made once a task, called once a demonstration
Rule = Callable[[], Demonstration]


def generate(name: str, demonstrations: int, rng: np.random.Generator) -> list[Demonstration]:
    """A task of the class `name`, as (input, output) grids of up to MOST_CELLS cells across."""
    rule = _RULES[name](rng)
    return [rule() for _ in range(demonstrations)]


def _background(rng: np.random.Generator, least: int, most: int) -> Cells:
    return np.zeros(rng.integers(least, most + 1, size=2), dtype=np.uint8)


def _scattered(rng: np.random.Generator, least: int, most: int, share: float = 0.4) -> Cells:
    """Cells of any colour on background."""
    grid = _background(rng, least, most)
    coloured = rng.random(grid.shape) < share
    coloured[tuple(rng.integers(0, grid.shape))] = True
    return np.where(coloured, rng.integers(1, 10, grid.shape), 0).astype(np.uint8)


def _boxes(rng: np.random.Generator, count: int, colour: int) -> tuple[Cells, list[Cells]]:
    """Up to `count` boxes that do not touch, of 3 to 5 cells across, and the mask of each."""
    grid = _background(rng, 9, MOST_CELLS)
    masks: list[Cells] = []
    for _ in range(4 * count):
        height, width = rng.integers(3, 6, size=2)
        top = rng.integers(0, grid.shape[0] - height + 1)
        left = rng.integers(0, grid.shape[1] - width + 1)
        around = grid[max(top - 1, 0) : top + height + 1, max(left - 1, 0) : left + width + 1]
        if len(masks) == count or around.any():
            continue
        mask = np.zeros(grid.shape, dtype=np.uint8)
        mask[top : top + height, left : left + width] = 1
        grid[mask == 1] = colour
        masks.append(mask)
    return grid, masks


def _inside(mask: Cells) -> npt.NDArray[np.bool_]:
    """The cells of a box that are not at its edge."""
    padded = np.pad(mask, 1)
    ring = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    inside: npt.NDArray[np.bool_] = np.logical_and.reduce((mask, *ring))
    return inside


def _motion(rng: np.random.Generator) -> Rule:
    moves: tuple[Callable[[Cells], Cells], ...] = (np.flipud, np.fliplr, np.transpose, np.rot90)
    move = moves[rng.integers(len(moves))]

    def rule() -> Demonstration:
        grid = _scattered(rng, 3, 10)
        return grid, move(grid)

    return rule


def _resizing(rng: np.random.Generator) -> Rule:
    kind, factor = rng.integers(3), int(rng.integers(2, 4))

    def rule() -> Demonstration:
        if kind == 2:
            grid = np.pad(_scattered(rng, 3, 6, 0.7), rng.integers(1, 4, size=(2, 2)))
            rows, columns = (np.flatnonzero(grid.any(axis)) for axis in (1, 0))
            return grid, grid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        grid = _scattered(rng, 2, 4)
        if kind == 1:
            return grid, np.tile(grid, (factor, factor))
        return grid, grid.repeat(factor, axis=0).repeat(factor, axis=1)

    return rule


def _filling(rng: np.random.Generator) -> Rule:
    outline, fill = rng.permutation(np.arange(1, 10))[:2]
    fills_inside = rng.random() < 0.5

    def rule() -> Demonstration:
        grid, masks = _boxes(rng, 3, outline)
        inside = np.logical_or.reduce([_inside(mask) for mask in masks])
        grid[inside] = 0
        chosen = inside if fills_inside else (grid == 0) & ~inside
        return grid, np.where(chosen, fill, grid).astype(np.uint8)

    return rule


def _recolouring(rng: np.random.Generator) -> Rule:
    table = np.concatenate(([0], rng.permutation(np.arange(1, 10)))).astype(np.uint8)

    def rule() -> Demonstration:
        grid = _scattered(rng, 3, 10)
        return grid, table[grid]

    return rule


def _colouring_by_size(rng: np.random.Generator) -> Rule:
    plain, large, small = rng.permutation(np.arange(1, 10))[:3]

    def rule() -> Demonstration:
        grid, masks = _boxes(rng, 4, plain)
        out = grid.copy()
        for mask in masks:
            out[mask == 1] = large if mask.sum() > 12 else small
        return grid, out

    return rule


def _counting(rng: np.random.Generator) -> Rule:
    plain, counter = rng.integers(1, 10, size=2)

    def rule() -> Demonstration:
        grid, masks = _boxes(rng, int(rng.integers(1, 5)), plain)
        return grid, np.full((1, len(masks)), counter, dtype=np.uint8)

    return rule


def _logic(rng: np.random.Generator) -> Rule:
    first, second, answer, wall = rng.permutation(np.arange(1, 10))[:4]
    operation = (np.logical_and, np.logical_or, np.logical_xor)[rng.integers(3)]

    def rule() -> Demonstration:
        shape = tuple(rng.integers(3, 6, size=2))
        a, b = (rng.random((2, *shape)) < 0.5).astype(np.uint8)
        grid = np.concatenate((a * first, np.full((shape[0], 1), wall), b * second), axis=1)
        return grid.astype(np.uint8), (operation(a, b) * answer).astype(np.uint8)

    return rule


def _falling(rng: np.random.Generator) -> Rule:
    quarter_turns = int(rng.integers(4))

    def rule() -> Demonstration:
        grid = _scattered(rng, 5, 10, 0.25)
        level = np.rot90(grid, quarter_turns)
        order = np.argsort(level != 0, axis=0, kind="stable")  # background rises
        fallen = np.take_along_axis(level, order, axis=0)
        return grid, np.rot90(fallen, -quarter_turns)

    return rule


def _rays(rng: np.random.Generator) -> Rule:
    across, down = ((True, False), (False, True), (True, True))[rng.integers(3)]

    def rule() -> Demonstration:
        grid = _background(rng, 6, MOST_CELLS)
        out = grid.copy()
        for _ in range(rng.integers(1, 4)):
            row, column = rng.integers(0, grid.shape)
            colour = grid[row, column] = rng.integers(1, 10)
            if across:
                out[row, :] = colour
            if down:
                out[:, column] = colour
        return grid, np.where(grid > 0, grid, out)

    return rule


_RULES: dict[str, Callable[[np.random.Generator], Rule]] = dict(
    zip(
        CLASSES,
        (
            _motion,
            _resizing,
            _filling,
            _recolouring,
            _colouring_by_size,
            _counting,
            _logic,
            _falling,
            _rays,
        ),
        strict=True,
    )
)
