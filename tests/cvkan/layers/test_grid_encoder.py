"""Pairs of grids as features, and the heads that answer by class vectors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cvkan.errors import ConfigError
from cvkan.layers.class_head import ClassVectors, Cosine
from cvkan.layers.grid_encoder import (
    PADDING,
    PairEncoder,
    PairPlanes,
    demonstrated,
    halved,
    masked_mean,
)


def pair(height: int, width: int, canvas: int = 9) -> torch.Tensor:
    grids = torch.full((1, 2, canvas, canvas), float(PADDING))
    grids[..., :height, :width] = torch.randint(0, 10, (1, 2, height, width)).float()
    return grids


def encoder(**options: object) -> PairEncoder:
    torch.manual_seed(0)
    values: dict[str, object] = {"hidden": 8, "depth": 3, "patch_size": 2, "rectified": True}
    values |= {"colours": "both", "coordinates": False}
    return PairEncoder(6, **(values | options)).double()  # type: ignore[arg-type]


def test_planes_say_colours_presence_agreement_and_size() -> None:
    grids = torch.full((1, 2, 3, 3), PADDING)
    grids[0, 0, :2, :3] = torch.tensor([[1, 2, 3], [4, 5, 6]])
    grids[0, 1, :1, :2] = torch.tensor([[1, 9]])
    planes, either = PairPlanes(colours="both", coordinates=True)(grids, torch.float64)
    assert planes.shape == (1, 39, 3, 3)
    assert either[0, 0].tolist() == [[True] * 3, [True] * 3, [False] * 3]
    real, same, sizes, colours, shares, where = planes[0].split([2, 1, 6, 20, 8, 2])
    assert real.sum((1, 2)).tolist() == [6, 2]
    assert same[0].nonzero().tolist() == [[0, 0]]
    np.testing.assert_allclose(sizes[:4, 0, 0] * 30, [2, 1, 3, 2])
    np.testing.assert_allclose(sizes[4:, 0, 0], np.log([1 / 2, 2 / 3]))
    assert colours[:, 0, 1].nonzero().flatten().tolist() == [2, 19]
    # background, share in its own grid, share in the other, whether the other has it; per grid
    np.testing.assert_allclose(shares[:, 0, 0], [0, 1 / 6, 1 / 2, 1, 0, 1 / 2, 1 / 6, 1])
    np.testing.assert_allclose(shares[:, 0, 1], [0, 1 / 6, 0, 0, 0, 1 / 2, 0, 0])
    np.testing.assert_allclose(where[:, 1, 2] * 30, [1, 2])
    assert not planes[..., 2, :].any()


@pytest.mark.parametrize("patch_size", [1, 2, 4, 8])
@pytest.mark.parametrize("height", [1, 4, 5])
def test_a_larger_canvas_changes_no_feature(patch_size: int, height: int) -> None:
    made = encoder(patch_size=patch_size, depth=4, coordinates=True)
    grids = pair(height, 7)
    features, real = made(grids)
    padded = F.pad(grids, (0, 5, 0, 6), value=PADDING)
    larger, larger_real = made(padded)
    rows, columns = features.shape[2:]
    torch.testing.assert_close(larger[..., :rows, :columns], features)
    assert larger.count_nonzero() == features.count_nonzero()
    assert larger_real.sum() == real.sum() == -(-height // patch_size) * -(-7 // patch_size)


def test_every_depth_is_another_network() -> None:
    sizes = [sum(p.numel() for p in encoder(depth=depth).parameters()) for depth in range(1, 7)]
    assert len(set(sizes)) == 6


def test_a_patch_needs_a_convolution_for_each_halving() -> None:
    with pytest.raises(ConfigError, match=r"patch of 8 cells.*2.*Raise depth to 3"):
        encoder(depth=2, patch_size=8)


def test_missing_demonstrations_are_the_last_one_again() -> None:
    tasks = torch.arange(2 * 4).reshape(2, 4, 1, 1, 1).expand(-1, -1, 2, 3, 3).clone()
    tasks[0, 2:] = PADDING
    tasks[1, 3:] = PADDING
    assert demonstrated(tasks, 3)[:, :, 0, 0, 0].tolist() == [[0, 1, 1], [4, 5, 6]]
    assert demonstrated(tasks, 6)[:, :, 0, 0, 0].tolist() == [
        [0, 1, 1, 1, 1, 1],
        [4, 5, 6, 6, 6, 6],
    ]


def test_a_patch_is_real_where_one_of_its_cells_is() -> None:
    real = torch.zeros(5, 5, dtype=torch.bool)
    real[2, 4] = True
    assert halved(real[None])[0].tolist() == [[False] * 3, [False, False, True], [False] * 3]


def test_the_masked_mean_is_that_of_the_real_tokens() -> None:
    x, real = torch.randn(4, 7, 3), torch.rand(4, 7) < 0.5
    real[0] = True
    expected = [x[k][real[k]].mean(0) for k in range(4)]
    torch.testing.assert_close(masked_mean(x, real), torch.stack(expected))


def test_class_vectors_are_compared_by_a_projected_product() -> None:
    head, e = ClassVectors(5, 3), torch.randn(4, 5)
    expected = np.einsum("bi,ij,kj->bk", *(t.detach().numpy() for t in (e, head.project.weight, head.vectors)))  # noqa: E501  # fmt: skip
    np.testing.assert_allclose(head(e).detach(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("learned", [True, False])
def test_cosines_are_those_of_torch_times_the_temperature(learned: bool) -> None:
    head, e = Cosine(5, 3, temperature=7.0, learned=learned), torch.randn(4, 5)
    expected = 7 * F.cosine_similarity(e[:, None], head.vectors[None], dim=-1)
    torch.testing.assert_close(head(e), expected)
    assert ("log_temperature" in dict(head.named_parameters())) is learned
