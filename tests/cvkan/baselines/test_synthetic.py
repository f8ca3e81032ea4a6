"""The linear layer on the mean token, and what the task leaves to it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import cvkan
from cvkan.baselines.matching import count_parameters
from cvkan.config import SyntheticConfig
from cvkan.errors import CvkanError


def trained(**values):
    """Test accuracy after the default training."""
    config = SyntheticConfig(**values)
    splits = cvkan.load(config)
    return cvkan.fit(cvkan.build(config, splits.info), splits, config).test["test/accuracy"]


def test_it_has_130_parameters_and_is_linear_in_the_mean():
    config = SyntheticConfig(model="mean_linear", train_size=8)
    splits = cvkan.load(config)
    model = cvkan.build(config, splits.info)
    assert count_parameters(model) == 130
    tokens = splits.train[:][0]
    mean = tokens.numpy().mean(axis=1).reshape(8, -1)
    weight, bias = (p.detach().numpy() for p in model.parameters())
    np.testing.assert_allclose(model(tokens).detach(), mean @ weight.T + bias, atol=1e-5)


def test_padding_has_no_say():
    config = SyntheticConfig(model="mean_linear", train_size=8)
    splits = cvkan.load(config)
    model, tokens = cvkan.build(config, splits.info), splits.train[:][0]
    padded = torch.cat([tokens, torch.full_like(tokens[:, :3], float("nan"))], dim=1)
    mask = torch.arange(19).expand(8, -1) < 16
    torch.testing.assert_close(model(padded, mask), model(tokens))


def test_its_size_cannot_be_matched():
    config = SyntheticConfig(model="mean_linear", match_params_of="cvkan")
    with pytest.raises(CvkanError, match="follows from the data"):
        cvkan.build(config, cvkan.load(config).info)


@pytest.mark.parametrize(
    ("common_phase", "least", "most"),
    [
        ("fixed", 0.9, 1.0),
        ("random", 0.4, 0.6),
        ("per_token", 0.4, 0.6),
        ("per_feature", 0.4, 0.6),
    ],
)
def test_only_a_fixed_phase_leaves_it_anything(common_phase, least, most):
    assert least <= trained(model="mean_linear", common_phase=common_phase) <= most


def test_the_default_task_takes_layers_in_which_tokens_meet():
    assert trained() > 0.9
    assert trained(n_layers=0) < 0.65


def test_patterns_need_phases_by_which_they_differ():
    assert (
        len(cvkan.load(SyntheticConfig(n_patterns=3, common_phase="random")).info.class_names) == 4
    )
    with pytest.raises(CvkanError, match="no effect with common_phase per_feature"):
        SyntheticConfig(n_patterns=3)
