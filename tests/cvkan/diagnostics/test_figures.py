"""Values behind the pictures of the notebooks, where the answer is known; and what is drawn."""

from __future__ import annotations

import math

import pytest
import torch
from matplotlib.figure import Figure

import cvkan
from cvkan import diagnostics
from cvkan.config import ImageConfig
from cvkan.polar import Polar
from cvkan.training.loop import Result


def axes():
    return Figure().add_subplot()


def result(*accuracies: float, best_epoch: int = 1) -> Result:
    history = tuple(
        {"train/loss": 1 - a, "train/accuracy": a, "val/loss": 2 - a, "val/accuracy": a / 2}
        for a in accuracies
    )
    return Result(history, best_epoch, {"test/accuracy": 0.125}, 10, 1.5, "finished")


def test_confusion_counts_true_against_predicted():
    table = diagnostics.confusion(
        torch.tensor([0, 0, 1, 2]), torch.tensor([0, 1, 1, 0]), ("a", "b", "c", "d")
    )
    assert table.counts == ((1, 1, 0, 0), (0, 1, 0, 0), (1, 0, 0, 0), (0, 0, 0, 0))
    assert table.recall[:3] == (0.5, 1.0, 0.0)
    assert math.isnan(table.recall[3])


def test_the_recall_of_each_class_becomes_metrics_with_names_that_runs_allow():
    targets, classes = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 1, 0, 0])
    table = diagnostics.confusion(targets, classes, ("by size", "b", "none of it"))
    assert table.metrics("val") == {"val/accuracy/by_size": 2 / 3, "val/accuracy/b": 0.0}


def test_a_drawn_confusion_writes_its_counts_and_names():
    table = diagnostics.confusion(torch.tensor([0, 1, 1]), torch.tensor([0, 1, 1]), ("cat", "dog"))
    drawn = diagnostics.draw_confusion(table, axes())
    assert sorted(text.get_text() for text in drawn.texts) == ["1", "2"]
    assert [label.get_text() for label in drawn.get_xticklabels()] == ["cat", "dog"]


def test_curves_pair_what_both_splits_measured():
    history = result(0.5, 0.75, best_epoch=2).history
    loss, accuracy = diagnostics.learning_curves(history, 2)
    assert (loss.metric, loss.train, loss.validation) == ("loss", (0.5, 0.25), (1.5, 1.25))
    assert (accuracy.metric, accuracy.best_epoch) == ("accuracy", 2)
    drawn = diagnostics.draw_curve(accuracy, axes())
    assert [list(line.get_ydata()) for line in drawn.lines[1:]] == [[0.5, 0.75], [0.25, 0.375]]


def test_the_summary_takes_the_best_by_each_metrics_own_goal():
    rows = {row.metric: row for row in diagnostics.summary(result(0.5, 0.75, 0.25, best_epoch=2))}
    assert (rows["val/accuracy"].best, rows["val/accuracy"].epoch) == ("37.5%", "2")
    assert (rows["val/loss"].best, rows["val/loss"].last) == ("1.25", "1.75")
    assert (rows["test/accuracy"].best, rows["test/accuracy"].last) == ("12.5%", "")


def test_a_metric_that_is_no_number_is_never_the_best():
    rows = {row.metric: row for row in diagnostics.summary(result(math.nan, 0.5, math.nan))}
    assert (rows["train/loss"].epoch, rows["train/loss"].last) == ("2", "nan")


def test_naive_forecasts_repeat_what_was_seen():
    seen = torch.arange(5.0)[None, :, None]
    assert diagnostics.repeat_last(seen, 3).flatten().tolist() == [4, 4, 4]
    assert diagnostics.repeat_period(seen, 5, period=2).flatten().tolist() == [3, 4, 3, 4, 3]


def test_error_by_step_is_a_mean_over_samples_and_channels():
    forecasts = torch.tensor([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [3.0, 1.0]]])
    assert diagnostics.error_by_step(forecasts, torch.zeros(2, 2, 2)) == (0.25, 2.5)


def test_a_forecast_window_is_one_channel_of_one_sample():
    values = torch.arange(12.0).reshape(2, 3, 2)
    window = diagnostics.forecast_window(values, values + 100, -values, sample=1, channel=0)
    assert window.past == (6, 8, 10)
    assert window.truth == (106, 108, 110)
    assert window.forecast == (-6, -8, -10)
    drawn = diagnostics.draw_forecast(window, axes())
    assert list(drawn.lines[0].get_xdata()) == [-2, -1, 0]
    assert list(drawn.lines[2].get_xdata()) == [1, 2, 3]


def test_alignment_sees_relative_phases_only():
    tokens = torch.tensor([[[0.0, 0.0], [0.0, 0.0], [math.pi, 0.0], [math.pi / 2, -math.pi / 2]]])
    state = Polar.from_polar(torch.rand(1, 4, 2) + 0.5, tokens)
    expected = [1.0, 1.0, 0.0, 0.0]  # in phase; opposite in one of two; orthogonal
    assert diagnostics.alignment(state)[0] == pytest.approx(expected, abs=1e-5)
    turned = Polar.from_polar(state.magnitude(), state.phase() + 1.0)
    for row, other in zip(diagnostics.alignment(turned), diagnostics.alignment(state), strict=True):
        assert row == pytest.approx(other, abs=1e-5)


def test_tokens_that_agree_come_first():
    matrix = [[float(i == j) for j in range(5)] for i in range(5)]
    matrix[1][3] = matrix[3][1] = 0.8
    assert set(diagnostics.agreeing_first(tuple(map(tuple, matrix)))[:2]) == {1, 3}


@pytest.mark.parametrize("pooling", ["mean", "max", "attention", "last"])
def test_token_shares_rebuild_the_pooled_vector(pooling):
    config = cvkan.config_for("synthetic", pooling=pooling, d_complex=16, train_size=8)
    splits = cvkan.load(config)
    model = cvkan.build(config, splits.info).eval()
    inputs = splits.train[:8][0]
    shares = torch.tensor(diagnostics.token_shares(model, inputs))
    assert torch.allclose(shares.sum(1), torch.ones(8))
    state = model.trace(inputs)[-1]
    if pooling != "max":  # which takes another token in every dimension
        pooled = state.weighted_sum(shares.unsqueeze(1))[:, 0]
        assert torch.allclose(pooled.pair, model.pooled(inputs).pair, atol=1e-5)
    else:
        same = model.pooled(inputs).pair[:, None] == state.pair
        assert torch.allclose(shares, same.all(2).float().mean(2))


def test_effective_tokens_counts_equal_shares():
    assert diagnostics.effective_tokens([[0.25] * 4, [1.0, 0, 0, 0]]) == (4, 1)


def test_tiles_stand_in_rows_with_gaps_between():
    images = torch.arange(3.0).reshape(3, 1, 1, 1).expand(3, 1, 2, 2)
    picture = diagnostics.tiled(images, columns=2, gap=1)
    assert picture.shape == (1, 5, 5)
    assert (picture[0, 0, 0], picture[0, 0, 3], picture[0, 3, 0]) == (0, 0.5, 1)
    assert picture[0, 2].isnan().all()
    assert picture[0, 3:, 3:].isnan().all()  # no fourth image


def test_examples_stand_in_the_column_of_their_class():
    images = torch.tensor([5, 6, 7]).reshape(3, 1, 1, 1)
    chosen = diagnostics.by_class(images, torch.tensor([1, 0, 1]), n_classes=2, rows=2)
    assert chosen.flatten().tolist() == [6, 5, 0, 7]


def test_patches_spread_over_their_pixels():
    maps = diagnostics.patch_maps([[0.1, 0.2, 0.3, 0.4]], height=4, width=4, patch=2)
    assert maps[0, 0, 0].tolist() == pytest.approx([0.1, 0.1, 0.2, 0.2])
    assert maps[0, 0, 3].tolist() == pytest.approx([0.3, 0.3, 0.4, 0.4])


def test_a_tone_is_loudest_at_its_frequency():
    time = torch.arange(8000) / 8000
    tone = diagnostics.spectrum(
        (2 * math.pi * 1000 * time).sin(), n_fft=256, hop=128, sample_rate=8000
    )
    assert tone.decibels.mean(1).argmax() == 32  # 1000 Hz in steps of 8000 / 256
    assert (tone.seconds, tone.kilohertz) == (1, 4)


def test_the_outline_counts_every_parameter_once():
    config = cvkan.config_for("image", n_layers=3)
    model = cvkan.build(config, cvkan.load(config).info)
    parts = diagnostics.outline(model)
    assert [part.part for part in parts[:3]] == ["backbone 1", "backbone 2", "backbone 3"]
    assert sum(part.parameters for part in parts) == sum(p.numel() for p in model.parameters())


def test_progress_rewrites_one_line(monkeypatch):
    shown = []

    class Handle:
        def update(self, line):
            shown.append(("update", repr(line)))

    def display(line, *, display_id):
        shown.append(("display", repr(line)))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    training = result(*[0.5] * 30, 0.75, best_epoch=31)
    progress = diagnostics.Progress(ImageConfig(epochs=40))
    for epoch, metrics in enumerate(training.history, 1):
        progress(metrics, epoch)
    progress.finish(training)
    assert [kind for kind, _ in shown].count("display") == 1
    assert len(shown) < 10  # 31 fast epochs do not flood a saved notebook
    assert "epoch 1 of 40" in shown[0][1]
    assert "31 of 40 epochs in 1.5 s" in shown[-1][1]
    assert "val/accuracy 37.5%" in shown[-1][1]
