"""What a model must know about a data set before it can be built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cvkan.errors import CvkanError

Domain = Literal["image", "audio", "timeseries", "text", "synthetic", "scanline", "grid"]


@dataclass(frozen=True)
class DataInfo:
    """The shape and meaning of one sample; the only thing models learn about data.

    `sample_shape`, without the batch axis:
        image       (channels, height, width)
        audio       (samples,), the waveform; n_fft and hop are the model's
        timeseries  (lookback, channels); the target is (horizon, channels)
        text        (words,), numbers below `vocabulary`; 0 fills up
        scanline    (lines, pixels); NaN where a line was not scanned
        grid        (demonstrations, 2, height, width), input and output grids of colours
        synthetic   (tokens, features) real, or (tokens, features, 2) complex as (re, im) pairs
    """

    name: str  # registry name of the data set
    domain: Domain
    sample_shape: tuple[int, ...]
    display_name: str = ""  # for titles of figures
    n_classes: int | None = None  # classification only
    class_names: tuple[str, ...] = ()  # one per class, in label order
    horizon: int | None = None  # forecasting only, in steps
    sample_rate: int | None = None  # audio only, in Hz
    vocabulary: int | None = None  # text only: how many numbers of words there are

    @property
    def channels(self) -> int:
        """Image planes or series; a waveform has one."""
        if self.domain == "image":
            return self.sample_shape[0]
        return self.sample_shape[1] if self.domain == "timeseries" else 1

    @property
    def lookback(self) -> int:
        """Length of the input in steps (time series), samples (audio) or tokens (synthetic)."""
        return self.sample_shape[-1] if self.domain == "audio" else self.sample_shape[0]

    def classes_for(self, model: str) -> int:
        """How many classes a `model` is to tell apart; CvkanError for data without any."""
        if self.n_classes is None:
            raise CvkanError(
                f"a {model} classifies, but the data set has no classes",
                seen=self.name,
                do="Set n_classes in its DataInfo.",
            )
        return self.n_classes
