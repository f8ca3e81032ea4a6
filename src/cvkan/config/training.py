"""The options that every training has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from cvkan.config.model import ModelConfig
from cvkan.config.options import Needs
from cvkan.info import Domain

Optimizer = Literal["adamw", "sgd"]
Schedule = Literal["cosine", "plateau", "constant"]
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["float32", "bfloat16", "float16"]
ExtraMetric = Literal["balanced_accuracy", "auroc", "majority", "accuracy_se"]

Quality = Literal["mse", "accuracy", "balanced_accuracy"]


class TrainingConfig(ModelConfig):
    """Options of every domain's data and training."""

    domain: ClassVar[Domain]
    quality: ClassVar[Quality] = "mse"  # by which the best epoch is chosen

    dataset: str = Field(description="name of the data set")
    train_size: int | None = Field(
        None, gt=0, description="training samples; null: all, or as many as usual"
    )
    validation_size: int | None = Field(
        None, gt=0, description="validation samples; null: as usual"
    )
    test_size: int | None = Field(
        None, gt=0, description="test samples; null: all, or as many as usual"
    )
    data_seed: int = Field(0, ge=0, description="what is generated and how it is split")

    epochs: int = Field(10, gt=0, description="passes over the training set")
    batch_size: int = Field(64, gt=0, description="samples in an optimizer step")
    optimizer: Optimizer = Field("adamw", description="sgd has Nesterov momentum 0.9")
    lr: float = Field(3e-3, gt=0, description="learning rate at its peak")
    weight_decay: float = Field(1e-2, ge=0, description="decoupled for adamw, L2 for sgd")
    schedule: Schedule = Field("cosine", description="learning rate after warm-up")
    warmup: float = Field(0.0, ge=0, description="epochs of linear warm-up, may be a fraction")
    plateau_patience: int = Field(
        3, gt=0, description="schedule plateau: halve after this many epochs without improvement"
    )
    clip: float | None = Field(1.0, gt=0, description="largest gradient norm; null: no clipping")
    patience: int | None = Field(
        None, gt=0, description="stop after this many epochs without improvement; null: never"
    )
    diversity_loss: float = Field(0.0, ge=0, description="weight of the loss on alike dimensions")
    anchor_loss: float = Field(0.0, ge=0, description="weight of the loss that anchors phases")
    coherence_loss: float = Field(0.0, ge=0, description="weight of the loss on phases out of step")
    precision: Precision = Field("float32", description="of linear layers and convolutions")
    polar_float32: bool = Field(
        True, description="keep complex arithmetic in float32; false shows why that is needed"
    )
    compile: bool = Field(False, description="compile the model with torch.compile")
    device: Device = Field("auto", description="auto: the accelerator where there is one")

    of_kans: ClassVar = (*ModelConfig.of_kans, "polar_float32")

    needs: ClassVar = {
        "plateau_patience": Needs("schedule", ("plateau",)),
        "polar_float32": Needs("precision", ("bfloat16", "float16")),
    }

    def _contradictions(self) -> Iterator[tuple[bool, str, str, str]]:
        yield from super()._contradictions()
        yield (
            self.warmup > self.epochs,
            "warmup",
            f"does not end within the {self.epochs} epochs",
            "Lower it to at most epochs.",
        )


class ClassifierConfig(TrainingConfig):
    """Options of the domains whose targets are classes.

    A domain whose classes differ much in size asks for more than the accuracy by two class
    variables: `extra_metrics`, reported for validation and test beside loss and accuracy, and
    `quality`, by which the best epoch is chosen.
    """

    extra_metrics: ClassVar[tuple[ExtraMetric, ...]] = ()
    quality: ClassVar[Quality] = "accuracy"

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread evenly")
    class_weights: bool = Field(
        False, description="weigh class k by n / (K n_k), counted on the training split"
    )
