"""Options of the forecasting models."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from cvkan.config.model import KANS, Aggregation, Kan, Pooling
from cvkan.config.options import Needs
from cvkan.config.training import TrainingConfig

_TOKENS = Needs("model", (*KANS, "lstm", "tcn", "transformer"))


class TimeSeriesConfig(TrainingConfig):
    """All options of a forecaster."""

    domain = "timeseries"
    model: Kan | Literal["lstm", "tcn", "transformer", "dlinear", "nlinear", "naive"] = Field(
        "cvkan", description="cvkan, a twin of it, or a baseline"
    )
    dataset: Literal["cycles", "etth1"] = Field("cycles", description="cycles is generated")
    lookback: int = Field(96, gt=0, description="hours the model sees")
    horizon: int = Field(96, gt=0, description="hours it forecasts")
    patch: int = Field(12, gt=0, description="hours in one token, the last of them now")
    channels: Literal["together", "apart"] = Field(
        "apart", description="one token for all channels, or each a series of its own to one model"
    )
    aggregation: Aggregation = Field(
        "causal", description="how a block sums up the tokens it lets interact"
    )
    pooling: Pooling = Field("last", description="how tokens become one feature vector")
    output_mode: Literal["both", "magnitude", "real", "phase"] = Field(
        "both", description="which part of the pooled complex vector the forecast is read from"
    )
    linear_path: bool = Field(
        True, description="add a linear forecast per channel (trend and remainder), as in DLinear"
    )
    period: int = Field(
        24, gt=0, description="hours that model naive repeats; 1: the last value, kept"
    )
    d_complex: int = Field(32, gt=0, description="complex dimensions of a token")
    n_layers: int = Field(1, ge=0, description="layers in which tokens interact; 0: the control")
    epochs: int = Field(3, gt=0, description="passes over the training set")
    batch_size: int = Field(32, gt=0, description="samples in an optimizer step")

    of_kans: ClassVar = (*TrainingConfig.of_kans, "output_mode")

    needs: ClassVar = {
        "period": Needs("model", ("naive",)),
        "patch": _TOKENS,
        "channels": _TOKENS,
        "linear_path": _TOKENS,
        "dropout": _TOKENS,
        "n_layers": Needs("model", (*KANS, "lstm", "transformer")),
        "data_seed": Needs("dataset", ("cycles",)),
    }
