"""Embeddings: from samples to complex tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from cvkan.errors import CvkanError, UnknownNameError
from cvkan.polar import Polar

STEM_WIDTH = 32  # channels of the first convolution; they double with every halving


class LinearPatches(nn.Module):
    """Each patch of an image through one linear layer."""

    def __init__(self, channels: int, d_complex: int, patch_size: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, 2 * d_complex, patch_size, stride=patch_size)

    def forward(self, images: Tensor) -> Polar:
        return _tokens(self.project(_channels_last(images)))


class DeepStem(nn.Module):
    """One convolution at full resolution, then some of stride 2 until a patch is one token.

    The last has no activation: outputs of either sign, so phases fill the circle (behind a ReLU
    all would lie in one quadrant). Xiao et al. 2021, https://arxiv.org/abs/2106.14881.
    """

    def __init__(self, channels: int, d_complex: int, patch_size: int) -> None:
        super().__init__()
        n_halvings = patch_size.bit_length() - 1
        if patch_size < 2 or patch_size != 1 << n_halvings:
            raise CvkanError(
                "the deep embedding halves images, so its patch_size is a power of 2",
                seen=patch_size,
                do="Use 2, 4, 8 or 16, or embedding linear.",
            )
        layers: list[nn.Module] = []
        for k in range(n_halvings):
            # the same width for every d_complex: the last convolution costs the most, by its inputs
            width = STEM_WIDTH << k
            stride = 1 if k == 0 else 2
            layers += [nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)]
            layers.append(nn.ReLU(inplace=True))
            channels = width
        layers.append(nn.Conv2d(channels, 2 * d_complex, 3, 2, 1, bias=False))
        layers.append(nn.BatchNorm2d(2 * d_complex))
        self.stem = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Polar:
        return _tokens(self.stem(_channels_last(images)))


class RealSequence(nn.Module):
    """Real tokens (B, N, F) through one linear layer."""

    def __init__(self, n_features: int, d_complex: int) -> None:
        super().__init__()
        self.project = nn.Linear(n_features, 2 * d_complex)

    def forward(self, tokens: Tensor) -> Polar:
        return Polar.from_features(self.project(tokens))


class ComplexSequence(nn.Module):
    """Complex tokens (B, N, F, 2) through one complex linear map without bias.

    Without bias it turns with its input: a common phase of all tokens stays one.
    """

    def __init__(self, n_features: int, d_complex: int) -> None:
        super().__init__()
        self.re = nn.Linear(n_features, d_complex, bias=False)
        self.im = nn.Linear(n_features, d_complex, bias=False)

    def forward(self, tokens: Tensor) -> Polar:
        both = torch.cat((self.re.weight, self.im.weight))  # one product for both parts of both
        z = Polar.from_trailing(tokens)
        on_re, on_im = (nn.functional.linear(part, both) for part in (z.re, z.im))
        d_complex = self.re.out_features
        re = on_re[..., :d_complex] - on_im[..., d_complex:]
        im = on_re[..., d_complex:] + on_im[..., :d_complex]
        return Polar.of(re, im)


def _channels_last(images: Tensor) -> Tensor:
    # the convolutions then write (B, H, W, C), which is the layout of tokens
    return images.contiguous(memory_format=torch.channels_last)


def _tokens(planes: Tensor) -> Polar:
    """(B, 2D, H, W) to tokens (B, H * W, D)."""
    return Polar.from_features(planes.permute(0, 2, 3, 1).flatten(1, 2))


EMBEDDINGS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "linear": LinearPatches,
    "deep": DeepStem,
}


def make_embedding(name: str, channels: int, d_complex: int, patch_size: int) -> nn.Module:
    """The image embedding called `name`."""
    if name not in EMBEDDINGS:
        raise UnknownNameError("embedding", name, EMBEDDINGS)
    return EMBEDDINGS[name](channels, d_complex, patch_size)
