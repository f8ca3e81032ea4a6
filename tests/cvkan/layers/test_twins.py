"""The real twins against plain arithmetic on their real numbers."""

from __future__ import annotations

import pytest
import torch

from cvkan.layers.aggregation import make_aggregation
from cvkan.layers.interference import InterferenceBlock
from cvkan.layers.twins import CartesianTwin, PolarTwin, make_transform
from cvkan.polar import Polar

B, N, D = 2, 5, 3
MASK = torch.arange(N) < torch.tensor([[N], [3]])


def tokens() -> torch.Tensor:
    return torch.randn(B, N, D, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def twin(kind: type, *, aggregation: str = "mean", center: bool = False, **options: object):
    torch.manual_seed(0)
    given = {"interaction": "broadcast", "per_dim": True} | options
    polar = kind is PolarTwin
    transform = make_transform(
        d_complex=D, hidden=4, polar=polar, mag_scale=0.3, dropout=0.0, **given
    )
    causal = aggregation == "causal"
    made = kind(make_aggregation(aggregation, D), transform, center=center, causal=causal).double()
    for p in made.parameters():
        torch.nn.init.normal_(p, std=0.4)
    return made


def changed(made, own: torch.Tensor, context: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The transform on 2D features of two plain numbers a dimension."""
    inputs = [own, context] if made.block.pointwise else [context]
    return (made.block.mag_scale * made.block.psi(*inputs)).chunk(2, dim=-1)


@pytest.mark.parametrize("interaction", ["broadcast", "pointwise"])
def test_cartesian_is_a_perceptron_of_real_features(interaction):
    made, c = twin(CartesianTwin, interaction=interaction), tokens()
    features = torch.cat((c.real, c.imag), dim=-1)
    re, im = changed(made, features, features.mean(1, keepdim=True))
    ours = made(Polar.from_complex(c)).complex()
    torch.testing.assert_close(ours, c + torch.complex(re, im))


def test_cartesian_centring_is_by_the_root_mean_square_of_features():
    plain, made, c = twin(CartesianTwin), twin(CartesianTwin, center=True), tokens()
    z = plain(Polar.from_complex(c), MASK).pair[1, :3]
    expected = z / (z.square().mean(0) + 1e-5).sqrt()
    torch.testing.assert_close(made(Polar.from_complex(c), MASK).pair[1, :3], expected)


@pytest.mark.parametrize("interaction", ["broadcast", "pointwise"])
@pytest.mark.parametrize("center", [False, True])
def test_polar_adds_to_log_magnitude_and_angle(interaction, center):
    made, c = twin(PolarTwin, interaction=interaction, center=center), tokens()
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


def test_cartesian_interference_is_the_product_of_real_features():
    made, c = twin(CartesianTwin, interaction="interference"), tokens()
    features = torch.cat((c.real, c.imag), dim=-1)
    own = made.block.norm(features)
    mean = c.mean(1, keepdim=True)
    size = ((c.abs().square() + mean.abs().square()).mean(-1, keepdim=True) + 1e-5).sqrt()
    context = features.mean(1, keepdim=True) / size
    change = made.block.perceptron(torch.cat((own, own * context), dim=-1))
    ours = made(Polar.from_complex(c)).complex()
    torch.testing.assert_close(ours, c + torch.complex(*change.chunk(2, dim=-1)))


def test_polar_interference_adds_logs_and_subtracts_angles():
    made, c = twin(PolarTwin, interaction="interference"), tokens()
    log, angle = c.abs().log(), c.angle()
    met = (log + log.mean(1, keepdim=True), angle - angle.mean(1, keepdim=True))
    change = made.block.perceptron(torch.cat((log, angle, *met), dim=-1))
    more, turn = change.chunk(2, dim=-1)
    expected = c * torch.polar(torch.exp(5 * torch.tanh(more / 5)), turn)
    torch.testing.assert_close(made(Polar.from_complex(c)).complex(), expected)


@pytest.mark.parametrize("per_dim", [True, False])
def test_perceptrons_of_interference_are_as_large_as_the_complex_one(per_dim):
    def count(*parts: torch.nn.Module) -> int:
        return sum(p.numel() for part in parts for p in part.parameters())

    complex_one = InterferenceBlock(D, hidden=4, per_dim=per_dim)
    for kind in (CartesianTwin, PolarTwin):
        block = twin(kind, interaction="interference", per_dim=per_dim).block
        assert count(block.perceptron) == count(complex_one.first, complex_one.rest)


@pytest.mark.parametrize("interaction", ["pointwise", "interference"])
@pytest.mark.parametrize("kind", [CartesianTwin, PolarTwin])
def test_one_dimensional_transforms_treat_all_dimensions_alike(kind, interaction):
    made, c = twin(kind, per_dim=False, interaction=interaction), tokens()
    order = torch.tensor([2, 0, 1])
    for module in made.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.reset_parameters()  # they treat dimensions one by one
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
    twin(kind, center=True, interaction="interference")(z, MASK).pair.sum().backward()
    assert torch.isfinite(z.pair.grad).all()
