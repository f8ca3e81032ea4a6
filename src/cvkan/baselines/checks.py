"""What a baseline refuses."""

from __future__ import annotations

from torch import Tensor

from cvkan.errors import CvkanError


def no_mask(model: str, mask: Tensor | None) -> None:
    """CvkanError where there is a mask: better none than one that is not heeded."""
    if mask is not None:
        raise CvkanError(f"a {model} takes no mask", seen=tuple(mask.shape), do="Leave it out.")
