"""How time and memory grow with the number of tokens, from 64 to 16,384.

Four layers of 128 complex dimensions, forward and backward of a batch of 4: our layers, broadcast
blocks by torch's complex tensors, and a pre-norm transformer of 8 heads with
scaled_dot_product_attention (up to 4,096 tokens; its time grows with the square). All run in this
process, in turn. The last rows are exponents of growth over the last step: 1 is linear. Prints
Markdown tables; asserts nothing.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn
from training_step import (
    ComplexBlock,
    kept_megabytes,
    lowered,
    medians,
    parser,
    prepare,
    start,
    timed,
)

from cvkan.baselines.vit import TransformerBlock
from cvkan.config import ModelConfig
from cvkan.models.backbone import Backbone
from cvkan.polar import Polar

BATCH, DIMENSIONS, LAYERS = 4, 128, 4
LENGTHS = (64, 256, 1024, 4096, 16384)
STACKS = ("complex peer", "broadcast", "pointwise", "default", "hierarchical", "transformer")
LONGEST = {"transformer": 4096}  # tokens


def stacks(n_tokens: int, wanted: Collection[str] | None) -> dict[str, nn.Module]:
    def ours(**options: object) -> nn.Module:
        config = ModelConfig(d_complex=DIMENSIONS, n_layers=LAYERS, **options)
        return Backbone(config, n_tokens=n_tokens)

    made = {
        "complex peer": nn.Sequential(*(ComplexBlock(DIMENSIONS) for _ in range(LAYERS))),
        "broadcast": ours(interaction="broadcast"),
        "pointwise": ours(interaction="pointwise"),
        "default": ours(),
        "hierarchical": Backbone(
            ModelConfig(
                d_complex=DIMENSIONS, n_layers=1, layer="hierarchical", interaction="broadcast"
            ),
            n_tokens=n_tokens,
        ),
        "transformer": nn.Sequential(
            *(TransformerBlock(DIMENSIONS, 4 * DIMENSIONS, 0.0, heads=8) for _ in range(LAYERS))
        ),
    }
    return {
        name: made[name]
        for name in made
        if n_tokens <= LONGEST.get(name, n_tokens) and (not wanted or name in wanted)
    }


def parse() -> argparse.Namespace:
    """The command line's wishes."""
    reader = parser(__doc__, repeats=3)
    reader.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="tokens")
    reader.add_argument("--stacks", nargs="+", choices=STACKS, help="only these")
    return start(reader)


def main() -> None:
    options = parse()

    def passing(name: str, model: nn.Module, n_tokens: int) -> Callable[[], Tensor]:
        """A forward pass down to one number."""
        pair = torch.randn(BATCH, n_tokens, 2, DIMENSIONS, device=options.device).requires_grad_()
        real = pair.detach()[:, :, 0].clone().requires_grad_()

        def forward() -> Tensor:
            with lowered(model, options):
                if name == "transformer":
                    return model(real).square().sum()
                if name == "complex peer":
                    return torch.view_as_real(model(Polar(pair).complex())).square().sum()
                return model(Polar(pair)).pair.square().sum()

        return forward

    times: dict[int, dict[str, float]] = {}
    memory: dict[int, dict[str, float]] = {}
    for n_tokens in options.lengths:
        made = stacks(n_tokens, options.stacks)
        forwards = {
            name: passing(name, model.to(options.device), n_tokens) for name, model in made.items()
        }
        memory[n_tokens] = {name: kept_megabytes(made[name], forwards[name]) for name in made}
        for model in made.values():
            prepare(model, options)
        steps = [timed(lambda f=f: f().backward(), options.device) for f in forwards.values()]
        seconds = medians(steps, options.repeats)
        times[n_tokens] = {name: 1e3 * taken for name, taken in zip(made, seconds, strict=True)}
    print(
        f"d {DIMENSIONS}, {LAYERS} layers (hierarchical: 1, of as many levels as tokens need), "
        f"batch {BATCH}, {options.device}, {options.precision}."
    )
    show("Forward and backward, ms", times)
    show("Kept for the backward, MB", memory)


def show(title: str, values: dict[int, dict[str, float]]) -> None:
    """A table with a row a length, and how the columns grow at their end."""
    names = list(next(iter(values.values())))
    print(f"\n{title}\n\n| tokens | {' | '.join(names)} |\n|---:|{'---:|' * len(names)}")
    for n_tokens, row in values.items():
        cells = (f"{row[name]:,.1f}" if name in row else "" for name in names)
        print(f"| {n_tokens:,} | {' | '.join(cells)} |")
    if len(values) > 1:
        print(f"| exponent | {' | '.join(f'{exponent(name, values):.2f}' for name in names)} |")


def exponent(name: str, values: dict[int, dict[str, float]]) -> float:
    """Of growth over the last step that the column has."""
    (before, small), (after, large) = [
        (n_tokens, row[name]) for n_tokens, row in values.items() if name in row
    ][-2:]
    return math.log(large / small) / math.log(after / before)


if __name__ == "__main__":
    main()
