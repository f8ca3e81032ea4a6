"""What `lab watch` shows of a run: where it stands, its curves, and whether it lives."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.text import Text

from lab.cli.braille import Canvas
from lab.cli.show import metric_value, outcome_text, status_text
from lab.duration import show_duration
from lab.record.files import RecordWarning
from lab.record.liveness import host_name, last_sign_of_life
from lab.record.run import Run

_COLOURS = ("bright_black", "cyan", "yellow", "magenta")
_SPLITS = ("train", "val", "valid", "validation", "test")
_FIRST = ("loss", "accuracy", "mse")  # the metrics that people look at first
_MOST = 4  # charts
_HEIGHT, _NARROW, _WIDE = 6, 34, 56  # characters of a chart
_LABEL = 9  # characters of the numbers beside it
_FEW = 2  # points that make a line
_LOG_FROM = 50.0  # values that span this factor are drawn by their logarithms

Series = list[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """The curves of one metric over steps, by split."""

    name: str
    series: Mapping[str, Series]


@dataclass(frozen=True)
class Snapshot:
    """Where a run stands now."""

    run: Run
    step: int | None
    epochs: int | None
    left: float | None  # seconds to the end, at the pace so far
    silent: float | None  # seconds since its last sign of life
    cpu: float | None  # percent of one core
    memory: int | None  # bytes
    latest: Mapping[str, float]
    charts: tuple[Chart, ...]

    @property
    def label(self) -> str:
        notebook = (self.run.notebook or "run").rsplit("/", 1)[-1].removesuffix(".ipynb")
        parts = [self.run.name or notebook, self.run.arm or ""]
        seed = "" if self.run.seed is None else f"seed {self.run.seed}"
        return "  ".join(part for part in (*parts, seed) if part)

    @property
    def progress(self) -> str:
        if self.run.status == "running" and self.step is None:
            return "nothing logged yet"
        if self.step is None:
            return "nothing logged"
        return f"epoch {self.step} of {self.epochs}" if self.epochs else f"step {self.step}"

    @property
    def told(self) -> str:
        """Where it stands, as one line of text."""
        shown = [n for n in self.latest if n.split("/")[0] in _SPLITS and not n.endswith("/lr")]
        metrics = "  ".join(f"{name} {metric_value(name, self.latest[name])}" for name in shown[:6])
        left = f"  about {show_duration(self.left)} left" if self.left else ""
        return f"{self.progress}  {metrics}{left}".rstrip()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, without the curves."""
        return {
            "id": self.run.id,
            "status": self.run.status,
            "reason": self.run.reason,
            "step": self.step,
            "epochs": self.epochs,
            "seconds": self.run.seconds,
            "seconds_left": self.left,
            "seconds_silent": self.silent,
            "cpu_percent": self.cpu,
            "memory_bytes": self.memory,
            "latest": dict(self.latest),
        }


class Watch:
    """Looks at one run again and again; reads its metrics only when they have grown."""

    def __init__(self, run: Run) -> None:
        self._paths = run.path
        self._size = -1
        self._rows: list[dict[str, Any]] = []
        self._process: Any = None

    def look(self) -> Snapshot:
        run = Run.read(self._paths)
        rows = self._history(run)
        epochs = run.params.get("epochs")
        epochs = epochs if isinstance(epochs, int) and not isinstance(epochs, bool) else None
        latest: dict[str, float] = {}
        for row in rows:
            latest.update({name: value for name, value in row.items() if "/" in name})
        step = max((row["step"] for row in rows), default=None)
        running = run.status == "running"
        cpu, memory = self._resources(run) if running else (None, None)
        return Snapshot(
            run=run,
            step=step,
            epochs=epochs,
            left=_left(rows, epochs) if running else None,
            silent=max(time.time() - last_sign_of_life(self._paths), 0.0) if running else None,
            cpu=cpu,
            memory=memory,
            latest=latest,
            charts=_charts(rows),
        )

    def _history(self, run: Run) -> list[dict[str, Any]]:
        try:
            size = self._paths.metrics.stat().st_size
        except OSError:
            return []
        if size != self._size:
            with warnings.catch_warnings():
                # A line that is being written looks torn; the next look has it whole.
                warnings.simplefilter("ignore", RecordWarning)
                self._rows = run.history()
            self._size = size
        return self._rows

    def _resources(self, run: Run) -> tuple[float | None, int | None]:
        """Processor (percent of one core) and memory (bytes) of the run and its children."""
        import psutil

        pid = run.record.get("pid")
        if run.record.get("host") != host_name() or not isinstance(pid, int):
            return None, None
        try:
            if self._process is None or self._process.pid != pid:
                self._process = psutil.Process(pid)
                self._process.cpu_percent()  # the first answer is 0, the next is since then
                return None, self._process.memory_info().rss
            family = [self._process, *self._process.children(recursive=True)]
            return self._process.cpu_percent(), sum(one.memory_info().rss for one in family)
        except psutil.Error:
            return None, None


def _left(rows: Sequence[Mapping[str, Any]], epochs: int | None) -> float | None:
    """Seconds to the last epoch, at the pace between the first and the last one logged."""
    first_at: dict[int, float] = {}
    for row in rows:
        first_at.setdefault(row["step"], float(row.get("time") or 0.0))
    steps = sorted(first_at)
    if epochs is None or len(steps) < _FEW:
        return None
    pace = (first_at[steps[-1]] - first_at[steps[0]]) / (steps[-1] - steps[0])
    since = time.time() - first_at[steps[-1]]
    return max(pace * (epochs - steps[-1]) - since, 0.0) if pace > 0 else None


def _charts(rows: Sequence[Mapping[str, Any]]) -> tuple[Chart, ...]:
    """The metrics with a course, train and validation together, best known first."""
    found: dict[str, dict[str, Series]] = {}
    for row in rows:
        for metric, value in row.items():
            split, _, name = metric.rpartition("/")
            if split in _SPLITS and isinstance(value, int | float) and name != "lr":
                series = found.setdefault(name, {}).setdefault(split, [])
                series.append((float(row["step"]), float(value)))
    charts = [
        Chart(name, {split: points for split, points in series.items() if len(points) >= _FEW})
        for name, series in found.items()
    ]
    known = [chart for chart in charts if chart.series and not chart.name.endswith("_se")]
    known.sort(key=lambda c: _FIRST.index(c.name) if c.name in _FIRST else len(_FIRST))
    return tuple(known[:_MOST])


def render(snapshot: Snapshot, width: int) -> RenderableType:
    """The whole view, for a terminal of `width` characters."""
    run = snapshot.run
    head = Text(run.id, style="bold").append(f"  {snapshot.label}  ", style="default")
    head.append_text(status_text(run.status, run.reason))
    parts: list[RenderableType] = [head, _line(snapshot)]
    size = _WIDE if width >= 2 * (_WIDE + _LABEL + 2) else _NARROW
    size = max(10, min(size, width - _LABEL - 2))
    charts = [_chart(chart, size) for chart in snapshot.charts]
    if charts:
        parts += [Text(""), Columns(charts, padding=(1, 2))]
    return Group(*parts)


def ended(snapshot: Snapshot) -> Text:
    """How the run ended, in one line."""
    return outcome_text(snapshot.label, snapshot.run)


def _line(snapshot: Snapshot) -> Text:
    parts = [snapshot.progress, f"{show_duration(snapshot.run.seconds)} so far"]
    if snapshot.run.status != "running":
        parts[1] = f"took {show_duration(snapshot.run.seconds)}"
    if snapshot.left:
        parts.append(f"about {show_duration(snapshot.left)} left")
    if snapshot.cpu is not None:
        parts.append(f"{snapshot.cpu:.0f}% of a core")
    if snapshot.memory is not None:
        parts.append(f"{snapshot.memory / 2**30:.1f} GiB")
    if snapshot.silent is not None:
        parts.append(f"last sign of life {show_duration(snapshot.silent)} ago")
    return Text(" · ".join(parts), style="dim")


def _chart(chart: Chart, width: int) -> RenderableType:
    """A title with the latest values, and the curves between their lowest and highest value."""
    values = [v for points in chart.series.values() for _, v in points if math.isfinite(v)]
    steps = [x for points in chart.series.values() for x, _ in points]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    log = low > 0 and high / low > _LOG_FROM
    scale = math.log if log else float
    canvas = Canvas(width, _HEIGHT, (min(steps), max(steps)), (scale(low), scale(high)))
    title = Text(f"{chart.name + (' (log)' if log else ''):<{_LABEL - 1}} ", style="bold")
    for owner, (split, points) in enumerate(chart.series.items()):
        drawn = [(x, scale(y) if math.isfinite(y) else y) for x, y in points]
        canvas.draw(drawn, owner)
        value = metric_value(f"{split}/{chart.name}", points[-1][1])
        title.append(f"{split} {value}  ", style=_COLOURS[owner % len(_COLOURS)])
    lines = [title]
    for number, row in enumerate(canvas.rows()):
        edge = {0: high, _HEIGHT - 1: low}.get(number)
        beside = "" if edge is None else metric_value(f"val/{chart.name}", edge)
        line = Text(f"{beside:>{_LABEL - 1}} ", style="dim")
        for letter, owner_of in row:
            line.append(letter, style="" if owner_of is None else _COLOURS[owner_of % 4])
        lines.append(line)
    first, last = f"{min(steps):g}", f"{max(steps):g}"
    gap = max(width - len(first) - len(last), 1)
    lines.append(Text(f"{'':{_LABEL}}{first}{'':{gap}}{last}", style="dim"))
    return Group(*lines)
