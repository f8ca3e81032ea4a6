"""Running sums: the short and the long way are torch's cumsum."""

from __future__ import annotations

import pytest
import torch

from cvkan.layers import running
from cvkan.layers.running import running_sum


@pytest.mark.parametrize("longest", [0, 512])
def test_running_sums(monkeypatch, longest):
    monkeypatch.setattr(running, "_LONGEST_PRODUCT", longest)
    x = torch.randn(2, 7, 3, dtype=torch.float64)
    torch.testing.assert_close(running_sum(x), x.cumsum(1))
    torch.testing.assert_close(running_sum(x, backwards=True)[:, 2], x[:, 2:].sum(1))
