"""Aggregations against plain loops over the real tokens."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from cvkan.errors import UnknownNameError
from cvkan.layers import aggregation
from cvkan.layers.aggregation import AGGREGATIONS, make_aggregation
from cvkan.polar import Polar

B, N, D = 2, 12, 3
MASK = torch.arange(N) < torch.tensor([[N], [7]])


def tokens(n: int = N) -> torch.Tensor:
    return torch.randn(B, n, D, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def aggregate(name: str, c: torch.Tensor, mask=None, **options: object) -> torch.Tensor:
    made = make_aggregation(name, D, window=3, **options).double()
    return made(Polar.from_complex(c), mask).complex()


def test_mean():
    c = tokens()
    expected = torch.stack((c[0].mean(0), c[1, :7].mean(0)))[:, None]
    torch.testing.assert_close(aggregate("mean", c, MASK), expected)


def test_magnitude_weighted():
    c = tokens()
    loud = c[1, :7].abs().mean(-1, keepdim=True)
    expected = (c[1, :7] * loud).sum(0) / loud.sum()
    torch.testing.assert_close(
        aggregate("magnitude_weighted", c, MASK)[1, 0], expected, rtol=1e-5, atol=1e-6
    )


def test_attention_weighs_by_agreement_with_the_mean_phase():
    c = tokens()
    real = c[1, :7]
    mean = real.mean(0)
    scores = (real * (mean / mean.abs()).conj()).real.sum(-1) / D**0.5
    expected = (real * scores.softmax(0)[:, None]).sum(0)
    torch.testing.assert_close(aggregate("attention", c, MASK)[1, 0], expected)


def test_causal_is_the_mean_so_far():
    c = tokens()
    ours = aggregate("causal", c, MASK)
    for t in range(7):
        torch.testing.assert_close(ours[1, t], c[1, : t + 1].mean(0))


def test_local_window_on_a_sequence():
    c = tokens()
    ours = aggregate("local_window", c, MASK)
    for t in range(7):
        torch.testing.assert_close(ours[1, t], c[1, max(t - 1, 0) : min(t + 2, 7)].mean(0))


def test_local_window_on_a_grid():
    c = tokens()
    ours = aggregate("local_window", c, grid=(3, 4)).reshape(B, 3, 4, D)
    plane = c.reshape(B, 3, 4, D)
    for row in range(3):
        for column in range(4):
            near = plane[:, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            torch.testing.assert_close(ours[:, row, column], near.mean((1, 2)))


@pytest.mark.parametrize("window", [2, 4, 40])
def test_local_window_of_any_size_keeps_the_number_of_tokens(window):
    made = make_aggregation("local_window", D, window=window, grid=(3, 4))
    assert made(Polar.from_complex(tokens())).shape == (B, N, D)


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_what_stands_in_the_padding_does_not_matter_to_the_bit(name):
    c = tokens()
    other = torch.where(MASK[..., None], c, 1e3 * (1 - 2j))
    plain, changed = (aggregate(name, values, MASK) for values in (c, other))
    if plain.shape[1] == N:  # contexts of padding tokens are nobody's context
        plain, changed = plain[MASK], changed[MASK]
    assert torch.equal(plain, changed)


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_the_amount_of_padding_does_not_matter(name):
    c = tokens()
    longer = torch.cat((c, torch.ones(B, 20, D)), dim=1)
    mask = torch.cat((MASK, torch.zeros(B, 20, dtype=torch.bool)), dim=1)
    plain, padded = aggregate(name, c, MASK), aggregate(name, longer, mask)
    if plain.shape[1] == N:
        plain, padded = plain[MASK], padded[:, :N][MASK]
    torch.testing.assert_close(padded, plain, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_turning_all_tokens_turns_the_context(name):
    c, turn = tokens(), torch.exp(torch.tensor(0.7j, dtype=torch.complex128))
    torch.testing.assert_close(aggregate(name, c * turn, MASK), aggregate(name, c, MASK) * turn)


def test_attention_notices_a_turned_token():
    c = tokens()
    turned = c.clone()
    turned[:, 3] *= -1
    assert not torch.allclose(aggregate("attention", turned), aggregate("attention", c))


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_gradients(name):
    made = make_aggregation(name, D, window=3).double()
    pair = Polar.from_complex(tokens()).pair.contiguous().requires_grad_()
    assert gradcheck(lambda p: made(Polar(p), MASK).pair, (pair,))


def test_an_unknown_name_is_an_error_that_shows_the_allowed_ones():
    with pytest.raises(UnknownNameError, match=r"local_windo.*Did you mean 'local_window'.*mean"):
        make_aggregation("local_windo", D)


@pytest.mark.parametrize("longest_product", [256, 0], ids=["product", "pooled"])
@pytest.mark.parametrize("name", ["local_window", "graph_neighborhood"])
def test_no_neighbourhood_reaches_from_one_grid_into_the_next(monkeypatch, name, longest_product):
    monkeypatch.setattr(aggregation, "_LONGEST_PRODUCT", longest_product)
    c = tokens(2 * N)
    mask = torch.cat((MASK, MASK.flip(0)), dim=1)
    both = aggregate(name, c, mask, grid=(3, 4))
    first, second = slice(None, N), slice(N, None)
    apart = [aggregate(name, c[:, part], mask[:, part], grid=(3, 4)) for part in (first, second)]
    torch.testing.assert_close(both, torch.cat(apart, dim=1))
