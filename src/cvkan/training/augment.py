"""Random changes of training samples; validation and test never see them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import torch
import torch.nn.functional as F
from torch import Tensor

from cvkan.config import ImageConfig, TrainingConfig

Augmenter = Callable[[Tensor, torch.Generator], Tensor]


def augmenter_for(config: TrainingConfig) -> Augmenter | None:
    """What `config` does to a batch of training inputs; None where it does nothing.

    A domain's data module may define `augmented(inputs, config, generator) -> inputs`; images are
    changed here. The generator lives on the CPU, so that all devices draw the same.
    """
    if isinstance(config, ImageConfig):
        images = config  # a name of its type, for the function below
        return lambda inputs, generator: _image(inputs, images, generator)
    augmented = getattr(import_module(f"cvkan.data.{config.domain}"), "augmented", None)
    if augmented is None:
        return None

    def augment(inputs: Tensor, generator: torch.Generator) -> Tensor:
        result: Tensor = augmented(inputs, config, generator)
        return result

    return augment


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


def _image(images: Tensor, config: ImageConfig, generator: torch.Generator) -> Tensor:
    if config.flip:
        images = flipped(images, generator)
    if config.shift:
        images = shifted(images, config.shift, generator)
    return images
