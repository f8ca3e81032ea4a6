"""The vision transformer: matched in size, and a transformer."""

from __future__ import annotations

import pytest
import torch

from cvkan.baselines.matching import count_parameters, nearest_in_size, shape_only
from cvkan.baselines.vit import TransformerBlock
from cvkan.config import ImageConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.models import build

CIFAR = DataInfo("cifar10", "image", (3, 32, 32), n_classes=10)


@pytest.mark.parametrize("d_complex", [32, 128, 256, 512])
@pytest.mark.parametrize("n_layers", [2, 6])
def test_it_has_as_many_parameters_as_the_model_it_is_compared_with(d_complex, n_layers):
    sizes = {}
    for name in ("cvkan", "vit"):
        config = ImageConfig(
            model=name, match_params_of="cvkan", d_complex=d_complex, n_layers=n_layers
        )
        sizes[name] = count_parameters(shape_only(lambda config=config: build(config, CIFAR)))
    assert sizes["vit"] == pytest.approx(sizes["cvkan"], rel=0.03)


def test_measuring_sizes_draws_no_random_numbers():
    before = torch.random.get_rng_state()
    shape_only(lambda: build(ImageConfig(), CIFAR))
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_block_is_a_pre_norm_encoder_layer():
    torch.manual_seed(0)
    ours = TransformerBlock(16, 24, 0.0)
    theirs = torch.nn.TransformerEncoderLayer(
        16, 4, 24, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    theirs.self_attn.in_proj_weight.data = ours.qkv.weight.data
    theirs.self_attn.in_proj_bias.data = ours.qkv.bias.data
    theirs.self_attn.out_proj.load_state_dict(ours.out.state_dict())
    theirs.norm1.load_state_dict(ours.attention_norm.state_dict())
    theirs.norm2.load_state_dict(ours.feed_forward[0].state_dict())
    theirs.linear1.load_state_dict(ours.feed_forward[1].state_dict())
    theirs.linear2.load_state_dict(ours.feed_forward[4].state_dict())
    x = torch.randn(2, 5, 16)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-5, atol=1e-5)


def test_it_learns():
    torch.manual_seed(0)
    model = build(ImageConfig(model="vit"), CIFAR)
    x, y = torch.randn(8, 3, 32, 32), torch.arange(8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(15):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    assert loss < 1.0


def test_a_mask_is_refused():
    model = build(ImageConfig(model="vit"), CIFAR)
    with pytest.raises(CvkanError, match="takes no mask"):
        model(torch.zeros(1, 3, 32, 32), torch.ones(1, 64, dtype=torch.bool))


def test_a_budget_no_width_meets_is_an_error():
    with pytest.raises(CvkanError, match="within 3%"):
        nearest_in_size(lambda dim, hidden: 1000 * dim * hidden, 3500, step=1, tolerance=0.03)
