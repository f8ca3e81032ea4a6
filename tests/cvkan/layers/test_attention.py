"""Phase attention against NumPy's complex numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cvkan.layers.attention import PhaseAttention
from cvkan.layers.linear import ComplexLinear
from cvkan.polar import Polar

B, N, D, HEADS = 2, 5, 6, 3
MASK = torch.arange(N) < torch.tensor([[N], [3]])


def tokens() -> torch.Tensor:
    return torch.randn(B, N, D, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def attention(**options: object) -> PhaseAttention:
    torch.manual_seed(0)
    given = {"n_heads": HEADS, "causal": False, "dropout": 0.0} | options
    return PhaseAttention(D, **given).double()


def matrix(linear: ComplexLinear) -> np.ndarray:
    re, im = linear.weight.detach().numpy()
    return re + 1j * im


def formula(made: PhaseAttention, z: np.ndarray, *, causal: bool) -> np.ndarray:
    """One sample (N, D), one query and one head at a time."""
    d = D // HEADS
    q, k, v = np.split(z @ matrix(made.qkv).T, 3, axis=-1)
    mixed = np.zeros_like(z)
    for head in range(HEADS):
        own = slice(head * d, (head + 1) * d)
        for n in range(len(z)):
            last = n + 1 if causal else len(z)
            scores = (k[:last, own].conj() @ q[n, own]).real / np.sqrt(d)
            weights = np.exp(scores) / np.exp(scores).sum()
            mixed[n, own] = weights @ v[:last, own]
    return mixed @ matrix(made.out).T


@pytest.mark.parametrize("causal", [False, True])
def test_it_is_the_formula(causal):
    made, c = attention(causal=causal), tokens()
    plain = made(Polar.from_complex(c)).complex().detach().numpy()
    masked = made(Polar.from_complex(c), MASK).complex().detach().numpy()
    for sample in range(B):
        expected = formula(made, c[sample].numpy(), causal=causal)
        np.testing.assert_allclose(plain[sample], expected, rtol=1e-10)
    expected = formula(made, c[1, :3].numpy(), causal=causal)
    np.testing.assert_allclose(masked[1, :3], expected, rtol=1e-10)


def test_a_common_turn_of_all_tokens_turns_the_update_and_changes_no_weight():
    made, c, turn = attention(), tokens(), np.exp(0.7j)
    turned = made(Polar.from_complex(turn * c)).complex()
    torch.testing.assert_close(turned, turn * made(Polar.from_complex(c)).complex())


def test_it_treats_tokens_as_a_set():
    made, c, order = attention(), tokens(), torch.tensor([3, 1, 4, 0, 2])
    shuffled = made(Polar.from_complex(c[:, order])).complex()
    torch.testing.assert_close(shuffled, made(Polar.from_complex(c)).complex()[:, order])


def test_dropout_is_of_weights_and_in_training_only():
    made, z = attention(dropout=0.5), Polar.from_complex(tokens())
    assert not torch.equal(made(z).pair, made(z).pair)
    made.eval()
    assert torch.equal(made(z).pair, made(z).pair)


def test_a_sample_without_real_tokens_is_finite():
    made = attention()
    made(Polar.from_complex(tokens()), torch.zeros(B, N, dtype=torch.bool)).pair.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in made.parameters())


def test_a_complex_linear_map_keeps_magnitudes_on_average():
    torch.manual_seed(0)
    z = torch.randn(500, 64, dtype=torch.complex128)
    made = ComplexLinear(64, 48).double()
    out = made(Polar.from_complex(z)).complex()
    torch.testing.assert_close(out, z @ torch.complex(*made.weight).T)
    assert out.abs().square().mean().item() == pytest.approx(1, rel=0.1)
    assert sum(p.numel() for p in made.parameters()) == 2 * 64 * 48
