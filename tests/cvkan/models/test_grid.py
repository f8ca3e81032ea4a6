"""Models of grid tasks: padding never counts, every option does, demonstrations are told apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cvkan.config import GridConfig
from cvkan.errors import ConfigError, CvkanError
from cvkan.info import DataInfo
from cvkan.layers.grid_encoder import PADDING
from cvkan.models import build
from cvkan.models.grid import relation
from cvkan.polar import Polar

CANVAS, CLASSES = 10, 9
SMALL = {"d_complex": 16, "kan_hidden": 4, "patch_size": 4}
MODELS = [
    {},
    {"tokens": "relation", "interaction": "pointwise", "aggregation": "local_window", "window": 3},
    {"tokens": "grids", "demo_aggregation": "cvkan", "pooling": "max"},
    {"demo_aggregation": "cvkan", "aggregation": "local_window", "window": 3},
    {"aggregation": "graph_neighborhood"},
    {"demo_aggregation": "flatten", "coordinates": True, "pooling": "mean", "norm": "layer"},
    {"model": "real_cartesian"},
    {"model": "cnn", "coordinates": True},
    {"model": "cnn", "demo_aggregation": "cvkan", "patch_size": 2},
    {"model": "context", "pixel_layers": 2, "grid_layers": 2},
    {"model": "context", "patch_size": 1, "pixel_layers": 0},
]


def info(canvas: int = CANVAS) -> DataInfo:
    return DataInfo("x", "grid", (4, 2, canvas, canvas), n_classes=CLASSES)


def make(canvas: int = CANVAS, **options: object) -> nn.Module:
    sizes = dict(SMALL)
    if options.get("model") in ("cnn", "context"):  # the others are of complex tokens
        sizes = {"patch_size": 4}
    return build(GridConfig(**(sizes | options)), info(canvas)).double().eval()


def tasks(count: int = 5, demonstrations: int = 4) -> torch.Tensor:
    """Random grids of all sizes, the first of one cell, the second of the whole canvas."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randint(
        0, 10, (count, demonstrations, 2, CANVAS, CANVAS), generator=generator
    ).float()
    sizes = torch.randint(1, CANVAS + 1, (2, count, demonstrations, 2), generator=generator)
    sizes[:, 0], sizes[:, 1] = 1, CANVAS
    places = torch.arange(CANVAS)
    inside = (places[:, None] < sizes[0, ..., None, None]) & (places < sizes[1, ..., None, None])
    return torch.where(inside, x, torch.tensor(float(PADDING)))


@pytest.mark.parametrize("options", MODELS, ids=str)
def test_a_larger_canvas_changes_no_logit(options):
    small, large = make(**options), make(canvas=CANVAS + 7, **options)
    large.load_state_dict(small.state_dict())
    x = tasks()
    padded = F.pad(x, (0, 7, 0, 7), value=PADDING)
    torch.testing.assert_close(large(padded), small(x))


@pytest.mark.parametrize("options", MODELS, ids=str)
def test_samples_do_not_meet_and_every_parameter_learns(options):
    model, x = make(**options), tasks()
    torch.testing.assert_close(model(x)[2:3], model(x[2:3]))
    model(x).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.ne(0).any(), name


@pytest.mark.parametrize("options", MODELS, ids=str)
def test_a_short_task_repeats_its_last_demonstration(options):
    model, x = make(**options), tasks()
    short, repeated = x.clone(), x.clone()
    short[:, 2:] = PADDING
    repeated[:, 2:] = x[:, 1:2]
    torch.testing.assert_close(model(short), model(repeated))
    assert (model(short) - model(x)).abs().max() > 1e-6


EFFECTS = [
    *({"tokens": tokens} for tokens in ("grids", "relation")),
    {"patch_size": 8},
    {"depth": 4},
    {"depth": 5},
    {"width": 0.5},
    {"coordinates": True},
    {"colours": "one_hot"},
    {"colours": "shares", "permute_colours": "none"},
    *({"demo_aggregation": name} for name in ("flatten", "cvkan")),
    *({"head": name} for name in ("class_vectors", "cosine")),
    {"head": "cosine", "temperature": 5.0},
    {"head": "cosine", "learn_temperature": False},
    {"n_demonstrations": 2},
    {"positions": "none"},
    {"positions": "learned"},
    *(
        {"model": "cnn", **more}
        for more in ({}, {"depth": 4}, {"width": 2.0}, {"coordinates": True})
    ),
    *({"model": "cnn", "demo_aggregation": name} for name in ("flatten", "cvkan")),
    *({"model": "context", "pixel_layers": count} for count in (0, 1, 2)),
    *({"model": "context", "grid_layers": count} for count in (2, 3)),
    {"model": "context", "patch_size": 2},
    {"model": "context", "n_demonstrations": 2},
    {"model": "context", "head": "cosine"},
]


def test_every_option_has_an_effect():
    """Another number of parameters, or other logits from the same initial weights."""
    x = tasks()
    seen: dict[tuple[object, ...], dict[str, object]] = {}
    for options in ({}, *EFFECTS):
        model = make(**options)
        logits = tuple(model(x)[-1, :4].tolist())
        key = (sum(p.numel() for p in model.parameters()), logits)
        assert key not in seen, (options, seen[key])
        seen[key] = options


@pytest.mark.parametrize("model", ["cvkan", "cnn"])
@pytest.mark.parametrize("aggregation", ["mean", "cvkan", "flatten"])
def test_order_matters_only_where_demonstrations_are_laid_side_by_side(model, aggregation):
    made, x = make(model=model, demo_aggregation=aggregation), tasks(demonstrations=3)
    change = (made(x) - made(x[:, [2, 0, 1]])).abs().max().item()
    assert (change > 1e-9) == (aggregation == "flatten")


def test_a_relation_is_the_turn_from_one_grid_to_the_other():
    generator = np.random.default_rng(0)
    a, b = (generator.normal(size=(3, 4)) + 1j * generator.normal(size=(3, 4)) for _ in range(2))
    expected = b * a.conj() / np.sqrt((np.abs(a) ** 2 + np.abs(b) ** 2) / 2)
    first, second = (Polar.from_complex(torch.from_numpy(z)) for z in (a, b))
    np.testing.assert_allclose(relation(first, second).complex(), expected, rtol=1e-9)
    np.testing.assert_allclose(
        relation(second, first).complex(), expected.conj(), rtol=1e-9, atol=1e-12
    )


def test_exchanging_inputs_and_outputs_is_seen():
    model, x = make(), tasks()
    assert (model(x) - model(x.flip(2))).abs().max() > 1e-6


def test_a_trace_says_which_tokens_are_real():
    model, x = make(n_layers=2), tasks()
    states, real = model.trace(x), model.token_mask(x)
    assert len(states) == 3
    assert all(state.shape[:2] == real.shape for state in states)
    assert real.any(1).all()
    assert not real.all()
    for state in states:
        assert state.magnitude()[real].min() > 1e-5
    pooled = model.pool(states[-1], real)
    torch.testing.assert_close(pooled.pair, model.pooled(x).pair.flatten(0, 1))


@pytest.mark.parametrize(
    ("model", "width"), [("real_cartesian", 0.5), ("cnn", 0.5), ("context", 1.0)]
)
def test_baselines_are_as_large_as_the_model_they_are_compared_with(model, width):
    def count(**options: object) -> int:
        made = build(GridConfig(patch_size=4, width=width, **options), info())
        return sum(p.numel() for p in made.parameters())

    target = count()
    assert abs(count(model=model, match_params_of="cvkan") - target) <= 0.03 * target


def test_what_cannot_be_meant_is_an_error():
    with pytest.raises(ConfigError, match="pixel_layers has no effect with model cnn"):
        GridConfig(model="cnn", pixel_layers=2)
    with pytest.raises(ConfigError, match="temperature has no effect with head linear"):
        GridConfig(temperature=5.0)
    with pytest.raises(ConfigError, match="permute_colours has no effect with colours shares"):
        GridConfig(colours="shares")
    with pytest.raises(CvkanError, match="take no mask"):
        make()(tasks(), mask=torch.ones(5, 4, dtype=torch.bool))
    with pytest.raises(CvkanError, match="another canvas"):
        make()(tasks()[..., :8, :8])
    with pytest.raises(CvkanError, match="no classes"):
        build(GridConfig(), DataInfo("x", "grid", (4, 2, 9, 9)))
