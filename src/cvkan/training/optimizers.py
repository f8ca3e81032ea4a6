"""AdamW and SGD as torch has them, without what its wrappers around them import.

torch wraps the methods of its optimizers so that torch.compile leaves them alone, and the wrappers
import torch._dynamo with sympy, some 850 modules, at the first of them; a small training is over
in that time. Nothing here compiles an optimizer (a model is compiled by itself, see
`cvkan.training.compiling`), so the methods are called as they are below their wrappers.
"""

from __future__ import annotations

from inspect import unwrap
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from cvkan.config import TrainingConfig


class _Unwrapped(Optimizer):
    """The methods of every optimizer, as they are below torch's wrappers."""

    add_param_group = unwrap(Optimizer.add_param_group)
    zero_grad = unwrap(Optimizer.zero_grad)
    state_dict = unwrap(Optimizer.state_dict)
    load_state_dict = unwrap(Optimizer.load_state_dict)


class _AdamW(_Unwrapped, AdamW):
    step: Any = torch.no_grad()(unwrap(AdamW.step))


class _SGD(_Unwrapped, SGD):
    step: Any = torch.no_grad()(unwrap(SGD.step))


def optimizer_for(model: nn.Module, config: TrainingConfig) -> Optimizer:
    """The optimizer that `config` names, over all parameters of the model."""
    rate, decay = config.lr, config.weight_decay
    if config.optimizer == "adamw":
        return _AdamW(model.parameters(), lr=rate, weight_decay=decay)
    return _SGD(model.parameters(), lr=rate, weight_decay=decay, momentum=0.9, nesterov=True)
