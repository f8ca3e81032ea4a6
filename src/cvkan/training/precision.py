"""Mixed precision: linear layers and convolutions in 16 bits, everything else in float32.

Weights stay in float32. The polar arithmetic raises what enters it by itself (see cvkan.polar).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler

from cvkan.config import TrainingConfig
from cvkan.polar import lowered_algebra

_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
# float16 ends at 6e-8: gradients are multiplied while they are in it. torch's own first factor,
# 65,536, costs a small training its first steps, each of which overflows and halves it.
_FIRST_SCALE = 1024.0
_LEAST_SCALE = 2.0**-10  # after twenty overflows more there is no scale at which gradients fit


@contextmanager
def precision_of(config: TrainingConfig, device: torch.device) -> Iterator[None]:
    """The precision in which `config` wants a model to be called."""
    dtype = _DTYPES.get(config.precision)
    if dtype is None:
        yield
        return
    algebra = nullcontext() if config.polar_float32 else lowered_algebra()
    with algebra, torch.autocast(device.type, dtype):
        yield


class Stepper:
    """Optimizer steps, with gradients scaled where float16 would lose them."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        config: TrainingConfig,
        device: torch.device,
    ) -> None:
        self._parameters = list(model.parameters())
        self._optimizer, self._clip = optimizer, config.clip
        self.scaler = GradScaler(
            device.type, init_scale=_FIRST_SCALE, enabled=config.precision == "float16"
        )

    def step(self, loss: Tensor, rate: float) -> None:
        """One step of this learning rate; none where a scaled gradient overflowed."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if self._clip is not None:
            self.scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._parameters, self._clip)
        self.scaler.step(self._optimizer)
        self.scaler.update()

    @property
    def is_lost(self) -> bool:
        """Whether gradients overflow at any scale, so that no step is ever taken again."""
        return self.scaler.is_enabled() and self.scaler.get_scale() < _LEAST_SCALE
