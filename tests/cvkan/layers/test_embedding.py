"""Embeddings: shapes, the order of tokens, and phases."""

from __future__ import annotations

import pytest
import torch

from cvkan.errors import CvkanError, UnknownNameError
from cvkan.layers.embedding import ComplexSequence, RealSequence, make_embedding
from cvkan.layers.positions import GridPositions, Positions
from cvkan.polar import Polar

D = 8


@pytest.mark.parametrize("name", ["linear", "deep"])
@pytest.mark.parametrize("patch_size", [2, 4, 8])
def test_a_patch_is_a_token_whatever_its_size(name, patch_size):
    tokens = make_embedding(name, 3, D, patch_size)(torch.randn(2, 3, 16, 32))
    assert tokens.shape == (2, (16 // patch_size) * (32 // patch_size), D)


def test_linear_patches_are_a_matrix_product_row_by_row():
    made = make_embedding("linear", 3, D, 4).double()
    images = torch.randn(2, 3, 8, 12, dtype=torch.float64)
    third = images[:, :, 0:4, 8:12].flatten(1)
    weight = made.project.weight.flatten(1)
    expected = third @ weight.T + made.project.bias
    torch.testing.assert_close(made(images)[:, 2].features(), expected)


def test_phases_of_the_deep_stem_fill_the_circle():
    torch.manual_seed(0)
    phases = make_embedding("deep", 3, 32, 4)(torch.randn(8, 3, 32, 32)).phase()
    quadrant = torch.histc(phases, 4, -torch.pi, torch.pi) / phases.numel()
    assert (quadrant > 0.2).all()


@pytest.mark.parametrize("patch_size", [1, 3, 6])
def test_the_deep_stem_names_the_patch_sizes_it_can_do(patch_size):
    with pytest.raises(CvkanError, match=r"power of 2.*Use 2, 4, 8"):
        make_embedding("deep", 3, D, patch_size)


def test_an_unknown_embedding_is_an_error():
    with pytest.raises(UnknownNameError, match="Allowed: deep, linear"):
        make_embedding("conv", 3, D, 4)


def test_a_complex_sequence_is_a_complex_matrix_product():
    made = ComplexSequence(5, D).double()
    c = torch.randn(2, 6, 5, dtype=torch.complex128)
    weight = torch.complex(made.re.weight, made.im.weight)
    torch.testing.assert_close(made(torch.view_as_real(c)).complex(), c @ weight.T)


def test_a_real_sequence_has_two_real_maps():
    made = RealSequence(5, D).double()
    x = torch.randn(2, 6, 5, dtype=torch.float64)
    re, im = (x @ made.project.weight.T + made.project.bias).chunk(2, dim=-1)
    torch.testing.assert_close(made(x).complex(), torch.complex(re, im))


def test_positions_depend_on_distance_only():
    z = Polar.from_complex(torch.ones(1, 6, D, dtype=torch.complex128))
    turned = Positions(D).double()(z).complex()[0]
    torch.testing.assert_close(turned.abs(), torch.ones(6, D, dtype=torch.float64))
    torch.testing.assert_close(turned[1:] * turned[:-1].conj(), turned[1:2].expand(5, D))
    assert turned[1, 0].angle() == pytest.approx(1.0)


def test_grid_positions_tell_rows_from_columns():
    z = Polar.from_complex(torch.ones(1, 6, D, dtype=torch.complex128))
    plane = GridPositions(D, 2, 3).double()(z).complex().reshape(2, 3, D)
    rows, columns = plane[..., : D // 2], plane[..., D // 2 :]
    assert torch.equal(rows, rows[:, :1].expand_as(rows))
    assert torch.equal(columns, columns[:1].expand_as(columns))
    assert not torch.equal(rows[0], rows[1])
    assert not torch.equal(columns[:, 0], columns[:, 1])
