"""Which model answers to which name in which domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from cvkan.baselines.vit import matched_vit
from cvkan.errors import CvkanError, UnknownNameError
from cvkan.info import DataInfo
from cvkan.models.audio import AudioModel
from cvkan.models.image import ImageModel
from cvkan.models.synthetic import SyntheticModel
from cvkan.models.timeseries import TimeSeriesModel

Maker = Callable[[Any, DataInfo], nn.Module]

MODELS: dict[str, dict[str, Maker]] = {
    "image": {"cvkan": ImageModel, "vit": matched_vit},
    "audio": {"cvkan": AudioModel},
    "timeseries": {"cvkan": TimeSeriesModel},
    "synthetic": {"cvkan": SyntheticModel},
}


def find_model(domain: str, name: str) -> Maker:
    """What makes the model `name` of a domain."""
    if domain not in MODELS:
        raise UnknownNameError("domain", domain, MODELS)
    if name in MODELS[domain]:
        return MODELS[domain][name]
    elsewhere = [other for other, models in MODELS.items() if name in models]
    if elsewhere:
        raise CvkanError(
            f"model {name!r} does not exist for this domain",
            seen=domain,
            do=f"{name} is for {', '.join(elsewhere)}; {domain} has {', '.join(MODELS[domain])}.",
        )
    raise UnknownNameError("model", name, MODELS[domain])
