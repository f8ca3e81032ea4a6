"""What a model can know of its tokens: a broadcast stack only their mean, the default more."""

from __future__ import annotations

import pytest
import torch

from cvkan.config import SyntheticConfig
from cvkan.info import DataInfo
from cvkan.models import build

N, F = 8, 6


def answers(**options: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Of a batch of tokens, and of others that have the same mean but nothing else in common."""
    options = {"n_layers": 4, "pooling": "mean", "aggregation": "mean"} | options
    config = SyntheticConfig(d_complex=16, kan_hidden=4, center_magnitudes=False, **options)
    model = build(config, DataInfo("x", "synthetic", (N, F, 2), n_classes=4)).double().eval()
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(3, N, F, 2, dtype=torch.float64, generator=generator)
    noise = 10 * torch.randn(3, N, F, 2, dtype=torch.float64, generator=generator)
    return model(tokens), model(tokens + noise - noise.mean(1, keepdim=True))


def test_a_broadcast_stack_is_a_function_of_the_mean_token_alone():
    """mean(z + s u(mean z)) = mean z + s u(mean z): by induction, however deep the stack."""
    before, after = answers(interaction="broadcast", mag_scale=0.5)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    "options",
    [{"interaction": "interference"}, {"interaction": "pointwise", "mag_scale": 0.1}],
    ids=lambda options: options["interaction"],
)
def test_interference_and_pointwise_updates_see_more_than_the_mean(options):
    before, after = answers(**options)
    assert (after - before).abs().max() > 1e-4
