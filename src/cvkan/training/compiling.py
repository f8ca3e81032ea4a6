"""torch.compile, in place: the weights keep their names, and so do checkpoints."""

from __future__ import annotations

import os
import shutil
from weakref import WeakSet

import torch
from torch import nn

from cvkan.config import TrainingConfig
from cvkan.errors import ConfigError

BACKEND = "inductor"
_COMPILED: WeakSet[nn.Module] = WeakSet()


def compile_once(model: nn.Module, config: TrainingConfig, device: torch.device) -> None:
    """Have the model compiled at its next call, if `config` asks for it and it is not yet.

    Raises ConfigError where that needs a C++ compiler and there is none.
    """
    if not config.compile or model in _COMPILED:
        return
    if BACKEND == "inductor" and device.type == "cpu" and not has_compiler():
        raise ConfigError(
            "torch.compile needs a C++ compiler, and there is none",
            seen=config.compile,
            do="Install g++ or clang++, name one by the variable CXX, or set compile to false.",
        )
    model.compile(backend=BACKEND)
    _COMPILED.add(model)


def has_compiler() -> bool:
    """Whether there is a C++ compiler that torch.compile would find."""
    names = (os.environ.get("CXX"), "g++", "clang++")
    return any(name and shutil.which(name) for name in names)
