"""Hierarchical polarization: pairs of neighbours interact, then groups of 4, of 8, and so on.

At level l tokens interact within groups of 2^(l+1) neighbours: each group has a context of its own,
and no token hears of another group. On a grid the order of tokens is that of a Z-order curve, so
groups are pairs of columns, 2 x 2 squares, 2 x 4 rectangles, 4 x 4 squares, and so on (exactly
where rows and columns are equal powers of two, nearly elsewhere). Of several grids all tokens of
one come before those of the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.polar import Polar

MakeBlock = Callable[[], nn.Module]


def count_levels(n_tokens: int, limit: int | None) -> int:
    """Levels until one group holds all tokens, at least 1 and at most `limit`."""
    needed = max((n_tokens - 1).bit_length(), 1)
    return needed if limit is None else min(needed, limit)


class LevelBlocks(nn.Module):
    """The blocks of one direction, as many as `sharing` needs, and which serves which level."""

    def __init__(
        self, make_block: MakeBlock, *, n_levels: int, sharing: str, hybrid_levels: int
    ) -> None:
        super().__init__()
        own = {"per_level": n_levels, "hybrid": min(hybrid_levels, n_levels)}.get(sharing, 0)
        self.serving = [min(level, own) for level in range(n_levels)]
        self.blocks = nn.ModuleList(make_block() for _ in range(self.serving[-1] + 1))

    def __getitem__(self, level: int) -> nn.Module:
        return self.blocks[self.serving[level]]


class Hierarchy(nn.Module):
    """The update of tokens by all levels in turn, small groups first.

    sharing: `per_level` (a block a level), `shared` (one for all), `per_direction` (one up, one
    down), `hybrid` (the first `hybrid_levels` have their own, the deeper share one). top_down:
    `none`, `mirror` (the same blocks, large groups first), `learned` (blocks of its own).
    With phase_shifting the members of a group are turned by learned angles, zero at the start and
    one a place in the group, before they are aggregated; their own values stay as they are.
    """

    def __init__(
        self,
        make_block: MakeBlock,
        aggregation: nn.Module,
        *,
        n_levels: int,
        sharing: str = "per_level",
        hybrid_levels: int = 2,
        top_down: str = "none",
        phase_shifting: bool = False,
        grid: tuple[int, int] | None = None,
        n_grids: int = 1,
    ) -> None:
        super().__init__()
        self.aggregation, self.n_levels = aggregation, n_levels

        def blocks() -> LevelBlocks:
            return LevelBlocks(
                make_block, n_levels=n_levels, sharing=sharing, hybrid_levels=hybrid_levels
            )

        self.up = blocks()
        self.down = blocks() if top_down == "learned" else None
        self.mirror = top_down == "mirror"
        self.angles = nn.ParameterList(
            torch.zeros(2 << level) for level in range(n_levels if phase_shifting else 0)
        )
        order = None if grid is None else z_order(*grid, n_grids=n_grids)
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("back", None if order is None else order.argsort(), persistent=False)
        self.order: Tensor | None
        self.back: Tensor | None

    def forward(self, z: Polar, mask: Tensor | None = None, *, shift: int = 0) -> Polar:
        """z (B, N, D) and mask (B, N) to the update (B, N, D).

        `shift` moves the borders of all groups by that many tokens towards the first.
        """
        if self.order is not None and self.back is not None:
            mask = None if mask is None else mask[:, self.order]
            return self._update(z[:, self.order], mask, shift)[:, self.back]
        return self._update(z, mask, shift)

    def _update(self, z: Polar, mask: Tensor | None, shift: int) -> Polar:
        shift %= 1 << self.n_levels
        tokens, real = self._filled(z, mask, shift)
        for level, block in self._steps():
            tokens = self._interact(tokens, real, level, block)
        return Polar(tokens.pair[:, shift : shift + z.shape[1]] - z.pair)

    def _steps(self) -> Iterator[tuple[int, nn.Module]]:
        for level in range(self.n_levels):
            yield level, self.up[level]
        way_back = self.up if self.mirror else self.down
        if way_back is not None:
            for level in reversed(range(self.n_levels)):
                yield level, way_back[level]

    def _filled(self, z: Polar, mask: Tensor | None, shift: int) -> tuple[Polar, Tensor | None]:
        """Whole groups of the deepest level, and which tokens in them are real (None: all)."""
        batch, n_tokens = z.shape[:2]
        after = -(shift + n_tokens) % (1 << self.n_levels)
        if not shift and not after:
            return z, mask
        if mask is None:
            mask = torch.ones(batch, n_tokens, dtype=torch.bool, device=z.pair.device)
        filled = F.pad(z.pair, (0, 0, 0, 0, shift, after))
        return Polar(filled), F.pad(mask, (shift, after))

    def _interact(self, tokens: Polar, real: Tensor | None, level: int, block: nn.Module) -> Polar:
        size = 2 << level
        groups = Polar(tokens.pair.reshape(-1, size, *tokens.pair.shape[2:]))
        members = None if real is None else real.reshape(-1, size)
        update = block(groups, self.aggregation(self._turned(groups, level), members))
        return Polar((groups + update).pair.reshape(tokens.pair.shape))

    def _turned(self, groups: Polar, level: int) -> Polar:
        if not len(self.angles):
            return groups
        angle = self.angles[level].unsqueeze(-1)
        return groups.times_conj(Polar.of(angle.cos(), -angle.sin()))


class MultiPath(nn.Module):
    """Hierarchies side by side; those of path i have their borders shifted by i tokens.

    Neighbours that a border parts on one path share a group on another. With one hierarchy all
    paths share it. combination: `mean`; `learned`, softmax weights that start equal; `kan`, the
    mean, then a polarizing block on the context of all tokens.
    """

    def __init__(
        self,
        hierarchies: list[Hierarchy],
        *,
        n_paths: int,
        combination: str,
        make_block: MakeBlock,
        aggregation: nn.Module,
    ) -> None:
        super().__init__()
        self.hierarchies, self.n_paths = nn.ModuleList(hierarchies), n_paths
        self.weights = nn.Parameter(torch.zeros(n_paths)) if combination == "learned" else None
        self.block = make_block() if combination == "kan" else None
        self.aggregation = aggregation

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        """z (B, N, D) and mask (B, N) to the update (B, N, D)."""
        updates = torch.stack([self._path(i, z, mask).pair for i in range(self.n_paths)], dim=-1)
        if self.weights is not None:
            return Polar((updates * self.weights.softmax(0)).sum(-1))
        update = Polar(updates.mean(-1))
        if self.block is None:
            return update
        joined = z + update
        more: Polar = self.block(joined, self.aggregation(joined, mask))
        return update + more

    def _path(self, i: int, z: Polar, mask: Tensor | None) -> Polar:
        update: Polar = self.hierarchies[i % len(self.hierarchies)](z, mask, shift=i)
        return update


def z_order(rows: int, columns: int, *, n_grids: int = 1) -> Tensor:
    """The tokens of a grid along a Z-order curve: bits of column and row take turns.

    Where there are several, one grid after the other.
    """
    places = torch.arange(rows * columns)
    row, column = places // columns, places % columns
    code = torch.zeros_like(places)
    for bit in range(max(rows, columns).bit_length()):
        code |= (column >> bit & 1) << 2 * bit
        code |= (row >> bit & 1) << 2 * bit + 1
    order = code.argsort()
    return torch.cat([order + grid * len(order) for grid in range(n_grids)])
