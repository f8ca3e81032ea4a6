"""From the lines of a scan to complex tokens, one a line."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from cvkan.errors import UnknownNameError

FLAT = 1e-8  # standard deviation up to which a line has nothing to be scaled by
CHANNELS = (32, 64, 128)  # of the convolutions along a line


def scanned(scans: Tensor, mask: Tensor | None = None) -> Tensor:
    """Which lines (B, lines) of scans (B, lines, pixels) are there: those without a NaN.

    Where a mask is given, a line must be true in it as well.
    """
    there = ~scans.isnan().any(-1)
    return there if mask is None else there & mask


def prepared(scans: Tensor, there: Tensor, *, norm: bool) -> Tensor:
    """Lines with mean 0 and standard deviation 1, a flat one centred only; missing ones are 0.

    Without `norm` the lines stay as they are, and missing ones are 0 all the same.
    """
    lines = torch.where(there.unsqueeze(-1), scans, 0.0)
    if not norm:
        return lines
    lines = lines - lines.mean(-1, keepdim=True)
    spread = lines.square().mean(-1, keepdim=True).sqrt()
    return torch.where(spread > FLAT, lines / spread.clamp(min=FLAT), lines)


class LinearLines(nn.Module):
    """All pixels of a line (B, lines, pixels) through one linear layer: (B, lines, features)."""

    def __init__(self, pixels: int, n_features: int) -> None:
        super().__init__()
        self.project = nn.Linear(pixels, n_features)

    def forward(self, lines: Tensor) -> Tensor:
        out: Tensor = self.project(lines)
        return out


class FourierLines(LinearLines):
    """A linear layer that starts as Fourier waves, each under one of a few windows along a line.

    Features are real parts, then as many imaginary parts. A line that moves a little turns its
    numbers and keeps their magnitudes; training is free to make other waves of them.
    """

    def __init__(self, pixels: int, n_features: int) -> None:
        super().__init__(pixels, n_features)
        n_waves = n_features // 2
        n_frequencies = min(pixels // 2, n_waves)
        n_windows = -(-n_waves // n_frequencies)
        place = (torch.arange(pixels) + 0.5) / pixels
        wave = torch.arange(n_waves)
        cycles = wave % n_frequencies + 1  # in a line; its mean says nothing
        angles = 2 * math.pi * torch.outer(cycles, place)
        centres = (wave // n_frequencies + 0.5) / n_windows
        windows = torch.exp(-((place - centres[:, None]) * n_windows).square())
        windows = windows / windows.square().sum(1, keepdim=True).sqrt()
        waves = torch.cat((windows * angles.cos(), -windows * angles.sin()))
        with torch.no_grad():
            self.project.weight[: 2 * n_waves] = waves
            self.project.bias.zero_()


class ConvolvedLines(nn.Module):
    """Three convolutions along a line, their mean over the line, and a linear layer.

    The mean forgets where on the line something was: a line and the same line moved look alike.
    """

    def __init__(self, pixels: int, n_features: int) -> None:
        super().__init__()
        first, second, third = CHANNELS
        self.convolutions = nn.Sequential(
            nn.Conv1d(1, first, 7, stride=2, padding=3),
            nn.GELU(),
            nn.Conv1d(first, second, 3, padding=1),
            nn.GELU(),
            nn.Conv1d(second, third, 3, padding=1),
            nn.GELU(),
        )
        self.project = nn.Linear(third, n_features)

    def forward(self, lines: Tensor) -> Tensor:
        batch = lines.shape[0]
        seen = self.convolutions(lines.flatten(0, 1).unsqueeze(1)).mean(-1)
        out: Tensor = self.project(seen).unflatten(0, (batch, -1))
        return out


LINE_ENCODERS: dict[str, Callable[[int, int], nn.Module]] = {
    "linear": LinearLines,
    "fourier": FourierLines,
    "cnn": ConvolvedLines,
}


def make_line_encoder(name: str, pixels: int, n_features: int) -> nn.Module:
    """The line encoder called `name`, from (B, lines, pixels) to (B, lines, n_features)."""
    if name not in LINE_ENCODERS:
        raise UnknownNameError("line encoder", name, LINE_ENCODERS)
    return LINE_ENCODERS[name](pixels, n_features)
