"""Graphs of tokens from a file: who is whose neighbour."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cvkan.data import folders
from cvkan.data.splits import Source
from cvkan.errors import DataError, DataMissingError

_EDGE_AXES = 2


def read_graph(name: str, n_tokens: int) -> Tensor:
    """The adjacency (n_tokens, n_tokens) that the .npz file `name` describes.

    Its array `edges` (edges, 2) holds numbers of tokens from 0; an edge joins its two both ways.
    `weights` (edges,), each at least 0, says how much; without it all weigh 1, as a token itself
    does. `name` is a path, or that of a file in a data folder. Raises DataMissingError where there
    is no such file, and DataError where it is of another form or for other tokens.
    """
    path = _find(name)
    try:
        with np.load(path) as arrays:
            edges = np.asarray(arrays["edges"])
            weights = np.asarray(arrays["weights"]) if "weights" in arrays else np.ones(len(edges))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise _unusable(name, f"{type(error).__name__}: {error}") from None
    if edges.ndim != _EDGE_AXES or edges.shape[1] != 2 or edges.dtype.kind not in "iu":
        raise _unusable(name, f"edges {edges.shape} of {edges.dtype}")
    if weights.shape != edges.shape[:1] or not (np.isfinite(weights) & (weights >= 0)).all():
        raise _unusable(name, f"weights {weights.shape}, some of them no number from 0 on")
    if len(edges) and not 0 <= edges.min() <= edges.max() < n_tokens:
        raise DataError(
            f"the graph {name} joins tokens that this model, with {n_tokens}, does not have",
            seen=int(edges.max() if edges.max() >= n_tokens else edges.min()),
            do="Number the tokens from 0, as the model has them.",
        )
    adjacency = np.zeros((n_tokens, n_tokens))
    adjacency[edges[:, 0], edges[:, 1]] = weights
    adjacency[edges[:, 1], edges[:, 0]] = weights
    return torch.from_numpy(adjacency).to(torch.get_default_dtype())


def graph_source(name: str) -> Source:
    """The file `name` as a source, so that a run says which graph its model had."""
    path = _find(name)
    return Source("graph", path, folders.sha256(path))


def _find(name: str) -> Path:
    path = folders.find(name)
    if path is None:
        advice = "Put the file there, or name it by its whole path."
        raise DataMissingError(name, folders=folders.data_folders(), do=advice)
    return path


def _unusable(name: str, seen: str) -> DataError:
    return DataError(
        f"{name} is no graph",
        seen=seen,
        do="It needs an integer array edges (edges, 2), and may have weights (edges,) from 0 on.",
    )
