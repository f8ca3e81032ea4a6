"""Passes over tokens a few samples at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

# Samples are handled in groups of about this many numbers, so that the passes over one group find
# it in the cache (twice as fast as whole batches of 16 MB on a CPU); a GPU takes the whole batch.
_GROUP = 1 << 18


def groups(pair: Tensor) -> Iterator[slice]:
    """Slices of the batch axis of tokens (B, N, 2, D)."""
    per_sample = max(pair[0].numel(), 1)
    whole = pair.device.type != "cpu" or torch.compiler.is_compiling()  # which groups by itself
    size = pair.shape[0] if whole else max(_GROUP // per_sample, 1)
    return (slice(start, start + size) for start in range(0, pair.shape[0], size))


def dot(part: Tensor, other: Tensor) -> Tensor:
    """Re(z conj(other)) per dimension of pairs (..., 2, D), in one buffer."""
    along = part.select(-2, 0) * other.select(-2, 0)
    return along.addcmul_(part.select(-2, 1), other.select(-2, 1))
