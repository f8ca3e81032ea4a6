"""What all configurations have in common: names, values and combinations are checked at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from cvkan.errors import ConfigError, UnknownNameError


class Needs(NamedTuple):
    """An option has an effect only where another option has one of these values."""

    option: str
    values: tuple[object, ...]


class Options(BaseModel):
    """Frozen options; what cannot be meant is an error, never ignored.

    `ImageConfig(epochs=3)` raises UnknownNameError for an option that does not exist, and
    ConfigError for a value it cannot have or one that would have no effect beside the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # option -> where it has an effect; classes add theirs, those of the bases hold too
    needs: ClassVar[Mapping[str, Needs]] = {}

    def __init__(self, **values: Any) -> None:
        for name in values:
            if name not in type(self).model_fields:
                raise UnknownNameError("option", name, type(self).model_fields)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _readable(error) from None
        for name, need in self._all_needs():
            self._check_effect(name, need)

    @classmethod
    def _all_needs(cls) -> Iterator[tuple[str, Needs]]:
        merged: dict[str, Needs] = {}
        for kind in reversed(cls.__mro__):
            merged |= kind.__dict__.get("needs", {})
        return iter(merged.items())

    def _check_effect(self, name: str, need: Needs) -> None:
        value, default = getattr(self, name), type(self).model_fields[name].default
        if value == default or set(need.values) & set(self._all_of(need.option)):
            return
        raise ConfigError(
            f"option {name} has no effect with {need.option} {getattr(self, need.option)}",
            seen=value,
            do=f"Leave it out or at its default, {default}, or set {need.option} to "
            f"{' or '.join(map(str, need.values))}.",
        )

    def _all_of(self, option: str) -> tuple[object, ...]:
        """The values of an option that count where another one needs one of them."""
        return (getattr(self, option),)


def _readable(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]) or "configuration"
    return ConfigError(f"option {name} cannot be that", seen=first["input"], do=f"{first['msg']}.")
