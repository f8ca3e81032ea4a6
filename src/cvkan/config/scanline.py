"""Options of the classifier of tip states from scan lines."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from cvkan.config.model import KANS, Aggregation, Kan, Pooling
from cvkan.config.options import Needs
from cvkan.config.training import ClassifierConfig

LineEncoder = Literal["linear", "fourier", "cnn"]

_TOKENS = Needs("model", (*KANS, "vit"))
_SIMULATED = Needs("dataset", ("simulated_tips",))


class ScanlineConfig(ClassifierConfig):
    """All options of a classifier of tip states from scan lines."""

    domain = "scanline"
    extra_metrics = ("balanced_accuracy", "auroc", "majority")
    quality = "balanced_accuracy"
    model: Kan | Literal["vit", "lrcn"] = Field(
        "cvkan", description="cvkan, a twin of it, or a baseline"
    )
    dataset: Literal["simulated_tips", "stm_tips"] = Field(
        "simulated_tips", description="simulated_tips is simulated"
    )
    lines: int = Field(32, gt=3, description="simulated_tips: lines of a scan")
    pixels: int = Field(32, gt=3, description="simulated_tips: pixels of a line")
    noise: float = Field(1.0, ge=0, description="simulated_tips: noise, as a multiple of the usual")
    tip_changes: float = Field(
        0.2, ge=0, le=1, description="simulated_tips: share of scans in which the tip changes"
    )
    flip: bool = Field(True, description="mirror half of the training scans left to right")
    added_noise: float = Field(
        0.0, ge=0, description="noise on training scans, relative to their standard deviation"
    )
    line_dropout: float = Field(
        0.0, ge=0, lt=1, description="share of the lines that training scans lose"
    )
    min_lines: int | None = Field(
        None,
        gt=0,
        description="cut training scans after a random line, not before this; null: no",
    )
    line_norm: bool = Field(True, description="give every line mean 0 and standard deviation 1")
    line_encoder: LineEncoder = Field(
        "fourier",
        description="linear in the pixels, such that begins as Fourier waves, or convolutions",
    )
    vit_pooling: Literal["cls", "mean"] = Field(
        "mean", description="vit: a class token, or the mean of the lines"
    )
    class_weights: bool = Field(
        True, description="weigh class k by n / (K n_k), counted on the training split"
    )
    d_complex: int = Field(32, gt=0, description="complex dimensions of a token")
    kan_hidden: int = Field(16, gt=0, description="base width of the perceptrons")
    aggregation: Aggregation = "local_window"
    window: int = Field(3, gt=0, description="tokens across the window of aggregation local_window")
    pooling: Pooling = "covariance"
    lr: float = Field(5e-3, gt=0, description="learning rate at its peak")
    epochs: int = Field(5, gt=0, description="passes over the training set")

    needs: ClassVar = {
        "lines": _SIMULATED,
        "pixels": _SIMULATED,
        "noise": _SIMULATED,
        "tip_changes": _SIMULATED,
        "vit_pooling": Needs("model", ("vit",)),
        "line_encoder": _TOKENS,
        "n_layers": _TOKENS,
    }
