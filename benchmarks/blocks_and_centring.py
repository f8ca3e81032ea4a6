"""Polarizing blocks and centring alone: this implementation against plain complex arithmetic.

Six broadcast blocks with magnitude-weighted aggregation, each followed by centring, and one
centring by itself; forward and backward of a batch of 64 samples of 64 tokens of 512 complex
dimensions. The peer computes with torch's complex tensors, by abs, log, exp and angle. Both run in
this process, in turn. Prints a Markdown table; asserts nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from training_step import (
    BY_THE_BOOK,
    EPSILON,
    ComplexBlock,
    kept_megabytes,
    lowered,
    medians,
    parser,
    prepare,
    start,
    timed,
)

from cvkan.config import ImageConfig
from cvkan.layers.centring import centred
from cvkan.models.backbone import Backbone
from cvkan.polar import Polar

BATCH, TOKENS, DIMENSIONS, LAYERS = 64, 64, 512, 6


class Centring(nn.Module):
    """Ours, as a module."""

    def forward(self, z: Polar) -> Polar:
        return centred(z, causal=False)


class ComplexCentring(nn.Module):
    """By the book."""

    def forward(self, z: Tensor) -> Tensor:
        log = torch.log(z.abs() + EPSILON)
        return torch.exp(log - log.mean(1, keepdim=True)) * torch.exp(1j * z.angle())


def main() -> None:
    options = start(parser(__doc__, repeats=5))
    config = ImageConfig(d_complex=DIMENSIONS, n_layers=LAYERS, **BY_THE_BOOK)
    cases = {
        f"{LAYERS} blocks with centring": (
            Backbone(config, n_tokens=TOKENS),
            nn.Sequential(*(ComplexBlock(DIMENSIONS) for _ in range(LAYERS))),
        ),
        "one centring": (Centring(), ComplexCentring()),
    }
    values = torch.randn(BATCH, TOKENS, 2, DIMENSIONS, device=options.device)
    print(f"{BATCH} x {TOKENS} x {DIMENSIONS} complex, {options.device}, {options.precision}.\n")
    print("| part | ms | peer ms | faster | kept MB | peer MB | less |")
    print("|---|---:|---:|---:|---:|---:|---:|")

    def passing(model: nn.Module, *, ours: bool) -> Callable[[], None]:
        """Forward, and backward from a fixed gradient: the layers' own work and no loss."""
        leaf = values.clone() if ours else Polar(values).complex()
        leaf.requires_grad_()
        gradient = torch.ones_like(leaf)

        def step() -> None:
            leaf.grad = None
            model.zero_grad(set_to_none=True)
            if ours:
                with lowered(model, options):
                    model(Polar(leaf)).pair.backward(gradient)
            else:
                model(leaf).backward(gradient)

        return step

    for name, both in cases.items():
        both_steps = [
            passing(model.to(options.device), ours=ours)
            for model, ours in zip(both, (True, False), strict=True)
        ]
        kept = [kept_megabytes(m, step) for m, step in zip(both, both_steps, strict=True)]
        prepare(both[0], options)
        steps = [timed(step, options.device) for step in both_steps]
        ours, theirs = medians(steps, options.repeats)
        print(
            f"| {name} | {1e3 * ours:.1f} | {1e3 * theirs:.1f} | {theirs / ours:.1f}x "
            f"| {kept[0]:.0f} | {kept[1]:.0f} | {kept[1] / kept[0]:.1f}x |",
            flush=True,
        )


if __name__ == "__main__":
    main()
