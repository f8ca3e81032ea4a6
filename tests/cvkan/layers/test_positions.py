"""Positions against complex exponentials."""

from __future__ import annotations

import pytest
import torch

from cvkan.errors import UnknownNameError
from cvkan.layers.positions import make_positions
from cvkan.polar import Polar

D, ROWS, COLUMNS = 5, 2, 3
N = ROWS * COLUMNS


def tokens(n: int = N) -> torch.Tensor:
    return torch.randn(2, n, D, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))


def placed(made, c: torch.Tensor, **options: object) -> torch.Tensor:
    return made(Polar.from_complex(c), **options).complex()


def waves(n: int, first: int = 0) -> torch.Tensor:
    speeds = 10_000.0 ** (-torch.arange(D) / D)
    return torch.exp(1j * torch.outer(torch.arange(first, first + n), speeds))


def grid_waves() -> torch.Tensor:
    half = D // 2
    row, column = torch.arange(N) // COLUMNS, torch.arange(N) % COLUMNS
    by_row = torch.outer(row, 10_000.0 ** (-torch.arange(half) / half))
    by_column = torch.outer(column, 10_000.0 ** (-torch.arange(D - half) / (D - half)))
    return torch.exp(1j * torch.cat((by_row, by_column), dim=1))


def test_fixed_positions_turn_by_place():
    made = make_positions("fixed", D, n_tokens=N)
    torch.testing.assert_close(placed(made, tokens(9)), tokens(9) * waves(9))
    torch.testing.assert_close(placed(made, tokens(), first=4), tokens() * waves(N, 4))
    on_grid = make_positions("fixed", D, n_tokens=N, grid=(ROWS, COLUMNS))
    torch.testing.assert_close(placed(on_grid, tokens()), tokens() * grid_waves())


@pytest.mark.parametrize("grid", [None, (ROWS, COLUMNS)])
def test_learned_positions_start_as_the_fixed_ones(grid):
    fixed, learned = (
        make_positions(name, D, n_tokens=N, grid=grid) for name in ("fixed", "learned")
    )
    torch.testing.assert_close(placed(learned, tokens()), placed(fixed, tokens()))
    size = 2 * (N * D if grid is None else ROWS * (D // 2) + COLUMNS * (D - D // 2))
    assert sum(p.numel() for p in learned.parameters()) == size


def test_learned_positions_scale_and_turn_their_places():
    made = make_positions("learned", D, n_tokens=N)
    for p in made.parameters():
        torch.nn.init.normal_(p)
    factor = torch.exp(torch.complex(made.log_magnitude, made.turn))
    expected = tokens() * waves(N) * factor
    torch.testing.assert_close(placed(made, tokens()), expected)
    longer = placed(made, tokens(9))  # beyond its table a place is a fixed one
    torch.testing.assert_close(longer[:, N:], tokens(9)[:, N:] * waves(3, N))
    torch.testing.assert_close(longer[:, :N], tokens(9)[:, :N] * waves(N) * factor)
    late = placed(made, tokens(2), first=5)
    torch.testing.assert_close(late[:, 0], tokens(2)[:, 0] * waves(1, 5) * factor[5])
    torch.testing.assert_close(late[:, 1:], tokens(2)[:, 1:] * waves(1, 6))


def test_learned_positions_on_a_grid_have_rows_and_columns():
    made = make_positions("learned", D, n_tokens=N, grid=(ROWS, COLUMNS))
    for p in made.parameters():
        torch.nn.init.normal_(p)
    by_row = torch.exp(torch.complex(made.row_log_magnitude, made.row_turn))
    by_column = torch.exp(torch.complex(made.column_log_magnitude, made.column_turn))
    row, column = torch.arange(N) // COLUMNS, torch.arange(N) % COLUMNS
    factor = torch.cat((by_row[row], by_column[column]), dim=1)
    torch.testing.assert_close(placed(made, tokens()), tokens() * grid_waves() * factor)


def test_no_positions_are_the_identity():
    made = make_positions("none", D, n_tokens=N, grid=(ROWS, COLUMNS))
    assert torch.equal(placed(made, tokens()), tokens())
    with pytest.raises(UnknownNameError, match="Did you mean 'learned'"):
        make_positions("learnt", D, n_tokens=N)
