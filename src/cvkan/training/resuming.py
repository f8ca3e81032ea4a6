"""The state of a training on disk, from which it goes on as if nothing had stopped it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cvkan.config import TrainingConfig
from cvkan.data.splits import Splits
from cvkan.errors import ConfigError
from cvkan.training.checkpoint import UNREADABLE, replace_file

FILE = "state.pt"
FORMAT = 1
_CONTENT = {"trainer", "seconds", "options", "data"}


def save_state(
    folder: Path,
    trainer: Mapping[str, Any],
    config: TrainingConfig,
    splits: Splits,
    seconds: float,
) -> None:
    """Write state.pt whole or not at all: with what, on what, and how long it was trained."""
    buffer = io.BytesIO()
    about = {"options": _options(config), "data": _data(splits)}
    torch.save({"format": FORMAT, "trainer": trainer, "seconds": seconds, **about}, buffer)
    replace_file(folder / FILE, buffer.getvalue())


def read_state(folder: Path, config: TrainingConfig, splits: Splits) -> dict[str, Any] | None:
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
    _check_same("data", state["data"], _data(splits), path)
    return state


def forget_state(folder: Path) -> None:
    """Delete the state of an earlier training, which a later resume would mistake for this one."""
    (folder / FILE).unlink(missing_ok=True)


def _options(config: TrainingConfig) -> dict[str, Any]:
    return {"domain": config.domain, **config.model_dump()}


def _data(splits: Splits) -> dict[str, Any]:
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    shapes = {
        name: f"{tuple(part.inputs.shape)} to {tuple(part.targets.shape)}"
        for name, part in parts.items()
    }
    return shapes | {source.name: source.sha256 for source in splits.sources}


def _check_same(what: str, before: Mapping[str, Any], now: Mapping[str, Any], path: Path) -> None:
    names = [name for name in (*before, *now) if before.get(name) != now.get(name)]
    if names:
        name = names[0]
        raise ConfigError(
            f"the training in {path.parent} had other {what}, so it cannot be resumed with these",
            seen=f"{name} {before.get(name)!r}, now {now.get(name)!r}",
            do=f"Use the same {what}, or train from the beginning without resume.",
        )
