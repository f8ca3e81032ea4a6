"""A trial: one configuration that a study tried, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["complete", "pruned", "failed", "running"]
Phase = Literal["random", "adaptive", "imported"]


@dataclass(frozen=True)
class Trial:
    """One configuration; `params` holds the active parameters only.

    `value` is the mean of `values`, one a seed. `steps` are intermediate reports by step, `seconds`
    what all its runs took, `extra` whatever else is known of it (columns of an imported table).
    """

    number: int
    params: dict[str, Any]
    value: float | None
    state: State
    phase: Phase
    values: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    run_ids: tuple[str, ...] = ()
    steps: dict[int, float] = field(default_factory=dict)
    seconds: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def taken_over(self) -> bool:
        """Whether it comes from an earlier study."""
        return "carried_from" in self.extra
