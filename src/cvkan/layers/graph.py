"""Aggregation over the neighbours of a token in a graph: A = D^-1 (Adj + I) z.

Kipf and Welling 2016, https://arxiv.org/abs/1609.02907, with the plain degree. Masked tokens are
nobody's neighbours, and degrees count real neighbours only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.errors import CvkanError
from cvkan.polar import Polar


class GraphNeighborhood(nn.Module):
    """Any graph, from its adjacency (N, N): bool, or weights of at least zero.

    Row n names the neighbours of token n. Tokens beyond the N-th have none but themselves.
    """

    def __init__(self, adjacency: Tensor) -> None:
        super().__init__()
        shape = tuple(adjacency.shape)
        if adjacency.dim() != 2 or shape[0] != shape[1]:
            raise CvkanError("an adjacency is square", seen=shape, do="Give one of shape (N, N).")
        if (adjacency < 0).any():
            raise CvkanError(
                "an adjacency has no negative weights, or degrees may vanish",
                seen=adjacency.min().item(),
                do="Give bool, or weights of at least zero.",
            )
        weights = adjacency.to(torch.get_default_dtype())
        itself = torch.eye(shape[0], device=weights.device)
        self.register_buffer("weights", weights + itself)  # a part of what is saved
        self.weights: Tensor

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        weights = self._for(z.shape[1]).unsqueeze(0)
        if mask is not None:
            weights = weights * mask.unsqueeze(1)
        # at least 1 by the token itself, unless that is masked
        return z.weighted_sum(weights / weights.sum(-1, keepdim=True).clamp(min=1))

    def _for(self, n_tokens: int) -> Tensor:
        missing = n_tokens - self.weights.shape[0]
        if missing <= 0:
            return self.weights[:n_tokens, :n_tokens]
        weights = F.pad(self.weights, (0, missing, 0, missing))
        alone = torch.arange(self.weights.shape[0], n_tokens, device=weights.device)
        weights[alone, alone] = 1
        return weights


class GridNeighborhood(nn.Module):
    """The same for the four neighbours on a grid (rows, columns), or the two on a chain.

    More tokens than the grid has are those of further grids, one behind the other. By sums of
    shifted tokens: an (N, N) product would cost N / 5 times as much.
    """

    def __init__(self, grid: tuple[int, int] | None) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        tokens = z.features()
        if mask is None:
            real = tokens.new_ones(1, tokens.shape[1], 1)
        else:
            real = mask.to(tokens.dtype).unsqueeze(-1)
            tokens = tokens * real
        return Polar.from_features(self._sum(tokens) / self._sum(real).clamp(min=1))

    def _sum(self, tokens: Tensor) -> Tensor:
        rows, columns = self.grid or (1, tokens.shape[1])
        plane: Tensor = tokens.reshape(-1, rows, columns, tokens.shape[-1])
        total = plane.clone()
        total[:, 1:] += plane[:, :-1]
        total[:, :-1] += plane[:, 1:]
        total[:, :, 1:] += plane[:, :, :-1]
        total[:, :, :-1] += plane[:, :, 1:]
        return total.reshape(tokens.shape)
