"""What a person sees while runs are under way: which run, epoch k of n, metrics, time left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lab.cli.show import metric_value, outcome_text
from lab.duration import show_duration
from lab.errors import LabError
from lab.record.metrics import last_step
from lab.record.paths import RunPaths
from lab.record.run import Run
from lab.suite.plan import PlannedRun
from lab.workspace import Workspace

_PLAIN_SECONDS = 20.0  # without a terminal one line per run and this long is enough


@dataclass(frozen=True)
class RunView:
    """Where a run under way stands."""

    label: str
    elapsed: float
    epoch: int | None
    epochs: int | None
    metrics: dict[str, Any]

    @property
    def left(self) -> float | None:
        """Seconds to the end at the pace so far, if the run counts epochs."""
        if not self.epoch or not self.epochs:
            return None
        return self.elapsed / self.epoch * max(self.epochs - self.epoch, 0)

    @property
    def epoch_text(self) -> str:
        if self.epoch is None:
            return "starting"
        return f"epoch {self.epoch} of {self.epochs}" if self.epochs else f"step {self.epoch}"

    @property
    def metrics_text(self) -> str:
        shown = [name for name in self.metrics if name.split("/")[0] in ("train", "val", "test")]
        return "  ".join(f"{name} {metric_value(name, self.metrics[name])}" for name in shown[:4])


class _Under:
    """A run under way: its folder, and when it was started here."""

    def __init__(self, item: PlannedRun, paths: RunPaths) -> None:
        self.item = item
        self.paths = paths
        self.began = time.monotonic()

    def view(self) -> RunView:
        last = last_step(self.paths.metrics)
        epochs = self.item.params.get("epochs")
        step = last.pop("step", None)
        last.pop("time", None)
        return RunView(
            label=self.item.label,
            elapsed=time.monotonic() - self.began,
            epoch=step,
            epochs=epochs if isinstance(epochs, int) else None,
            metrics=last,
        )


class Progress:
    """A live table on a terminal, plain lines elsewhere; watches a suite (see `suite.runner`)."""

    def __init__(self, due: list[PlannedRun], workspace: Workspace, console: Console) -> None:
        self._due = due
        self._workspace = workspace
        self._console = console
        self._under: dict[int, _Under] = {}
        self._ended: list[tuple[PlannedRun, float]] = []
        self._began = time.monotonic()
        self._workers = 1
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._stop = threading.Event()
        self._speaker: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._render,
                console=self._console,
                refresh_per_second=4,
                transient=True,
            )
            self._live.__enter__()
        else:
            self._speaker = threading.Thread(target=self._speak, daemon=True)
            self._speaker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._live is not None:
            self._live.__exit__(kind, error, trace)
        if self._speaker is not None:
            self._speaker.join()

    def started(self, item: PlannedRun, run_id: str) -> None:
        with self._lock:
            self._under[item.index] = _Under(item, RunPaths(self._workspace.runs / run_id))
            self._workers = max(self._workers, len(self._under))
        if self._live is None:
            self._console.print(f"start  {item.label}  ({run_id})", highlight=False)

    def ended(self, item: PlannedRun, run: Run, *, again: bool) -> None:
        with self._lock:
            self._under.pop(item.index, None)
            if not again:
                self._ended.append((item, run.seconds or 0.0))
            count = f"{len(self._ended)}/{len(self._due)}  " if len(self._due) > 1 else ""
        line = Text(count, style="dim").append_text(outcome_text(item.label, run))
        if again:
            line.append("  trying again", style="yellow")
        self._console.print(line)

    def refused(self, item: PlannedRun, error: LabError) -> None:
        with self._lock:
            self._under.pop(item.index, None)
            self._ended.append((item, 0.0))
        self._console.print(Text(f"refused  {item.label}  {error}", style="red"))

    def views(self) -> list[RunView]:
        with self._lock:
            under = list(self._under.values())
        return [one.view() for one in under]

    def time_left(self, views: list[RunView]) -> float | None:
        """Seconds to the end of the suite: runs under way by their pace, the rest by their like."""
        with self._lock:
            ended = list(self._ended)
            busy = {one.item.index for one in self._under.values()}
        finished = {item.index for item, _ in ended}
        if any(view.left is None for view in views) and not ended:
            return None
        total = 0.0
        for view in views:
            usual = sum(s for _, s in ended) / len(ended) if ended else 0.0
            total += view.left if view.left is not None else max(usual - view.elapsed, 0.0)
        for item in self._due:
            if item.index in finished or item.index in busy:
                continue
            like = [s for other, s in ended if other.notebook == item.notebook]
            known = like or [s for _, s in ended] or [v.elapsed + v.left for v in views if v.left]
            if not known:
                return None
            total += sum(known) / len(known)
        return total / self._workers

    def _render(self) -> RenderableType:
        views = self.views()
        table = Table.grid(padding=(0, 2))
        for view in views:
            left = f"{show_duration(view.left)} left" if view.left else ""
            table.add_row(
                Text(view.label, style="bold"),
                view.epoch_text,
                Text(view.metrics_text, style="cyan"),
                f"{show_duration(view.elapsed)} so far",
                left,
            )
        return Group(table, Text(self._headline(views), style="dim"))

    def _headline(self, views: list[RunView]) -> str:
        spent = show_duration(time.monotonic() - self._began)
        left = self.time_left(views)
        ahead = f", about {show_duration(left)} left" if left else ""
        return f"{len(self._ended)} of {len(self._due)} runs ended, {spent} so far{ahead}"

    def _speak(self) -> None:
        while not self._stop.wait(_PLAIN_SECONDS):
            views = self.views()
            for view in views:
                left = f"  {show_duration(view.left)} left" if view.left else ""
                self._console.print(
                    f"  ...  {view.label}  {view.epoch_text}  {view.metrics_text}{left}",
                    highlight=False,
                )
            self._console.print(f"  ...  {self._headline(views)}", highlight=False)


@contextmanager
def single_run(
    notebook: Path, params: dict[str, Any], workspace: Workspace, console: Console
) -> Iterator[Callable[[str], None]]:
    """Progress of one run; yields what to call with its id once it has started."""
    item = PlannedRun(
        suite="",
        arm=notebook.stem,
        index=0,
        matrix={},
        notebook=notebook,
        params=params,
        tags=(),
        timeout=None,
        satisfied_by=None,
        why="",
    )
    with Progress([item], workspace, console) as progress:
        yield lambda run_id: progress.started(item, run_id)
