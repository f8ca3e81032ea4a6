"""Real data from $CVKAN_DATA, held against what other programs read from the same files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import cvkan
from cvkan.data.registry import DATASETS


def needs(name: str) -> pytest.MarkDecorator:
    missing = "CVKAN_DATA" not in os.environ or DATASETS[name].find() is None
    return pytest.mark.skipif(missing, reason=f"no {name} in $CVKAN_DATA")


@needs("etth1")
def test_etth1_has_the_standard_windows_and_scale() -> None:
    splits = cvkan.load(cvkan.config_for("timeseries", dataset="etth1"))
    path = splits.sources[0].path
    assert path is not None
    frame = pd.read_csv(path).drop(columns="date")
    scaled = ((frame - frame[:8640].mean()) / frame[:8640].std(ddof=0)).to_numpy(np.float32)
    counts = [len(part) for part in (splits.train, splits.validation, splits.test)]
    assert counts == [8449, 2785, 2785]
    for part, start in ((splits.train, 0), (splits.validation, 8640 - 96), (splits.test, 11424)):
        inputs, targets = part[:]
        for index in (0, 1, len(part) - 1):
            row = start + index
            np.testing.assert_allclose(inputs[index], scaled[row : row + 96], atol=1e-5)
            np.testing.assert_allclose(targets[index], scaled[row + 96 : row + 192], atol=1e-5)
    assert splits.info.class_names == tuple(frame.columns)


@needs("etth1")
def test_the_source_is_the_digest_of_the_file() -> None:
    (source,) = cvkan.load(cvkan.config_for("timeseries", dataset="etth1")).sources
    assert source.path is not None
    assert source.sha256 == hashlib.sha256(source.path.read_bytes()).hexdigest()


@needs("cifar10")
def test_cifar10_slices_are_balanced_and_its_test_images_its_own() -> None:
    config = cvkan.config_for("image", dataset="cifar10", train_size=5000, test_size=1000)
    splits = cvkan.load(config)
    assert np.bincount(splits.train.targets).tolist() == [500] * 10
    assert np.bincount(splits.test.targets).tolist() == [100] * 10
    train, validation, test = (
        {image.numpy().tobytes() for image in part.inputs}
        for part in (splits.train, splits.validation, splits.test)
    )
    assert train.isdisjoint(validation | test)
    inputs, _ = splits.train[:]
    np.testing.assert_allclose(inputs.mean(dim=(0, 2, 3)), np.zeros(3), atol=1e-3)
    np.testing.assert_allclose(inputs.std(dim=(0, 2, 3)), np.ones(3), atol=1e-3)


@needs("fsdd")
def test_fsdd_tests_on_its_official_recordings() -> None:
    splits = cvkan.load(cvkan.config_for("audio", dataset="fsdd"))
    path = splits.sources[0].path
    assert path is not None
    with np.load(path) as arrays:
        official = arrays["x"][arrays["is_test"]]
    np.testing.assert_array_equal(splits.test.inputs, official)
    assert [len(splits.train), len(splits.validation)] == [2430, 270]
    assert np.bincount(splits.validation.targets).tolist() == [27] * 10
    inputs, _ = splits.test[:]
    np.testing.assert_array_equal(inputs, official.astype(np.float32) / 32768)


def test_speech_commands_obey_the_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "SpeechCommands" / "speech_commands_v0.02"
    for number, word in enumerate(("_background_noise_", "no", "yes")):
        (folder / word).mkdir(parents=True)
        for take in range(4):
            samples = np.full(12000, 100 * number + take, dtype=np.int16)  # shorter than a second
            soundfile.write(folder / word / f"{take}.wav", samples, 16000)
    (folder / "validation_list.txt").write_text("no/1.wav\nyes/1.wav\n")
    (folder / "testing_list.txt").write_text("no/2.wav\nyes/2.wav\n")
    monkeypatch.setenv("CVKAN_DATA", str(tmp_path))
    splits = cvkan.load(cvkan.config_for("audio", dataset="speech_commands"))
    assert splits.info.class_names == ("no", "yes")
    heard = [part.inputs[:, 0].tolist() for part in (splits.train, splits.validation, splits.test)]
    assert heard == [[100, 103, 200, 203], [101, 201], [102, 202]]
    assert splits.train.targets.tolist() == [0, 0, 1, 1]
    assert splits.train.inputs.shape == (4, 16000)
    assert splits.train.inputs[:, 12000:].count_nonzero() == 0
