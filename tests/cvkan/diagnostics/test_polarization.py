"""Polarization: values on cases whose answer is known, and that figures show those values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from scipy.stats import entropy

from cvkan.diagnostics.polarization import (
    constellation,
    draw_constellation,
    draw_polarization,
    polarization,
)
from cvkan.polar import Polar


def state(magnitudes: list[float], phases: list[float]) -> Polar:
    """One sample, one dimension, these tokens."""
    return Polar.from_polar(
        torch.tensor(magnitudes)[None, :, None], torch.tensor(phases)[None, :, None]
    )


def test_equal_tokens_are_coherent_and_not_polarized():
    summary = polarization([state([2, 2, 2], [1, 1, 1])])
    assert summary.magnitude[0] == pytest.approx(2)
    assert summary.variance[0] == pytest.approx(0, abs=1e-6)
    assert summary.coherence[0] == pytest.approx(1)


def test_opposite_phases_cancel_and_unequal_magnitudes_vary():
    summary = polarization([state([1, 1], [0, torch.pi]), state([1, 3], [0, 0])])
    assert summary.coherence == pytest.approx((0, 1), abs=1e-5)
    assert summary.variance == pytest.approx((0, 0.25), abs=1e-6)


def test_scale_does_not_count_and_padding_neither():
    plain = polarization([state([1, 3], [0, 2])])
    larger = polarization([state([10, 30], [0, 2])])
    padded = polarization([state([1, 3, 99], [0, 2, 1])], torch.tensor([[True, True, False]]))
    assert larger.variance == pytest.approx(plain.variance, rel=1e-5)
    assert padded.variance == pytest.approx(plain.variance, rel=1e-5)
    assert padded.coherence == pytest.approx(plain.coherence, rel=1e-5)


def test_the_figure_shows_the_values():
    summary = polarization([state([1, 1], [0, 3]), state([1, 3], [0, 0])])
    axes = draw_polarization(summary, Figure().subplots())
    assert tuple(axes.lines[0].get_ydata()) == summary.variance
    assert tuple(axes.figure.axes[1].lines[0].get_ydata()) == summary.coherence


def test_a_constellation_is_the_tokens_in_the_plane():
    points = constellation(state([1, 2], [0, torch.pi / 2]))
    assert points.re == pytest.approx((1, 0), abs=1e-6)
    assert points.im == pytest.approx((0, 2), abs=1e-6)
    assert points.token == (0, 1)
    axes = draw_constellation(points, Figure().subplots(), title="layer 0")
    shown = axes.collections[0].get_offsets()
    assert tuple(shown[:, 0]) == points.re
    assert tuple(shown[:, 1]) == points.im
    assert axes.get_title() == "layer 0"


def test_a_constellation_leaves_padding_out():
    whole = state([1, 2, 9], [0, torch.pi / 2, 0])
    points = constellation(whole, torch.tensor([[True, True, False]]))
    assert points == constellation(state([1, 2], [0, torch.pi / 2]))


def test_inequality_of_magnitudes_by_pairs_and_by_scipy():
    torch.manual_seed(0)
    sizes = (torch.rand(3, 6, 4) + 0.1).double()
    summary = polarization([Polar.from_polar(sizes, torch.rand(3, 6, 4).double())])
    values = sizes.numpy()
    mean = values.mean(axis=1)
    pairs = np.abs(values[:, :, None] - values[:, None]).mean(axis=(1, 2)) / (2 * mean)
    assert summary.gini[0] == pytest.approx(pairs.mean())
    assert summary.entropy[0] == pytest.approx((entropy(values, axis=1) / np.log(6)).mean())
    assert summary.peak[0] == pytest.approx((values.max(axis=1) / mean).mean())


def test_padding_changes_no_inequality():
    plain = polarization([state([1, 3, 2], [0, 2, 1])])
    mask = torch.tensor([[True, True, False, True]])
    padded = polarization([state([1, 3, 99, 2], [0, 2, 1, 1])], mask)
    for name in ("gini", "entropy", "peak"):
        assert getattr(padded, name) == pytest.approx(getattr(plain, name), rel=1e-5)
    alike = polarization([state([2, 2], [0, 1]), state([0, 2], [0, 1])])
    assert alike.gini == pytest.approx((0, 0.5), abs=1e-5)
    assert alike.entropy == pytest.approx((1, 0), abs=1e-4)
