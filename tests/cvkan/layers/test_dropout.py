"""Complex dropout drops whole numbers, and only in training."""

from __future__ import annotations

import pytest
import torch

from cvkan.layers.dropout import ComplexDropout
from cvkan.polar import Polar


def test_both_parts_go_together_and_the_rest_grows():
    torch.manual_seed(0)
    c = torch.randn(20, 30, 8, dtype=torch.complex128)
    out = ComplexDropout(0.25)(Polar.from_complex(c)).complex()
    dropped = out == 0
    torch.testing.assert_close(out[~dropped], c[~dropped] / 0.75)
    assert dropped.double().mean().item() == pytest.approx(0.25, abs=0.02)
    assert torch.equal(out.real == 0, out.imag == 0)


def test_evaluation_and_rate_zero_change_nothing():
    z = Polar(torch.randn(2, 3, 2, 4))
    assert ComplexDropout(0.25).eval()(z) is z
    assert ComplexDropout(0.0)(z) is z
