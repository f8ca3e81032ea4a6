"""What a baseline refuses."""

from __future__ import annotations

from torch import Tensor

from cvkan.errors import CvkanError
from cvkan.info import DataInfo


def classes_of(info: DataInfo, model: str) -> int:
    """How many classes a classifier tells apart; CvkanError for data without any."""
    if info.n_classes is None:
        raise CvkanError(
            f"a {model} classifies, but the data set has no classes",
            seen=info.name,
            do="Set n_classes in its DataInfo.",
        )
    return info.n_classes


def no_mask(model: str, mask: Tensor | None) -> None:
    """CvkanError where there is a mask: every pixel of an image is real."""
    if mask is not None:
        raise CvkanError(f"a {model} takes no mask", seen=tuple(mask.shape), do="Leave it out.")
