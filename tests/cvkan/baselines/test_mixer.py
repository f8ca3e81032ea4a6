"""The mixer: its two perceptrons are those of torchvision, on the axes they are said to be on."""

from __future__ import annotations

import torch
from torchvision.ops import MLP

from cvkan.baselines.mixer import MixerBlock
from cvkan.config import ImageConfig
from cvkan.info import DataInfo
from cvkan.models import build


def twin(perceptron, n_features, hidden):
    """The same perceptron out of torchvision, from the weights of ours."""
    mlp = MLP(n_features, [hidden, n_features], activation_layer=torch.nn.GELU, inplace=None)
    for mine, theirs in ((0, 0), (3, 3)):
        mlp[theirs].load_state_dict(perceptron[mine].state_dict())
    return mlp.eval()


def test_a_block_mixes_tokens_then_channels():
    torch.manual_seed(0)
    block = MixerBlock(5, 8, 12, 0.0).eval()
    tokens, channels = twin(block.across_tokens, 5, 4), twin(block.across_channels, 8, 12)
    x = torch.randn(2, 5, 8)
    mixed = x + tokens(torch.nn.functional.layer_norm(x, (8,)).mT).mT
    expected = mixed + channels(torch.nn.functional.layer_norm(mixed, (8,)))
    torch.testing.assert_close(block(x), expected)


def test_depth_and_patches_are_those_of_the_configuration():
    info = DataInfo("x", "image", (1, 8, 8), n_classes=3)
    model = build(ImageConfig(model="mixer", n_layers=5, patch_size=2), info)
    assert len(model.blocks) == 5
    assert model.blocks[0].across_tokens[0].in_features == 16
    assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 3)
