"""Clusters of phases where the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from cvkan.diagnostics.clusters import draw_clusters, phase_clusters, purity
from cvkan.errors import CvkanError
from cvkan.polar import Polar


def state(angles):
    """Tokens (B, N) of three dimensions with these angles, and magnitudes that say nothing."""
    generator = torch.Generator().manual_seed(0)
    noise = 0.05 * torch.randn(*angles.shape, 3, generator=generator)
    return Polar.from_polar(
        torch.rand(*angles.shape, 3, generator=generator) + 0.1, angles[..., None] + noise
    )


def test_purity_counts_the_most_frequent_label_of_each_cluster():
    assert purity(np.array([0, 0, 0, 1, 1]), np.array([2, 2, 0, 1, 1])) == 0.8


@pytest.mark.parametrize("over", ["features", "dimensions"])
def test_classes_that_differ_in_phase_are_found(over):
    labels = torch.arange(40) % 2
    angles = (math.pi * labels)[:, None].expand(-1, 5)  # pi: where angles jump
    found = phase_clusters(state(angles), labels, n_clusters=2, over=over)
    assert found.by_class.value == 1
    assert max(found.by_class.chance) < 0.8
    assert found.silhouette > 0.8
    assert found.sizes == (100, 100)
    assert found.by_place.value == pytest.approx(0.2)


def test_places_that_differ_in_phase_are_told_from_classes():
    labels = torch.arange(40) % 2
    angles = (2 * torch.arange(3.0))[None].expand(40, -1)
    found = phase_clusters(state(angles), labels, n_clusters=3)
    assert found.by_place.value == 1
    assert max(found.by_place.chance) < 0.6
    assert found.by_class.value == pytest.approx(0.5)


def test_padding_and_the_number_of_tokens_taken():
    labels = torch.arange(40) % 2
    angles = (math.pi * labels)[:, None].repeat(1, 5)
    angles[:, 3:] = 1.5
    mask = torch.arange(5).expand(40, -1) < 3
    found = phase_clusters(state(angles), labels, mask, n_clusters=2, most=50)
    assert sum(found.sizes) == 50
    assert found.by_class.value == 1


def test_an_unknown_kind_of_phase_is_an_error():
    with pytest.raises(CvkanError, match="unknown kind of phase"):
        phase_clusters(state(torch.zeros(9, 2)), torch.zeros(9, dtype=torch.long), over="tokens")


def test_the_figure_shows_the_values():
    labels = torch.arange(20) % 2
    found = phase_clusters(state(torch.rand(20, 4) * 6), labels, n_clusters=3, shuffles=3)
    axes = draw_clusters([found, found], Figure().subplots())
    shown = [list(line.get_ydata()) for line in axes.lines]
    assert shown[0] == [found.silhouette] * 2
    assert shown[1] == [found.by_class.value] * 2
    assert shown[2] == [found.by_place.value] * 2
