"""The polar algebra against torch's complex numbers, in float64."""

from __future__ import annotations

import math
import threading

import pytest
import torch
from torch.autograd import gradcheck

from cvkan.polar import Polar, lowered_algebra, raised


def tokens(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


def test_every_way_in_leads_out_to_the_same_numbers():
    c = tokens(2, 3, 4)
    ways = (
        Polar.from_complex(c),
        Polar.of(c.real, c.imag),
        Polar.from_polar(c.abs(), c.angle()),
        Polar.from_trailing(torch.view_as_real(c)),
        Polar.from_features(torch.cat((c.real, c.imag), dim=-1)),
    )
    for z in ways:
        assert z.shape == c.shape
        torch.testing.assert_close(z.complex(), c)
        torch.testing.assert_close(z.features(), torch.cat((c.real, c.imag), dim=-1))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Polar.magnitude, torch.abs),
        (Polar.phase, torch.angle),
        (Polar.log_magnitude, lambda c: c.abs().log()),
        (Polar.power, lambda c: (c * c.conj()).real),
        (lambda z: z.unit().complex(), lambda c: c / c.abs()),
        (lambda z: z[:, 1:].complex(), lambda c: c[:, 1:]),
    ],
    ids=["magnitude", "phase", "log_magnitude", "power", "unit", "index"],
)
def test_unary_agrees_with_complex_numbers(ours, theirs):
    c = tokens(2, 3, 4)
    torch.testing.assert_close(ours(Polar.from_complex(c)), theirs(c))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda a, b: (a + b).complex(), lambda a, b: a + b),
        (lambda a, b: a.times_conj(b).complex(), lambda a, b: a * b.conj()),
        (lambda a, b: a.dot(b), lambda a, b: (a * b.conj()).real),
    ],
    ids=["add", "times_conj", "dot"],
)
def test_binary_agrees_with_complex_numbers(ours, theirs):
    a, b = tokens(2, 3, 4), tokens(2, 3, 4, seed=1)
    torch.testing.assert_close(ours(Polar.from_complex(a), Polar.from_complex(b)), theirs(a, b))


def test_scaling_and_weighted_sums_agree_with_complex_numbers():
    c, weights = tokens(2, 3, 4), torch.rand(2, 5, 3, dtype=torch.float64)
    z = Polar.from_complex(c)
    torch.testing.assert_close(z.scale(c.real).complex(), c * c.real)
    torch.testing.assert_close(z.scale(c.real[..., :1]).complex(), c * c.real[..., :1])
    torch.testing.assert_close(z.weighted_sum(weights).complex(), weights.to(c.dtype) @ c)


def test_rotation_is_multiplication_by_a_unit_number():
    c, angle = tokens(2, 3, 4), torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(3, 4)
    turned = Polar.from_complex(c).rotate(angle.cos(), angle.sin())
    torch.testing.assert_close(turned.complex(), c * torch.exp(1j * angle))


def test_rotation_has_the_right_gradient():
    pair = torch.randn(2, 3, 2, 4, dtype=torch.float64, requires_grad=True)
    angle = torch.rand(3, 4, dtype=torch.float64)
    assert gradcheck(lambda p: Polar(p).rotate(angle.cos(), angle.sin()).pair, (pair,))


def test_splitting_gives_log_magnitude_and_phase_with_the_right_gradient():
    c = tokens(2, 3, 4)
    log, unit = Polar.from_complex(c).split()
    torch.testing.assert_close(log, c.abs().log())
    torch.testing.assert_close(unit.complex(), c / c.abs())
    pair = Polar.from_complex(c).pair.requires_grad_()
    assert gradcheck(lambda p: (Polar(p).split()[0], Polar(p).split()[1].pair), (pair,))


def test_exact_zeros_have_finite_values_and_gradients():
    pair = torch.zeros(1, 1, 2, 3, requires_grad=True)
    z = Polar(pair)
    (z.magnitude() + z.log_magnitude() + z.unit().re + z.unit().im).sum().backward()
    assert torch.isfinite(pair.grad).all()
    assert math.isclose(z.log_magnitude().detach()[0, 0, 0], math.log(1e-6), rel_tol=1e-6)


def test_masking_replaces_even_not_a_number():
    z = Polar(torch.full((1, 3, 2, 2), math.nan))
    z.pair[:, :2] = 1.0
    masked = z.masked(torch.tensor([[True, True, False]]))
    assert masked.pair[:, :2].eq(1).all()
    assert masked.pair[:, 2].eq(0).all()


def test_the_precision_of_one_thread_is_not_that_of_another():
    low, seen = torch.ones(2, dtype=torch.bfloat16), []

    def look() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            seen.append(raised(low).dtype)

    with lowered_algebra(), torch.autocast("cpu", torch.bfloat16):
        other = threading.Thread(target=look)
        other.start()
        other.join()
        assert raised(low).dtype == torch.bfloat16
    assert seen == [torch.float32]
