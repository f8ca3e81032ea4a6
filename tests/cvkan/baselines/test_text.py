"""What text models are compared with: matched in size, blind to padding, and what they say."""

from __future__ import annotations

import pytest
import torch

import cvkan
from cvkan.baselines.matching import count_parameters, shape_only
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.models import build

NAMES = ("bag_of_words", "textcnn", "lstm", "transformer")
INFO = DataInfo("x", "text", (64,), n_classes=2, vocabulary=40)


def sentences() -> torch.Tensor:
    ids = torch.randint(1, 40, (6, 11), generator=torch.Generator().manual_seed(0))
    ids[2, 2:] = 0  # shorter than any filter
    return ids


@pytest.mark.parametrize("name", NAMES)
def test_padding_and_neighbours_in_the_batch_change_nothing(name: str) -> None:
    made, x = build(cvkan.config_for("text", model=name), INFO).double().eval(), sentences()
    plain = made(x)
    for more in (1, 12, 52):
        assert torch.equal(made(torch.nn.functional.pad(x, (0, more))), plain)
    torch.testing.assert_close(made(x[2:3, :2]), plain[2:3], rtol=1e-11, atol=1e-12)
    mask = torch.arange(11).expand(6, -1) < 8
    torch.testing.assert_close(made(x, mask=mask), made(x[:, :8]), rtol=1e-11, atol=1e-12)
    assert torch.isfinite(made(torch.zeros(2, 5, dtype=torch.int64))).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("d_complex", "vocabulary"), [(16, 266), (16, 7206), (32, 7206)])
def test_it_has_as_many_parameters_as_the_model_it_is_compared_with(
    name: str, d_complex: int, vocabulary: int
) -> None:
    info = DataInfo("x", "text", (64,), n_classes=2, vocabulary=vocabulary)
    sizes = {}
    for model in ("cvkan", name):
        config = cvkan.config_for(
            "text", model=model, match_params_of="cvkan", d_complex=d_complex, n_layers=2
        )
        sizes[model] = count_parameters(shape_only(lambda config=config: build(config, info)))
    assert sizes[name] == pytest.approx(sizes["cvkan"], rel=0.03)


def test_a_bag_of_words_is_a_linear_layer_on_the_mean() -> None:
    made, x = build(cvkan.config_for("text", model="bag_of_words"), INFO).eval(), sentences()
    row = x[2, :2]
    mean = made.embedding.weight[row].mean(0)
    torch.testing.assert_close(made(x)[2], made.head.weight @ mean + made.head.bias)
    assert torch.equal(made(x), made(x[:, torch.arange(11)]))


@pytest.mark.parametrize(("name", "sees_order"), [(n, n != "bag_of_words") for n in NAMES])
def test_order_matters_to_all_but_the_bag(name: str, sees_order: bool) -> None:
    made = build(cvkan.config_for("text", model=name), INFO).double().eval()
    x = sentences()[:1]
    assert torch.allclose(made(x), made(x.flip(1)), rtol=1e-10, atol=1e-12) is not sees_order


@pytest.mark.parametrize("name", NAMES)
def test_it_learns(name: str) -> None:
    made = build(cvkan.config_for("text", model=name), INFO)
    x, y = sentences(), torch.arange(6) % 2
    optimizer = torch.optim.AdamW(made.parameters(), lr=1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(made(x), y)
        loss.backward()
        optimizer.step()
    assert loss < 0.1


def test_more_words_than_places_are_an_error() -> None:
    made = build(cvkan.config_for("text", model="transformer"), INFO)
    with pytest.raises(CvkanError, match="places for 64 words: 65"):
        made(torch.ones(1, 65, dtype=torch.int64))
