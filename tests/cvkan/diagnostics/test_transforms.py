"""Curves of blocks whose functions are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

import cvkan
from cvkan import diagnostics
from cvkan.errors import CvkanError


def setup(**options):
    options = {"interaction": "broadcast", "d_complex": 6, "train_size": 64, **options}
    config = cvkan.config_for("synthetic", **options)
    splits = cvkan.load(config)
    torch.manual_seed(0)
    return cvkan.build(config, splits.info), splits.train[:][0]


class Times(nn.Module):
    """In place of a perceptron: its first argument, times a matrix or a number."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, own, context=None):
        return self.factor * own if isinstance(self.factor, float) else own @ self.factor


@pytest.mark.parametrize("per_dim", [True, False])
@pytest.mark.parametrize("interaction", ["broadcast", "pointwise"])
def test_a_known_function_is_found(per_dim, interaction):
    model, inputs = setup(per_dim=per_dim, interaction=interaction)
    block = model.backbone.layers[1].block
    block.psi_mag = Times(-0.5)
    quarter = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])  # p + i p: a turn by pi / 4
    quarter *= 1 if interaction == "broadcast" else 3
    block.psi_phase = Times(torch.kron(quarter, torch.eye(6)) if per_dim else quarter)
    found = diagnostics.transforms(model, inputs, layer=1, dimensions=3)
    assert [t.dimension for t in found] == ([0, 1, 2] if per_dim else [None])
    for transform in found:
        x, y = np.array(transform.magnitude.x), np.array(transform.magnitude.y)
        np.testing.assert_allclose(y, 5 * np.tanh(-0.1 * x), atol=1e-4)
        assert transform.magnitude.rising == 0
        assert transform.magnitude.slope == pytest.approx(-0.5, abs=0.1)
        assert transform.magnitude.from_line < 0.1
        error = np.sqrt(np.mean((y - x) ** 2))
        assert transform.magnitude.from_identity == pytest.approx(error, rel=1e-3)
        assert transform.phase.slope == pytest.approx(1, abs=1e-4)
        if interaction == "pointwise":  # the token's own phase turns that of the context
            continue
        assert transform.phase.rising == 1
        assert transform.phase.from_identity == pytest.approx(math.pi / 4, abs=1e-4)
        assert transform.phase.from_line == pytest.approx(0, abs=1e-3)


def test_a_dense_block_is_swept_in_one_dimension_while_the_others_rest():
    model, inputs = setup()
    block = model.backbone.layers[0].block
    mixing = torch.eye(6)
    mixing[1, 0] = 2.0  # dimension 0 also hears dimension 1
    block.psi_mag = Times(0.1 * mixing)
    seen = []
    block.register_forward_pre_hook(lambda _, given: seen.append(given[1]))
    first = diagnostics.transforms(model, inputs, dimensions=1)[0]
    rest = seen[0].log_magnitude()[:, 0].mean(0)
    x = np.array(first.magnitude.x)
    expected = 5 * np.tanh(0.02 * (x + 2 * rest[1].item()))
    np.testing.assert_allclose(first.magnitude.y, expected, atol=1e-4)
    low, high = np.quantile(seen[0].log_magnitude()[:, 0, 0], [0.01, 0.99])
    assert (x[0], x[-1]) == pytest.approx((low, high), abs=1e-4)


def test_padding_has_no_say():
    model, inputs = setup()
    padded = torch.cat([inputs, 9 * torch.randn(64, 4, 32, 2)], dim=1)
    mask = torch.arange(20).expand(64, -1) < 16
    one, other = diagnostics.transforms(model, inputs), diagnostics.transforms(model, padded, mask)
    assert one[0].magnitude.y == pytest.approx(other[0].magnitude.y, abs=1e-4)


def test_layers_without_such_functions_are_an_error():
    model, inputs = setup(interaction="interference")
    with pytest.raises(CvkanError, match=r"no polarizing block.*InterferenceBlock"):
        diagnostics.transforms(model, inputs)
    model, inputs = setup()
    with pytest.raises(CvkanError, match="no such layer"):
        diagnostics.transforms(model, inputs, layer=2)


def test_hierarchies_and_heads_have_blocks():
    for options in ({"layer": "hierarchical"}, {"heads": "offset", "n_heads": 2}):
        model, inputs = setup(**options)
        assert diagnostics.transforms(model, inputs)[0].phase.from_identity < 1


def test_the_figure_shows_the_curve():
    model, inputs = setup()
    response = diagnostics.transforms(model, inputs)[0].magnitude
    axes = diagnostics.draw_response(response, Figure().subplots(), title="size")
    assert tuple(axes.lines[1].get_ydata()) == response.y
    assert axes.get_title() == "size"
