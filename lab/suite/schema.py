"""A suite file: which notebook, which arms, which seeds, and the entry to write at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from lab.duration import parse_duration
from lab.errors import InputError, SuiteError, nearest
from lab.executors.resources import Resources
from lab.yamlfile import YamlFile, load_yaml

Scalar = str | int | float | bool | None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LogItem(_Strict):
    """The log entry that a suite writes when it ends."""

    kind: Literal["research", "experiment", "suite"] = "research"
    by: str = "arm"  # the parameter, or `arm`, whose values are compared
    metric: str | None = None  # default: the metric each run names as its headline
    rows: str | None = None  # one table row per value of this, each in its own metric
    where: str | None = None  # which of the suite's runs; default all
    title: str | None = None  # default: the verdict
    category: str | None = None
    status: str | None = None
    file: str | None = None  # another log file than the kind's own, as docs/experiments/width.md
    interesting: float | None = Field(default=None, gt=0)  # as `lab compare --interesting`
    mix: bool = False  # a verdict even over mixed settings or data
    plot: str | None = None  # the metric to draw; `true` for the one compared

    @field_validator("plot", mode="before")
    @classmethod
    def _plot(cls, value: Any) -> Any:
        return {True: "", False: None}[value] if isinstance(value, bool) else value

    @field_validator("interesting", "mix", "plot")
    @classmethod
    def _of_a_comparison(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("kind") == "experiment" and value not in (None, False):
            raise ValueError("an experiment compares nothing; leave it out")
        return value


class Arm(_Strict):
    """One line of `runs:`, multiplied by the matrix."""

    arm: str | None = None  # default: the notebook's name
    notebook: str | None = None  # default: the one under `defaults`, or the preset's own
    preset: str | None = None  # values by name, below all others; default: that of `defaults`
    params: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    slurm: Resources | None = None  # over those of the suite


class Defaults(_Strict):
    """What every run of the suite starts from."""

    notebook: str | None = None
    preset: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)


class Suite(_Strict):
    """A suite as written in its file."""

    name: str = Field(min_length=1)
    workers: int = Field(default=1, ge=1)  # runs at the same time on this machine
    timeout: float | None = None  # seconds a run may take
    retries: int = Field(default=0, ge=0)  # further tries of a crashed run, not of a failed one
    slurm: Resources | None = None  # what each run asks of the cluster with --on slurm
    defaults: Defaults = Defaults()
    matrix: dict[str, list[Scalar]] | None = None
    runs: list[Arm] = Field(min_length=1)
    log: LogItem | list[LogItem] | None = None

    @field_validator("timeout", mode="before")
    @classmethod
    def _duration(cls, value: Any) -> float | None:
        return None if value is None else parse_duration(value)

    @property
    def log_items(self) -> list[LogItem]:
        if self.log is None:
            return []
        return self.log if isinstance(self.log, list) else [self.log]


def read_suite(path: Path) -> Suite:
    """The suite of a YAML file; raises SuiteError naming file, line and key."""
    file = load_yaml(path, SuiteError)
    if not isinstance(file.value, dict):
        raise SuiteError(
            f"{path} is not a suite",
            seen=type(file.value).__name__,
            do="A suite is a mapping with at least `name:` and `runs:`.",
        )
    try:
        suite = Suite.model_validate(file.value)
    except ValidationError as problem:
        raise _told(file, problem) from None
    except InputError as problem:
        line = file.line(("timeout",))
        raise SuiteError(f"{path}:{line} timeout: {problem}") from None
    _check_matrix(file, suite)
    return suite


def _check_matrix(file: YamlFile, suite: Suite) -> None:
    if suite.matrix is None:
        return
    if not suite.matrix:
        raise SuiteError(
            f"{file.path}:{file.line(('matrix',))} has an empty matrix",
            do="Give it values, as in `matrix: {seed: [0, 1, 2]}`, or leave the key out.",
        )
    for name, values in suite.matrix.items():
        line = file.line(("matrix", name))
        if not values:
            raise SuiteError(
                f"{file.path}:{line} has an empty matrix: no values for",
                seen=name,
                do=f"Write at least one, as in `{name}: [0]`, or leave it out.",
            )
        if len(set(map(repr, values))) < len(values):
            raise SuiteError(
                f"{file.path}:{line} has a value twice in the matrix",
                seen=f"{name}: {values}",
                do="Each value makes one run; keep one of the two.",
            )


_ALLOWED: dict[str, type[BaseModel]] = {
    "": Suite,
    "defaults": Defaults,
    "runs": Arm,
    "log": LogItem,
    "slurm": Resources,
}


def _told(file: YamlFile, problem: ValidationError) -> SuiteError:
    """The first complaint of pydantic, in our words and with its line."""
    # Of a value that may be one of several shapes pydantic tells every miss; unknown keys say most,
    # and that it is of another shape says least.
    order = {"extra_forbidden": 0, "model_type": 2, "list_type": 2}
    complaints = sorted(problem.errors(), key=lambda item: order.get(item["type"], 1))
    first = complaints[0]
    location = tuple(part for part in first["loc"] if not _is_shape(part))
    place = f"{file.path}:{file.line(location)}"
    name = ".".join(str(part) for part in location)
    if first["type"] == "extra_forbidden":
        section = str(location[0]) if len(location) > 1 else ""
        section = "slurm" if "slurm" in location[:-1] else section
        allowed = _ALLOWED.get(section, Suite).model_fields
        return SuiteError(
            f"{place} has an unknown key", seen=location[-1], do=nearest(str(location[-1]), allowed)
        )
    if first["type"] == "missing":
        return SuiteError(f"{place} lacks a key", seen=name, do=f"Add `{location[-1]}:` there.")
    return SuiteError(
        f"{place} {name}: {first['msg'].removeprefix('Value error, ').lower()}",
        seen=repr(first["input"]),
        do='README.md has an example under "One suite".',
    )


def _is_shape(part: str | int) -> bool:
    """Whether a step of pydantic's location names the model it tried and not a key of the file."""
    return isinstance(part, str) and (part == "LogItem" or part.startswith("list["))
