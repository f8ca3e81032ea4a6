"""Words as tokens: their vectors, how words turn those that follow, what is read in the end."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.polar import Polar

# Most words are seen a few times only and move little: what they begin with is noise, which has to
# be small beside what frequent words learn.
SMALL = 0.1


def word_vectors(vocabulary: int, width: int) -> nn.Embedding:
    """A vector of `width` real numbers for each word number, small at first."""
    vectors = nn.Embedding(vocabulary, width)
    nn.init.normal_(vectors.weight, std=SMALL)
    return vectors


class TurningWords(nn.Module):
    """A word is turned and scaled by the `reach` words before it: z_n (1 + sum_k W_k z_(n-k)).

    The product is complex, so that what a "not" does can be a half turn, and what a "very" does a
    larger magnitude. W_k is a real map of real and imaginary parts, near zero at first: then words
    stand for themselves. Bilinear composition of words as in Mitchell and Lapata 2010,
    https://doi.org/10.1111/j.1551-6709.2010.01106.x, on complex numbers.
    """

    def __init__(self, d_complex: int, reach: int) -> None:
        super().__init__()
        width = 2 * d_complex
        self.maps = nn.ParameterList(
            0.1 / width**0.5 * torch.randn(width, width) for _ in range(reach)
        )

    def forward(self, z: Polar) -> Polar:
        """Tokens (B, N, D), zero where there is no word, and so without a say over others."""
        words = z.features()
        turn = torch.zeros_like(words)
        for distance, weight in enumerate(self.maps[: words.shape[1] - 1], start=1):
            before = F.linear(words[:, :-distance], weight)
            turn = turn + F.pad(before, (0, 0, distance, 0))
        # times_conj subtracts phases, so the factor is conjugated beforehand
        factor = Polar.from_features(turn)
        return z + z.times_conj(Polar.of(factor.re, -factor.im))


class PartsHead(nn.Module):
    """Logits linear in the real and imaginary parts of the pooled vector.

    Polarity has a sign: half a turn of all words has to give the opposite answer, and a magnitude
    would not see it.
    """

    def __init__(self, d_complex: int, n_classes: int, *, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * d_complex, n_classes))

    def forward(self, pooled: Polar) -> Tensor:
        logits: Tensor = self.layers(pooled.features())
        return logits
