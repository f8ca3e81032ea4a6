"""The interference block: its formula, what it is blind to, and what it costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from cvkan.layers.aggregation import make_aggregation
from cvkan.layers.interference import InterferenceBlock
from cvkan.polar import Polar

D, H = 5, 7


def complex_tokens(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


def block(*, per_dim: bool = True) -> InterferenceBlock:
    torch.manual_seed(0)
    made = InterferenceBlock(D, hidden=H, per_dim=per_dim).double()
    for parameter in made.parameters():  # away from the start, where the update is small
        torch.nn.init.normal_(parameter, std=0.5)
    return made


def normalised(z: np.ndarray, norm: torch.nn.Module) -> np.ndarray:
    """Over all real and imaginary parts of a token."""
    parts = np.stack([z.real, z.imag], axis=-2)
    moved = parts - parts.mean((-2, -1), keepdims=True)
    unit = moved / np.sqrt((moved**2).mean((-2, -1), keepdims=True) + 1e-5)
    out = unit * norm.weight.detach().numpy() + norm.bias.detach().numpy()
    return out[..., 0, :] + 1j * out[..., 1, :]


def token_and_product(made, z: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    token = normalised(z, made.norm)
    size = np.sqrt((np.abs(z) ** 2 + np.abs(a) ** 2).mean(-1, keepdims=True) + 1e-5)
    return token, token * a.conj() / size


def perceptron(made: InterferenceBlock, x: np.ndarray) -> np.ndarray:
    first, last = made.first, made.rest[2]
    h = x @ first.weight.detach().numpy().T + first.bias.detach().numpy()
    h = h * 0.5 * (1 + np.vectorize(math.erf)(h / math.sqrt(2)))
    return h @ last.weight.detach().numpy().T + last.bias.detach().numpy()


@pytest.mark.parametrize("n_context", [1, 4])
def test_it_is_the_perceptron_of_token_and_product(n_context):
    made = block()
    z, context = complex_tokens(2, 4, D), complex_tokens(2, n_context, D, seed=1)
    token, product = token_and_product(made, z.numpy(), context.numpy())
    parts = np.concatenate([token.real, token.imag, product.real, product.imag], axis=-1)
    expected = perceptron(made, parts)
    update = made(Polar.from_complex(z), Polar.from_complex(context)).features()
    np.testing.assert_allclose(update.detach().numpy(), expected, rtol=1e-10, atol=1e-12)


def test_without_per_dim_every_dimension_has_the_same_function():
    made = block(per_dim=False)
    z, context = complex_tokens(2, 4, D), complex_tokens(2, 1, D, seed=1)
    token, product = token_and_product(made, z.numpy(), context.numpy())
    update = made(Polar.from_complex(z), Polar.from_complex(context)).pair.detach().numpy()
    for d in range(D):
        one = [f(value[..., d]) for value in (token, product) for f in (np.real, np.imag)]
        expected = perceptron(made, np.stack(one, axis=-1))
        np.testing.assert_allclose(update[..., d], expected, rtol=1e-10, atol=1e-12)
    assert (
        sum(p.numel() for part in (made.first, made.rest) for p in part.parameters()) == 7 * H + 2
    )


def test_it_starts_near_the_identity_and_learns_from_there():
    torch.manual_seed(0)
    made = InterferenceBlock(D, hidden=64).double()
    z = Polar.from_complex(complex_tokens(2, 4, D))
    update = made(z, z)
    assert 0 < update.magnitude().mean() < 0.1 * z.magnitude().mean()
    (update.pair * z.pair).sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in made.parameters())


@pytest.mark.parametrize("aggregation", ["magnitude_weighted", "local_window", "causal"])
def test_gradients(aggregation):
    made = block()
    aggregate = make_aggregation(aggregation, D, window=3).double()

    def run(pair: torch.Tensor) -> torch.Tensor:
        return made(Polar(pair), aggregate(Polar(pair))).pair

    pair = Polar.from_complex(complex_tokens(1, 3, D)).pair.requires_grad_()
    assert torch.autograd.gradcheck(run, (pair,))


def test_tokens_are_told_apart_as_a_broadcast_update_cannot():
    """Two samples with the same context but other tokens get other updates."""
    made = block()
    context = Polar.from_complex(complex_tokens(1, 1, D, seed=1))
    z = complex_tokens(1, 2, D)
    update = made(Polar.from_complex(z), context).pair
    assert (update[:, 0] - update[:, 1]).abs().max() > 0.01


def test_a_token_near_zero_is_not_blown_up():
    made = block()
    context = Polar.from_complex(complex_tokens(1, 1, D, seed=1))
    z = complex_tokens(1, 4, D)
    sizes = [
        made(Polar.from_complex(z * scale), context).magnitude().max().item()
        for scale in (1.0, 1e-2, 1e-4)
    ]
    assert max(sizes) < 5 * min(sizes)
