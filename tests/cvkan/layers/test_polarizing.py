"""The polarizing block against its formula in torch's complex numbers."""

from __future__ import annotations

import pytest
import torch

from cvkan.errors import UnknownNameError
from cvkan.layers.aggregation import AGGREGATIONS, make_aggregation
from cvkan.layers.polarizing import PolarizingBlock, make_block
from cvkan.polar import Polar

D = 4


def tokens(batch: int, n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, n, D, dtype=torch.complex128, generator=generator)


def block(**options: object) -> PolarizingBlock:
    torch.manual_seed(0)
    made = PolarizingBlock(D, hidden=8, mag_scale=0.3, **options).double()
    for p in made.parameters():  # larger than at the start, so that every term counts
        torch.nn.init.normal_(p, std=0.4)
    return made


def formula(made: PolarizingBlock, log, unit) -> torch.Tensor:
    """s exp(5 tanh(m / 5)) normalise(p + q) with whole concatenated inputs, all dimensions."""
    size = made.mag_scale * torch.exp(5 * torch.tanh(made.psi_mag(*log) / 5))
    flat = [torch.cat((u.real, u.imag), dim=-1) for u in unit]
    re, im = made.psi_phase(*flat).chunk(2, dim=-1)
    direction = unit[-1] + torch.complex(re, im)
    return size * direction / direction.abs()


def test_broadcast_is_the_formula():
    made, z, context = block(), tokens(2, 5), tokens(2, 1, seed=1)
    expected = formula(made, [context.abs().log()], [context / context.abs()])
    ours = made(Polar.from_complex(z), Polar.from_complex(context)).complex()
    assert ours.shape == (2, 1, D)
    torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("context_tokens", [1, 5])
def test_pointwise_is_the_formula(context_tokens):
    made, z, context = block(interaction="pointwise"), tokens(2, 5), tokens(2, context_tokens, 1)
    expected = formula(
        made, [z.abs().log(), context.abs().log()], [z / z.abs(), context / context.abs()]
    )
    ours = made(Polar.from_complex(z), Polar.from_complex(context)).complex()
    assert ours.shape == (2, 5, D)
    torch.testing.assert_close(ours, expected)


def test_a_split_first_layer_is_one_layer_of_both_inputs():
    """The cheap way of a shared context equals the perceptron of [token, context]."""
    psi = block(interaction="pointwise").psi_mag
    own, context = tokens(2, 5).real, tokens(2, 1, seed=1).real
    joined = torch.nn.Linear(2 * D, 8).double()
    joined.weight.data = torch.cat((psi.first.weight, psi.context.weight), dim=1).data
    joined.bias.data = psi.first.bias.data
    expected = psi.rest(joined(torch.cat((own, context.expand(-1, 5, -1)), dim=-1)))
    torch.testing.assert_close(psi(own, context), expected)


@pytest.mark.parametrize("interaction", ["broadcast", "pointwise"])
def test_one_dimensional_transforms_treat_all_dimensions_alike(interaction):
    made, z, context = block(per_dim=False, interaction=interaction), tokens(2, 5), tokens(2, 1, 1)
    order = torch.tensor([2, 0, 3, 1])
    plain = made(Polar.from_complex(z), Polar.from_complex(context)).complex()
    shuffled = made(
        Polar.from_complex(z[..., order]), Polar.from_complex(context[..., order])
    ).complex()
    torch.testing.assert_close(shuffled, plain[..., order])
    assert made.psi_mag.first.in_features == 1


def test_it_starts_as_a_small_step_along_the_context():
    torch.manual_seed(0)
    made = PolarizingBlock(D, hidden=8).double()
    context = tokens(2, 1)
    update = made(Polar.from_complex(tokens(2, 5)), Polar.from_complex(context)).complex()
    along = (update * (context / context.abs()).conj()).real
    assert (update.abs() < 0.3).all()
    assert (along > 0.9 * update.abs()).all()


def test_gradients_at_the_start_are_moderate():
    """Normalising psi alone gives a gradient norm above 100 here."""
    torch.manual_seed(0)
    made = PolarizingBlock(64)
    z = Polar(torch.randn(8, 16, 2, 64))
    update = made(z, make_aggregation("mean", 64)(z))
    (z + update).magnitude().mean(dim=(1, 2)).sum().backward()
    norm = torch.stack([p.grad.norm() for p in made.parameters()]).norm()
    assert 1e-3 < norm < 10


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("interaction", ["broadcast", "pointwise"])
@pytest.mark.parametrize("per_dim", [True, False])
def test_every_aggregation_works_with_every_interaction(aggregation, interaction, per_dim):
    z = Polar.from_complex(tokens(2, 6))
    z.pair.requires_grad_()
    context = make_aggregation(aggregation, D, window=3).double()(z)
    out = z + block(interaction=interaction, per_dim=per_dim)(z, context)
    out.pair.sum().backward()
    assert out.shape == (2, 6, D)
    assert torch.isfinite(z.pair.grad).all()


def test_an_unknown_interaction():
    with pytest.raises(UnknownNameError, match="Did you mean 'pointwise'"):
        make_block("pointwize", D, hidden=8)
