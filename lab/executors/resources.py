"""What a run asks of a cluster: the `slurm:` of a suite, and of one run in it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lab.duration import parse_duration
from lab.errors import InputError, nearest

_SLURM_TIME = re.compile(r"(?:(\d+)-)?(\d{1,3}):(\d{2}):(\d{2})")  # as sbatch takes it
_MEMORY = re.compile(r"\d+[KMGT]", re.IGNORECASE)


class Resources(BaseModel):
    """What one run needs; what is None is left to the cluster's own defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None  # features a node must have, as sbatch writes them
    gpus: int | str | None = None  # how many, or `type:count` as in a100:2
    cpus: int | None = Field(default=None, ge=1)  # cores
    mem: str | None = None  # memory of the whole run, as 16G
    time: float | None = None  # seconds it may take; before they are over it is asked to stop

    @field_validator("time", mode="before")
    @classmethod
    def _time(cls, value: Any) -> float | None:
        if isinstance(value, str) and (match := _SLURM_TIME.fullmatch(value.strip())):
            days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
            value = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        try:
            return None if value is None else parse_duration(value)
        except InputError:
            raise ValueError("a time is written as 45m, 2h, 1h30m, 1d or 2:00:00") from None

    @field_validator("mem")
    @classmethod
    def _mem(cls, value: str | None) -> str | None:
        if value is not None and not _MEMORY.fullmatch(value):
            raise ValueError("memory is a whole number with its unit, as 16G or 500M")
        return value

    @field_validator("gpus")
    @classmethod
    def _gpus(cls, value: int | str | None) -> int | str | None:
        good = value >= 0 if isinstance(value, int) else True
        if isinstance(value, str):
            good = re.fullmatch(r"[\w.-]+:[1-9]\d*", value) is not None
        if not good:
            raise ValueError("gpus is a number, or type:number as in a100:2")
        return value

    @property
    def given(self) -> dict[str, Any]:
        """What was said, without what was left out."""
        return self.model_dump(exclude_none=True)

    def over(self, below: Resources | None) -> Resources:
        """These, and from `below` what these leave out."""
        return Resources.model_validate((below.given if below else {}) | self.given)

    def sbatch(self, timeout: float | None = None) -> dict[str, Any]:
        """The options of sbatch, by name; without a `time` a `timeout` (seconds) sets the limit."""
        options = {
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
            "gpus": self.gpus or None,
            "cpus-per-task": self.cpus,
            "mem": self.mem,
            "time": None,
        }
        # The lab's own limit comes first, and winding up after it takes some time too.
        limit = self.time or (timeout + _MARGIN if timeout else None)
        if limit is not None:
            options["time"] = math.ceil(limit / 60)  # sbatch counts minutes
        return {name: value for name, value in options.items() if value is not None}


_MARGIN = 300.0  # seconds


def resources_of(values: Mapping[str, object]) -> Resources:
    """Resources by name, numbers also as typed; InputError for an unknown name or a bad value."""
    for name in values:
        if name not in Resources.model_fields:
            raise InputError(
                "Slurm is asked for no such thing here",
                seen=name,
                do=nearest(name, Resources.model_fields),
            )
    counted = {
        name: int(value)
        if name in ("cpus", "gpus") and isinstance(value, str) and value.isdigit()
        else value
        for name, value in values.items()
    }
    try:
        return Resources.model_validate(counted)
    except ValidationError as problem:
        first = problem.errors()[0]
        name = str(first["loc"][0])
        raise InputError(
            f"Not a value for {name}",
            seen=values[name],
            do=first["msg"].removeprefix("Value error, ").capitalize() + ".",
        ) from None
