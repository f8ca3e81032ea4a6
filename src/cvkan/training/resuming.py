"""The state of a training on disk, from which it goes on as if nothing had stopped it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cvkan.config import TrainingConfig
from cvkan.data.splits import Split, Splits
from cvkan.errors import ConfigError
from cvkan.training.checkpoint import UNREADABLE, replace_file

FILE = "state.pt"
FORMAT = 2
_WHOLE_BYTES = 2**24  # up to here a split is read whole
_SAMPLED = 256
_CONTENT = {"trainer", "seconds", "options", "data"}


def save_state(
    folder: Path,
    trainer: Mapping[str, Any],
    config: TrainingConfig,
    data: Mapping[str, str],
    seconds: float,
) -> None:
    """Write state.pt whole or not at all: with what, on what (`identity`), and how long."""
    buffer = io.BytesIO()
    about = {"options": _options(config), "data": dict(data)}
    torch.save({"format": FORMAT, "trainer": trainer, "seconds": seconds, **about}, buffer)
    replace_file(folder / FILE, buffer.getvalue())


def read_state(
    folder: Path, config: TrainingConfig, data: Mapping[str, str]
) -> dict[str, Any] | None:
    """The state in `folder`; None where there is none.

    Raises ConfigError for a file that cannot be read, and for the state of a training with other
    options or other data than these.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        known = state["format"] == FORMAT and state.keys() >= _CONTENT
    except UNREADABLE:
        known = False
    if not known:
        raise ConfigError(
            "the state of a training cannot be read",
            seen=str(path),
            do="Delete it to train from the beginning, or give another folder.",
        )
    _check_same("options", state["options"], _options(config), path)
    _check_same("data", state["data"], data, path)
    return state


def forget_state(folder: Path) -> None:
    """Delete the state of an earlier training, which a later resume would mistake for this one."""
    (folder / FILE).unlink(missing_ok=True)


def _options(config: TrainingConfig) -> dict[str, Any]:
    return {"domain": config.domain, **config.model_dump()}


def identity(splits: Splits) -> dict[str, str]:
    """What tells data from others: shapes, digests of the values and of their sources."""
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    shapes = {
        name: f"{tuple(part.inputs.shape)} to {tuple(part.targets.shape)}"
        for name, part in parts.items()
    }
    values = {f"values of {name}": _digest(part) for name, part in parts.items()}
    return shapes | values | {source.name: source.sha256 for source in splits.sources}


def _digest(split: Split) -> str:
    """The digest of a split's samples, targets and normalisation.

    Of more than 16 MB, like spectrograms mapped from disk, of samples spread evenly over it.
    """
    digest = hashlib.sha256()
    for tensor in (split.inputs, split.targets, split.center, split.scale):
        if tensor is None:
            continue
        if tensor.nbytes > _WHOLE_BYTES:
            index = torch.linspace(0, len(tensor) - 1, _SAMPLED).long()
            tensor = tensor[index]
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _check_same(what: str, before: Mapping[str, Any], now: Mapping[str, Any], path: Path) -> None:
    names = [name for name in (*before, *now) if before.get(name) != now.get(name)]
    if names:
        name = names[0]
        raise ConfigError(
            f"the training in {path.parent} had other {what}, so it cannot be resumed with these",
            seen=f"{name} {before.get(name)!r}, now {now.get(name)!r}",
            do=f"Use the same {what}, or train from the beginning without resume.",
        )
