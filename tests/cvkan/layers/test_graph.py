"""Graph neighbourhoods against D^-1 (Adj + I) z."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

import cvkan
from cvkan.config import SyntheticConfig
from cvkan.data.graphs import read_graph
from cvkan.errors import CvkanError, DataError, DataMissingError
from cvkan.info import DataInfo
from cvkan.layers.graph import GraphNeighborhood, GridNeighborhood
from cvkan.models import build
from cvkan.polar import Polar

B, N, D = 2, 12, 3
MASK = torch.arange(N) < torch.tensor([[N], [7]])


def tokens(n: int = N) -> torch.Tensor:
    return torch.randn(B, n, D, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def formula(adjacency: np.ndarray, z: np.ndarray) -> np.ndarray:
    weights = adjacency.astype(float) + np.eye(len(adjacency))
    return np.diag(1 / weights.sum(1)) @ weights @ z


def graph(kind: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    weights = torch.rand(N, N, generator=generator, dtype=torch.float64)
    return weights > 0.6 if kind == "bool" else weights


def grid_adjacency(rows: int, columns: int) -> np.ndarray:
    places = [(n // columns, n % columns) for n in range(rows * columns)]
    return np.array([[abs(a - c) + abs(b - d) == 1 for c, d in places] for a, b in places])


@pytest.mark.parametrize("kind", ["bool", "weights"])
def test_any_graph_is_the_formula(kind):
    adjacency, c = graph(kind), tokens()
    made = GraphNeighborhood(adjacency).double()
    made.weights = adjacency.double() + torch.eye(N)  # not by way of single precision
    ours = made(Polar.from_complex(c)).complex()
    np.testing.assert_allclose(ours[0], formula(adjacency.numpy(), c[0].numpy()))
    masked = made(Polar.from_complex(c), MASK).complex()
    expected = formula(adjacency.numpy()[:7, :7], c[1, :7].numpy())
    np.testing.assert_allclose(masked[1, :7], expected)


def test_a_graph_of_other_size_is_cut_or_goes_on_without_neighbours():
    adjacency, c = graph("bool"), tokens(15)
    made = GraphNeighborhood(adjacency).double()
    longer = made(Polar.from_complex(c)).complex()
    torch.testing.assert_close(longer[:, N:], c[:, N:])
    torch.testing.assert_close(longer[:, :N], made(Polar.from_complex(c[:, :N])).complex())
    shorter = made(Polar.from_complex(c[:, :5])).complex()
    np.testing.assert_allclose(shorter[0], formula(adjacency[:5, :5].numpy(), c[0, :5].numpy()))


@pytest.mark.parametrize(("grid", "shape"), [(None, (1, N)), ((3, 4), (3, 4)), ((12, 1), (12, 1))])
def test_grids_and_chains_are_their_graphs(grid, shape):
    c = tokens()
    by_graph = GraphNeighborhood(torch.tensor(grid_adjacency(*shape))).double()
    by_grid = GridNeighborhood(grid)
    for mask in (None, MASK):
        expected = by_graph(Polar.from_complex(c), mask).complex()
        ours = by_grid(Polar.from_complex(c), mask).complex()
        real = MASK if mask is not None else torch.ones(B, N, dtype=torch.bool)
        torch.testing.assert_close(ours[real], expected[real])


def test_what_is_no_adjacency_is_an_error():
    with pytest.raises(CvkanError, match="square"):
        GraphNeighborhood(torch.ones(2, 3))
    with pytest.raises(CvkanError, match="negative"):
        GraphNeighborhood(-torch.ones(2, 2))


def ring(folder: Path, n: int, **arrays: object) -> str:
    path = folder / "ring.npz"
    edges = np.stack([np.arange(n), (np.arange(n) + 1) % n], axis=1)
    np.savez(path, **{"edges": edges} | arrays)
    return str(path)


def test_a_graph_from_a_file_is_in_the_model(tmp_path, monkeypatch):
    """A ring: turning the tokens round turns the layer's tokens round, which no grid's does."""
    info = DataInfo("x", "synthetic", (N, 6, 2), n_classes=4)
    options = {"aggregation": "graph_neighborhood", "d_complex": 8, "n_layers": 1}
    monkeypatch.setenv("CVKAN_DATA", str(tmp_path))
    ring(tmp_path, N)
    for name in ("ring.npz", str(tmp_path / "ring.npz")):
        model = build(SyntheticConfig(graph=name, **options), info).double().eval()
        x = torch.randn(2, *info.sample_shape, dtype=torch.float64)
        turned = model.trace(x.roll(1, dims=1))[-1].pair
        torch.testing.assert_close(turned, model.trace(x)[-1].pair.roll(1, dims=1))
    grid = build(SyntheticConfig(**options), info).double().eval()
    turned = grid.trace(x.roll(1, dims=1))[-1].pair
    assert not torch.allclose(turned, grid.trace(x)[-1].pair.roll(1, dims=1))
    other = build(SyntheticConfig(match_params_of="cvkan", graph=name, **options), info)
    assert other.backbone.layers[0].aggregation.weights.shape == (N, N)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"edges": np.array([[0, N]])}, "joins tokens that this model, with 12, does not have: 12"),
        ({"edges": np.array([[0.5, 1]])}, "is no graph: 'edges .* of float64"),
        ({"edges": np.arange(4)}, "is no graph"),
        ({"weights": -np.ones(N)}, "no number from 0 on"),
    ],
)
def test_a_file_that_is_no_graph_of_these_tokens_is_told(tmp_path, arrays, message):
    with pytest.raises(DataError, match=message):
        read_graph(ring(tmp_path, N, **arrays), N)


def test_a_graph_is_weighted_and_joins_both_ways(tmp_path):
    edges, weights = np.array([[0, 1], [1, 2]]), np.array([2.0, 0.5])
    adjacency = read_graph(ring(tmp_path, 3, edges=edges, weights=weights), 3)
    assert adjacency.tolist() == [[0, 2, 0], [2, 0, 0.5], [0, 0.5, 0]]


def test_the_file_of_a_graph_is_a_source_of_the_data(tmp_path):
    path = Path(ring(tmp_path, N))
    options = {"aggregation": "graph_neighborhood", "train_size": 4, "test_size": 4}
    *_, source = cvkan.load(SyntheticConfig(graph=str(path), **options)).sources
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (source.name, source.path, source.sha256) == ("graph", path, digest)
    assert len(cvkan.load(SyntheticConfig(**options)).sources) == 1
    with pytest.raises(DataMissingError, match=r"none\.npz"):
        cvkan.load(SyntheticConfig(graph="none.npz", **options))


def test_a_graph_that_is_not_there_is_told(tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"no")
    with pytest.raises(DataMissingError, match=r"none\.npz"):
        read_graph("none.npz", 3)
    with pytest.raises(DataError, match="is no graph"):
        read_graph(str(tmp_path / "bad.npz"), 3)
