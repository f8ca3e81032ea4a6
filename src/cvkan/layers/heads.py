"""Heads: from one pooled complex vector to the answer."""

from __future__ import annotations

from torch import Tensor, nn

from cvkan.polar import Polar


class ClassificationHead(nn.Module):
    """Logits from the magnitudes, which no common rotation of a dimension changes.

    They are normalised first: a mean over tokens of scattered phases is small, and the smaller the
    more tokens there are.
    """

    def __init__(self, d_complex: int, n_classes: int, *, hidden: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(d_complex),
            nn.Linear(d_complex, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_classes),
        )

    def forward(self, pooled: Polar) -> Tensor:
        logits: Tensor = self.layers(pooled.magnitude())
        return logits


class ForecastHead(nn.Module):
    """Steps to come, (B, horizon), from real and imaginary parts: a level has a sign.

    Starts at exactly zero, so that training begins from whatever it is added to.
    """

    def __init__(self, d_complex: int, horizon: int, *, hidden: int, dropout: float) -> None:
        super().__init__()
        last = nn.Linear(hidden, horizon)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(
            nn.Linear(2 * d_complex, hidden), nn.GELU(), nn.Dropout(dropout), last
        )

    def forward(self, pooled: Polar) -> Tensor:
        steps: Tensor = self.layers(pooled.features())
        return steps
