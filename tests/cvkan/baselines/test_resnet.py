"""The residual network: torchvision's blocks, and as large as asked."""

from __future__ import annotations

import pytest
import torch
from torchvision.models.resnet import BasicBlock as TorchvisionBlock

from cvkan.baselines.matching import count_parameters, shape_only
from cvkan.baselines.resnet import BasicBlock
from cvkan.config import ImageConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.models import build

CIFAR = DataInfo("cifar10", "image", (3, 32, 32), n_classes=10)


@pytest.mark.parametrize(("n_in", "stride"), [(8, 1), (4, 2)])
def test_a_block_is_that_of_torchvision(n_in, stride):
    torch.manual_seed(0)
    ours = BasicBlock(n_in, 8, 8, stride)
    shortcut = None if stride == 1 else ours.shortcut
    theirs = TorchvisionBlock(n_in, 8, stride, shortcut)
    for mine, other in zip((0, 1, 3, 4), ("conv1", "bn1", "conv2", "bn2"), strict=True):
        getattr(theirs, other).load_state_dict(ours.layers[mine].state_dict())
    x = torch.randn(2, n_in, 6, 6)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize("name", ["resnet", "mixer"])
@pytest.mark.parametrize(("d_complex", "n_layers"), [(32, 2), (128, 4), (512, 6)])
def test_it_has_as_many_parameters_as_the_model_it_is_compared_with(name, d_complex, n_layers):
    shape = {"d_complex": d_complex, "n_layers": n_layers}
    matched = ImageConfig(model=name, match_params_of="cvkan", **shape)
    sizes = [
        count_parameters(shape_only(lambda config=config: build(config, CIFAR)))
        for config in (matched, ImageConfig(**shape))
    ]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.03)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (3, 30, 22)])
def test_images_of_any_size_are_classified(shape):
    model = build(ImageConfig(model="resnet"), DataInfo("x", "image", shape, n_classes=7))
    assert model(torch.zeros(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize("name", ["resnet", "mixer"])
def test_it_learns(name):
    torch.manual_seed(0)
    model = build(ImageConfig(model=name, match_params_of="cvkan", d_complex=16), CIFAR)
    x, y = torch.randn(8, 3, 32, 32), torch.arange(8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(25):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    assert loss < 1.0


@pytest.mark.parametrize("name", ["resnet", "mixer"])
def test_masks_and_data_without_classes_are_refused(name):
    model = build(ImageConfig(model=name), CIFAR)
    with pytest.raises(CvkanError, match=f"a {name} takes no mask"):
        model(torch.zeros(1, 3, 32, 32), torch.ones(1, 64, dtype=torch.bool))
    with pytest.raises(CvkanError, match="has no classes"):
        build(ImageConfig(model=name), DataInfo("x", "image", (3, 32, 32)))
