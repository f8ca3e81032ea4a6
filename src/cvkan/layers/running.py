"""Sums over a token and those before it."""

from __future__ import annotations

from torch import Tensor

from cvkan.polar import product

# Up to here one product with a triangle of ones is faster than torch's cumsum, which walks an
# inner axis in strides (5 times, 96 tokens of 512 numbers on a CPU); its cost grows with N^2.
_LONGEST_PRODUCT = 512


def running_sum(values: Tensor, *, backwards: bool = False) -> Tensor:
    """Over the tokens of (B, N, F): position t holds the sum of 0..t, or of t..N-1."""
    n_tokens = values.shape[1]
    if n_tokens <= _LONGEST_PRODUCT:
        ones = values.new_ones(n_tokens, n_tokens)
        triangle = ones.triu() if backwards else ones.tril()
        return product(triangle, values)
    if backwards:
        return values.flip(1).cumsum(1).flip(1)
    return values.cumsum(1)
