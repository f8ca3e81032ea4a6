"""Batch norm for complex numbers: real and imaginary part are whitened together."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvkan.polar import PAIR, Polar

EPSILON = 1e-5  # added to both variances, as in torch's BatchNorm
MOMENTUM = 0.1  # of a batch in the running statistics


class ComplexBatchNorm(nn.Module):
    """Per dimension: subtract the mean, multiply by V^(-1/2), then a 2 x 2 gain and a shift.

    V is the 2 x 2 covariance of real and imaginary part over the real tokens of the batch, in
    evaluation the running one. V^(-1/2) = [[Vii + s, -Vri], [-Vri, Vrr + s]] / (s t), where
    s = sqrt(det V) and t = sqrt(trace V + 2 s) (Trabelsi et al. 2018,
    https://arxiv.org/abs/1705.09792). The gain starts at 1 / sqrt(2), so that the mean of |z|^2 is
    1 as after the other norms. Running statistics start at those of such tokens: before any
    training, evaluation changes nothing.
    """

    def __init__(self, d_complex: int) -> None:
        super().__init__()
        identity = torch.eye(2).unsqueeze(-1).repeat(1, 1, d_complex)  # (2, 2, D)
        self.gain = nn.Parameter(identity * 0.5**0.5)
        self.shift = nn.Parameter(torch.zeros(2, d_complex))
        self.register_buffer("running_mean", torch.zeros(2, d_complex))
        # covariances Vrr, Vii, Vri
        self.register_buffer(
            "running_covariance", torch.tensor([0.5, 0.5, 0.0])[:, None].repeat(1, d_complex)
        )
        self.running_mean: Tensor
        self.running_covariance: Tensor

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        if self.training:
            mean, covariance = self._statistics(z, mask)
        else:
            mean, covariance = self.running_mean, self.running_covariance
        matrix = self._times_gain(covariance)  # (2, 2, D): gain V^(-1/2)
        moved = Polar(z.pair - mean)
        pair = moved.re.unsqueeze(PAIR) * matrix[:, 0] + moved.im.unsqueeze(PAIR) * matrix[:, 1]
        return Polar(pair + self.shift)

    def _statistics(self, z: Polar, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Those of the batch; also moves the running ones towards them."""
        n_tokens = z.shape[0] * z.shape[1]
        real: Tensor | None = None
        count: Tensor | int = max(n_tokens, 1)
        if mask is not None:
            real = mask[..., None].to(z.pair.dtype)  # (B, N, 1)
            count = real.sum().clamp(min=1)

        def mean_of(values: Tensor, weights: Tensor | None) -> Tensor:
            return (values if weights is None else values * weights).sum((0, 1)) / count

        mean = mean_of(z.pair, None if real is None else real.unsqueeze(-1))
        moved = Polar(z.pair - mean)
        products = (moved.re.square(), moved.im.square(), moved.re * moved.im)
        covariance = torch.stack([mean_of(product, real) for product in products])
        with torch.no_grad():
            unbiased = covariance * (count / (torch.as_tensor(count) - 1).clamp(min=1))
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), MOMENTUM)
            self.running_covariance.lerp_(unbiased.to(self.running_covariance.dtype), MOMENTUM)
        return mean, covariance

    def _times_gain(self, covariance: Tensor) -> Tensor:
        rr, ii, ri = covariance.unbind()
        # det V + EPSILON (trace V + EPSILON): in one step, rounding would make the determinant of
        # tokens on a line (all of one phase) negative
        s = ((rr * ii - ri.square()).clamp(min=0) + EPSILON * (rr + ii + EPSILON)).sqrt()
        rr, ii = rr + EPSILON, ii + EPSILON
        scale = (s * (rr + ii + 2 * s).sqrt()).reciprocal()
        whitening = torch.stack(
            (torch.stack((ii + s, -ri)), torch.stack((-ri, rr + s)))
        )  # (2, 2, D)
        product = self.gain.unsqueeze(2) * (whitening * scale).unsqueeze(0)  # (i, j, k, D)
        return product.sum(1)
