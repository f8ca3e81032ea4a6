"""Heads that answer by a learned vector a class, beside the plain linear one."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.config import GridConfig
from cvkan.info import DataInfo


class ClassVectors(nn.Module):
    """Logits e . W c_k: class vectors c_k of the embedding's size behind a learned projection W."""

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(n_classes, n_features) / math.sqrt(n_features))
        self.project = nn.Linear(n_features, n_features, bias=False)

    def forward(self, embedded: Tensor) -> Tensor:
        projected: Tensor = self.project(self.vectors)
        return embedded @ projected.T


class Cosine(nn.Module):
    """Logits t cos(e, c_k); the temperature t is learned (as its logarithm) or fixed."""

    def __init__(
        self, n_features: int, n_classes: int, *, temperature: float, learned: bool
    ) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(n_classes, n_features) / math.sqrt(n_features))
        log = torch.tensor(math.log(temperature))
        if learned:
            self.log_temperature = nn.Parameter(log)
        else:
            self.register_buffer("log_temperature", log)

    def forward(self, embedded: Tensor) -> Tensor:
        angles = F.normalize(embedded, dim=-1) @ F.normalize(self.vectors, dim=-1).T
        return angles * self.log_temperature.exp()


def make_class_head(config: GridConfig, n_features: int, info: DataInfo) -> nn.Module:
    """The head `config.head` names, from (B, n_features) to logits (B, classes)."""
    n_classes = info.classes_for("grid model")
    if config.head == "class_vectors":
        return ClassVectors(n_features, n_classes)
    if config.head == "cosine":
        return Cosine(
            n_features,
            n_classes,
            temperature=config.temperature,
            learned=config.learn_temperature,
        )
    return nn.Linear(n_features, n_classes)
