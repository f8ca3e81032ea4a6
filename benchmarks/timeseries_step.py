"""Training step of the forecaster: plain complex arithmetic, the same in polar form, and patches.

The peer computes the published formulas the straightforward way, on torch complex tensors: one
token an hour, a causal running mean, perceptrons on every token's context, centring with
logarithms, exponentials and angles, a head on the last token. `same` is that model here, but for
centring, which is causal here and over all tokens in the peer (less work). `best` is the design
that is also more accurate: patches of hours, each channel by itself, a linear path.

All run in this process, on one thread, in an order that turns about. Times are seconds of the
processor, so that other work on the machine matters less. Prints a Markdown table; asserts nothing.
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
from cvkan.config import TimeSeriesConfig
from cvkan.config.presets import preset
from cvkan.info import DataInfo
from cvkan.models import build

LOOKBACK, HORIZON, CHANNELS = 96, 96, 7
INFO = DataInfo("etth1", "timeseries", (LOOKBACK, CHANNELS), horizon=HORIZON)
BATCH = 32
EPSILON = 1e-6
DROPOUT = 0.1
HOURLY = {"patch": 1, "channels": "together", "linear_path": False, "dropout": DROPOUT}


def perceptron(n_inputs: int, n_outputs: int, hidden: int = 128) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise((n_inputs, hidden, hidden, n_outputs)):
        layers += [nn.Linear(n_in, n_out), nn.GELU(), nn.Dropout(DROPOUT)]
    return nn.Sequential(*layers[:-2])


class ComplexBlock(nn.Module):
    """Polarizing block and centring by the book: abs, log, angle, exp of every token value."""

    def __init__(self, d: int, *, pointwise: bool) -> None:
        super().__init__()
        seen = 2 * d if pointwise else d
        self.psi_mag, self.psi_phase = perceptron(seen, d), perceptron(2 * seen, 2 * d)
        self.scale = nn.Parameter(torch.tensor(0.1))
        self.pointwise = pointwise

    def forward(self, z: Tensor) -> Tensor:
        counts = torch.arange(1, z.shape[1] + 1).view(1, -1, 1)
        context = torch.cumsum(z, dim=1) / counts
        log, unit = self.polar(context)
        own = self.polar(z) if self.pointwise else None
        size = self.psi_mag(torch.cat((own[0], log), -1) if own else log)
        turn = self.psi_phase((torch.cat((own[1], unit), -1) if own else unit).flatten(-2))
        direction = F.normalize(unit + turn.unflatten(-1, (-1, 2)), dim=-1)
        update = torch.exp(5 * torch.tanh(size)) * torch.view_as_complex(direction.contiguous())
        z = z + self.scale * update
        log = torch.log(z.abs() + EPSILON)
        return torch.exp(log - log.mean(1, keepdim=True)) * torch.exp(1j * z.angle())

    @staticmethod
    def polar(z: Tensor) -> tuple[Tensor, Tensor]:
        """Log-magnitudes (..., D) and unit vectors (..., D, 2)."""
        size = z.abs()
        return torch.log(size + EPSILON), torch.view_as_real(z) / (size + EPSILON).unsqueeze(-1)


class ComplexModel(nn.Module):
    """The peer."""

    def __init__(self, d: int, n_layers: int, *, pointwise: bool) -> None:
        super().__init__()
        self.re, self.im = nn.Linear(CHANNELS, d), nn.Linear(CHANNELS, d)
        blocks = (ComplexBlock(d, pointwise=pointwise) for _ in range(n_layers))
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(
            nn.Linear(2 * d, 64), nn.GELU(), nn.Dropout(DROPOUT), nn.Linear(64, HORIZON * CHANNELS)
        )
        speeds = 10_000.0 ** (-torch.arange(d) / d)
        angles = torch.outer(torch.arange(float(LOOKBACK)), speeds)
        self.register_buffer("turn", torch.polar(torch.ones_like(angles), angles))

    def forward(self, x: Tensor) -> Tensor:
        last = x[:, -1:]
        z = torch.complex(self.re(x - last), self.im(x - last)) * self.turn
        z = self.blocks(z)[:, -1]
        return last + self.head(torch.cat((z.real, z.imag), -1)).view(-1, HORIZON, CHANNELS)


def stepper(model: nn.Module) -> Callable[[], float]:
    """One training step on fixed random data, returning its seconds."""
    optimizer = torch.optim.AdamW(model.parameters())
    x, y = torch.randn(BATCH, LOOKBACK, CHANNELS), torch.randn(BATCH, HORIZON, CHANNELS)

    def step() -> float:
        start = time.process_time()
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        optimizer.step()
        return time.process_time() - start

    return step


def medians(steps: list[Callable[[], float]], repeats: int) -> list[float]:
    """Median seconds of each; whoever went first goes last in the next round."""
    for step in steps:
        step()
    times: list[list[float]] = [[] for _ in steps]
    for round_number in range(repeats):
        order = range(len(steps)) if round_number % 2 == 0 else reversed(range(len(steps)))
        for number in order:
            times[number].append(steps[number]())
    return [statistics.median(values) for values in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--compile", action="store_true", help="compile all but the peer")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"Forecaster, {LOOKBACK} to {HORIZON} hours, batch {BATCH}, one thread, float32.\n")
    print("| d, layers | interaction | model | parameters | ms/step | speed-up |")
    print("|---|---|---|---:|---:|---:|")
    best_config = preset("etth1")
    best = build(best_config, INFO)
    for d, n_layers, interaction in ((256, 4, "broadcast"), (256, 4, "pointwise")):
        config = TimeSeriesConfig(d_complex=d, n_layers=n_layers, interaction=interaction, **HOURLY)
        models = {
            "complex peer": ComplexModel(d, n_layers, pointwise=interaction == "pointwise"),
            "same": build(config, INFO),
            "best (preset etth1)": best,
        }
        if options.compile:
            for name, model in models.items():
                if name != "complex peer":
                    model.compile()
        times = medians([stepper(model) for model in models.values()], options.repeats)
        for (name, model), seconds in zip(models.items(), times, strict=True):
            made = best_config if model is best else config  # the best has a size of its own
            print(
                f"| {made.d_complex}, {made.n_layers} | {made.interaction} | {name} "
                f"| {count_parameters(model):,} "
                f"| {1e3 * seconds:.0f} | {times[0] / seconds:.1f}x |",
                flush=True,
            )


if __name__ == "__main__":
    main()
