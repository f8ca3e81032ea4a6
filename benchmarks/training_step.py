"""Training step of the image model: this implementation against plain complex arithmetic.

The peer computes two convolutional stems, rotations, blocks of magnitude-weighted aggregation and
broadcast perceptrons, centring with logarithms and angles, attention pooling of each part and a
head the straightforward way, on torch complex tensors. Beside it stand the same layers here, with
the peer's own stems and with ours, the default model, and vision transformers with as many
parameters as the peer and as the default. All run in this process, in turn, on one thread unless
--threads says otherwise.

Memory is what a step keeps for its backward, weights not counted. The peer runs in float32 whatever
the precision, as complex kernels have no other. Prints a Markdown table; asserts nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.baselines.matching import count_parameters
from cvkan.config import ImageConfig
from cvkan.info import DataInfo
from cvkan.models import build
from cvkan.models.sizing import sized
from cvkan.polar import Polar

INFO = DataInfo("cifar10", "image", (3, 32, 32), n_classes=10)
SIZES = ((512, 6), (256, 6), (128, 4))  # d_complex, n_layers
# the layers that the peer computes
BY_THE_BOOK = {
    "interaction": "broadcast",
    "aggregation": "magnitude_weighted",
    "center_magnitudes": True,
}
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


class TwoStems(nn.Module):
    """The peer's stems, for our layers: (B, 3, H, W) to tokens."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.re, self.im = stem(d), stem(d)

    def forward(self, images: Tensor) -> Polar:
        re, im = (part(images).flatten(2).transpose(1, 2) for part in (self.re, self.im))
        return Polar.of(re, im)


def models(d: int, n_layers: int) -> dict[str, nn.Module]:
    """The peer first."""

    def ours(**options: object) -> nn.Module:
        return build(ImageConfig(**{"d_complex": d, "n_layers": n_layers} | options), INFO)

    peer = ComplexModel(d, n_layers)
    as_large = sized(ImageConfig(n_layers=n_layers), INFO, count_parameters(peer)).d_complex
    same_stem = ours(**BY_THE_BOOK)
    same_stem.embedding = TwoStems(d)
    return {
        "complex peer": peer,
        "the same layers, the same stems": same_stem,
        "the same layers": ours(**BY_THE_BOOK),
        "default": ours(),
        "vit of the peer's size": ours(model="vit", match_params_of="cvkan", d_complex=as_large),
        "vit of the default's size": ours(model="vit", match_params_of="cvkan"),
    }


def stepper(model: nn.Module, options: argparse.Namespace) -> Callable[[], float]:
    """One training step on fixed random data, returning its seconds."""
    optimizer = torch.optim.AdamW(model.parameters())
    loss = loss_on_random_images(model, options)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return timed(step, options.device)


def loss_on_random_images(model: nn.Module, options: argparse.Namespace) -> Callable[[], Tensor]:
    """The model's loss on one batch."""
    prepare(model, options)
    device = torch.device(options.device)
    x, y = torch.randn(BATCH, 3, 32, 32, device=device), torch.arange(BATCH, device=device) % 10

    def loss() -> Tensor:
        with lowered(model, options):
            return F.cross_entropy(model(x), y)

    return loss


def prepare(model: nn.Module, options: argparse.Namespace) -> nn.Module:
    """Onto the device, and compiled where asked; the peers stay as they are."""
    model.to(options.device)
    if options.compile and not is_peer(model):
        model.compile()
    return model


def lowered(model: nn.Module, options: argparse.Namespace) -> AbstractContextManager[object]:
    """The precision asked for, but float32 for the complex peer."""
    if options.precision == "float32" or is_peer(model):
        return nullcontext()
    return torch.autocast(torch.device(options.device).type, torch.bfloat16)


def is_peer(model: nn.Module) -> bool:
    return any(isinstance(part, ComplexBlock) for part in model.modules())


def timed(work: Callable[[], object], device: str) -> Callable[[], float]:
    """The work, returning its seconds; waits for an accelerator before and after."""

    def run() -> float:
        if device != "cpu":
            torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    return run


def medians(steps: Sequence[Callable[[], float]], repeats: int) -> list[float]:
    """Median seconds of each; they take turns, so that a busy machine is busy for all."""
    for step in steps:
        step()
    rounds = [[step() for step in steps] for _ in range(repeats)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def kept_megabytes(model: nn.Module, forward: Callable[[], object]) -> float:
    """What a forward pass keeps for the backward: every storage once, parameters not counted."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = forward()  # held until counted, so that no storage is used twice
    total = sum(kept.values()) / 1e6
    del result
    return total


def parser(description: str, *, repeats: int) -> argparse.ArgumentParser:
    """The options that these benchmarks have in common."""
    reader = argparse.ArgumentParser(description=description.splitlines()[0])
    reader.add_argument("--repeats", type=int, default=repeats)
    reader.add_argument("--threads", type=int, default=1)
    reader.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    reader.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    reader.add_argument("--compile", action="store_true", help="compile all but the peer")
    return reader


def start(reader: argparse.ArgumentParser) -> argparse.Namespace:
    """The command line's options, with torch made ready for them."""
    options = reader.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    return options


def main() -> None:
    options = start(parser(__doc__, repeats=5))
    print(f"Image model, batch {BATCH}, {options.device}, {options.precision}.\n")
    print("| size | model | parameters | ms/step | samples/s | MB kept | peer's time | its MB |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for d, n_layers in SIZES:
        made = models(d, n_layers)
        # before compilation, which keeps what it likes
        plain = argparse.Namespace(**{**vars(options), "compile": False})
        kept = [kept_megabytes(m, loss_on_random_images(m, plain)) for m in made.values()]
        seconds = medians([stepper(m, options) for m in made.values()], options.repeats)
        for (name, model), megabytes, taken in zip(made.items(), kept, seconds, strict=True):
            print(
                f"| d {d}, {n_layers} layers | {name} | {count_parameters(model):,} "
                f"| {1e3 * taken:.0f} | {BATCH / taken:.0f} | {megabytes:.0f} "
                f"| {seconds[0] / taken:.1f}x | {kept[0] / megabytes:.1f}x |",
                flush=True,
            )


if __name__ == "__main__":
    main()
