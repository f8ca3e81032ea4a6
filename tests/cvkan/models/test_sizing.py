"""Models of a size: as wide as the budget allows, not a dimension wider."""

from __future__ import annotations

import pytest
import torch

from cvkan.baselines.matching import count_parameters
from cvkan.config import ImageConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.models import build
from cvkan.models.sizing import sized

INFO = DataInfo("x", "image", (1, 8, 8), n_classes=10)


def count(config: ImageConfig) -> int:
    return count_parameters(build(config, INFO))


@pytest.mark.parametrize("n_layers", [0, 1, 4])
def test_one_dimension_more_is_too_many_parameters(n_layers):
    config = sized(ImageConfig(n_layers=n_layers), INFO, 60_000)
    wider = config.model_copy(update={"d_complex": config.d_complex + 1})
    assert count(config) <= 60_000 < count(wider)


def test_a_budget_below_the_smallest_model_is_refused():
    with pytest.raises(CvkanError, match="at d_complex 1: 10"):
        sized(ImageConfig(), INFO, 10)


@pytest.mark.parametrize("options", [{"heads": "offset"}, {"layer": "phase_attention"}], ids=str)
def test_heads_divide_the_dimensions_that_are_found(options):
    config = sized(ImageConfig(d_complex=66, n_heads=3, **options), INFO, 60_000)
    wider = config.model_copy(update={"d_complex": config.d_complex + 3})
    assert config.d_complex % 3 == 0
    assert count(config) <= 60_000 < count(wider)
    build(config, INFO)(torch.randn(2, *INFO.sample_shape))


def test_a_baseline_is_not_sized_by_what_it_does_not_have():
    with pytest.raises(CvkanError, match=r"does not grow with d_complex.*: 'vit'"):
        sized(ImageConfig(model="vit"), INFO, 60_000)
