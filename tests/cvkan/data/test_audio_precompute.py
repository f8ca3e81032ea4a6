"""Precomputed spectrograms: the numbers of the raw path, found without asking, never stale."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import cvkan
from cvkan.data.registry import DATASETS
from cvkan.data.splits import Splits
from cvkan.errors import DataError
from lab.datasets import precomputed
from lab.errors import InputError, WorkFailed

OPTIONS = {"dataset": "speech_commands", "n_fft": 512, "hop": 256, "d_complex": 8, "epochs": 1}
FOLDER = "speech_commands_stft_512_256"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a Speech Commands of 18 recordings, some shorter than a second."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "SpeechCommands" / "speech_commands_v0.02"
    for word in ("_background_noise_", "no", "up", "yes"):
        (folder / word).mkdir(parents=True)
        for take in range(6):
            samples = rng.integers(-9000, 9000, 16000 - 700 * take).astype(np.int16)
            soundfile.write(folder / word / f"{take}.wav", samples, 16000)
    words = ("yes", "no", "up")
    (folder / "validation_list.txt").write_text("".join(f"{word}/1.wav\n" for word in words))
    (folder / "testing_list.txt").write_text("".join(f"{word}/2.wav\n" for word in words))
    monkeypatch.setenv("CVKAN_DATA", str(tmp_path))
    return tmp_path


def load(**values: object) -> Splits:
    options = OPTIONS
    if values.get("model") == "m5":  # it hears no spectrogram
        options = {"dataset": "speech_commands"}
    return cvkan.load(cvkan.config_for("audio", **options | values))


def trained(splits: Splits, **values: object) -> cvkan.Result:
    config = cvkan.config_for("audio", **{**OPTIONS, "batch_size": 5, **values})
    return cvkan.fit(cvkan.build(config, splits.info), splits, config)


def write(**options: int) -> list[Path]:
    return DATASETS["speech_commands"].precompute(**{"n_fft": 512, "hop": 256, **options})


def test_training_finds_them_and_comes_to_the_same_numbers(data: Path) -> None:
    raw = load()
    expected = trained(raw)
    assert raw.train.inputs.shape == (12, 16000)
    assert [path.name for path in write()] == ["speech_commands_waveforms", FOLDER]
    found = load()
    assert found.train.inputs.shape == (12, 63, 257, 2)
    got = trained(found)
    assert got.test == expected.test
    for ours, theirs in zip(got.history, expected.history, strict=True):
        assert {**ours, "time/epoch_seconds": 0} == {**theirs, "time/epoch_seconds": 0}


def test_every_spectrogram_is_that_of_its_recording_to_the_bit(data: Path) -> None:
    raw = load()
    write()
    found = load()
    window = torch.hann_window(512)
    for part, recordings in ((found.train, raw.train), (found.test, raw.test)):
        index = torch.tensor([2, 0])
        (bins, labels), (waves, truth) = part[index], recordings[index]
        for ours, wave in zip(bins, waves, strict=True):
            (samples,) = wave.nonzero()[-1] + 1  # zeros behind them fill the second up
            stft = torch.stft(wave[:samples], 512, 256, window=window, return_complex=True)
            frames = stft.shape[-1]
            assert torch.equal(ours[:frames], torch.view_as_real(stft).transpose(0, 1))
            assert ours[frames:].eq(0).all()
        assert torch.equal(labels, truth)


def test_a_subset_is_the_same_subset(data: Path) -> None:
    sizes = {"train_size": 5, "validation_size": 3, "test_size": 2}
    raw = load(**sizes)
    write()
    found = load(**sizes)
    for ours, theirs in ((found.train, raw.train), (found.test, raw.test)):
        assert torch.equal(ours.targets, theirs.targets)
        assert torch.equal(cvkan_stft(theirs[:][0]), ours[:][0])


def cvkan_stft(waves: torch.Tensor) -> torch.Tensor:
    from cvkan.layers.spectrogram import Spectrogram

    return Spectrogram(512, 256)(waves)


def test_reconstructions_keep_their_waveforms_as_targets(data: Path) -> None:
    raw = load(task="reconstruction")
    expected = trained(raw, task="reconstruction")
    write()
    found = load(task="reconstruction")
    assert torch.equal(found.train.targets, raw.train[:][0])
    assert trained(found, task="reconstruction").test == expected.test


def test_others_than_asked_for_are_not_used(data: Path) -> None:
    write()
    assert load(hop=128).train.inputs.shape == (12, 16000)
    assert load(model="m5").train.inputs.dtype == torch.int16


@pytest.mark.parametrize("kept", [FOLDER, "speech_commands_waveforms"])
def test_other_recordings_are_noticed_and_made_again(data: Path, kept: str) -> None:
    write()
    for folder in {FOLDER, "speech_commands_waveforms"} - {kept}:
        (data / folder).rename(data / "elsewhere")
    words = data / "SpeechCommands" / "speech_commands_v0.02"
    (words / "no" / "5.wav").rename(words / "no" / "7.wav")
    with pytest.raises(DataError, match=r"other recordings.*lab data precompute"):
        load()
    write()
    assert sorted(path.name for path in data.iterdir()) == sorted(
        {"SpeechCommands", FOLDER, "speech_commands_waveforms", "elsewhere"}
    )
    samples, _ = soundfile.read(words / "no" / "7.wav", dtype="int16")
    waves = load(model="m5").train.inputs
    assert any(np.array_equal(row[: len(samples)], samples) for row in waves.numpy())


def test_a_damaged_file_is_noticed(data: Path) -> None:
    write()
    file = data / FOLDER / "train.npy"
    with file.open("r+b") as handle:
        handle.truncate(file.stat().st_size - 1000)
    with pytest.raises(DataError, match="damaged"):
        load()


def test_a_crash_while_writing_leaves_nothing_to_be_found(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("cvkan.data.speech_commands._read", full)
        with pytest.raises(OSError, match="No space"):
            write()
        assert [path.name for path in data.iterdir()] == ["SpeechCommands"]
        with pytest.raises(WorkFailed, match="No space") as failed:
            precomputed("speech_commands", n_fft=512, hop=256)
    assert failed.value.exit_code == 1
    assert load().train.inputs.shape == (12, 16000)


def test_what_a_killed_writing_left_is_cleared_up(data: Path) -> None:
    (data / f".{FOLDER}.partial").mkdir()
    assert load().train.inputs.shape == (12, 16000)
    write()
    assert not list(data.glob(".*"))


def test_what_is_there_is_not_written_again(data: Path) -> None:
    before = [path.stat().st_mtime_ns for folder in write() for path in folder.iterdir()]
    after = [path.stat().st_mtime_ns for folder in write() for path in folder.iterdir()]
    assert before == after
    meta = json.loads((data / FOLDER / "meta.json").read_text())
    assert meta["recordings"] == {"train": 12, "validation": 3, "test": 3}


def test_too_small_a_disk_is_said_before_anything_is_written(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(DataError, match="more than there is room for"):
        write()


def test_lab_precomputes_what_can_be(data: Path) -> None:
    assert [path.name for path in precomputed("speech_commands", n_fft=64, hop=32)] == [
        "speech_commands_waveforms",
        "speech_commands_stft_64_32",
    ]
    with pytest.raises(InputError, match=r"fsdd has nothing to precompute.*speech_commands"):
        precomputed("fsdd", n_fft=64, hop=32)
