"""Centring: division by the geometric mean, against its definition with logs and angles."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from cvkan.layers import grouping
from cvkan.layers.centring import add_centred, centred
from cvkan.polar import Polar

MASK = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])


def tokens(*shape: int, seed: int = 0) -> Polar:
    generator = torch.Generator().manual_seed(seed)
    return Polar(torch.randn(*shape[:-1], 2, shape[-1], dtype=torch.float64, generator=generator))


def by_definition(c: torch.Tensor) -> torch.Tensor:
    """exp(log|z| - mean log|z|) e^(i angle): what the reference computes for one sample (N, D)."""
    log = c.abs().log()
    return torch.exp(log - log.mean(0)) * torch.exp(1j * c.angle())


def test_centring_is_its_definition():
    z = tokens(2, 6, 3)
    expected = torch.stack([by_definition(sample) for sample in z.complex()])
    torch.testing.assert_close(centred(z, causal=False).complex(), expected)


def test_centring_with_a_mask_is_centring_of_the_real_tokens_alone():
    z = tokens(2, 6, 3)
    ours = centred(z, MASK, causal=False).complex()
    torch.testing.assert_close(ours[1, :4], by_definition(z.complex()[1, :4]))


def test_causal_centring_divides_by_the_mean_so_far():
    z = tokens(1, 6, 3)
    ours = centred(z, causal=True).complex()[0]
    for t in range(6):
        torch.testing.assert_close(ours[t], by_definition(z.complex()[0, : t + 1])[-1])


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("update_tokens", [1, 6])
def test_gradients_of_both_inputs(mask, causal, update_tokens):
    pair = tokens(2, 6, 3).pair.requires_grad_()
    update = tokens(2, update_tokens, 3, seed=1).pair.requires_grad_()
    assert gradcheck(
        lambda p, u: add_centred(Polar(p), Polar(u), mask, causal=causal).pair, (pair, update)
    )


def test_adding_and_centring_at_once_is_adding_then_centring():
    z, update = tokens(2, 6, 3), tokens(2, 1, 3, seed=1)
    torch.testing.assert_close(
        add_centred(z, update, MASK, causal=False).pair,
        centred(z + update, MASK, causal=False).pair,
    )


def test_working_in_small_groups_changes_nothing(monkeypatch):
    z = tokens(5, 6, 3)
    z.pair.requires_grad_()
    results = []
    for group in (1, 1 << 30):
        monkeypatch.setattr(grouping, "_GROUP", group)
        z.pair.grad = None
        out = centred(z, causal=False)
        out.pair.square().sum().backward()
        results.append((out.pair.detach(), z.pair.grad.clone()))
    for small, large in zip(*results, strict=True):
        assert torch.equal(small, large)


def test_dead_dimensions_stay_finite():
    pair = torch.zeros(2, 4, 2, 3, requires_grad=True)
    centred(Polar(pair), causal=False).pair.sum().backward()
    assert torch.isfinite(pair.grad).all()
