"""Poolings against torch's complex numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cvkan.errors import UnknownNameError
from cvkan.layers.pooling import POOLINGS, make_pooling
from cvkan.polar import Polar

B, N, D = 2, 6, 12
MASK = torch.arange(N) < torch.tensor([[N], [4]])
GAPS = torch.tensor(
    [[True, False, True, True, False, True], [False, True, False, True, True, False]]
)


def tokens() -> torch.Tensor:
    return torch.randn(B, N, D, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def pool(name: str, c: torch.Tensor, mask=None) -> torch.Tensor:
    torch.manual_seed(0)
    return make_pooling(name, D).double()(Polar.from_complex(c), mask).complex()


def test_mean_and_last():
    c = tokens()
    torch.testing.assert_close(pool("mean", c, MASK)[1], c[1, :4].mean(0))
    torch.testing.assert_close(pool("last", c, MASK), torch.stack((c[0, -1], c[1, 3])))
    torch.testing.assert_close(pool("last", c), c[:, -1])


def test_max_takes_whole_complex_values():
    c = tokens()
    expected = [max(c[1, :4, d], key=abs) for d in range(D)]
    torch.testing.assert_close(pool("max", c, MASK)[1], torch.stack(expected))


def test_attention_has_one_weight_for_both_parts():
    c = tokens()
    torch.manual_seed(0)
    made = make_pooling("attention", D).double()
    z = Polar.from_complex(c)
    weights = made.weights(z, MASK)
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, 1, dtype=torch.float64))
    assert weights[1, 0, 4:].eq(0).all()
    expected = (weights[:, 0, :, None] * c).sum(1)
    torch.testing.assert_close(made(z, MASK).complex(), expected)
    scores = made.score(torch.cat((c.real, c.imag), dim=-1))[..., 0]
    torch.testing.assert_close(weights[0, 0], scores[0].softmax(0))


def test_covariance_has_mean_and_spread_side_by_side():
    c = tokens()
    out = pool("covariance", c, MASK)
    assert out.shape == (B, 2 * D)
    real = c[1, :4]
    torch.testing.assert_close(out[1, :D], real.mean(0))
    spread = np.sqrt((np.abs(real.numpy() - real.numpy().mean(0)) ** 2).mean(0))
    np.testing.assert_allclose(out[1, D:].numpy(), spread + 0j)


@pytest.mark.parametrize("mask", [None, MASK, GAPS], ids=["all", "padded", "gaps"])
def test_spectral_has_the_mean_and_the_strongest_other_frequency(mask):
    c = tokens()
    out = pool("spectral", c, mask).numpy()
    for sample in range(B):
        real = c[sample].numpy() if mask is None else c[sample][mask[sample]].numpy()
        spectrum = np.fft.fft(real, axis=0) / len(real)
        strongest = np.abs(spectrum[1:]).argmax(0) + 1
        np.testing.assert_allclose(out[sample, :D], spectrum[0])
        np.testing.assert_allclose(out[sample, D:], spectrum[strongest, np.arange(D)])


@pytest.mark.parametrize("n_real", [0, 1])
def test_with_one_token_or_none_there_is_no_other_frequency(n_real):
    mask = (torch.arange(N) < n_real).expand(B, -1)
    assert pool("spectral", tokens(), mask)[:, D:].eq(0).all()


@pytest.mark.parametrize("name", POOLINGS)
def test_a_pooling_says_how_wide_its_result_is(name):
    assert pool(name, tokens()).shape == (B, make_pooling(name, D).width)


@pytest.mark.parametrize("name", sorted(set(POOLINGS) - {"last", "spectral"}))
def test_order_is_of_no_matter_but_to_last_and_spectral(name):
    c, order = tokens(), torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(pool(name, c[:, order]), pool(name, c))


@pytest.mark.parametrize("name", POOLINGS)
def test_what_stands_in_the_padding_does_not_matter_to_the_bit(name):
    c = tokens()
    other = torch.where(MASK[..., None], c, 1e3 * (1 - 2j))
    assert torch.equal(pool(name, c, MASK), pool(name, other, MASK))


@pytest.mark.parametrize("name", POOLINGS)
def test_gradients_are_finite_and_reach_only_real_tokens(name):
    z = Polar.from_complex(tokens())
    z.pair.requires_grad_()
    make_pooling(name, D).double()(z, MASK).pair.sum().backward()
    assert torch.isfinite(z.pair.grad).all()
    assert z.pair.grad[1, 4:].eq(0).all()
    assert z.pair.grad[1, :4].ne(0).any()


def test_an_unknown_name_is_an_error():
    with pytest.raises(UnknownNameError, match=r"unknown pooling: 'maxx'.*'max'"):
        make_pooling("maxx", D)
