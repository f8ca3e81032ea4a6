"""Making a baseline as large as the model it is compared with."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from cvkan.errors import CvkanError

FEED_FORWARD = 4  # the usual ratio of feed-forward width to width


def count_parameters(model: nn.Module) -> int:
    """Real numbers that training may change."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def shape_only(make: Callable[[], nn.Module]) -> nn.Module:
    """The model without memory for its weights, and without drawing a random number."""
    with torch.device("meta"):
        return make()


def nearest_in_size(
    size: Callable[[int, int], int], target: int, *, step: int, tolerance: float
) -> tuple[int, int]:
    """Width (a multiple of `step`) and feed-forward width at which `size` comes to `target`.

    The widest whose feed-forward layer keeps the usual ratio, which then takes up the rest.
    """
    low, high = 1, 2
    while size(high * step, FEED_FORWARD * high * step) <= target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        fits = size(middle * step, FEED_FORWARD * middle * step) <= target
        low, high = (middle, high) if fits else (low, middle)
    dim = low * step
    base, one_more = size(dim, 1), size(dim, 2)
    hidden = max(1 + round((target - base) / (one_more - base)), 1)
    reached = size(dim, hidden)
    if abs(reached - target) > tolerance * target:
        raise CvkanError(
            f"no baseline comes within {tolerance:.0%} of {target} parameters",
            seen=reached,
            do="Compare with a larger model (d_complex or kan_hidden).",
        )
    return dim, hidden


def largest(count: Callable[[int], int], target: int) -> int:
    """The largest size, at least 1, at which `count` does not exceed `target`."""
    low, high = 1, 2
    if count(low) == count(high):  # nothing grows with it
        return low
    while count(high) <= target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= target else (low, middle)
    return low
