"""No value of an option does nothing: each changes the parameters or the output of a model."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from cvkan.config import ModelConfig, SyntheticConfig
from cvkan.config.model import Kan
from cvkan.info import DataInfo
from cvkan.models import build

INFO = DataInfo("x", "synthetic", (16, 6, 2), n_classes=4)
HIERARCHY = {"layer": "hierarchical"}
# where the options have a say at all; the others stand beside the defaults
BESIDE: dict[str, dict[str, object]] = {
    "level_sharing": HIERARCHY | {"top_down": "learned"},
    "top_down": HIERARCHY,
    "path_combination": HIERARCHY | {"n_paths": 3},
    "path_sharing": HIERARCHY | {"n_paths": 3},
    "phase_shifting": HIERARCHY,
    "levels": HIERARCHY,
    "n_paths": HIERARCHY,
    "hybrid_levels": HIERARCHY | {"level_sharing": "hybrid"},
    "n_heads": {"heads": "offset"},
    "window": {"aggregation": "local_window"},
    "mag_scale": {"interaction": "pointwise"},
}
OTHER_VALUES = {
    "seed": 1,
    "d_complex": 8,
    "n_layers": 1,
    "window": 3,
    "n_heads": 2,
    "kan_hidden": 5,
    "mlp_expansion": 5,
    "mlp_hidden": 7,
    "per_dim": False,
    "mag_scale": 0.5,
    "center_magnitudes": False,
    "levels": 2,
    "hybrid_levels": 1,
    "phase_shifting": True,
    "n_paths": 2,
    "path_sharing": True,
    "dropout": 0.3,
    "complex_dropout": 0.3,
}
NOT_OF_A_MODEL = {"match_params_of", "graph"}  # the second in test_graph.py, with a file
OF_THE_START = {"seed", "mag_scale"}  # what they change is initial weights


def choices(name: str) -> tuple[object, ...]:
    if name == "model":
        return get_args(Kan)
    return get_args(ModelConfig.model_fields[name].annotation)


CHOICES = [
    (name, value)
    for name in ModelConfig.model_fields
    if name not in NOT_OF_A_MODEL and name not in OTHER_VALUES
    for value in choices(name)
]


def run(**options: object) -> tuple[list[torch.Size], torch.Tensor]:
    """Shapes of the parameters, and the output in training of a model moved from its start."""
    model = build(SyntheticConfig(**{"d_complex": 16, "kan_hidden": 4} | options), INFO)
    torch.manual_seed(0)
    if not options.keys() & OF_THE_START:
        for p in model.parameters():
            torch.nn.init.normal_(p, std=0.3)
    x = torch.randn(3, *INFO.sample_shape, generator=torch.Generator().manual_seed(0))
    return [p.shape for p in model.parameters()], model(x).detach()


def differ(a: tuple, b: tuple) -> bool:
    return a[0] != b[0] or not torch.allclose(a[1], b[1], rtol=1e-3, atol=1e-4)


def default(name: str) -> object:
    return SyntheticConfig.model_fields[name].default


def test_every_option_is_looked_at():
    tested = {name for name, _ in CHOICES} | set(OTHER_VALUES) | NOT_OF_A_MODEL
    assert tested == set(ModelConfig.model_fields)


@pytest.mark.parametrize(
    ("name", "value"), [*CHOICES, *OTHER_VALUES.items()], ids=lambda value: str(value)
)
def test_a_value_makes_another_model_than_the_default(name, value):
    beside = BESIDE.get(name, {})
    if value in (default(name), beside.get(name)):
        pytest.skip("the default")
    other = {key: v for key, v in beside.items() if key != name}
    with_value = other | {name: value}
    if name == "level_sharing" and value == "shared":
        del with_value["top_down"]  # it has one direction's block alone
    if name in OF_THE_START:
        other[name] = default(name)
    assert differ(run(**with_value), run(**other))


@pytest.mark.parametrize("name", ["level_sharing", "path_combination", "aggregation", "pooling"])
def test_no_two_values_make_the_same_model(name):
    beside = {key: v for key, v in BESIDE.get(name, {}).items() if key != name}
    made = {value: run(**beside | {name: value}) for value in choices(name) if value != "shared"}
    pairs = [(a, b) for a in made for b in made if str(a) < str(b)]
    assert [(a, b) for a, b in pairs if not differ(made[a], made[b])] == []
