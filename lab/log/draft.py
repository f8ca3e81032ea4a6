"""What an entry is made of before its template places it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.log.blocks import Spec, block_text
from lab.log.evidence.comment import wrapped
from lab.record.run import Run
from lab.workspace import Workspace

NOT_ASSESSED = "Not assessed yet."


@dataclass(frozen=True)
class Draft:
    """The values that the entry templates place; texts are Markdown."""

    date: str
    title: str
    category: str
    status: str
    related: tuple[str, ...] = ()
    finding: tuple[str, ...] = ()
    impact: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    asked_before: tuple[str, ...] = ()  # ids of open or rejected items that say the same
    heading: str = ""  # of the experiment
    block: str = ""  # the generated part of an experiment
    parts: Mapping[str, str] = field(default_factory=dict)  # the generated parts of a campaign


@dataclass(frozen=True)
class Request:
    """What `new` was asked for, checked."""

    title: str | None
    date: str
    category: str | None
    status: str | None
    related: tuple[str, ...]
    finding: tuple[str, ...]
    impact: tuple[str, ...]
    actions: tuple[str, ...]
    by: str | None
    metric: str | None
    rows: str | None
    baseline: str | None
    seed_param: str
    suite: str | None
    query: dict[str, str] | None  # what gave the runs, kept beside them
    editing: bool
    interesting: float | None = None
    mix: bool = False
    plot: str | None = None  # the metric to draw, empty for the usual one
    folder: str = ""  # of the log file, which the link of a picture starts from

    @property
    def of_comparison(self) -> list[str]:
        """The options given that only mean something where arms are compared."""
        given = {
            "--by": self.by,
            "--metric": self.metric,
            "--rows": self.rows,
            "--interesting": self.interesting,
            "--mix": self.mix,
            "--plot": self.plot is not None,
        }
        return [name for name, value in given.items() if value]


def generated(spec: Spec, workspace: Workspace) -> str:
    """A block with its evidence."""
    return wrapped(spec, block_text(spec, workspace))


def related_runs(runs: Sequence[Run]) -> list[str]:
    """Notebooks, then runs, a long list shortened: the block below has them all."""
    notebooks = dict.fromkeys(f"`{run.notebook}`" for run in runs if run.notebook)
    ids = [f"`{i}`" for i in sorted(run.id for run in runs)]
    shown = ids if len(ids) <= 8 else [*ids[:3], f"{len(ids) - 4} more", ids[-1]]
    return [*notebooks, "runs " + ", ".join(shown)]


def as_code(names: Sequence[str]) -> tuple[str, ...]:
    """Paths and ids as code; anything with a space or marks of its own as written."""
    return tuple(name if " " in name or "`" in name else f"`{name}`" for name in names)


def distinct(texts: Sequence[str]) -> tuple[str, ...]:
    """The texts, each once."""
    return tuple(dict.fromkeys(texts))
