"""Combinations of options in which one would do nothing are refused, with what to do."""

from __future__ import annotations

import pytest

from cvkan.baselines.matching import count_parameters
from cvkan.config import (
    ImageConfig,
    ModelConfig,
    SyntheticConfig,
    TextConfig,
    TimeSeriesConfig,
    config_for,
)
from cvkan.errors import ConfigError, CvkanError
from cvkan.info import DataInfo
from cvkan.models import build

HIERARCHY = {"layer": "hierarchical"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_heads": 2}, "option n_heads has no effect where all dimensions interact"),
        ({"heads": "offset", "d_complex": 6}, "option n_heads does not divide d_complex 6: 4"),
        ({"layer": "phase_attention", "d_complex": 6}, "does not divide d_complex 6"),
        ({"layer": "gated", "heads": "offset"}, "option heads has no effect with layer gated"),
        ({"layer": "gated", "interaction": "pointwise"}, "interaction has no effect"),
        ({"layer": "phase_attention", "per_dim": False}, "per_dim has no effect"),
        ({"layer": "phase_attention", "mlp_hidden": 8}, "mlp_hidden has no effect"),
        ({"layer": "phase_attention", "mlp_expansion": 8}, "mlp_expansion has no effect"),
        ({"layer": "gated", "mag_scale": 0.5}, "mag_scale has no effect with layer gated"),
        ({"layer": "phase_attention", "aggregation": "mean"}, "Use attention, or causal"),
        ({"mlp_hidden": 8, "mlp_expansion": 2}, "mlp_expansion has no effect beside mlp_hidden 8"),
        (HIERARCHY | {"aggregation": "causal"}, "Use mean or magnitude_weighted"),
        (HIERARCHY | {"aggregation": "graph_neighborhood"}, "cannot sum up the groups"),
        (HIERARCHY | {"level_sharing": "shared", "top_down": "learned"}, "per_direction for one"),
        (HIERARCHY | {"level_sharing": "per_direction"}, "has no second direction"),
        (
            HIERARCHY | {"level_sharing": "per_direction", "top_down": "mirror"},
            "has no second direction",
        ),
        (HIERARCHY | {"hybrid_levels": 1}, "has no effect with level_sharing per_level"),
        (HIERARCHY | {"path_combination": "kan"}, "no effect with a single path"),
        (HIERARCHY | {"path_sharing": True}, "Leave it out, or set n_paths to 2"),
        ({"n_paths": 2}, "option n_paths has no effect with layer polarizing"),
        (HIERARCHY | {"n_paths": 5, "levels": 2}, "repeats paths: the largest groups have 4"),
        ({"n_layers": 0, "interaction": "broadcast"}, "interaction has no effect without layers"),
        ({"n_layers": 0, "aggregation": "mean"}, "default, magnitude_weighted, or set n_layers"),
        ({"n_layers": 0, "center_magnitudes": False}, "center_magnitudes has no effect without"),
        ({"n_layers": 0, "complex_dropout": 0.1}, "complex_dropout has no effect without layers"),
        ({"graph": "ring.npz"}, "graph has no effect with aggregation magnitude_weighted"),
        ({"aggregation": "graph_neighborhood", "graph": "ring"}, "neither grid nor an .npz file"),
        ({"levels": 2}, "option levels has no effect with layer polarizing"),
        ({"model": "real_polar", "layer": "hierarchical"}, "no twin of the kind real_polar"),
        ({"model": "real_cartesian", "heads": "offset"}, "no effect with model real_cartesian"),
        ({"model": "real_polar", "aggregation": "attention"}, "interference of phases"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_what_would_do_nothing_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        ModelConfig(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"layer": "phase_attention", "n_heads": 2, "dropout": 0.1},
        {"layer": "phase_attention", "aggregation": "attention"},
        HIERARCHY | {"level_sharing": "shared", "top_down": "mirror"},
        HIERARCHY | {"level_sharing": "per_direction", "top_down": "learned"},
        HIERARCHY | {"n_paths": 2, "path_combination": "kan", "path_sharing": True},
        {"heads": "factored", "n_heads": 8},
        {"model": "real_polar", "interaction": "pointwise", "per_dim": False},
    ],
    ids=str,
)
def test_what_does_something_is_not(options):
    ModelConfig(**options)


def test_a_domain_with_another_default_is_told_the_same():
    with pytest.raises(ConfigError, match=r"aggregation cannot.*'causal'. Use mean or magnitude"):
        TimeSeriesConfig(layer="hierarchical")
    TimeSeriesConfig(layer="phase_attention")  # to the past alone
    TimeSeriesConfig(layer="phase_attention", aggregation="attention")


def test_options_of_idle_parts_are_refused():
    with pytest.raises(ConfigError, match="window has no effect with layer phase_attention: 5"):
        ImageConfig(layer="phase_attention", window=5)
    own_width = {"kan_hidden": 4, "mlp_hidden": 16}
    with pytest.raises(ConfigError, match=r"kan_hidden has no effect.*readout to magnitude"):
        TextConfig(**own_width)
    TextConfig(readout="magnitude", **own_width)  # of its head


@pytest.mark.parametrize(
    ("domain", "options"),
    [
        ("image", {"model": "vit", "layer": "gated"}),
        ("image", {"model": "resnet", "embedding": "linear"}),
        ("audio", {"model": "m5", "match_params_of": "lstm", "aggregation": "mean"}),
        ("timeseries", {"model": "dlinear", "output_mode": "real"}),
        ("text", {"model": "bag_of_words", "composition": "none"}),
        ("synthetic", {"model": "mean_linear", "norm": "batch"}),
        ("image", {"model": "vit", "precision": "bfloat16", "polar_float32": False}),
    ],
    ids=str,
)
def test_what_no_baseline_reads_is_refused_beside_one(domain, options):
    option = list(options)[-1]
    with pytest.raises(ConfigError, match=f"option {option} has no effect with model"):
        config_for(domain, **options)
    config_for(domain, **options | {"match_params_of": "cvkan"})  # a part of the size to match


def test_all_that_a_baseline_does_not_read_is_told_at_once():
    with pytest.raises(ConfigError, match=r"(?s)option norm has.*The same goes for pooling\."):
        config_for("synthetic", model="mean_linear", norm="batch", pooling="max")


def test_a_layer_without_a_hidden_width_cannot_be_matched():
    info = DataInfo("x", "synthetic", (8, 6, 2), n_classes=4)
    config = SyntheticConfig(layer="phase_attention", match_params_of="mean_linear")
    with pytest.raises(CvkanError, match="no hidden width brings this model"):
        build(config, info)


@pytest.mark.parametrize("twin", ["real_cartesian", "real_polar"])
def test_twins_can_have_the_parameters_of_their_model(twin):
    info = DataInfo("x", "synthetic", (8, 6, 2), n_classes=4)
    one, other = (
        count_parameters(build(SyntheticConfig(**options), info))
        for options in ({}, {"model": twin, "match_params_of": "cvkan"})
    )
    assert other == pytest.approx(one, rel=0.03)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "vit", "match_params_of": "cvkann"}, "names no model of this domain: 'cvkann'"),
        ({"epochs": 2, "warmup": 2.5}, "does not end within the 2 epochs: 2.5"),
    ],
)
def test_what_matches_nothing_or_never_arrives_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        ImageConfig(**options)


def test_no_more_paths_than_places_in_the_largest_group_are_built():
    info = DataInfo("x", "synthetic", (4, 6, 2), n_classes=4)
    build(SyntheticConfig(layer="hierarchical", n_paths=4), info)
    with pytest.raises(ConfigError, match="the largest groups of these 4 tokens have 4: 5"):
        build(SyntheticConfig(layer="hierarchical", n_paths=5), info)


def test_no_more_levels_than_the_tokens_have_are_built():
    info = DataInfo("x", "synthetic", (5, 6, 2), n_classes=4)
    build(SyntheticConfig(layer="hierarchical", levels=3), info)
    with pytest.raises(ConfigError, match="one group holds these 5 tokens after 3: 4"):
        build(SyntheticConfig(layer="hierarchical", levels=4), info)


def test_a_block_for_the_deeper_levels_has_to_be_shared_by_two():
    info = DataInfo("x", "synthetic", (8, 6, 2), n_classes=4)  # 3 levels
    hybrid = {"layer": "hierarchical", "level_sharing": "hybrid"}
    build(SyntheticConfig(**hybrid, hybrid_levels=1), info)
    with pytest.raises(ConfigError, match=r"(?s)share a block: 2.*at most 1"):
        build(SyntheticConfig(**hybrid, hybrid_levels=2), info)
    with pytest.raises(ConfigError, match="to per_level, which is the same here"):
        build(SyntheticConfig(**hybrid, hybrid_levels=1, levels=2), info)


def test_a_window_reaches_no_further_than_the_tokens():
    info = DataInfo("x", "synthetic", (4, 6, 2), n_classes=4)
    build(SyntheticConfig(aggregation="local_window", window=7), info)
    with pytest.raises(ConfigError, match="window reaches beyond all tokens: 8"):
        build(SyntheticConfig(aggregation="local_window", window=8), info)


@pytest.mark.parametrize(
    ("domain", "options"),
    [
        ("audio", {"model": "m5", "n_fft": 512}),
        ("image", {"model": "resnet", "n_layers": 6}),
        ("timeseries", {"model": "dlinear", "patch": 6}),
        ("scanline", {"model": "lrcn", "line_encoder": "cnn"}),
        ("text", {"dataset": "sst2", "data_seed": 1}),
    ],
    ids=str,
)
def test_what_one_model_or_data_set_does_without_is_refused_beside_it(domain, options):
    with pytest.raises(ConfigError, match=r"has no effect with .* Leave it out or at its default"):
        config_for(domain, **options)
    if domain in ("audio", "image", "scanline"):
        config_for(domain, **options | {"match_params_of": "cvkan"})
