"""Heads: from one pooled complex vector to the answer."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from cvkan.errors import UnknownNameError
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
    """Steps to come, (B, horizon), from what `mode` names of the pooled vector.

    real and imaginary parts (`both`), the `real` part, the `magnitude`, or the `phase` as cosine
    and sine. A magnitude has no sign, a phase no size; a level has both.

    Starts at exactly zero, so that training begins from whatever it is added to.
    """

    def __init__(
        self, d_complex: int, horizon: int, *, mode: str, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        if mode not in READINGS:
            raise UnknownNameError("output_mode", mode, READINGS)
        self.read, parts = READINGS[mode]
        last = nn.Linear(hidden, horizon)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(
            nn.Linear(parts * d_complex, hidden), nn.GELU(), nn.Dropout(dropout), last
        )

    def forward(self, pooled: Polar) -> Tensor:
        steps: Tensor = self.layers(self.read(pooled))
        return steps


# mode -> what it takes of complex (B, D), and how many real numbers that is a dimension
READINGS: dict[str, tuple[Callable[[Polar], Tensor], int]] = {
    "both": (Polar.features, 2),
    "magnitude": (Polar.magnitude, 1),
    "real": (lambda pooled: pooled.re, 1),
    "phase": (lambda pooled: pooled.unit().features(), 2),
}
