"""Values as JSON can hold them."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from datetime import date
from pathlib import PurePath
from typing import Any

from lab.errors import InputError


def plain(value: Any, what: str) -> Any:
    """`value` of only dict, list, str, int, float, bool and None; `what` names it in the error.

    Paths become strings, enumerations their values, dates ISO strings; arrays and tensors become
    numbers or lists.
    """
    if value is None or isinstance(value, str | bool | int | float):
        # Subclasses (numpy's float64, string enumerations) are not what JSON writers expect.
        return _base(value)
    if isinstance(value, enum.Enum):
        return plain(value.value, what)
    if isinstance(value, Mapping):
        return {str(key): plain(item, what) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, what) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item, what) for item in value), key=repr)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return plain(value.tolist(), what)
    if hasattr(value, "model_dump") or dataclasses.is_dataclass(value):
        return plain(as_mapping(value, what), what)
    raise InputError(
        f"{what} cannot be kept as JSON",
        seen=f"{type(value).__name__} {value!r:.60}",
        do="Give numbers, strings, lists and mappings of them.",
    )


def as_mapping(value: Any, what: str) -> dict[str, Any]:
    """The fields of a mapping, a pydantic model or a dataclass."""
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return dict(value.model_dump())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise InputError(
        f"{what} have to be a mapping or a configuration model",
        seen=f"{type(value).__name__} {value!r:.60}",
        do='Give a dict such as {"epochs": 3}, or a pydantic model.',
    )


def _base(value: Any) -> Any:
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return value if type(value) is kind else kind(getattr(value, "value", value))
    return value
