"""The public surface of cvkan, pinned."""

from __future__ import annotations

import subprocess
import sys

import pytest

import cvkan

PUBLIC = [
    "DATASETS",
    "AudioConfig",
    "CvkanError",
    "DataInfo",
    "Dataset",
    "GridConfig",
    "ImageConfig",
    "Predictions",
    "Result",
    "ScanlineConfig",
    "Source",
    "Split",
    "Splits",
    "SyntheticConfig",
    "TextConfig",
    "TimeSeriesConfig",
    "TrainingConfig",
    "build",
    "config_for",
    "fit",
    "load",
    "load_model",
    "predict",
    "preset",
    "sized",
]


def test_the_public_names_are_these() -> None:
    assert cvkan.__all__ == PUBLIC
    assert dir(cvkan) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented(name: str) -> None:
    assert getattr(cvkan, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        _ = cvkan.fitt  # type: ignore[attr-defined]


def test_a_configuration_can_be_read_without_torch() -> None:
    code = "import sys, cvkan; cvkan.config_for('image'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
