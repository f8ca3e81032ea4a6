"""What the order and a common turn of tokens may change, and that chance is the seed's alone."""

from __future__ import annotations

import pytest
import torch

from cvkan.config import SyntheticConfig
from cvkan.info import DataInfo
from cvkan.models import build

N, F = 8, 6
SETS = [
    {},
    {"aggregation": "mean", "interaction": "broadcast"},
    {"aggregation": "magnitude_weighted", "interaction": "pointwise"},
    {"aggregation": "attention", "norm": "layer"},
    {"norm": "batch", "pooling": "covariance"},
    {"layer": "gated", "pooling": "max"},
    {"layer": "phase_attention", "norm": "rms"},
    {"heads": "offset"},
    {"heads": "factored"},
    {"model": "real_cartesian"},
    {"model": "real_polar"},
]
SEQUENCES = [
    {"positions": "fixed"},
    {"positions": "learned"},
    {"aggregation": "causal"},
    {"aggregation": "local_window", "window": 3},
    {"aggregation": "graph_neighborhood"},
    {"layer": "phase_attention", "aggregation": "causal"},
    {"layer": "hierarchical"},
    {"layer": "hierarchical", "n_paths": 2},
    {"pooling": "last"},
    {"pooling": "spectral"},
]


def model(**options: object) -> torch.nn.Module:
    given = {"aggregation": "magnitude_weighted", "pooling": "mean"} | options
    config = SyntheticConfig(d_complex=8, kan_hidden=4, **given)
    made = build(config, DataInfo("x", "synthetic", (N, F, 2), n_classes=4)).double().eval()
    torch.manual_seed(0)
    for p in made.parameters():  # no gate is closed
        p.data += 0.1 * torch.randn_like(p)
    return made


def tokens() -> torch.Tensor:
    return torch.randn(3, N, F, 2, generator=torch.Generator().manual_seed(0)).double()


def shuffled() -> torch.Tensor:
    return tokens()[:, torch.tensor([5, 0, 7, 2, 4, 1, 6, 3])]


@pytest.mark.parametrize("options", SETS, ids=str)
def test_tokens_without_positions_are_a_set(options):
    made = model(**options)
    torch.testing.assert_close(made(shuffled()), made(tokens()))


@pytest.mark.parametrize("options", SEQUENCES, ids=str)
def test_what_knows_neighbours_or_places_sees_the_order(options):
    made = model(**options)
    assert (made(shuffled()) - made(tokens())).abs().max() > 1e-6


@pytest.mark.parametrize("aggregation", ["attention", "causal"])
def test_phase_attention_does_not_see_a_common_turn(aggregation):
    made = model(layer="phase_attention", aggregation=aggregation)
    turned = torch.view_as_complex(tokens()) * torch.exp(torch.tensor(0.7j))
    torch.testing.assert_close(made(torch.view_as_real(turned)), made(tokens()))


@pytest.mark.parametrize("options", SETS + SEQUENCES, ids=str)
def test_two_equal_seeds_are_equal_to_the_bit(options):
    results = []
    for _ in range(2):
        made = model(complex_dropout=0.2, dropout=0.2, **options).train()
        torch.manual_seed(1)
        out = made(tokens())
        out.sum().backward()
        results.append([out.detach(), *(p.grad for p in made.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
