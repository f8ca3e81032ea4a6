"""Classifiers of scans: what is not scanned never matters, and decisions are those of prefixes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

import cvkan
from cvkan.baselines.matching import count_parameters
from cvkan.diagnostics import early_accuracy
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.layers.line_encoder import LINE_ENCODERS, make_line_encoder, prepared, scanned
from cvkan.layers.pooling import POOLINGS

N, P = 26, 12
INFO = DataInfo("x", "scanline", (N, P), n_classes=4)
SMALL = {"d_complex": 8, "kan_hidden": 4}
ALL = [
    *({"line_encoder": name} for name in LINE_ENCODERS),
    {"line_norm": False},
    {"aggregation": "causal"},
    {"layer": "phase_attention"},
    {"model": "real_cartesian"},
    {"model": "real_polar"},
    {"model": "vit"},
    {"model": "vit", "vit_pooling": "cls"},
    {"model": "lrcn"},
]


def build(**options: object) -> nn.Module:
    alone = options.get("model") in ("vit", "lrcn") and "match_params_of" not in options
    sizes = {} if alone else SMALL
    model = cvkan.build(cvkan.config_for("scanline", **sizes | options), INFO)
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():  # some start at zero, and nothing would pass them
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.data += 0.1 * noise
    return model.double().eval()


def scans(n_lines: int = N, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, n_lines, P, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("options", ALL, ids=lambda o: "-".join(map(str, o.values())))
@pytest.mark.parametrize("n_lines", [5, 20, 23])
def test_lines_not_scanned_never_matter(options: dict[str, object], n_lines: int) -> None:
    model, x = build(**options), scans(n_lines)
    plain = model(x)
    rest = torch.full((3, N - n_lines, P), math.nan, dtype=torch.float64)
    torch.testing.assert_close(model(torch.cat((x, rest), 1)), plain, rtol=1e-9, atol=1e-10)
    mask = (torch.arange(N) < n_lines).expand(3, -1)
    for garbage in (0.0, 1e6):
        filled = torch.cat((x, rest.nan_to_num(nan=garbage)), 1)
        torch.testing.assert_close(model(filled, mask=mask), plain, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("options", ALL, ids=lambda o: "-".join(map(str, o.values())))
def test_a_lost_line_in_the_middle_is_left_out(options: dict[str, object]) -> None:
    model, x = build(**options), scans()
    lost = x.clone()
    lost[:, 4, 3] = math.nan
    assert model(lost).isfinite().all()
    x[:, 4] = 1e3 * torch.randn(P)
    mask = torch.arange(N) != 4
    torch.testing.assert_close(model(x, mask=mask.expand(3, -1)), model(lost))


@pytest.mark.parametrize("options", ALL, ids=lambda o: "-".join(map(str, o.values())))
def test_samples_of_a_batch_do_not_matter_to_each_other(options: dict[str, object]) -> None:
    model, x = build(**options), scans()
    x[0, 9:] = math.nan
    one_by_one = torch.cat([model(sample[None]) for sample in x])
    torch.testing.assert_close(model(x), one_by_one, rtol=1e-9, atol=1e-10)


DECIDING = [
    {"aggregation": "causal"},
    {"aggregation": "causal", "interaction": "pointwise"},
    {"aggregation": "causal", "layer": "phase_attention"},
    {"aggregation": "causal", "norm": "layer", "positions": "learned"},
    {"aggregation": "causal", "model": "real_cartesian"},
    *({"aggregation": "causal", "pooling": name} for name in POOLINGS),
    {"n_layers": 0},
    {"aggregation": "mean"},
    {"aggregation": "mean", "layer": "hierarchical"},
]


@pytest.mark.parametrize("options", DECIDING, ids=lambda o: "-".join(map(str, o.values())))
def test_decisions_are_those_of_the_lines_so_far(options: dict[str, object]) -> None:
    model, x = build(**options), scans()
    x[1, 5] = math.nan  # lost
    x[2, 14:] = math.nan  # not scanned
    alone = torch.stack([model(x[:, :end]) for end in range(1, N + 1)], dim=1)
    decisions = model.decisions(x)
    assert decisions.shape == (3, N, 4)
    torch.testing.assert_close(decisions, alone, rtol=1e-8, atol=1e-9)
    assert model.causal == (options.get("aggregation") == "causal" or "n_layers" in options)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e5])
def test_lines_are_normalised_as_the_formula_says(scale: float) -> None:
    x = (scale * (scans() + 3)).numpy()
    x[0, 2] = 7.0  # flat
    x[1, 4] = np.nan
    expected = x - x.mean(-1, keepdims=True)
    spread = x.std(-1, keepdims=True)
    expected = np.where(spread > 1e-8, expected / np.where(spread > 1e-8, spread, 1), expected)
    expected[1, 4] = 0
    given = torch.from_numpy(x)
    np.testing.assert_allclose(prepared(given, scanned(given), norm=True), expected, atol=1e-12)


def test_without_normalisation_lines_stay_as_they_are() -> None:
    x = scans()
    x[0, 3] = math.nan
    expected = x.clone()
    expected[0, 3] = 0
    assert torch.equal(prepared(x, scanned(x), norm=False), expected)


def test_fourier_lines_start_as_waves_whose_magnitude_a_shift_leaves() -> None:
    encoder = make_line_encoder("fourier", 32, 32).double()  # one window, 16 frequencies
    place = torch.arange(32, dtype=torch.float64)
    lines = torch.stack([torch.cos(2 * torch.pi * 5 * (place - s) / 32) for s in (0.0, 1.3)])
    both = encoder(lines[None])[0]
    z = torch.complex(both[:, :16], both[:, 16:])
    assert z.abs().argmax(-1).tolist() == [4, 4]
    torch.testing.assert_close(z[0, 4].abs(), z[1, 4].abs(), rtol=0.02, atol=0)
    turn = torch.angle(z[1, 4] / z[0, 4]).item()
    assert turn == pytest.approx(-2 * math.pi * 5 * 1.3 / 32, abs=0.05)


@pytest.mark.parametrize("model", ["vit", "lrcn", "real_cartesian"])
def test_baselines_have_as_many_parameters(model: str) -> None:
    config = cvkan.config_for("scanline")
    info = DataInfo("x", "scanline", (32, 32), n_classes=4)
    target = count_parameters(cvkan.build(config, info))
    other = config.model_copy(update={"model": model, "match_params_of": "cvkan"})
    assert count_parameters(cvkan.build(other, info)) == pytest.approx(target, rel=0.03)


@pytest.mark.parametrize("shape", [(2, 26), (2, 26, 13), (2, 1, 26, 12)])
def test_other_shapes_are_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(cvkan.CvkanError, match="lines of 12 pixels"):
        build()(torch.zeros(shape, dtype=torch.float64))


def test_early_accuracy_counts_decisions() -> None:
    """Class 0 is recognised from line 2 on, class 1 (one scan of four) always."""
    targets = torch.tensor([0, 0, 0, 1])

    def decisions(x: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(x), 3, 2)
        logits[:, 0, 1] = 1
        logits[:, 1:, 0] = 1
        logits[x[:, 0, 0] == 1] = torch.tensor([0.0, 1.0])
        return logits

    early = early_accuracy(decisions, targets[:, None, None].float(), targets, batch_size=3)
    assert early.accuracy == (0.25, 1.0, 1.0)
    assert early.balanced == (0.5, 1.0, 1.0)
    assert early.majority == 0.75


def test_quiet_scans_are_learned_in_seconds() -> None:
    config = cvkan.config_for(
        "scanline", noise=0.2, tip_changes=0.0, train_size=1000, epochs=6, flip=True
    )
    splits = cvkan.load(config)
    result = cvkan.fit(cvkan.build(config, splits.info), splits, config)
    assert result.test["test/balanced_accuracy"] > 0.55
    assert result.test["test/auroc"] > 0.75


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_a_transformer_says_how_many_lines_it_has_places_for(pooling):
    model = build(model="vit", vit_pooling=pooling).eval()
    lines = INFO.sample_shape[0]
    scans = torch.randn(2, lines + 3, INFO.sample_shape[1], dtype=torch.float64)
    with pytest.raises(CvkanError, match=f"has places for {lines} lines"):
        model(scans)
    scans[:, lines:] = math.nan
    torch.testing.assert_close(model(scans), model(scans[:, :lines]))
