"""The data sets by name: what they are, whether they are here, how to get them.

Imports nothing heavy, so that listing the data sets costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cvkan.data import folders
from cvkan.errors import DataMissingError
from cvkan.info import Domain


@dataclass(frozen=True)
class Dataset:
    """One data set; `find` and `fetch` work on the folders of `cvkan.data.folders`."""

    name: str
    domain: Domain
    description: str
    files: tuple[str, ...] = ()  # paths inside a data folder, any of which is the data set
    download: Callable[[Path], object] | None = None  # puts the data set into the folder
    # writes what trainings would compute again and again; called with n_fft and hop
    precompute: Callable[..., list[Path]] | None = None
    origin: str = ""  # where a file that cannot be downloaded comes from

    @property
    def embedded(self) -> bool:
        """Whether it is generated or installed with a library, so that nothing is read."""
        return not self.files

    @property
    def fetch_command(self) -> str | None:
        """The command that downloads it, where one does."""
        return f"lab data get {self.name}" if self.download else None

    def find(self) -> Path | None:
        """Its file or folder on this machine; None where it is missing or embedded."""
        return folders.find(*self.files)

    def require(self) -> Path:
        """Its file or folder on this machine; raises DataMissingError that says how to get it."""
        path = self.find()
        if path is None:
            raise self._missing()
        return path

    def fetch(self, folder: Path | None = None) -> Path:
        """Download it into `folder` (default: the first data folder); the path it then has."""
        if self.download is None:
            raise self._missing()
        folder = folder or folders.data_folders()[0]
        folder.mkdir(parents=True, exist_ok=True)
        self.download(folder)
        return next(folder / name for name in self.files if (folder / name).exists())

    def _missing(self) -> DataMissingError:
        if self.embedded:
            advice = "It is generated or comes with a library; there is nothing to fetch."
        elif self.fetch_command:
            advice = f"Run `{self.fetch_command}`, or set CVKAN_DATA to a folder that has it."
        else:
            target = folders.data_folders()[0] / self.files[0]
            advice = f"Put the file {target} there ({self.origin}), or set CVKAN_DATA."
        return DataMissingError(self.name, folders=folders.data_folders(), do=advice)


def _download_cifar10(folder: Path) -> None:
    from torchvision.datasets import CIFAR10

    CIFAR10(folder, download=True)


def _download_speech_commands(folder: Path) -> None:
    from torchaudio.datasets import SPEECHCOMMANDS

    SPEECHCOMMANDS(folder, download=True)


def _precompute_speech_commands(*, n_fft: int, hop: int) -> list[Path]:
    from cvkan.data.spectrograms import precompute_speech_commands

    return precompute_speech_commands(DATASETS["speech_commands"].require(), n_fft=n_fft, hop=hop)


_ALL = (
    Dataset("digits", "image", "1,797 handwritten digits of 8x8 pixels (scikit-learn)"),
    Dataset(
        "cifar10",
        "image",
        "60,000 photographs of 32x32 pixels in 10 classes, or the balanced slice of 12,000",
        files=("cifar-10-batches-py", "cifar10_jpgs.npz"),
        download=_download_cifar10,
    ),
    Dataset("spoken_tones", "audio", "synthesized two-vowel words, 8 classes, half a second"),
    Dataset(
        "speech_commands",
        "audio",
        "105,829 spoken words in 35 classes, one second at 16 kHz",
        files=("SpeechCommands/speech_commands_v0.02",),
        download=_download_speech_commands,
        precompute=_precompute_speech_commands,
    ),
    Dataset(
        "fsdd",
        "audio",
        "3,000 spoken digits of six speakers, one second at 8 kHz",
        files=("fsdd_8khz_1s.npz",),
        origin="arrays x, y, is_test made from the free spoken digit dataset",
    ),
    Dataset("cycles", "timeseries", "seven generated hourly series: daily and weekly cycles"),
    Dataset(
        "etth1",
        "timeseries",
        "17,420 hours of loads and oil temperature of a transformer station",
        files=("ETTh1.csv",),
        origin="ETT-small/ETTh1.csv of github.com/zhouhaoyi/ETDataset",
    ),
    Dataset("opinions", "text", "generated opinions of two kinds; negation and contrast turn them"),
    Dataset(
        "sst2",
        "text",
        "9,613 sentences of film reviews, negative or positive, in their official splits",
        files=("sst2",),
        origin="train.tsv, dev.tsv and test.tsv of the binary Stanford Sentiment Treebank",
    ),
    Dataset("signal_noise", "synthetic", "complex tokens: phase-aligned signals among noise"),
    Dataset("rules", "grid", "generated grid tasks of nine kinds: inputs, outputs, what they do"),
    Dataset(
        "arc",
        "grid",
        "386 training tasks of ARC-AGI-1 in the nine categories of a taxonomy",
        files=("arc1_train_taxonomy.json",),
        origin="grids of github.com/fchollet/ARC-AGI with a category for each task",
    ),
    Dataset("simulated_tips", "scanline", "simulated STM scans of four tip states"),
    Dataset(
        "stm_tips",
        "scanline",
        "STM scans of 128 lines, labelled by the state of the tip",
        files=("stm_tips.npz",),
        origin="arrays images and labels, or x_raw and y as in the .mat file of the recordings",
    ),
)

DATASETS: dict[str, Dataset] = {dataset.name: dataset for dataset in _ALL}
