"""Gradient norms against those of torch's own autograd, taken by hand."""

from __future__ import annotations

import pytest
import torch
from matplotlib.figure import Figure

import cvkan
from cvkan import diagnostics


@pytest.fixture(scope="module")
def setup():
    config = cvkan.config_for("synthetic", d_complex=8, n_layers=3, train_size=96, batch_size=32)
    splits = cvkan.load(config)
    return cvkan.build(config, splits.info), splits, config


def test_norms_are_those_of_autograd(setup):
    model, splits, config = setup
    flow = diagnostics.gradient_flow(model, splits, config, batches=1)
    inputs, targets = splits.train[:32]
    states = list(model.backbone.states(model.embed(inputs, None)))
    logits = model.head(model.pool(states[-1]))
    losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    for state, found in zip(states, flow.tokens, strict=True):
        (gradient,) = torch.autograd.grad(losses.sum(), state.pair, retain_graph=True)
        assert found == pytest.approx(gradient.flatten(1).norm(dim=1).mean().item(), rel=1e-4)
    for layer, found, relative in zip(
        model.backbone.layers, flow.parameters, flow.relative, strict=True
    ):
        own = list(layer.parameters())
        gradients = torch.autograd.grad(losses.mean(), own, retain_graph=True)
        norm = torch.cat([gradient.flatten() for gradient in gradients]).norm().item()
        assert found == pytest.approx(norm, rel=1e-4)
        weights = torch.cat([parameter.flatten() for parameter in own]).norm().item()
        assert relative == pytest.approx(norm / weights, rel=1e-4)
    everything = torch.autograd.grad(losses.mean(), list(model.parameters()))
    total = torch.cat([gradient.flatten() for gradient in everything]).norm().item()
    assert flow.total == pytest.approx(total, rel=1e-4)


def test_nothing_of_the_model_changes_and_batches_are_averaged(setup):
    model, splits, config = setup
    before = {name: value.clone() for name, value in model.state_dict().items()}
    flow = diagnostics.gradient_flow(model, splits, config, batches=3)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    again = diagnostics.gradient_flow(model, splits, config, batches=9)  # there are three
    assert again == flow
    assert diagnostics.gradient_flow(model, splits, config, batches=1) != flow


def test_gradients_are_those_of_the_precision_asked_for(setup):
    model, splits, config = setup
    half = config.model_copy(update={"precision": "bfloat16"})
    usual = diagnostics.gradient_flow(model, splits, config, batches=1)
    rounded = diagnostics.gradient_flow(model, splits, half, batches=1)
    assert rounded.total != usual.total
    assert rounded.total == pytest.approx(usual.total, rel=0.05)


def test_the_figure_shows_the_norms(setup):
    flow = diagnostics.gradient_flow(*setup, batches=1)
    axes = diagnostics.draw_gradients(flow, Figure().subplots())
    assert tuple(axes.lines[0].get_ydata()) == flow.tokens
    assert tuple(axes.lines[1].get_ydata()) == flow.parameters
    assert axes.get_yscale() == "log"
