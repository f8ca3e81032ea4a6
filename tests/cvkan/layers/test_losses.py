"""Losses on tokens against NumPy and SciPy on angles."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import circmean, circvar

from cvkan.layers.losses import anchor, coherence, diversity
from cvkan.polar import Polar

B, N, D = 3, 8, 4
MASK = torch.arange(N) < torch.tensor([[N], [5], [2]])


def tokens() -> torch.Tensor:
    return torch.randn(B, N, D, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def value(loss, c: torch.Tensor, mask=None, **options: object) -> float:
    return loss(Polar.from_complex(c), mask, **options).item()


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_diversity_is_the_mean_square_circular_correlation(mask):
    c = tokens()
    angles = (c.reshape(-1, D) if mask is None else c[mask]).angle().numpy()
    sines = np.sin(angles - np.array([circmean(column) for column in angles.T]))
    squares = [
        (sines[:, i] @ sines[:, j]) ** 2 / ((sines[:, i] ** 2).sum() * (sines[:, j] ** 2).sum())
        for i in range(D)
        for j in range(i + 1, D)
    ]
    assert value(diversity, c, mask) == pytest.approx(np.mean(squares))


def test_copies_have_diversity_one_whatever_their_turn_and_magnitude():
    first = tokens()[..., :1]
    copies = torch.cat((first, 3 * first * np.exp(1j * np.pi), first / 2), dim=-1)
    assert value(diversity, copies) == pytest.approx(1)
    mirrored = torch.cat((first, first.conj()), dim=-1)
    assert value(diversity, mirrored) == pytest.approx(1)
    assert value(diversity, first) == 0  # one dimension is like no other


@pytest.mark.parametrize("n_anchors", [4, 3])
def test_anchor_is_the_mean_distance_to_the_nearest_anchor(n_anchors):
    c = tokens()
    anchors = np.exp(2j * np.pi * np.arange(n_anchors) / n_anchors)
    distance = np.abs(np.angle(c.numpy()[..., None] / anchors)).min(-1)
    assert value(anchor, c, n_anchors=n_anchors) == pytest.approx(distance.mean())
    masked = value(anchor, c, MASK, n_anchors=n_anchors)
    assert masked == pytest.approx(distance[MASK.numpy()].mean())


def test_coherence_is_one_minus_the_resultant_length():
    c = tokens()
    spread = [
        circvar(c[b, : int(MASK[b].sum()), d].angle().numpy()) for b in range(B) for d in range(D)
    ]
    assert value(coherence, c, MASK) == pytest.approx(np.mean(spread), rel=1e-6)
    real = c.masked_fill(~MASK[..., None], 0)
    lengths = real.sum(1).abs() / real.abs().sum(1)
    assert value(coherence, c, MASK, weighted=True) == pytest.approx(1 - lengths.mean().item())
    one_phase = c.abs() * np.exp(0.3j)
    assert value(coherence, one_phase) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("loss", [diversity, anchor, coherence])
def test_losses_have_gradients_of_real_tokens_only_also_at_dead_ones(loss):
    c = tokens()
    c[0, 0] = 0
    z = Polar.from_complex(c.masked_fill(~MASK[..., None], 0))
    z.pair.requires_grad_()
    loss(z, MASK).backward()
    assert torch.isfinite(z.pair.grad).all()
    assert z.pair.grad[0, 1:].ne(0).any()
    assert z.pair.grad.movedim(2, -1)[~MASK].eq(0).all()


@pytest.mark.parametrize("loss", [diversity, anchor, coherence])
def test_gradients_are_those_of_the_values(loss):
    pair = Polar.from_complex(tokens()[:2, :4, :3]).pair.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: loss(Polar(p), MASK[:2, :4]), pair)
