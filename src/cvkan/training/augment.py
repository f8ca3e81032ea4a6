"""Random changes of training images; validation and test never see them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def flipped(images: Tensor, generator: torch.Generator) -> Tensor:
    """Images (B, C, H, W), about half of them mirrored left to right."""
    chosen = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(chosen.to(images.device)[:, None, None, None], images.flip(-1), images)


def shifted(images: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Images (B, C, H, W), each moved by up to `pixels` either way; zeros come in."""
    batch, channels, height, width = images.shape
    offsets = torch.randint(0, 2 * pixels + 1, (2, batch), generator=generator).to(images.device)
    rows = offsets[0, :, None] + torch.arange(height, device=images.device)  # (B, H)
    columns = offsets[1, :, None] + torch.arange(width, device=images.device)  # (B, W)
    padded = F.pad(images, (pixels,) * 4)
    padded = padded.gather(2, rows[:, None, :, None].expand(-1, channels, -1, padded.shape[3]))
    return padded.gather(3, columns[:, None, None, :].expand(-1, channels, height, -1))
