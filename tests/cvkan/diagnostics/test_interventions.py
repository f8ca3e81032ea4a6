"""Interventions: what they leave alone, and what they do to models whose answer is known."""

from __future__ import annotations

import pytest
import torch
from matplotlib.figure import Figure

import cvkan
from cvkan import diagnostics
from cvkan.diagnostics.interventions import INTERVENTIONS
from cvkan.errors import CvkanError
from cvkan.polar import Polar


@pytest.fixture
def tokens():
    torch.manual_seed(0)
    return Polar(torch.randn(3, 6, 2, 4))


def changed(name, z, mask=None):
    return INTERVENTIONS[name](z, mask, torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", [name for name in INTERVENTIONS if name.startswith("phases")])
def test_magnitudes_stay(name, tokens):
    after = changed(name, tokens)
    torch.testing.assert_close(after.magnitude(), tokens.magnitude())
    assert (after.phase() - tokens.phase()).abs().max() > 0.1


@pytest.mark.parametrize("name", [name for name in INTERVENTIONS if name.startswith("magnitudes")])
def test_phases_stay(name, tokens):
    after = changed(name, tokens)
    torch.testing.assert_close(after.phase(), tokens.phase())
    assert (after.magnitude() - tokens.magnitude()).abs().max() > 0.1


def test_what_each_puts_in_place(tokens):
    size = tokens.magnitude()
    assert changed("phases zero", tokens).im.abs().max() == 0
    torch.testing.assert_close(changed("magnitudes one", tokens).magnitude(), torch.ones(3, 6, 4))
    mean = size.mean(1, keepdim=True).expand(3, 6, 4)
    torch.testing.assert_close(changed("magnitudes mean", tokens).magnitude(), mean)


def test_scrambling_permutes_the_real_tokens_of_a_sample(tokens):
    mask = torch.tensor([[1, 0, 1, 1, 0, 1], [1] * 6, [0, 0, 1, 1, 1, 1]]).bool()
    after = changed("magnitudes scrambled", tokens, mask).magnitude()
    before = tokens.magnitude()
    for sample in range(3):
        rows = [sorted(map(tuple, m[sample][mask[sample]].tolist())) for m in (before, after)]
        for one, other in zip(*rows, strict=True):
            assert one == pytest.approx(other, rel=1e-5)
    assert not torch.allclose(before[mask], after[mask])


@pytest.fixture(scope="module")
def trained():
    config = cvkan.config_for("synthetic", epochs=4, d_complex=32, interaction="broadcast")
    splits = cvkan.load(config)
    model = cvkan.build(config, splits.info)
    return model, splits, config, cvkan.fit(model, splits, config)


def test_signals_of_phases_need_phases_and_no_magnitudes(trained):
    model, splits, config, result = trained
    names = ("phases uniform", "magnitudes scrambled")
    effects = diagnostics.intervene(model, splits.test, config, interventions=names)
    assert len(effects) == 2 * (config.n_layers + 1)
    accuracy = result.test["test/accuracy"]
    phases, magnitudes = effects[:2]  # before the first layer
    assert accuracy > 0.85
    assert phases.place == "before layer 1"
    assert phases.metric == "accuracy"
    assert phases.value < 0.7
    assert phases.change == pytest.approx(phases.value - accuracy)
    assert phases.change_error < 0.03
    assert magnitudes.value > accuracy - 0.1
    expected = (phases.value * (1 - phases.value) / 499) ** 0.5  # of a share of 500 samples
    assert phases.error == pytest.approx(expected)
    assert not model.pool._forward_pre_hooks
    axes = diagnostics.draw_effects(effects, Figure().subplots())
    bars = [bar for bars in axes.containers if hasattr(bars, "datavalues") for bar in bars]
    assert [bar.get_width() for bar in bars] == [effect.change for effect in effects]


def test_forecasts_are_measured_by_their_error():
    config = cvkan.config_for("timeseries", train_size=64, validation_size=8, test_size=20)
    splits = cvkan.load(config)
    model = cvkan.build(config, splits.info)
    torch.nn.init.normal_(model.head.layers[-1].weight)
    (effect,) = diagnostics.intervene(
        model, splits.test, config, layers=[0], interventions=["phases zero"]
    )
    assert (effect.metric, effect.n_samples) == ("mse", 20)
    plain = cvkan.predict(model, splits.test, config).metrics()["mse"]
    assert effect.value - effect.change == pytest.approx(plain, rel=1e-4)
    assert effect.change != 0


def test_unknown_interventions_and_layers_are_errors(trained):
    model, splits, config, _ = trained
    with pytest.raises(CvkanError, match="unknown intervention"):
        diagnostics.intervene(model, splits.test, config, interventions=["phase zero"])
    with pytest.raises(CvkanError, match="the model has 2 layers"):
        diagnostics.intervene(model, splits.test, config, layers=[3])
