"""Mutual information against scikit-learn, and where the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from sklearn.feature_selection import mutual_info_classif

from cvkan.diagnostics.information import draw_information, information, mutual_information
from cvkan.polar import Polar


def test_it_is_that_of_scikit_learn_in_bits():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=200)
    values = rng.normal(labels * 0.7)[:, None]
    (ours,) = mutual_information(values, [labels])
    (theirs,) = mutual_info_classif(values, labels, n_neighbors=3, random_state=0)
    assert ours == pytest.approx(theirs / math.log(2), abs=0.01)


def test_a_class_of_one_sample_is_left_out():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=60)
    values = rng.normal(labels)[:, None]
    (without,) = mutual_information(values[1:], [labels[1:]])
    (alone,) = mutual_information(values, [np.array([7, *labels[1:]])])
    assert alone == pytest.approx(without)


def states(phases, magnitudes):
    return Polar.from_polar(magnitudes[:, None, None].expand(-1, 3, 2), phases[:, None, None])


def test_phases_that_name_the_class_across_the_cut_carry_all_of_it():
    """Class 0 lies around pi, where angles jump; class 1 around 0; both on one line of sines."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(300) % 2
    phases = math.pi * (1 - labels) + 0.3 * torch.randn(300, generator=generator)
    found = information(states(phases, torch.rand(300, generator=generator) + 0.5), labels)
    assert found.classes == pytest.approx(1)
    assert found.phase.mean == pytest.approx(1, abs=0.02)
    assert found.phase.above_chance
    assert found.magnitude.mean == pytest.approx(0, abs=0.1)
    assert np.mean(found.magnitude.null) == pytest.approx(0, abs=0.03)


def test_magnitudes_that_name_the_class_and_padding_that_has_no_say():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(200) % 4
    phases = 6 * torch.rand(200, generator=generator)
    state = states(phases, labels + 1.0)
    padded = Polar(torch.cat([state.pair, 99 * torch.randn(200, 2, 2, 2)], dim=1))
    mask = torch.arange(5).expand(200, -1) < 3
    found, same = information(state, labels), information(padded, labels, mask)
    assert found.magnitude.mean > 1.9
    assert same.magnitude.values == pytest.approx(found.magnitude.values, abs=0.1)
    assert same.phase.values == pytest.approx(found.phase.values, abs=1e-6)


def test_the_figure_shows_means_and_chance():
    labels = torch.arange(60) % 2
    found = information(states(torch.rand(60), torch.rand(60)), labels, shuffles=4)
    axes = draw_information([found, found], Figure().subplots())
    assert list(axes.lines[0].get_ydata()) == [found.phase.mean] * 2
    assert list(axes.lines[1].get_ydata()) == [found.magnitude.mean] * 2
    assert len(axes.collections) == 2
