"""Tiny data and models whose training can be followed by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from cvkan.data.splits import Split, Splits
from cvkan.info import DataInfo

INFO = DataInfo("toy", "image", (1, 2, 2), "Toy", 2, ("left", "right"))


def _split(size: int, seed: int, *, flipped: bool = False) -> Split:
    inputs = torch.randn(size, 1, 2, 2, generator=torch.Generator().manual_seed(seed))
    labels = (inputs.sum(dim=(1, 2, 3)) > 0).long()
    return Split(inputs, 1 - labels if flipped else labels)


@pytest.fixture
def splits() -> Splits:
    """The sign of a sum, easy to learn; 50 training samples: the last batch of 16 is short."""
    return Splits(_split(50, 1), _split(23, 2), _split(23, 3), INFO, ())


@pytest.fixture
def contrary() -> Splits:
    """As `splits`, but validation says the opposite: it never improves after the first epoch."""
    return Splits(_split(50, 1), _split(23, 2, flipped=True), _split(23, 3), INFO, ())


@pytest.fixture
def make_model() -> Callable[[], nn.Module]:
    """A linear classifier that starts at zero."""

    def make() -> nn.Module:
        linear = nn.Linear(4, 2)
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
        return nn.Sequential(nn.Flatten(), linear)

    return make
