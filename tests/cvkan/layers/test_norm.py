"""Norms: what they make of mean, size and phase."""

from __future__ import annotations

import pytest
import torch

from cvkan.errors import UnknownNameError
from cvkan.layers.norm import make_norm
from cvkan.polar import Polar

D = 16


def tokens() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return 7 * torch.randn(2, 5, D, dtype=torch.complex128, generator=generator) + (3 - 1j)


def normed(name: str, c: torch.Tensor) -> torch.Tensor:
    return make_norm(name, D).double()(Polar.from_complex(c)).complex()


def test_layer_norm_leaves_mean_zero_and_variance_one():
    out = normed("layer", tokens())
    torch.testing.assert_close(out.mean(-1), torch.zeros(2, 5, dtype=out.dtype))
    power = out.abs().square().mean(-1)
    torch.testing.assert_close(power, torch.ones_like(power), rtol=1e-5, atol=0)


def test_rms_norm_leaves_phases_and_relative_magnitudes():
    c = tokens()
    out = normed("rms", c)
    power = out.abs().square().mean(-1)
    torch.testing.assert_close(power, torch.ones_like(power), rtol=1e-5, atol=0)
    torch.testing.assert_close(out.angle(), c.angle())
    torch.testing.assert_close(out.abs() / out.abs()[..., :1], c.abs() / c.abs()[..., :1])


@pytest.mark.parametrize("name", ["layer", "rms"])
def test_a_norm_ignores_scale_and_turns_with_its_input(name):
    c, turn = tokens(), torch.exp(torch.tensor(0.7j, dtype=torch.complex128))
    torch.testing.assert_close(
        normed(name, 5 * turn * c), turn * normed(name, c), rtol=1e-6, atol=0
    )


def test_no_norm_is_the_identity():
    assert torch.equal(normed("none", tokens()), tokens())


def test_an_unknown_name_is_an_error():
    with pytest.raises(UnknownNameError, match="Allowed: batch, layer, none, rms"):
        make_norm("instance", D)
