"""Checkpoints: what is on disk is the model that was tested."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import cvkan
from cvkan.errors import CvkanError
from cvkan.training.checkpoint import read_config, save_config, save_weights

OPTIONS = {"train_size": 130, "test_size": 60, "d_complex": 8, "epochs": 3, "device": "cpu"}


def fitted(folder: Path) -> tuple[cvkan.Result, cvkan.TrainingConfig, cvkan.Splits]:
    config = cvkan.config_for("image", **OPTIONS)
    splits = cvkan.load(config)
    model = cvkan.build(config, splits.info)
    return cvkan.fit(model, splits, config, checkpoints=folder), config, splits


def test_a_reloaded_model_tests_the_same(tmp_path: Path) -> None:
    result, config, splits = fitted(tmp_path / "checkpoints")
    model, loaded = cvkan.load_model(tmp_path / "checkpoints")
    assert loaded == config
    found = cvkan.predict(model, splits.test, loaded).metrics()
    assert {f"test/{name}": value for name, value in found.items()} == result.test
    last, _ = cvkan.load_model(tmp_path / "checkpoints", "last")
    validated = cvkan.predict(last, splits.validation, loaded).metrics()
    assert validated["loss"] == result.history[-1]["val/loss"]


def test_the_folder_holds_weights_only_and_the_configuration(tmp_path: Path) -> None:
    _, config, splits = fitted(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["best.pt", "config.json", "last.pt", "state.pt"]
    weights = torch.load(tmp_path / "best.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())
    assert json.loads((tmp_path / "config.json").read_text())["config"]["d_complex"] == 8
    assert read_config(tmp_path) == (config, splits.info)


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "best.pt"
    save_weights(path, {"w": torch.ones(2)})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_weights(path, {"w": torch.zeros(2)})
    assert torch.load(path, weights_only=True)["w"].tolist() == [1, 1]
    assert [file.name for file in tmp_path.iterdir()] == ["best.pt"]


def test_a_folder_without_checkpoint_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(cvkan.CvkanError, match="no checkpoint there"):
        cvkan.load_model(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"), [("best.pt", b"rubbish"), ("config.json", b"{}"), ("config.json", b"{")]
)
def test_a_checkpoint_that_cannot_be_read_is_told(
    tmp_path: Path, name: str, content: bytes
) -> None:
    config = cvkan.config_for("image", **OPTIONS)
    splits = cvkan.load(config)
    save_config(tmp_path, config, splits.info)
    save_weights(tmp_path / "best.pt", cvkan.build(config, splits.info).state_dict())
    cvkan.load_model(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(
        CvkanError, match=rf"checkpoint that cannot be read.*{name}.*Train it again"
    ):
        cvkan.load_model(tmp_path)


def test_the_weights_of_another_model_are_told(tmp_path: Path) -> None:
    config = cvkan.config_for("image", **OPTIONS)
    splits = cvkan.load(config)
    save_config(tmp_path, config, splits.info)
    save_weights(tmp_path / "best.pt", {"weight": torch.ones(2)})
    with pytest.raises(CvkanError, match="or is one of another model"):
        cvkan.load_model(tmp_path)
