"""Scans: the simulator's shares and streams, the rule of labels, and training-only changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import cvkan
from cvkan.data.scanline import augmented, labels_of_lines, read_tips
from cvkan.data.splits import Splits, stream
from cvkan.data.tips import ATOMS, DEFECTS, ROWS, SHARES, Tips, labels_of, simulate


def load(**values: object) -> Splits:
    sizes = {"train_size": 96, "validation_size": 40, "test_size": 40}
    return cvkan.load(cvkan.config_for("scanline", **{**sizes, **values}))


@pytest.mark.parametrize("size", [3, 100, 1999])
def test_classes_have_the_shares_of_the_real_set(size: int) -> None:
    counts = np.bincount(labels_of(size, stream(0, 0)), minlength=4)
    assert counts.sum() == size
    assert np.abs(counts - np.array(SHARES) * size).max() <= 1


def test_scans_are_finite_and_repeatable() -> None:
    first, again, other = load(), load(), load(data_seed=1)
    for a, b, c in zip(
        (first.train, first.validation, first.test),
        (again.train, again.validation, again.test),
        (other.train, other.validation, other.test),
        strict=True,
    ):
        assert torch.equal(a.inputs, b.inputs)
        assert not torch.equal(a.inputs, c.inputs)
        assert a.inputs.isfinite().all()


def test_splits_do_not_share_a_scan() -> None:
    splits = load()
    parts = (splits.train, splits.validation, splits.test)
    rows = [{scan.numpy().tobytes() for scan in part.inputs} for part in parts]
    assert len(set.union(*rows)) == 96 + 40 + 40


def test_another_size_of_a_split_leaves_the_others_as_they_are() -> None:
    assert torch.equal(load().test.inputs, load(train_size=64).test.inputs)


def test_scans_are_as_large_as_asked() -> None:
    splits = load(lines=20, pixels=28)
    assert splits.info.sample_shape == (20, 28)
    assert splits.train.inputs.shape == (96, 20, 28)


def test_the_transform_of_a_tip_is_that_of_its_sampled_picture() -> None:
    """Against the transform of the Gaussians themselves, drawn on a grid."""
    n = 32
    tips = Tips(
        across=np.array([2.0]),
        along=np.array([3.0]),
        angle=np.array([0.6]),
        second=np.array([0.5]),
        offset=np.array([[1.5, -2.0]]),
        shift=np.array([[0.0, 0.0]]),
    )
    frequencies = 2 * np.pi * np.fft.fftfreq(n)
    drawn = np.fft.fftshift(np.fft.ifft2(tips.response(frequencies, frequencies)[0])).real
    y, x = np.mgrid[:n, :n] - n // 2

    def gaussian(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        along, across = x * np.cos(0.6) + y * np.sin(0.6), y * np.cos(0.6) - x * np.sin(0.6)
        return np.exp(-((along / 3) ** 2 + (across / 2) ** 2) / 2) / (2 * np.pi * 6)

    np.testing.assert_allclose(drawn, gaussian(y, x) + 0.5 * gaussian(y - 1.5, x + 2), atol=1e-4)


def clean(state: int, **values: float) -> np.ndarray:
    labels = np.full(60, state)
    quiet = {"lines": 32, "pixels": 32, "noise": 0.0, "tip_changes": 0.0, **values}
    return simulate(labels, stream(0, 0), **quiet)


def test_rows_change_less_from_line_to_line_than_atoms_do() -> None:
    """Rows run across the lines: a line and the next look alike."""

    def likeness(scans: np.ndarray) -> float:
        lines = scans - scans.mean(axis=2, keepdims=True)
        lines /= lines.std(axis=2, keepdims=True)
        return float((lines[:, :-3] * lines[:, 3:]).mean())

    assert likeness(clean(ROWS)) > likeness(clean(ATOMS)) + 0.2


def test_blunt_tips_jump_more_often() -> None:
    def jumps(scans: np.ndarray) -> float:
        """Share of the lines with a step that no atom makes."""
        return float((np.abs(np.diff(scans, axis=2)).max(axis=2) > 3.5).mean())

    assert jumps(clean(DEFECTS)) > 2 * jumps(clean(ATOMS)) > 0


def test_noise_is_an_option() -> None:
    rough = [np.abs(np.diff(clean(ROWS, noise=noise), axis=2)).mean() for noise in (0.0, 1.0, 3.0)]
    assert rough[0] < rough[1] < rough[2]


def test_a_changed_tip_shows_in_later_lines_only() -> None:
    before, after = clean(ROWS), clean(ROWS, tip_changes=1.0)
    # the random numbers after the first tip differ, so only the atoms' part of line 0 is compared
    likeness = [np.corrcoef(a[0], b[0])[0, 1] for a, b in zip(before, after, strict=True)]
    last = [np.corrcoef(a[-1], b[-1])[0, 1] for a, b in zip(before, after, strict=True)]
    assert np.median(likeness) > np.median(last) + 0.1


def statistics(scans: torch.Tensor) -> np.ndarray:
    """Mean and spread over lines of a line's spread, roughness and skewness."""
    lines = scans.numpy() - scans.numpy().mean(axis=2, keepdims=True)
    spread = lines.std(axis=2)
    rough = np.abs(np.diff(lines, axis=2)).mean(axis=2)
    skew = (lines**3).mean(axis=2) / spread**3
    return np.stack([f(v, axis=1) for v in (spread, rough, skew) for f in (np.mean, np.std)], 1)


def test_statistics_of_lines_tell_much_less_than_everything() -> None:
    splits = load(train_size=1500, test_size=600)
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    model.fit(statistics(splits.train.inputs), splits.train.targets)
    predicted = model.predict(statistics(splits.test.inputs))
    assert 0.4 < balanced_accuracy_score(splits.test.targets, predicted) < 0.65


def one_hot(labels: list[int], lines: int) -> np.ndarray:
    return np.eye(4, dtype=int)[np.repeat(labels, lines)]


def test_the_label_of_a_scan_is_that_of_its_first_line() -> None:
    y = one_hot([2, 0, 3, 1, 1], 6)
    for form in (y, y.T):
        np.testing.assert_array_equal(labels_of_lines(form, 6), [2, 0, 3, 1, 1])


def test_lines_that_disagree_are_an_error() -> None:
    y = one_hot([2, 0, 3], 6)
    y[10] = (0, 1, 0, 0)
    with pytest.raises(cvkan.CvkanError, match="different labels, first in scan: 1"):
        labels_of_lines(y, 6)


@pytest.mark.parametrize("broken", [one_hot([1, 2], 6)[:-1], one_hot([1, 2], 6) * 2])
def test_labels_that_are_not_one_hot_are_an_error(broken: np.ndarray) -> None:
    with pytest.raises(cvkan.CvkanError, match="one-hot"):
        labels_of_lines(broken, 6)


def scans_of(n: int, size: int = 8) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, size, size)).astype(np.float32)


def test_both_forms_of_the_file_hold_the_same(tmp_path: Path) -> None:
    scans, labels = scans_of(5), np.array([3, 0, 1, 2, 1], np.int32)
    np.savez(tmp_path / "a.npz", images=scans, labels=labels)
    np.savez(tmp_path / "b.npz", x_raw=np.hstack(list(scans)), y=one_hot(labels.tolist(), 8))
    for name in ("a.npz", "b.npz"):
        read, targets = read_tips(tmp_path / name)
        np.testing.assert_array_equal(read, scans)
        np.testing.assert_array_equal(targets, labels)
        assert targets.dtype == np.int64


def test_a_file_of_something_else_is_an_error(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", pictures=scans_of(2))
    with pytest.raises(cvkan.CvkanError, match="needs images and labels, or x_raw and y"):
        read_tips(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", images=scans_of(2), labels=np.zeros(3, int))
    with pytest.raises(cvkan.CvkanError, match="finite images"):
        read_tips(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", x_raw=np.zeros((8, 20)), y=one_hot([0, 1], 8))
    with pytest.raises(cvkan.CvkanError, match=r"square scans side by side: \(8, 20\)"):
        read_tips(tmp_path / "a.npz")


def test_real_scans_are_split_70_15_15_with_equal_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.repeat([0, 1, 2, 3], [20, 80, 40, 60])
    np.savez(tmp_path / "stm_tips.npz", images=scans_of(200), labels=labels)
    monkeypatch.setenv("CVKAN_DATA", str(tmp_path))
    splits = cvkan.load(cvkan.config_for("scanline", dataset="stm_tips"))
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [140, 30, 30]
    assert splits.train.targets.bincount().tolist() == [14, 56, 28, 42]
    again = cvkan.load(cvkan.config_for("scanline", dataset="stm_tips", data_seed=1))
    assert not torch.equal(splits.test.inputs, again.test.inputs)
    few = cvkan.load(cvkan.config_for("scanline", dataset="stm_tips", train_size=70))
    assert few.train.targets.bincount().tolist() == [7, 28, 14, 21]


def changed(scans: torch.Tensor, **values: object) -> torch.Tensor:
    config = cvkan.config_for("scanline", **{"flip": False, **values})
    return augmented(scans, config, torch.Generator().manual_seed(0))


SCANS = torch.from_numpy(scans_of(400))


def test_without_options_training_scans_stay_as_they_are() -> None:
    assert torch.equal(changed(SCANS), SCANS)


def test_flips_mirror_about_half() -> None:
    out = changed(SCANS, flip=True)
    mirrored = (out == SCANS.flip(-1)).flatten(1).all(1)
    same = (out == SCANS).flatten(1).all(1)
    assert (mirrored ^ same).all()
    assert 150 < mirrored.sum() < 250


def test_added_noise_is_relative_to_the_scan() -> None:
    loud = SCANS * torch.arange(1, 401)[:, None, None]
    ratio = (changed(loud, added_noise=0.5) - loud).flatten(1).std(1) / loud.flatten(1).std(1)
    assert ratio.mean().item() == pytest.approx(0.5, abs=0.01)
    assert ratio.std() < 0.1


def test_lost_lines_are_nan_and_the_first_is_never_lost() -> None:
    lost = changed(SCANS, line_dropout=0.3).isnan()
    assert torch.equal(lost.any(-1), lost.all(-1))
    assert not lost[:, 0].any()
    assert lost[:, 1:, 0].float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_cuts_end_after_any_line_from_the_first_allowed() -> None:
    there = ~changed(SCANS, min_lines=3).isnan().any(-1)
    ends = there.sum(1)
    assert torch.equal(there, torch.arange(8) < ends[:, None])
    assert ends.unique().tolist() == [3, 4, 5, 6, 7, 8]


def test_cuts_beyond_the_scan_are_an_error() -> None:
    with pytest.raises(cvkan.CvkanError, match="a scan has only 32 lines: 40"):
        load(min_lines=40)
