"""Sentences as word numbers, and opinions in which order counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

import cvkan
from cvkan.data.opinions import ADJECTIVES, draw_opinions
from cvkan.data.splits import Split, stream
from cvkan.data.text import Vocabulary, augmented, vocabulary

SMALL = {"train_size": 300, "validation_size": 60, "test_size": 60}
NEGATIONS = {"not", "never", "hardly", "no-longer"}


def load(**values: object) -> cvkan.Splits:
    return cvkan.load(cvkan.config_for("text", **{**SMALL, **values}))


def sentences(split: Split, config: cvkan.TrainingConfig) -> list[str]:
    words = vocabulary(config)
    return [" ".join(words.decode(row)) for row in split.inputs.tolist()]


def polarity(clause: list[str]) -> int:
    """What a clause says: its adjective, turned round by a negation."""
    positive = next(int(word in ADJECTIVES[1]) for word in clause if word in sum(ADJECTIVES, ()))
    return positive ^ int(any(word in NEGATIONS for word in clause))


def read(sentence: tuple[str, ...]) -> int:
    """The class of an opinion by the rules of its grammar, read instead of written."""
    words = list(sentence)
    if "but" in words:
        return polarity(words[words.index("but") + 1 :])
    if "although" not in words:
        first = words[: words.index("and")] if "and" in words else words
        return polarity(first)
    if "," in words:
        return polarity(words[words.index(",") + 1 :])
    return polarity(words[: words.index("although")])


def test_labels_follow_the_grammar() -> None:
    sentences, labels = draw_opinions(400, 0, stream(3, 0))
    assert [read(sentence) for sentence in sentences] == labels
    assert not set(ADJECTIVES[0]) & set(ADJECTIVES[1])


def test_splits_share_no_sentence_and_sizes_do_not_touch_each_other() -> None:
    splits = load()
    rows = [set(map(tuple, p.inputs.tolist())) for p in (splits.train, splits.validation)]
    assert [len(part) for part in rows] == [300, 60]
    assert rows[0].isdisjoint(rows[1])
    config = cvkan.config_for("text", **SMALL)
    fewer = cvkan.config_for("text", **{**SMALL, "train_size": 100})
    test = [sentences(cvkan.load(c).test, c) for c in (config, fewer)]
    same = [a == b for a, b in zip(*test, strict=True) if "<unknown>" not in a + b]
    assert same
    assert all(same)


def test_counting_words_is_not_enough() -> None:
    """Logistic regression on counts: far from chance it would be a task without order."""
    splits = load(train_size=2000, test_size=500)
    fitted, tested = (
        [" ".join(f"w{i}" for i in row if i) for row in part.inputs.tolist()]
        for part in (splits.train, splits.test)
    )
    counts = CountVectorizer().fit(fitted)
    model = LogisticRegression(max_iter=1000)
    model.fit(counts.transform(fitted), splits.train.targets)
    assert model.score(counts.transform(tested), splits.test.targets) < 0.75


def test_a_batch_is_int64_and_filled_up_with_zeros() -> None:
    splits = load(max_words=40)
    inputs, targets = splits.train[:7]
    assert inputs.dtype == targets.dtype == torch.int64
    assert inputs.shape == (7, 40)
    lengths = (inputs != 0).sum(1)
    assert all(not row[n:].any() for row, n in zip(inputs, lengths.tolist(), strict=True))
    assert inputs.max() < splits.info.vocabulary
    assert splits.train.targets.float().mean() == 0.5


def test_words_are_numbered_by_how_often_they_occur() -> None:
    words = Vocabulary.of([("b", "a", "a"), ("c", "b", "a")], min_count=2)
    assert words.words == ("<padding>", "<unknown>", "a", "b")
    ids = words.encode([("a", "c", "b"), ("b",)], 2)
    np.testing.assert_array_equal(ids, [[2, 1], [3, 0]])
    assert words.decode(ids[1]) == ("b",)


def test_dropped_words_become_unknown_and_padding_stays() -> None:
    config = cvkan.config_for("text", word_dropout=0.25)
    inputs = torch.full((200, 20), 7)
    inputs[:, 10:] = 0
    changed = augmented(inputs, config, torch.Generator().manual_seed(0))
    assert not changed[:, 10:].any()
    assert set(changed[:, :10].unique().tolist()) == {1, 7}
    assert (changed[:, :10] == 1).float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert augmented(inputs, cvkan.config_for("text"), torch.Generator()) is inputs


@pytest.fixture
def reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sst2"
    folder.mkdir()
    (folder / "train.tsv").write_text("a good film\t1\na bad film\t0\nbad\t0\ngood\t1\n")
    (folder / "dev.tsv").write_text("good film\t1\nawful film\t0\n")
    (folder / "test.tsv").write_text("a film\t0\n")
    monkeypatch.setenv("CVKAN_DATA", str(tmp_path))
    return folder


def test_reviews_keep_their_splits_and_only_training_names_words(reviews: Path) -> None:
    config = cvkan.config_for("text", dataset="sst2")
    splits = cvkan.load(config)
    assert splits.info.vocabulary == 2 + 4
    assert sentences(splits.validation, config) == ["good film", "<unknown> film"]
    assert splits.validation.targets.tolist() == [1, 0]
    assert splits.test.targets.tolist() == [0]


def test_a_line_without_a_label_is_an_error(reviews: Path) -> None:
    (reviews / "dev.tsv").write_text("good film\t1\nno label here\n")
    with pytest.raises(cvkan.CvkanError, match=r"line 2 of dev.tsv.*no label here"):
        cvkan.load(cvkan.config_for("text", dataset="sst2"))


def test_a_missing_split_is_an_error(reviews: Path) -> None:
    (reviews / "dev.tsv").unlink()
    with pytest.raises(cvkan.CvkanError, match=r"lacks one of the files.*dev\.tsv"):
        cvkan.load(cvkan.config_for("text", dataset="sst2"))
