"""Data sets are found in the data folders; a missing one says how to get it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import cvkan
from cvkan.data import folders
from cvkan.data.registry import DATASETS, Dataset
from cvkan.errors import DataMissingError


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without data: a fresh $CVKAN_DATA, working directory and home."""
    for name in ("data", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("CVKAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LAB_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("domain", "dataset", "advice"),
    [
        ("image", "cifar10", "Run `lab data get cifar10`, or set CVKAN_DATA"),
        ("audio", "speech_commands", "Run `lab data get speech_commands`, or set CVKAN_DATA"),
        ("audio", "fsdd", "fsdd_8khz_1s.npz there"),
        ("timeseries", "etth1", "ETTh1.csv there (ETT-small/ETTh1.csv of"),
    ],
)
def test_a_missing_data_set_says_how_to_get_it(
    nowhere: Path, domain: str, dataset: str, advice: str
) -> None:
    with pytest.raises(DataMissingError) as caught:
        cvkan.load(cvkan.config_for(domain, dataset=dataset))
    message = str(caught.value)
    assert "data set not found" in message
    assert repr(dataset) in message
    assert str(nowhere / "data") in message
    assert advice in message


@pytest.mark.parametrize("name", [n for n, d in DATASETS.items() if d.download is None])
def test_what_cannot_be_downloaded_says_so(nowhere: Path, name: str) -> None:
    with pytest.raises(DataMissingError, match=r"nothing to fetch|Put the file"):
        DATASETS[name].fetch()


def test_a_download_is_found_afterwards(nowhere: Path) -> None:
    dataset = Dataset(
        "toy", "image", "", files=("toy.bin",), download=lambda f: (f / "toy.bin").write_bytes(b"x")
    )
    assert dataset.find() is None
    assert dataset.fetch() == nowhere / "data" / "toy.bin" == dataset.find()


def test_the_named_folder_wins_over_the_default(nowhere: Path) -> None:
    default = nowhere / "home" / ".cache" / "cvkan"
    default.mkdir(parents=True)
    (default / "ETTh1.csv").write_text("old")
    assert DATASETS["etth1"].find() == default / "ETTh1.csv"
    (nowhere / "data" / "ETTh1.csv").write_text("new")
    assert DATASETS["etth1"].find() == nowhere / "data" / "ETTh1.csv"


def test_inside_a_workspace_the_default_is_its_data_folder(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nowhere / "pyproject.toml").write_text("[tool.lab]\n")
    (nowhere / "notebooks").mkdir()
    monkeypatch.chdir(nowhere / "notebooks")
    assert folders.default_folder() == nowhere / "data"


def test_the_digest_of_a_folder_depends_on_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("2")
    before = folders.sha256(tmp_path, ("a", "b"))
    assert before == folders.sha256(tmp_path, ("b", "a"))
    (tmp_path / "b").write_text("3")
    assert folders.sha256(tmp_path, ("a", "b")) != before


def test_listing_data_sets_imports_no_torch() -> None:
    code = "import sys, cvkan.data.registry; print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
