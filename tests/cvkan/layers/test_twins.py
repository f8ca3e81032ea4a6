"""The real twins against plain arithmetic on their real numbers."""

from __future__ import annotations

import pytest
import torch

from cvkan.layers.aggregation import make_aggregation
from cvkan.layers.twins import CartesianTwin, PolarTwin, RealTransform
from cvkan.polar import Polar

B, N, D = 2, 5, 3
MASK = torch.arange(N) < torch.tensor([[N], [3]])


def tokens() -> torch.Tensor:
    return torch.randn(B, N, D, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def twin(kind: type, *, aggregation: str = "mean", center: bool = False, **options: object):
    torch.manual_seed(0)
    given = {"pointwise": False, "per_dim": True} | options
    transform = RealTransform(D, hidden=4, mag_scale=0.3, dropout=0.0, **given)
    causal = aggregation == "causal"
    made = kind(make_aggregation(aggregation, D), transform, center=center, causal=causal).double()
    for p in made.parameters():
        torch.nn.init.normal_(p, std=0.4)
    return made


def changed(made, own: torch.Tensor, context: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The transform on 2D features of two plain numbers a dimension."""
    inputs = [own, context] if made.block.pointwise else [context]
    return (made.block.mag_scale * made.block.psi(*inputs)).chunk(2, dim=-1)


@pytest.mark.parametrize("pointwise", [False, True])
def test_cartesian_is_a_perceptron_of_real_features(pointwise):
    made, c = twin(CartesianTwin, pointwise=pointwise), tokens()
    features = torch.cat((c.real, c.imag), dim=-1)
    re, im = changed(made, features, features.mean(1, keepdim=True))
    ours = made(Polar.from_complex(c)).complex()
    torch.testing.assert_close(ours, c + torch.complex(re, im))


def test_cartesian_centring_is_by_the_root_mean_square_of_features():
    plain, made, c = twin(CartesianTwin), twin(CartesianTwin, center=True), tokens()
    z = plain(Polar.from_complex(c), MASK).pair[1, :3]
    expected = z / (z.square().mean(0) + 1e-5).sqrt()
    torch.testing.assert_close(made(Polar.from_complex(c), MASK).pair[1, :3], expected)


@pytest.mark.parametrize("pointwise", [False, True])
@pytest.mark.parametrize("center", [False, True])
def test_polar_adds_to_log_magnitude_and_angle(pointwise, center):
    made, c = twin(PolarTwin, pointwise=pointwise, center=center), tokens()
    log, angle = c.abs().log(), c.angle()
    features = torch.cat((log, angle), dim=-1)
    more, turn = changed(made, features, features.mean(1, keepdim=True))
    if center:
        log = log - log.mean(1, keepdim=True)
    expected = torch.polar((log + 5 * torch.tanh(more / 5)).exp(), angle + turn)
    torch.testing.assert_close(made(Polar.from_complex(c)).complex(), expected)


def test_polar_magnitude_weights_are_those_of_the_tokens():
    made, c = twin(PolarTwin, aggregation="magnitude_weighted"), tokens()
    features = torch.cat((c.abs().log(), c.angle()), dim=-1)
    weights = c.abs().mean(-1, keepdim=True)
    context = (weights * features).sum(1, keepdim=True) / weights.sum(1, keepdim=True)
    more, turn = changed(made, features, context)
    expected = c * torch.polar(torch.exp(5 * torch.tanh(more / 5)), turn)
    ours = made(Polar.from_complex(c)).complex()
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [CartesianTwin, PolarTwin])
def test_one_dimensional_transforms_treat_all_dimensions_alike(kind):
    made, c, order = twin(kind, per_dim=False, pointwise=True), tokens(), torch.tensor([2, 0, 1])
    shuffled = made(Polar.from_complex(c[..., order])).complex()
    torch.testing.assert_close(shuffled, made(Polar.from_complex(c)).complex()[..., order])


@pytest.mark.parametrize("kind", [CartesianTwin, PolarTwin])
def test_the_future_never_changes_the_past(kind):
    made, c = twin(kind, aggregation="causal", center=True), tokens()
    other = c.clone()
    other[:, 3:] += 2
    before, after = (made(Polar.from_complex(x)).complex() for x in (c, other))
    torch.testing.assert_close(after[:, :3], before[:, :3])
    assert (after[:, 3:] != before[:, 3:]).all()


@pytest.mark.parametrize("kind", [CartesianTwin, PolarTwin])
def test_dead_tokens_have_finite_gradients(kind):
    z = Polar(torch.zeros(B, N, 2, D, dtype=torch.float64, requires_grad=True))
    twin(kind, center=True)(z, MASK).pair.sum().backward()
    assert torch.isfinite(z.pair.grad).all()
