"""What a plot shows, as frozen plain values; `build` makes them, `draw` draws them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lab import numbers
from lab.comparison.tables import short_names


@dataclass(frozen=True)
class Point:
    """One step of an arm: the mean of the `n` runs that have a value there, and its band.

    `low` and `high` are the 95% t interval of the mean from three runs on, the range of two runs,
    and None for a single one.
    """

    step: int
    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class ArmCurve:
    """One arm: its points in order, and the values of its runs where each has only one."""

    name: str
    n: int  # runs
    points: tuple[Point, ...]
    run_ids: tuple[str, ...]
    values: tuple[float, ...] = ()

    @property
    def band(self) -> str:
        """What the band of this arm is: "t", "range" or "none"."""
        return "t" if self.n >= 3 else "range" if self.n == 2 else "none"


@dataclass(frozen=True)
class Panel:
    """The arms of one row of the comparison; `name` is None where there are no rows."""

    name: str | None
    arms: tuple[ArmCurve, ...]


@dataclass(frozen=True)
class CurvePlot:
    """A metric by arm, over steps; `single` where every run has one value and no course."""

    metric: str
    by: str
    rows_by: str | None
    step_word: str
    single: bool
    panels: tuple[Panel, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{numbers.heading(self.metric)} by {self.by}"

    @property
    def names(self) -> list[str]:
        """What each panel is called; empty where there are no rows."""
        return short_names([panel.name or "" for panel in self.panels], self.rows_by)

    @property
    def bands(self) -> str:
        """What lines and bands are, for a caption."""
        kinds = {arm.band for panel in self.panels for arm in panel.arms}
        mean = "Diamonds: mean of the runs." if self.single else "Lines: mean of the runs."
        bars = "Bars" if self.single else "Bands"
        said = {
            "t": "95% t interval of the mean",
            "range": "range of the runs where there are two",
        }
        told = [said[kind] for kind in ("t", "range") if kind in kinds]
        if not told:
            return f"{'Diamonds' if self.single else 'Lines'}: one run each."
        told += ["none for a single run"] if "none" in kinds else []
        dotted = " Dotted: fewer runs than n, as some ended earlier." if self.ragged else ""
        return f"{mean} {bars}: {', '.join(told)}.{dotted}"

    @property
    def ragged(self) -> bool:
        """Whether an arm has steps that not all of its runs reached."""
        arms = [arm for panel in self.panels for arm in panel.arms]
        return any(0 < point.n < arm.n for arm in arms for point in arm.points)

    @property
    def alt(self) -> str:
        """The plot in one sentence, for who cannot see it."""
        told = []
        for panel, name in zip(self.panels, self.names, strict=True):
            ends = [
                f"{arm.name} {numbers.amount(self.metric, arm.points[-1].mean, with_unit=False)}"
                for arm in panel.arms
                if arm.points
            ]
            where = f"{name}: " if name else ""
            told.append(where + ", ".join(ends))
        when = "" if self.single else f" at the last {self.step_word}"
        return f"{self.title}; mean{when}: {'; '.join(told)}."

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"title": self.title, "bands": self.bands}
