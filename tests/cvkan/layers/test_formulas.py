"""Every layer equals its formula in NumPy's complex numbers, with padding and without."""

from __future__ import annotations

import formulas
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cvkan.layers.aggregation import make_aggregation
from cvkan.layers.attention import PhaseAttention
from cvkan.layers.centring import add_centred, centred
from cvkan.layers.gated import GatedPolarization
from cvkan.layers.hierarchy import Hierarchy, MultiPath
from cvkan.layers.losses import anchor, coherence, diversity
from cvkan.layers.multihead import FactoredHeads, OffsetHeads
from cvkan.layers.norm import make_norm
from cvkan.layers.polarizing import PolarizingBlock, make_block
from cvkan.layers.pooling import make_pooling
from cvkan.layers.positions import make_positions
from cvkan.polar import Polar

B, N, D, HEADS = 2, 6, 4, 2
MASK = torch.arange(N) < torch.tensor([[N], [4]])
MASKS = pytest.mark.parametrize("mask", [None, MASK], ids=["all", "padded"])


def tokens(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(B, N, D, dtype=torch.complex128, generator=generator)


def shaken(layer: nn.Module) -> nn.Module:
    """Weights away from where they start, so that every term of a formula counts."""
    torch.manual_seed(0)
    layer = layer.double()
    for values in layer.parameters():
        nn.init.normal_(values, std=0.4)
    return layer


def samples(z: Tensor, mask: Tensor | None) -> list[np.ndarray]:
    """Each sample's real tokens."""
    real = np.ones((B, N), dtype=bool) if mask is None else mask.numpy()
    return [values[own] for values, own in zip(z.numpy(), real, strict=True)]


def same(ours: Polar, expected: list[np.ndarray], mask: Tensor | None) -> None:
    """Token by token, where tokens are real; one context stands for all."""
    values = ours.complex().detach().expand(B, N, -1)
    for found, wanted in zip(samples(values, mask), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("per_dim", [True, False], ids=["dense", "one_dimensional"])
@pytest.mark.parametrize("interaction", ["broadcast", "pointwise", "interference"])
def test_blocks(interaction, per_dim):
    block = shaken(make_block(interaction, D, hidden=5, per_dim=per_dim, mag_scale=0.3))
    z, a = tokens(), tokens(1)[:, :1]
    formula = formulas.interference if interaction == "interference" else formulas.polarizing
    expected = [
        np.array([formula(block, own, context[0]) for own in sample])
        for sample, context in zip(z.numpy(), a.numpy(), strict=True)
    ]
    same(block(Polar.from_complex(z), Polar.from_complex(a)), expected, None)


def test_gated_blocks():
    block, z = shaken(GatedPolarization(D, hidden=5, dropout=0.0)), tokens()
    expected = [np.array([formulas.gated(block, a, a) for a in sample]) for sample in z.numpy()]
    same(block(Polar.from_complex(z), Polar.from_complex(z)), expected, None)


@MASKS
@pytest.mark.parametrize("name", ["mean", "magnitude_weighted", "causal", "attention"])
def test_aggregations(name, mask):
    aggregation, z = shaken(make_aggregation(name, D)), tokens()
    by_name = {
        "mean": formulas.mean,
        "magnitude_weighted": formulas.magnitude_weighted,
        "causal": formulas.causal,
        "attention": lambda sample: formulas.agreement(aggregation, sample),
    }
    expected = [by_name[name](sample) for sample in samples(z, mask)]
    same(aggregation(Polar.from_complex(z), mask), expected, mask)


@pytest.mark.parametrize("window", [2, 3])
@pytest.mark.parametrize("grid", [None, (2, 3)], ids=["chain", "grid"])
def test_local_windows(grid, window):
    aggregation, z = make_aggregation("local_window", D, window=window, grid=grid), tokens()
    expected = [formulas.local_window(sample, window, grid) for sample in z.numpy()]
    same(aggregation(Polar.from_complex(z)), expected, None)


@pytest.mark.parametrize("grid", [None, (2, 3)], ids=["chain", "grid"])
def test_neighbourhoods(grid):
    aggregation, z = make_aggregation("graph_neighborhood", D, grid=grid), tokens()
    expected = [formulas.neighbours(sample, grid or (1, N)) for sample in z.numpy()]
    same(aggregation(Polar.from_complex(z)), expected, None)


@MASKS
@pytest.mark.parametrize("is_causal", [False, True], ids=["all", "causal"])
def test_phase_attention(is_causal, mask):
    layer, z = shaken(PhaseAttention(D, n_heads=HEADS, causal=is_causal, dropout=0.0)), tokens()
    expected = [formulas.attention(layer, sample) for sample in samples(z, mask)]
    same(layer(Polar.from_complex(z), mask), expected, mask)


@MASKS
@pytest.mark.parametrize("interaction", ["broadcast", "pointwise"])
@pytest.mark.parametrize("kind", [OffsetHeads, FactoredHeads])
def test_heads(kind, interaction, mask):
    block = PolarizingBlock(D // HEADS, hidden=5, interaction=interaction, mag_scale=0.3)
    layer = shaken(kind(make_aggregation("mean", D // HEADS), block, d_complex=D, n_heads=HEADS))
    formula = formulas.offset_heads if kind is OffsetHeads else formulas.factored_heads
    expected = [formula(layer, sample) for sample in samples(tokens(), mask)]
    same(layer(Polar.from_complex(tokens()), mask), expected, mask)


def levels(**options: object) -> Hierarchy:
    def block() -> PolarizingBlock:
        return PolarizingBlock(D, hidden=5, interaction="pointwise", mag_scale=0.3)

    made = Hierarchy(block, make_aggregation("mean", D), n_levels=3, **options)
    return shaken(made)


@MASKS
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sharing": "shared"},
        {"sharing": "hybrid", "hybrid_levels": 1},
        {"top_down": "mirror"},
        {"top_down": "learned"},
        {"sharing": "per_direction", "top_down": "learned"},
        {"phase_shifting": True},
    ],
    ids=str,
)
def test_hierarchies(options, mask):
    layer, z = levels(**options), tokens()
    real = np.ones((B, N), dtype=bool) if mask is None else mask.numpy()
    whole = [
        formulas.hierarchy(layer, sample, own) for sample, own in zip(z.numpy(), real, strict=True)
    ]
    expected = [update[own] for update, own in zip(whole, real, strict=True)]
    same(layer(Polar.from_complex(z), mask), expected, mask)


@pytest.mark.parametrize("combination", ["mean", "learned"])
def test_several_paths(combination):
    layer = MultiPath(
        [levels(), levels(top_down="mirror")],
        n_paths=2,
        combination=combination,
        make_block=lambda: nn.Identity(),
        aggregation=make_aggregation("mean", D),
    ).double()
    weights = np.array([0.5, 0.5])
    if combination == "learned":
        layer.weights.data = torch.tensor([0.3, -1.0]).double()
        weights = np.exp([0.3, -1.0]) / np.exp([0.3, -1.0]).sum()
    expected = [
        sum(
            weight * formulas.hierarchy(path, sample, np.ones(N, dtype=bool), shift)
            for shift, (weight, path) in enumerate(zip(weights, layer.hierarchies, strict=True))
        )
        for sample in tokens().numpy()
    ]
    same(layer(Polar.from_complex(tokens())), expected, None)


@pytest.mark.parametrize("name", ["layer", "rms"])
def test_norms_of_single_tokens(name):
    norm, z = shaken(make_norm(name, D)), tokens()
    formula = {"layer": formulas.layer_norm, "rms": formulas.rms_norm}[name]
    same(norm(Polar.from_complex(z)), [formula(norm, sample) for sample in z.numpy()], None)


@MASKS
def test_batch_norm(mask):
    norm, z = shaken(make_norm("batch", D)).train(), tokens()
    apart = samples(z, mask)
    whitened = formulas.batch_norm(norm, np.concatenate(apart))
    expected = np.split(whitened, [len(apart[0])])
    same(norm(Polar.from_complex(z), mask), expected, mask)


@MASKS
@pytest.mark.parametrize("is_causal", [False, True], ids=["all", "causal"])
def test_centring(is_causal, mask):
    z, update = tokens(), tokens(1)
    formula = formulas.centred_causally if is_causal else formulas.centred
    expected = [formula(sample) for sample in samples(z, mask)]
    same(centred(Polar.from_complex(z), mask, causal=is_causal), expected, mask)
    moved = add_centred(Polar.from_complex(z), Polar.from_complex(update), mask, causal=is_causal)
    same(moved, [formula(sample) for sample in samples(z + update, mask)], mask)


def test_positions():
    z = tokens()
    along = make_positions("fixed", D, n_tokens=N).double()(Polar.from_complex(z))
    same(along, [formulas.turned(sample) for sample in z.numpy()], None)
    on_grid = make_positions("fixed", D, n_tokens=N, grid=(2, 3)).double()(Polar.from_complex(z))
    same(on_grid, [formulas.turned_on_grid(sample, 3) for sample in z.numpy()], None)


def test_learned_positions():
    z, layer = tokens(), shaken(make_positions("learned", D, n_tokens=N))
    own = np.exp(formulas.array(layer.log_magnitude) + 1j * formulas.array(layer.turn))
    same(layer(Polar.from_complex(z)), [formulas.turned(s) * own for s in z.numpy()], None)


@MASKS
@pytest.mark.parametrize("name", ["mean", "max", "attention", "last", "covariance", "spectral"])
def test_pooling(name, mask):
    pool, z = shaken(make_pooling(name, D)), tokens()
    formula = {
        "mean": lambda sample: sample.mean(0),
        "max": formulas.max_pool,
        "attention": lambda sample: formulas.attention_pool(pool, sample),
        "last": lambda sample: sample[-1],
        "covariance": formulas.covariance_pool,
        "spectral": formulas.spectral_pool,
    }[name]
    ours = pool(Polar.from_complex(z), mask).complex().detach().numpy()
    np.testing.assert_allclose(ours, [formula(sample) for sample in samples(z, mask)], rtol=1e-6)


@MASKS
def test_losses(mask):
    z, apart = Polar.from_complex(tokens()), samples(tokens(), mask)
    together = np.concatenate(apart)
    assert diversity(z, mask).item() == pytest.approx(formulas.diversity(together), rel=1e-6)
    assert anchor(z, mask, n_anchors=3).item() == pytest.approx(formulas.anchor(together, 3))
    for weighted in (False, True):
        expected = np.mean([formulas.coherence(sample, weighted=weighted) for sample in apart])
        assert coherence(z, mask, weighted=weighted).item() == pytest.approx(expected, rel=1e-6)
