"""The data sets that need no file: disjoint, repeatable, and as hard as they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import cvkan
from cvkan.data import image
from cvkan.data.splits import Split, Splits

SMALL = {"train_size": 96, "validation_size": 40, "test_size": 40}
DOMAINS = ("image", "audio", "timeseries", "synthetic")


def load(domain: str, **values: object) -> Splits:
    return cvkan.load(cvkan.config_for(domain, **{**SMALL, **values}))


def parts(splits: Splits) -> tuple[Split, Split, Split]:
    return splits.train, splits.validation, splits.test


def rows(split: Split) -> set[bytes]:
    return {sample.numpy().tobytes() for sample in split[:][0]}


@pytest.mark.parametrize("domain", DOMAINS)
def test_no_sample_is_in_two_splits(domain: str) -> None:
    train, validation, test = (rows(part) for part in parts(load(domain)))
    assert [len(train), len(validation), len(test)] == [96, 40, 40]
    assert train.isdisjoint(validation)
    assert train.isdisjoint(test)
    assert validation.isdisjoint(test)


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_training_seed_changes_nothing_and_the_data_seed_does(domain: str) -> None:
    first, other_training, other_data = (
        rows(load(domain, **seeds).train) for seeds in ({}, {"seed": 7}, {"data_seed": 7})
    )
    assert first == other_training
    assert first != other_data


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_info_describes_the_samples(domain: str) -> None:
    splits = load(domain)
    inputs, targets = splits.train[:5]
    assert tuple(inputs.shape[1:]) == splits.info.sample_shape
    assert splits.info.domain == domain
    if splits.info.n_classes is None:
        assert tuple(targets.shape[1:]) == (splits.info.horizon, splits.info.channels)
    else:
        assert len(splits.info.class_names) == splits.info.n_classes
        assert set(splits.train.targets.tolist()) == set(range(splits.info.n_classes))


@pytest.mark.parametrize("domain", ["image", "audio", "synthetic"])
def test_classes_are_balanced(domain: str) -> None:
    for part in parts(load(domain)):
        counts = np.bincount(part.targets.numpy())
        assert counts.max() - counts.min() <= 3  # digits themselves differ by 9 in 1,797


def test_all_digits_are_dealt_out() -> None:
    splits = cvkan.load(cvkan.config_for("image"))
    assert sum(len(part) for part in parts(splits)) == 1797
    inputs, _ = splits.train[:]
    assert inputs.mean().item() == pytest.approx(0, abs=1e-5)
    assert inputs.std(correction=0).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("has_file", [True, False])
def test_the_digits_are_those_of_scikit_learn(
    has_file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert image.digits_file().is_file()
    if not has_file:  # a scikit-learn that keeps them elsewhere
        monkeypatch.setattr(image, "digits_file", lambda: Path("nowhere"))
    theirs, splits = load_digits(), cvkan.load(cvkan.config_for("image", normalise="none"))
    ours = {
        (*(16 * pixels).flatten().tolist(), int(label))
        for part in parts(splits)
        for pixels, label in zip(*part[:], strict=True)
    }
    rows_and_labels = zip(theirs.data.tolist(), theirs.target.tolist(), strict=True)
    assert ours == {(*row, label) for row, label in rows_and_labels}


def test_targets_of_the_series_follow_their_inputs() -> None:
    splits = load("timeseries", train_size=2689, lookback=96, horizon=96)
    inputs, targets = splits.train[:]
    # window i + 96 begins where the target of window i does
    np.testing.assert_array_equal(targets[:-96], inputs[96:])


def test_a_window_longer_than_a_split_is_an_error() -> None:
    with pytest.raises(cvkan.CvkanError, match=r"window is longer.*Lower lookback or horizon"):
        load("timeseries", lookback=960, horizon=1000)


def linear_accuracy(splits: Splits) -> float:
    """Test accuracy of logistic regression on the mean token."""
    fitted, tested = (part[:][0].mean(dim=1).flatten(1) for part in (splits.train, splits.test))
    model = LogisticRegression(max_iter=1000).fit(fitted, splits.train.targets)
    return float(model.score(tested, splits.test.targets))


def test_a_common_phase_defeats_everything_linear_in_the_mean_token() -> None:
    sizes = {"train_size": 2000, "test_size": 1000, "coherence": 0.7}
    assert linear_accuracy(load("synthetic", common_phase="fixed", **sizes)) > 0.95
    assert linear_accuracy(load("synthetic", common_phase="random", **sizes)) < 0.55


def test_without_coherence_a_signal_is_noise() -> None:
    tokens, labels = load("synthetic", train_size=2000, coherence=0.0).train[:]
    aligned = tokens.mean(dim=1).square().sum(dim=(1, 2))
    by_class = [aligned[labels == k].mean().item() for k in (0, 1)]
    assert by_class[0] == pytest.approx(by_class[1], rel=0.05)


def test_magnitudes_do_not_tell_signal_from_noise() -> None:
    tokens, labels = load("synthetic", train_size=2000).train[:]
    sizes = tokens.norm(dim=-1).mean(dim=(1, 2))
    assert sizes[labels == 0].mean().item() == pytest.approx(
        sizes[labels == 1].mean().item(), rel=0.01
    )


def test_more_signal_tokens_than_tokens_is_an_error() -> None:
    with pytest.raises(cvkan.CvkanError, match="a sample has only 4 tokens: 5"):
        load("synthetic", n_tokens=4, n_signal=5)


def test_spoken_words_move_from_vowel_to_vowel() -> None:
    """An "a" is loud between 550 and 1300 Hz, an "i" is not: "ai" loses that band, "ia" gains."""
    splits = load("audio", noise=0.0, train_size=160)
    waves, labels = splits.train[:]
    power = np.abs(np.fft.rfft(waves.numpy().reshape(len(waves), 8, 500), axis=-1)) ** 2
    hertz = np.fft.rfftfreq(500, 1 / 8000)
    share = power[..., (hertz > 550) & (hertz < 1300)].sum(-1) / (power.sum(-1) + 1e-12)
    gain = share[:, 5] - share[:, 2]  # eighths of a word that all words reach
    ai, ia = (labels.numpy() == splits.info.class_names.index(word) for word in ("ai", "ia"))
    assert gain[ai].mean() < -0.1
    assert gain[ia].mean() > 0.1


def test_images_are_normalised_by_the_data_set_by_themselves_or_not() -> None:
    plain, own, dataset = (
        load("image", normalise=name).train[:][0].double() for name in ("none", "image", "dataset")
    )
    assert (plain.min(), plain.max()) == (0, 1)
    each = plain.flatten(1).numpy()
    expected = (each - each.mean(1, keepdims=True)) / each.std(1, keepdims=True)
    np.testing.assert_allclose(own.flatten(1).numpy(), expected, atol=1e-5)
    expected = (each - each.mean()) / each.std()
    np.testing.assert_allclose(dataset.flatten(1).numpy(), expected, atol=1e-5)
