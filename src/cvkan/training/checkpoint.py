"""Weights and the configuration they belong to, on disk."""

from __future__ import annotations

import io
import json
import os
import pickle
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from cvkan.config import TrainingConfig, config_for
from cvkan.errors import CvkanError
from cvkan.info import DataInfo

Weights = Mapping[str, Tensor]

# what torch.load raises for files that it did not write, or not to the end
UNREADABLE = (
    OSError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)


def save_weights(path: Path, weights: Weights) -> None:
    """Write a state dictionary that `torch.load(path, weights_only=True)` reads."""
    buffer = io.BytesIO()
    torch.save({name: tensor.cpu() for name, tensor in weights.items()}, buffer)
    replace_file(path, buffer.getvalue())


def save_config(folder: Path, config: TrainingConfig, info: DataInfo) -> None:
    """Write config.json: all that is needed to build the model of the weights beside it."""
    content = {"domain": config.domain, "config": config.model_dump(), "info": asdict(info)}
    replace_file(folder / "config.json", (json.dumps(content, indent=2) + "\n").encode())


def read_config(folder: Path) -> tuple[TrainingConfig, DataInfo]:
    """The configuration and the data's shape that `save_config` wrote; CvkanError for others."""
    path = folder / "config.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        domain, options = content["domain"], content["config"]
        shape: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in content["info"].items()
        }
        info = DataInfo(**shape)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise _unreadable(path) from error
    return config_for(domain, **options), info


def load_model(
    folder: Path, which: Literal["best", "last"] = "best"
) -> tuple[nn.Module, TrainingConfig]:
    """The trained model of a checkpoints folder, in evaluation mode, and its configuration."""
    from cvkan.models import build

    weights = folder / f"{which}.pt"
    if not weights.is_file():
        raise CvkanError(
            "no checkpoint there", seen=str(weights), do="Pass the checkpoints folder of a run."
        )
    config, info = read_config(folder)
    model = build(config, info)
    try:
        model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except UNREADABLE as error:
        raise _unreadable(weights) from error
    return model.eval(), config


def _unreadable(path: Path) -> CvkanError:
    return CvkanError(
        "a checkpoint that cannot be read, or is one of another model",
        seen=str(path),
        do="Train it again with this version, or pass the folder of another run.",
    )


def replace_file(path: Path, content: bytes) -> None:
    """Write beside, flush to disk, rename: a reader or a crash sees the old file or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(0o644)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
