"""Training step of the image model: this implementation against plain complex arithmetic.

The peer computes the same stack (two convolutional stems, rotations, blocks of magnitude-weighted
aggregation and broadcast perceptrons, centring with logarithms and angles, attention pooling of
each part, head) the straightforward way, on torch complex tensors. Both run in this process, in
turn, on one thread unless --threads says otherwise. Prints a Markdown table; asserts nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.baselines.matching import count_parameters
from cvkan.config import ImageConfig
from cvkan.info import DataInfo
from cvkan.models import build

INFO = DataInfo("cifar10", "image", (3, 32, 32), n_classes=10)
SIZES = ((512, 6), (256, 6), (128, 4))  # d_complex, n_layers
BATCH = 64
EPSILON = 1e-6


def stem(d: int) -> nn.Sequential:
    """One of the peer's two: convolution, norm and ReLU twice."""
    layers: list[nn.Module] = []
    for n_in, n_out in ((3, d // 2), (d // 2, d)):
        layers += [nn.Conv2d(n_in, n_out, 3, 2, 1), nn.BatchNorm2d(n_out), nn.ReLU()]
    return nn.Sequential(*layers)


def perceptron(n_inputs: int, n_outputs: int, hidden: int = 128) -> nn.Sequential:
    widths = (n_inputs, hidden, hidden, n_outputs)
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.GELU()]
    return nn.Sequential(*layers[:-1])


class ComplexBlock(nn.Module):
    """Polarizing block and centring by the book: abs, log, angle, exp of every token value."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.psi_mag, self.psi_phase = perceptron(d, d), perceptron(2 * d, 2 * d)
        self.scale = nn.Parameter(torch.tensor(0.1))

    def forward(self, z: Tensor) -> Tensor:
        loud = z.abs().mean(-1, keepdim=True)
        context = (z * (loud / (loud.sum(1, keepdim=True) + EPSILON))).sum(1, keepdim=True)
        size = torch.exp(5 * torch.tanh(self.psi_mag(torch.log(context.abs() + EPSILON))))
        unit = torch.view_as_real(context) / (context.abs() + EPSILON).unsqueeze(-1)
        turn = self.psi_phase(unit.flatten(-2)).unflatten(-1, (-1, 2))
        direction = torch.view_as_complex(F.normalize(unit + turn, dim=-1))
        z = z + self.scale * size * direction
        log = torch.log(z.abs() + EPSILON)
        return torch.exp(log - log.mean(1, keepdim=True)) * torch.exp(1j * z.angle())


class ComplexModel(nn.Module):
    """The peer."""

    def __init__(self, d: int, n_layers: int) -> None:
        super().__init__()
        self.re, self.im = stem(d), stem(d)
        self.blocks = nn.Sequential(*(ComplexBlock(d) for _ in range(n_layers)))
        self.score = nn.Sequential(
            nn.Linear(d, d // 2), nn.Tanh(), nn.Linear(d // 2, 1, bias=False)
        )
        self.head = nn.Sequential(nn.Linear(d, 64), nn.GELU(), nn.Linear(64, 10))
        self.register_buffer("turn", torch.polar(torch.ones(64, d), torch.rand(64, d)))

    def forward(self, x: Tensor) -> Tensor:
        z = torch.complex(self.re(x), self.im(x)).flatten(2).transpose(1, 2) * self.turn
        z = self.blocks(z)
        re, im = ((self.score(part).softmax(1) * part).sum(1) for part in (z.real, z.imag))
        return self.head(torch.complex(re, im).abs())


def stepper(model: nn.Module, device: str) -> Callable[[], float]:
    """One training step on fixed random data, returning its seconds."""
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters())
    x, y = torch.randn(BATCH, 3, 32, 32, device=device), torch.arange(BATCH, device=device) % 10

    def step() -> float:
        start = time.perf_counter()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        if device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    return step


def medians(steps: tuple[Callable[[], float], ...], repeats: int) -> list[float]:
    """Median seconds of each; they take turns, so that a busy machine is busy for all."""
    for step in steps:
        step()
    rounds = [[step() for step in steps] for _ in range(repeats)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    print(f"Image model, attention pooling, deep stem, batch {BATCH}, {options.device}, float32.\n")
    print("| model | parameters | ms/step | samples/s | complex peer ms/step | speed-up |")
    print("|---|---:|---:|---:|---:|---:|")
    for d, n_layers in SIZES:
        model = build(ImageConfig(d_complex=d, n_layers=n_layers), INFO)
        peer = ComplexModel(d, n_layers)
        steps = (stepper(model, options.device), stepper(peer, options.device))
        ours, theirs = medians(steps, options.repeats)
        print(
            f"| d {d}, {n_layers} layers | {count_parameters(model):,} | {1e3 * ours:.0f} "
            f"| {BATCH / ours:.0f} | {1e3 * theirs:.0f} | {theirs / ours:.1f}x |",
            flush=True,
        )


if __name__ == "__main__":
    main()
