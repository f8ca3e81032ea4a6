"""Gated polarization: its formula, and nothing at all at the start."""

from __future__ import annotations

import torch

from cvkan.layers.aggregation import make_aggregation
from cvkan.layers.gated import GatedPolarization
from cvkan.polar import Polar

D = 4


def tokens(n: int) -> torch.Tensor:
    return torch.randn(2, n, D, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def block() -> GatedPolarization:
    torch.manual_seed(0)
    return GatedPolarization(D, hidden=8, dropout=0.0).double()


def test_it_is_the_formula():
    made, context = block(), tokens(1)
    for p in made.parameters():
        torch.nn.init.normal_(p, std=0.4)
    log, unit = context.abs().log(), context / context.abs()
    update = torch.zeros_like(context)
    for d in range(D):
        exponent = log[..., d] + made.psi_mag(log[..., d, None])[..., 0]
        turn = made.psi_phase(torch.view_as_real(unit[..., d]))
        direction = unit[..., d] + torch.view_as_complex(turn.contiguous())
        size = torch.exp(5 * torch.tanh(exponent / 5))
        update[..., d] = torch.tanh(made.gate[d]) * size * direction / direction.abs()
    ours = made(Polar.from_complex(tokens(5)), Polar.from_complex(context)).complex()
    torch.testing.assert_close(ours, update)


def test_it_starts_as_exactly_the_identity_and_the_gates_have_a_gradient():
    made, z = block(), Polar.from_complex(tokens(5))
    out = z + made(z, make_aggregation("mean", D)(z))
    assert torch.equal(out.pair, z.pair)
    out.magnitude().sum().backward()
    assert made.gate.grad.ne(0).all()


def test_once_open_every_parameter_has_a_gradient():
    made, z = block(), Polar.from_complex(tokens(5))
    torch.nn.init.constant_(made.gate, 0.1)
    (z + made(z, make_aggregation("mean", D)(z))).magnitude().sum().backward()
    assert all(p.grad.ne(0).any() for p in made.parameters())
