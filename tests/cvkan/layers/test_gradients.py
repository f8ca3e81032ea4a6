"""The gradients of every layer are those of its values (in double precision)."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

from cvkan.config import ModelConfig
from cvkan.layers.aggregation import AGGREGATIONS
from cvkan.layers.norm import NORMS
from cvkan.layers.pooling import POOLINGS, make_pooling
from cvkan.layers.positions import make_positions
from cvkan.models.backbone import make_layer
from cvkan.polar import Polar

B, N, D = 2, 4, 4
MASK = torch.tensor([[True] * 4, [True, True, True, False]])
SMALL = {"d_complex": D, "mlp_hidden": 3}
LAYERS = [
    *(
        {"aggregation": name, "window": 3} if name == "local_window" else {"aggregation": name}
        for name in AGGREGATIONS
    ),
    *({"norm": name} for name in NORMS if name != "none"),
    {"interaction": "pointwise"},
    {"interaction": "broadcast"},
    {"per_dim": False},
    {"center_magnitudes": False},
    {"heads": "offset", "n_heads": 2},
    {"heads": "factored", "n_heads": 2},
    {"layer": "hierarchical", "top_down": "mirror"},
    {"layer": "hierarchical", "phase_shifting": True},
    {"layer": "hierarchical", "n_paths": 2, "path_combination": "learned"},
    {"model": "real_cartesian"},
    {"model": "real_polar"},
    {"model": "real_cartesian", "interaction": "pointwise"},
    {"model": "real_polar", "interaction": "pointwise"},
]
OTHERS = [
    {"layer": "gated", "d_complex": D, "mlp_hidden": 3},
    {"layer": "phase_attention", "d_complex": D, "n_heads": 2},
    {"layer": "phase_attention", "d_complex": D, "n_heads": 2, "aggregation": "causal"},
]


def check(module: torch.nn.Module) -> None:
    """In the tokens, and in all parameters at once."""
    torch.manual_seed(0)
    module = module.double().eval()
    values = {name: torch.randn_like(p) * 0.4 for name, p in module.named_parameters()}
    flat = torch.cat([v.flatten() for v in values.values()]) if values else torch.zeros(0).double()
    pair = torch.randn(B, N, 2, D, dtype=torch.float64, requires_grad=True)

    def out(pair: torch.Tensor, flat: torch.Tensor) -> torch.Tensor:
        parts = flat.split([v.numel() for v in values.values()]) if values else ()
        given = {
            name: part.view_as(value)
            for (name, value), part in zip(values.items(), parts, strict=True)
        }
        arguments = (Polar(pair), MASK) if takes_mask else (Polar(pair),)
        result = functional_call(module, given, arguments).pair
        # values behind a mask are nobody's
        return result[MASK] if result.shape[:2] == (B, N) and takes_mask else result

    takes_mask = not hasattr(module, "speeds") and "Positions" not in type(module).__name__
    flat.requires_grad_(bool(values))
    assert torch.autograd.gradcheck(out, (pair, flat), fast_mode=True)


def named(options: dict[str, object]) -> str:
    return "-".join(str(v) for k, v in options.items() if k not in SMALL)


@pytest.mark.parametrize("options", [SMALL | o for o in LAYERS] + OTHERS, ids=named)
def test_layers(options):
    check(make_layer(ModelConfig(**options), n_tokens=N))


@pytest.mark.parametrize("name", POOLINGS)
def test_poolings(name):
    check(make_pooling(name, D))


@pytest.mark.parametrize("grid", [None, (2, 2)])
def test_learned_positions(grid):
    check(make_positions("learned", D, n_tokens=N, grid=grid))
