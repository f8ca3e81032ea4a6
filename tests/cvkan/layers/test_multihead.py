"""Heads against loops over the heads in complex numbers."""

from __future__ import annotations

import cmath
import math

import pytest
import torch

from cvkan.layers.aggregation import make_aggregation
from cvkan.layers.multihead import FactoredHeads, OffsetHeads
from cvkan.layers.polarizing import PolarizingBlock
from cvkan.polar import Polar

B, N, D, HEADS = 2, 5, 6, 3
SIZE = D // HEADS
MASK = torch.arange(N) < torch.tensor([[N], [3]])


def tokens() -> torch.Tensor:
    return torch.randn(B, N, D, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def heads(kind: type, interaction: str):
    torch.manual_seed(0)
    block = PolarizingBlock(SIZE, hidden=4, interaction=interaction, mag_scale=0.3)
    made = kind(make_aggregation("mean", SIZE), block, d_complex=D, n_heads=HEADS).double()
    for p in made.parameters():
        torch.nn.init.normal_(p, std=0.4)
    return made


def by_head(block: PolarizingBlock, head: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """The block's update of one head (B, N, d)."""
    context = torch.stack([z[own].mean(0) for z, own in zip(head, real, strict=True)])
    return block(Polar.from_complex(head), Polar.from_complex(context[:, None])).complex()


@pytest.mark.parametrize("interaction", ["broadcast", "pointwise"])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_offset_heads_see_their_dimensions_from_another_angle(interaction, mask):
    made, c = heads(OffsetHeads, interaction), tokens()
    real = torch.ones(B, N, dtype=torch.bool) if mask is None else mask
    expected = []
    for h in range(HEADS):
        turn = cmath.exp(2j * math.pi * h / HEADS)
        part = c[..., h * SIZE : (h + 1) * SIZE]
        expected.append(by_head(made.block, part * turn, real) / turn)
    ours = made(Polar.from_complex(c), mask).complex()
    torch.testing.assert_close(ours, torch.cat(expected, dim=-1), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("interaction", ["broadcast", "pointwise"])
def test_factored_heads_see_all_dimensions_through_a_projection_of_their_own(interaction):
    made, c = heads(FactoredHeads, interaction), tokens()
    weight = torch.complex(*made.project.weight)
    expected = [
        by_head(made.block, c @ weight[h * SIZE : (h + 1) * SIZE].T, MASK) for h in range(HEADS)
    ]
    ours = made(Polar.from_complex(c), MASK).complex()
    torch.testing.assert_close(ours, torch.cat(expected, dim=-1))


def test_offset_heads_do_not_hear_of_each_other():
    made, c = heads(OffsetHeads, "broadcast"), tokens()
    changed = c.clone()
    changed[..., :SIZE] += 3
    before, after = (made(Polar.from_complex(x)).complex() for x in (c, changed))
    assert torch.equal(after[..., SIZE:], before[..., SIZE:])


def test_one_block_serves_all_heads():
    block = sum(p.numel() for p in PolarizingBlock(SIZE, hidden=4).parameters())
    counts = [
        sum(p.numel() for p in heads(kind, "broadcast").parameters())
        for kind in (OffsetHeads, FactoredHeads)
    ]
    assert counts == [block, block + 2 * D * D]
