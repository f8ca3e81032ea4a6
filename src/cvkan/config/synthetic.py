"""Options of the classifier of bare token sequences."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from cvkan.config.model import KANS, Kan, Positions
from cvkan.config.options import Needs
from cvkan.config.training import ClassifierConfig


class SyntheticConfig(ClassifierConfig):
    """All options of a classifier of signal-versus-noise tokens."""

    domain = "synthetic"
    model: Kan | Literal["mean_linear"] = Field(
        "cvkan", description="cvkan, a twin of it, or a baseline"
    )
    dataset: Literal["signal_noise"] = Field("signal_noise", description="generated")
    positions: Positions = "none"  # they would turn tokens against each other
    epochs: int = Field(2, gt=0, description="passes over the training set")
    n_tokens: int = Field(16, gt=0, description="tokens of a sample")
    token_dim: int = Field(32, gt=0, description="complex features of a token")
    n_signal: int = Field(6, gt=0, description="tokens that carry the signal where there is one")
    n_patterns: int = Field(1, gt=0, description="different signals; classes are noise and these")
    coherence: float = Field(0.7, ge=0, le=1, description="phase alignment of the signal: 1 exact")
    common_phase: Literal["fixed", "random", "per_token", "per_feature"] = Field(
        "per_feature", description="what turns a signal by an angle of its own: harder to the right"
    )

    needs: ClassVar = {
        # a pattern whose every feature is turned at random is like any other
        "n_patterns": Needs("common_phase", ("fixed", "random", "per_token")),
        "n_layers": Needs("model", KANS),
        "dropout": Needs("model", KANS),
    }
