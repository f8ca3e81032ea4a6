"""Complex batch norm against NumPy's own covariance and matrix square root."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from cvkan.layers.batch_norm import EPSILON, MOMENTUM, ComplexBatchNorm
from cvkan.polar import Polar

B, N, D = 4, 30, 3
MASK = torch.arange(N) < torch.tensor([[N], [17], [5], [N]])


def tokens() -> torch.Tensor:
    """Real and imaginary parts of unequal size, correlated, with a mean."""
    noise = torch.randn(B, N, D, 2, generator=torch.Generator().manual_seed(0)).double()
    mixed = noise @ torch.tensor([[9.0, 2.0], [0.0, 1.5]], dtype=torch.float64)
    return torch.view_as_complex(mixed) + torch.tensor([3 - 1j, 0, 5j])


def formula(real: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Whiten `values` (m, 2) by the mean and covariance of `real` (n, 2), then by sqrt(2)."""
    covariance = np.cov(real.T, bias=True) + EPSILON * np.eye(2)
    return (values - real.mean(0)) @ np.linalg.inv(sqrtm(covariance)) / np.sqrt(2)


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_in_training_it_whitens_by_the_real_tokens_of_the_batch(mask):
    made, c = ComplexBatchNorm(D).double(), tokens()
    ours = made(Polar.from_complex(c), mask).complex()
    real = torch.ones(B, N, dtype=torch.bool) if mask is None else mask
    for d in range(D):
        values = torch.view_as_real(c[..., d][real]).numpy()
        expected = torch.view_as_complex(torch.tensor(formula(values, values)))
        torch.testing.assert_close(ours[..., d][real], expected)
        power = ours[..., d][real].abs().square().mean().item()
        assert power == pytest.approx(1, rel=1e-4)


def test_in_evaluation_it_uses_running_statistics():
    made, c = ComplexBatchNorm(D).double(), tokens()
    z = Polar.from_complex(c)
    # as at the start these are mean 0, variances 1/2: it is nearly the identity
    torch.testing.assert_close(made.eval()(z).complex(), c, rtol=1e-4, atol=0)
    made.train()
    made(z, MASK)
    values = torch.view_as_real(c[..., 1][MASK]).numpy()
    covariance = np.cov(values.T)  # unbiased, as in torch's BatchNorm
    running = made.running_covariance[:, 1].numpy()
    expected = [covariance[0, 0], covariance[1, 1], covariance[0, 1]]
    start = np.array([0.5, 0.5, 0.0])
    np.testing.assert_allclose(running, start + MOMENTUM * (np.array(expected) - start))
    np.testing.assert_allclose(made.running_mean[:, 1], MOMENTUM * values.mean(0))
    for _ in range(100):
        made(z, MASK)
    settled = made.eval()(z).complex()[..., 0][MASK]
    assert settled.abs().square().mean().item() == pytest.approx(1, rel=0.05)
    alone = made(z[1:2]).complex()
    torch.testing.assert_close(alone, made(z).complex()[1:2])  # no other sample has a say


def test_gain_is_a_matrix_and_shift_a_complex_number():
    made, c = ComplexBatchNorm(D).double().eval(), tokens()
    made.gain.data = torch.randn(2, 2, D).double()
    made.shift.data = torch.randn(2, D).double()
    whitened = torch.view_as_real(c).numpy() / np.sqrt(0.5 + EPSILON)
    expected = np.einsum("ijd,bndj->bnid", made.gain.detach().numpy(), whitened)
    ours = made(Polar.from_complex(c)).pair.detach().numpy()
    np.testing.assert_allclose(ours, expected + made.shift.detach().numpy(), rtol=1e-10)


def test_padding_changes_neither_result_nor_statistics():
    plain, padded = ComplexBatchNorm(D).double(), ComplexBatchNorm(D).double()
    c = tokens()
    more = torch.cat((c, torch.full((B, 9, D), 1e3 + 1j)), dim=1)
    mask = (torch.arange(N + 9) < N).expand(B, -1)
    ours = padded(Polar.from_complex(more), mask).complex()[:, :N]
    torch.testing.assert_close(ours, plain(Polar.from_complex(c)).complex())
    for a, b in zip(plain.buffers(), padded.buffers(), strict=True):
        torch.testing.assert_close(a, b)


def test_a_single_token_is_finite():
    made = ComplexBatchNorm(D)
    out = made(Polar(torch.ones(1, 1, 2, D)))
    out.pair.sum().backward()
    assert torch.isfinite(out.pair).all()
    assert all(torch.isfinite(buffer).all() for buffer in made.buffers())


@pytest.mark.parametrize("size", [1.0, 1e2, 1e4])
def test_tokens_of_one_phase_have_no_second_direction_and_stay_finite(size):
    """In single precision the determinant of their covariance may round below zero."""
    line = torch.randn(B, N, D, generator=torch.Generator().manual_seed(0)) * size
    pair = torch.stack((0.7 * line, 1.3 * line), dim=2).requires_grad_()
    out = ComplexBatchNorm(D)(Polar(pair)).pair
    out.square().sum().backward()
    assert out.isfinite().all()
    assert pair.grad.isfinite().all()
    # all of the variance is along the line: half of what two directions would have (the rounding
    # of single precision passes for a little of the other)
    power = out.square().sum(2).mean((0, 1))
    torch.testing.assert_close(power, torch.full((D,), 0.5), atol=0.1, rtol=0)
