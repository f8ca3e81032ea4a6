"""The small real networks that transform log-magnitudes and phases."""

from __future__ import annotations

from torch import Tensor, nn

from cvkan.polar import raised


class Perceptron(nn.Module):
    """Two hidden layers of GELU units whose output starts near zero.

    With `n_context` inputs more, `forward(own, context)` is the perceptron of both concatenated,
    but a context shared by all tokens passes the first layer once instead of once a token.
    """

    def __init__(
        self, n_inputs: int, n_hidden: int, n_outputs: int, *, n_context: int = 0, dropout: float
    ) -> None:
        super().__init__()
        self.first = nn.Linear(n_inputs, n_hidden)
        self.context = nn.Linear(n_context, n_hidden, bias=False) if n_context else None
        self.rest = nn.Sequential(
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(n_hidden, n_hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(n_hidden, n_outputs),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                # only the last layer is small: small hidden layers would starve it of gradient
                gain = 0.1 if layer is self.rest[-1] else 1.0
                nn.init.xavier_uniform_(layer.weight, gain=gain)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, own: Tensor, context: Tensor | None = None) -> Tensor:
        hidden = self.first(own)
        if self.context is not None and context is not None:
            hidden = hidden + self.context(context)
        return raised(self.rest(hidden))
