"""Curves drawn with Braille letters: two dots across and four down in each character."""

from __future__ import annotations

import math
from collections.abc import Sequence

Points = Sequence[tuple[float, float]]

_BLANK = 0x2800
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row, then column


class Canvas:
    """Cells of `width` by `height` characters, over the ranges of x and y given."""

    def __init__(
        self, width: int, height: int, x: tuple[float, float], y: tuple[float, float]
    ) -> None:
        self._width, self._height = width, height
        self._x, self._y = x, y
        self._dots: dict[tuple[int, int], int] = {}  # character cell -> bits
        self._owner: dict[tuple[int, int], int] = {}  # the curve that a cell has the colour of

    def draw(self, points: Points, owner: int) -> None:
        """Join finite points by lines; later curves lie above earlier ones."""
        last: tuple[int, int] | None = None
        for x, y in points:
            if not math.isfinite(y):
                last = None
                continue
            dot = self._place(x, y)
            for one in [dot] if last is None else _line(last, dot):
                self._set(one, owner)
            last = dot

    def rows(self) -> list[list[tuple[str, int | None]]]:
        """Row by row from the top: each character, and the curve it belongs to."""
        return [
            [self._cell(column, row) for column in range(self._width)]
            for row in range(self._height)
        ]

    def _place(self, x: float, y: float) -> tuple[int, int]:
        across = _part(x, self._x) * (2 * self._width - 1)
        down = (1 - _part(y, self._y)) * (4 * self._height - 1)
        return round(across), round(down)

    def _set(self, dot: tuple[int, int], owner: int) -> None:
        cell = (dot[0] // 2, dot[1] // 4)
        self._dots[cell] = self._dots.get(cell, 0) | _BITS[dot[1] % 4][dot[0] % 2]
        self._owner[cell] = owner

    def _cell(self, column: int, row: int) -> tuple[str, int | None]:
        cell = (column, row)
        return chr(_BLANK + self._dots.get(cell, 0)), self._owner.get(cell)


def _part(value: float, limits: tuple[float, float]) -> float:
    low, high = limits
    if high <= low:
        return 0.5
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _line(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """Every dot on the straight way from `start` to `end`."""
    across, down = end[0] - start[0], end[1] - start[1]
    count = max(abs(across), abs(down), 1)
    return [
        (start[0] + round(across * i / count), start[1] + round(down * i / count))
        for i in range(count + 1)
    ]
