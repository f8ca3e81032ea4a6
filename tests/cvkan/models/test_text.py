"""The text model: words turn words, padding changes nothing, opinions are learned."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import cvkan
from cvkan import diagnostics
from cvkan.errors import ConfigError, CvkanError
from cvkan.info import DataInfo
from cvkan.layers.words import TurningWords
from cvkan.models import build
from cvkan.polar import Polar

INFO = DataInfo("x", "text", (64,), n_classes=3, vocabulary=30)
OPTIONS = [
    {},
    {"composition": "none"},
    {"reach": 4, "readout": "magnitude"},
    {"positions": "learned", "pooling": "attention", "interaction": "pointwise"},
    {"aggregation": "local_window", "window": 3, "center_magnitudes": True, "pooling": "max"},
    {"n_layers": 0, "pooling": "covariance"},
    {"aggregation": "magnitude_weighted", "pooling": "last"},
]


def model(**options: object) -> torch.nn.Module:
    config = cvkan.config_for("text", **{"d_complex": 8, **options})
    return build(config, INFO).double().eval()


def sentences(n: int = 5, words: int = 12) -> torch.Tensor:
    ids = torch.randint(1, 30, (n, words), generator=torch.Generator().manual_seed(0))
    ids[1, 7:] = 0
    return ids


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_padding_and_neighbours_in_the_batch_change_nothing(options: dict[str, object]) -> None:
    made, x = model(**options), sentences()
    plain = made(x)
    for more in (1, 12, 52):
        assert torch.equal(made(torch.nn.functional.pad(x, (0, more))), plain)
    torch.testing.assert_close(made(x[1:2, :7]), plain[1:2], rtol=1e-11, atol=1e-12)


def test_a_masked_word_is_no_word() -> None:
    made, x = model(), sentences()
    mask = torch.arange(12).expand(5, -1) < 9
    torch.testing.assert_close(made(x, mask=mask), made(x[:, :9]), rtol=1e-11, atol=1e-12)
    assert torch.isfinite(made(torch.zeros(2, 5, dtype=torch.int64))).all()


def test_turning_is_the_formula() -> None:
    torch.manual_seed(0)
    layer = TurningWords(4, reach=2).double()
    z = torch.randn(1, 6, 4, dtype=torch.complex128)
    expected = z[0].numpy().copy()
    for n in range(6):
        factor = np.ones(4, dtype=np.complex128)
        for k, weight in enumerate(layer.maps, start=1):
            if n >= k:
                before = z[0, n - k].numpy()
                both = weight.detach().numpy() @ np.concatenate((before.real, before.imag))
                factor += both[:4] + 1j * both[4:]
        expected[n] *= factor
    np.testing.assert_allclose(layer(Polar.from_complex(z)).complex()[0].detach(), expected)


def test_the_order_of_words_matters_to_turning_and_to_nothing_else_without_layers() -> None:
    x = sentences()[:1]
    for composition, same in (("turn", False), ("none", True)):
        made = model(n_layers=0, composition=composition)
        assert torch.allclose(made(x), made(x.flip(1)), rtol=1e-12, atol=0) is same


def test_half_a_turn_of_all_words_is_the_opposite_answer() -> None:
    made, x = model(n_layers=0, composition="none"), sentences()
    bias = made.head.layers[-1].bias
    plain = made(x) - bias
    with torch.no_grad():
        made.embedding.weight.neg_()
    torch.testing.assert_close(made(x) - bias, -plain)


def test_trace_has_as_many_tokens_as_the_longest_sentence() -> None:
    made = model(n_layers=2)
    states = made.trace(torch.nn.functional.pad(sentences(), (0, 40)))
    assert [state.shape for state in states] == [(5, 12, 8)] * 3


def test_data_without_a_vocabulary_is_an_error() -> None:
    with pytest.raises(CvkanError, match="how many words there are"):
        build(cvkan.config_for("text"), DataInfo("x", "text", (64,), n_classes=2))


def test_reach_without_turning_is_an_error() -> None:
    with pytest.raises(ConfigError, match="reach has no effect with composition none"):
        cvkan.config_for("text", composition="none", reach=3)


def test_opinions_are_learned_where_counting_words_fails() -> None:
    accuracy = {}
    for name in ("cvkan", "bag_of_words"):
        config = cvkan.config_for("text", model=name, device="cpu")
        splits = cvkan.load(config)
        result = cvkan.fit(build(config, splits.info), splits, config)
        accuracy[name] = result.test["test/accuracy"]
    assert accuracy["cvkan"] >= 0.9
    assert accuracy["bag_of_words"] <= 0.75


def test_diagnostics_of_sentences_look_at_words_alone():
    """Two sentences in one batch, or each alone: the same polarization; no share of padding."""
    model = cvkan.build(cvkan.config_for("text", d_complex=8, pooling="max"), INFO).eval()
    x = torch.randint(1, INFO.vocabulary, (2, 9), generator=torch.Generator().manual_seed(0))
    x[1, 4:] = 0
    both = diagnostics.polarization(model.trace(x), model.token_mask(x))
    apart = [diagnostics.polarization(model.trace(row[None])) for row in (x[0], x[1, :4])]
    pairs = zip(*(one.variance for one in apart), strict=True)
    assert both.variance == pytest.approx([sum(pair) / 2 for pair in pairs], rel=1e-4)
    shares = torch.tensor(diagnostics.token_shares(model, x))
    assert shares[1, 4:].eq(0).all()
    torch.testing.assert_close(shares.sum(1), torch.ones(2))
