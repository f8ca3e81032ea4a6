"""Hierarchical polarization against loops over groups; groups never hear of each other."""

from __future__ import annotations

import pytest
import torch

from cvkan.layers.aggregation import make_aggregation
from cvkan.layers.hierarchy import Hierarchy, MultiPath, count_levels, z_order
from cvkan.layers.polarizing import PolarizingBlock
from cvkan.polar import Polar

B, N, D = 2, 7, 3
MASK = torch.arange(N) < torch.tensor([[N], [5]])


def tokens(n: int = N) -> torch.Tensor:
    return torch.randn(B, n, D, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def block(interaction: str = "broadcast") -> PolarizingBlock:
    return PolarizingBlock(D, hidden=4, interaction=interaction, mag_scale=0.3)


def hierarchy(
    levels: int = 3, aggregation: str = "mean", interaction: str = "broadcast", **options: object
) -> Hierarchy:
    torch.manual_seed(0)
    made = Hierarchy(
        lambda: block(interaction), make_aggregation(aggregation, D), n_levels=levels, **options
    ).double()
    for p in made.parameters():
        torch.nn.init.normal_(p, std=0.4)
    return made


def update_of(made, c: torch.Tensor, mask=None, **options: object) -> torch.Tensor:
    return made(Polar.from_complex(c), mask, **options).complex()


def context_of(made: Hierarchy, members: torch.Tensor) -> torch.Tensor:
    """The mean of (g, D), plain or weighted by the mean magnitude of a token."""
    weights = torch.ones(len(members), dtype=torch.float64)
    if type(made.aggregation).__name__ == "MagnitudeWeighted":
        weights = members.abs().mean(-1)
    return (weights[:, None] * members).sum(0) / weights.sum()


def formula(made: Hierarchy, sample: torch.Tensor, blocks: list, shift: int = 0) -> torch.Tensor:
    """Real tokens (n, D) of one sample: every group of every (level, block) by itself."""
    z = sample.clone()
    for level, unit in blocks:
        size = 2 ** (level + 1)
        group_of = torch.tensor([(n + shift) // size for n in range(len(z))])
        place = torch.tensor([(n + shift) % size for n in range(len(z))])
        after = z.clone()
        for group in group_of.unique():
            own = group_of == group
            members = z[own]
            turned = members
            if len(made.angles):
                turned = members * torch.exp(1j * made.angles[level][place[own]])[:, None]
            context = context_of(made, turned)
            after[own] += unit(
                Polar.from_complex(members[None]), Polar.from_complex(context[None, None])
            ).complex()[0]
        z = after
    return z - sample


@pytest.mark.parametrize("aggregation", ["mean", "magnitude_weighted"])
@pytest.mark.parametrize("interaction", ["broadcast", "pointwise"])
@pytest.mark.parametrize("shift", [0, 1, 3, 11])
def test_it_is_the_formula(aggregation, interaction, shift):
    made, c = hierarchy(aggregation=aggregation, interaction=interaction), tokens()
    ours = update_of(made, c, MASK, shift=shift)
    blocks = list(enumerate(made.up.blocks))
    expected = formula(made, c[0], blocks, shift)
    torch.testing.assert_close(ours[0], expected, rtol=1e-5, atol=1e-5)
    expected = formula(made, c[1, :5], blocks, shift)
    torch.testing.assert_close(ours[1, :5], expected, rtol=1e-5, atol=1e-5)


def test_phase_shifts_turn_what_is_aggregated_and_nothing_else():
    made, c = hierarchy(phase_shifting=True, interaction="pointwise"), tokens(8)
    assert [len(angles) for angles in made.angles] == [2, 4, 8]
    expected = formula(made, c[0], list(enumerate(made.up.blocks)))
    torch.testing.assert_close(update_of(made, c)[0], expected)


@pytest.mark.parametrize(
    ("options", "up", "down"),
    [
        ({"sharing": "shared"}, [0, 0, 0], None),
        ({"sharing": "shared", "top_down": "mirror"}, [0, 0, 0], [0, 0, 0]),
        ({"sharing": "per_level"}, [0, 1, 2], None),
        ({"sharing": "per_level", "top_down": "mirror"}, [0, 1, 2], [2, 1, 0]),
        ({"sharing": "per_level", "top_down": "learned"}, [0, 1, 2], [5, 4, 3]),
        ({"sharing": "per_direction", "top_down": "learned"}, [0, 0, 0], [1, 1, 1]),
        ({"sharing": "hybrid", "hybrid_levels": 1}, [0, 1, 1], None),
        ({"sharing": "hybrid", "hybrid_levels": 1, "top_down": "mirror"}, [0, 1, 1], [1, 1, 0]),
        ({"sharing": "hybrid", "hybrid_levels": 1, "top_down": "learned"}, [0, 1, 1], [3, 3, 2]),
        ({"sharing": "hybrid", "hybrid_levels": 9}, [0, 1, 2], None),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_sharing_and_the_way_back(options, up, down):
    """Which block serves which step, and no block that serves none."""
    made, c = hierarchy(**options), tokens(8)
    blocks = [*made.up.blocks, *(made.down.blocks if made.down is not None else [])]
    order = list(zip((0, 1, 2), up, strict=True))
    order += list(zip((2, 1, 0), down or (), strict=bool(down)))
    assert len(blocks) == len({index for _, index in order})
    size = sum(p.numel() for p in block().parameters())
    assert sum(p.numel() for p in made.parameters()) == len(blocks) * size
    expected = formula(made, c[0], [(level, blocks[index]) for level, index in order])
    torch.testing.assert_close(update_of(made, c)[0], expected)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_group_never_hears_of_another(level):
    """Tokens change in one group of the deepest level; all other groups stay equal to the bit."""
    made, c = hierarchy(levels=level + 1), tokens(16)
    size = 2 ** (level + 1)
    changed = c.clone()
    changed[:, size : 2 * size] += 5
    before, after = update_of(made, c), update_of(made, changed)
    others = torch.arange(16) // size != 1
    assert torch.equal(after[:, others], before[:, others])
    assert (after[:, ~others] != before[:, ~others]).all()


def test_levels_that_reach_all_tokens_let_all_tokens_meet():
    made, c = hierarchy(levels=count_levels(N, None)), tokens()
    changed = c.clone()
    changed[:, -1] += 5
    assert (update_of(made, changed) != update_of(made, c)).all()


@pytest.mark.parametrize(
    ("n_tokens", "limit", "levels"),
    [(1, None, 1), (2, None, 1), (3, None, 2), (8, None, 3), (9, None, 4), (64, 2, 2), (4, 9, 2)],
)
def test_only_levels_in_use_are_built(n_tokens, limit, levels):
    assert count_levels(n_tokens, limit) == levels


def test_swapping_the_tokens_of_a_pair_swaps_their_updates():
    made, c = hierarchy(), tokens(8)
    order = torch.tensor([1, 0, 3, 2, 4, 5, 6, 7])
    torch.testing.assert_close(update_of(made, c[:, order]), update_of(made, c)[:, order])


@pytest.mark.parametrize("shift", [0, 1])
def test_padding_of_any_amount_and_kind_does_not_matter(shift):
    made, c = hierarchy(), tokens()
    plain = update_of(made, c, shift=shift)
    for n_more in (1, 9, 20):
        longer = torch.cat((c, torch.full((B, n_more, D), 1e6 + 1e6j)), dim=1)
        mask = (torch.arange(N + n_more) < N).expand(B, -1)
        padded = update_of(made, longer, mask, shift=shift)[:, :N]
        torch.testing.assert_close(padded, plain, rtol=1e-12, atol=1e-12)


def test_groups_on_a_grid_are_rectangles():
    """After two levels on 4 x 4, a changed token has reached its 2 x 2 square alone."""
    assert z_order(4, 4)[:8].tolist() == [0, 1, 4, 5, 2, 3, 6, 7]
    assert sorted(z_order(3, 5).tolist()) == list(range(15))
    assert z_order(2, 2, n_grids=2).tolist() == list(range(8))
    assert sorted(z_order(3, 5, n_grids=2)[15:].tolist()) == list(range(15, 30))
    made, c = hierarchy(levels=2, grid=(4, 4)), tokens(16)
    changed = c.clone()
    changed[:, 5] += 3  # row 1, column 1
    moved = (update_of(made, changed) != update_of(made, c)).all(-1)[0].reshape(4, 4)
    expected = torch.zeros(4, 4, dtype=torch.bool)
    expected[:2, :2] = True
    assert torch.equal(moved, expected)
    mask = torch.ones(B, 16, dtype=torch.bool)
    torch.testing.assert_close(update_of(made, c, mask), update_of(made, c))


@pytest.mark.parametrize("combination", ["mean", "learned", "kan"])
@pytest.mark.parametrize("shared", [False, True])
def test_paths_are_shifted_hierarchies_combined(combination, shared):
    hierarchies = [hierarchy(levels=2) for _ in range(1 if shared else 3)]
    for i, made in enumerate(hierarchies):
        torch.nn.init.constant_(made.up.blocks[0].mag_scale, 0.1 + i)
    paths = MultiPath(
        hierarchies,
        n_paths=3,
        combination=combination,
        make_block=lambda: block().double(),
        aggregation=make_aggregation("mean", D),
    ).double()
    c = tokens()
    parts = [update_of(hierarchies[0 if shared else i], c, shift=i) for i in range(3)]
    expected = sum(parts) / 3
    if combination == "learned":
        torch.testing.assert_close(update_of(paths, c), expected)  # equal weights at the start
        paths.weights.data = torch.tensor([0.3, -1.0, 0.5], dtype=torch.float64)
        weights = paths.weights.exp() / paths.weights.exp().sum()
        expected = sum(w * part for w, part in zip(weights, parts, strict=True))
    if combination == "kan":
        joined = Polar.from_complex(c + expected)
        context = Polar.from_complex((c + expected).mean(1, keepdim=True))
        expected = expected + paths.block(joined, context).complex()
    torch.testing.assert_close(update_of(paths, c), expected)


def test_a_border_that_parts_neighbours_on_one_path_unites_them_on_another():
    made, c = hierarchy(levels=1), tokens(8)
    changed = c.clone()
    changed[:, 2] += 5
    moved = [
        (update_of(made, changed, shift=i) != update_of(made, c, shift=i)).all(-1)[0].nonzero()
        for i in (0, 1)
    ]
    assert [places.flatten().tolist() for places in moved] == [[2, 3], [1, 2]]
