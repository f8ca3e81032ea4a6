"""The run a notebook is in: `run = lab.start()`, then `run.log(...)`."""

from __future__ import annotations

import atexit
import contextlib
import operator
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lab.errors import InputError, LabError, WorkFailed
from lab.record import artifacts, pruning, resources
from lab.record.cells import read_executed
from lab.record.creation import create_run
from lab.record.files import FULL_ERRNOS
from lab.record.fingerprint import data_cache, data_sha256
from lab.record.late_secrets import hide
from lab.record.metrics import OBJECTIVE, MetricsWriter, check_goal, check_name
from lab.record.notes import Notes
from lab.record.paths import RunPaths
from lab.record.plain import as_mapping, plain
from lab.record.redact import REDACTED, Secrets
from lab.record.run import (
    Run,
    end_run,
    fail_run,
    take_over,
    update_params,
    update_run,
)
from lab.record.watch import CellWatch, ScriptWatch, cell_number, executed_sources, ipython_shell
from lab.workspace import Workspace

RUN_VARIABLE = "LAB_RUN"

_HEARTBEAT = 10.0  # seconds


def start(params: Any = None, *, name: str | None = None, tags: Iterable[str] = ()) -> LiveRun:
    """The run of this notebook: the one `lab run` made for it, else a new one.

    `params`, a mapping or a configuration model, is merged into the run's parameters. A new run
    takes its parameters from the notebook's cells; an unknown name or a bad value raises
    ParameterError. A second call in one process ends the first run as done.
    """
    global _current
    given = {} if params is None else as_mapping(params, "The parameters of a run")
    shell = ipython_shell()
    workspace = Workspace.find()
    notebook = None
    if (folder := os.environ.pop(RUN_VARIABLE, None)) is not None:
        if _current is not None:
            _current._process_ends()
        paths, values = _adopt(Path(folder), given, name, tags, shell)
    else:
        cells = None if shell is None else read_executed(executed_sources(shell), workspace)
        values = (cells.params if cells else {}) | given
        notebook = cells.notebook if cells else None
        if _current is not None:
            _current._leave()
        paths = create_run(
            workspace,
            notebook=notebook,
            params=plain(values, "The parameters of a run"),
            name=name,
            tags=_tags(tags),
        )
    run = LiveRun(workspace, paths, values)
    if folder is None:
        run._watch_over(shell, notebook)
    _current = run
    return run


def current() -> LiveRun | None:
    """The run this process is in, if it has not ended."""
    return _current if _current is not None and _current.alive else None


class LiveRun:
    """A run that is under way in this process; `lab.start()` makes it."""

    def __init__(self, workspace: Workspace, paths: RunPaths, params: Mapping[str, Any]) -> None:
        self.params: dict[str, Any] = dict(params)
        self.summary = Notes(paths, Secrets.of(params))
        self._workspace = workspace
        self._paths = paths
        self._secrets = Secrets.of(params)
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._step = -1
        self._writer: MetricsWriter | None = None
        self._ended = threading.Event()
        self._watch: CellWatch | ScriptWatch | None = None
        self._error: tuple[str, str, int | None] | None = None
        self._pruned = False
        self._goals: dict[str, str] = {}
        self._data: dict[str, dict[str, Any]] = {}
        threading.Thread(target=self._beat, name="lab-heartbeat", daemon=True).start()
        _forking.add(self)

    @property
    def id(self) -> str:
        return self._paths.id

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._paths.root

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    def log(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Append one line of metrics, `split/name` to a number; it survives whatever comes next.

        Without `step`, the step after the last one. Nothing is written when a name or a value is
        wrong.

        run.log({"train/loss": 0.5, "val/accuracy": 0.7}, step=epoch)
        """
        if step is not None and (type(step) is not int or step.bit_length() > 63):
            step = _checked_step(step)
        lock = self._lock
        try:
            lock.acquire()  # `with` would take a tenth of a bare write longer
            if step is None:
                step = self._step + 1
            (self._writer or self._open()).append(metrics, step)
            self._step = step
        except OSError as error:
            raise self._cannot_log(error) from error
        except (AttributeError, TypeError, ValueError):
            if isinstance(metrics, Mapping):
                raise
            raise _not_metrics(metrics) from None
        finally:
            try:  # noqa: SIM105, contextlib.suppress would cost what `with` does
                lock.release()
            except RuntimeError:  # Ctrl-C came while it waited for another thread
                pass

    def goal(self, metric: str, goal: str) -> None:
        """Say that a metric is better when it is lower ("min") or higher ("max")."""
        self._goals[check_name(metric)] = check_goal(goal)
        update_run(self._paths, goals=self._goals)
        self.summary.update()

    def headline(self, metric: str) -> None:
        """Name the metric that stands for this run in tables."""
        update_run(self._paths, headline=check_name(metric))

    def device(self, device: object) -> None:
        """Record what the run computes on: "cpu", "cuda:0", a torch device."""
        update_run(self._paths, device=str(device))

    def data(self, name: str, path: Path | str | None = None, *, sha256: str | None = None) -> str:
        """Record the fingerprint of a data set; the sha256 it has.

        It is computed from the file or folder `path`, unless it is given (for the part of a folder
        that is used); generated data has no path and gives its own.
        """
        if path is None and sha256 is None:
            raise InputError(
                f"The data {name!r} have no fingerprint",
                do="Give path=, or sha256= for data that have no file.",
            )
        entry: dict[str, Any] = {"name": name, "sha256": sha256, "path": None}
        if path is not None:
            place = Path(path)
            if not place.exists():
                raise InputError(f"The data {name!r} are not there", seen=place, do="Check path=.")
            entry["path"] = self._workspace.relative(place)
            # What checks compute again; a fingerprint that was given may be made otherwise.
            found = data_sha256(place, cache=data_cache(self._workspace.runs))
            entry |= {"sha256": sha256 or found, "content": found}
        self._data[name] = entry
        update_run(self._paths, data=list(self._data.values()))
        return str(entry["sha256"])

    def figure(self, name: str, figure: Any) -> Path:
        """Save a matplotlib figure as a PNG in the run's figures; the file."""
        return artifacts.save_figure(self._paths, name, figure)

    def artifact(self, path: Path | str) -> Path:
        """Keep a copy of a file or folder with the run; the copy."""
        return artifacts.save_artifact(self._paths, Path(path))

    def report(self, value: Any, step: int | None = None) -> bool:
        """Report the value a sweep optimizes; whether the run should stop now.

        It is recorded as `objective/value`. In a sweep the answer is its pruner's, and a run that
        was told to stop ends as `pruned`; elsewhere nothing stops.
        """
        with self._lock:
            self.log({OBJECTIVE: value}, step)
            if pruning.ask(self._paths, self._step, value):
                self._pruned = True
        return self._pruned

    def finish(self) -> None:
        """End the run as done. Errors in cells before this were mended, as far as it knows."""
        status = "pruned" if self._pruned else "done"
        self._end(lambda: end_run(self._paths, status))

    def __repr__(self) -> str:
        return f"<LiveRun {self.id} in {self._workspace.relative(self.path)}>"

    def _repr_html_(self) -> str:
        return Run.read(self._paths)._repr_html_()

    def _open(self) -> MetricsWriter:
        if not self.alive:
            raise WorkFailed(
                f"Run {self.id} has ended", do="Start another one to log more: run = lab.start()"
            )
        self._paths.record.stat()  # nothing is logged into a folder that only looks like this run's
        self._writer = MetricsWriter(self._paths.metrics)
        return self._writer

    def _cannot_log(self, problem: OSError) -> LabError:
        """End the run because its metrics cannot be written; the error to raise."""
        if isinstance(problem, FileNotFoundError):
            self._end(lambda: None)
            return WorkFailed(
                f"The folder of run {self.id} is gone",
                seen=self._paths.root,
                do="What it had recorded went with it; run it again.",
            )
        full = problem.errno in FULL_ERRNOS
        error = WorkFailed(
            "The disk is full, so the metrics cannot be written"
            if full
            else "The metrics cannot be written",
            seen=f"{self._paths.metrics} ({problem.strerror})",
            do="Everything logged before is kept. Free some space and run again."
            if full
            else "Everything logged before is kept.",
        )
        described = {"type": "OSError", "message": str(error), "cell": self._cell()}
        reason = "disk_full" if full else "exception"
        self._end(lambda: end_run(self._paths, "failed", reason, described))
        return error

    def _cell(self) -> int | None:
        shell = ipython_shell()
        return None if shell is None else cell_number(shell)

    def _watch_over(self, shell: Any, notebook: Path | None) -> None:
        """Find out how the process goes on, for a run that no executor watches."""
        resources.begin_here(self._paths)
        if shell is None:
            self._watch = ScriptWatch(self._saw_error)
        else:
            self._watch = CellWatch(
                shell,
                self._paths.notebook,
                notebook=notebook,
                secrets=self._secrets,
                on_error=self._saw_error,
            )

    def _saw_error(self, error: BaseException, cell: int | None) -> None:
        if os.getpid() != self._pid or not self.alive:
            return
        if isinstance(error, SystemExit) and error.code in (None, 0):
            return  # sys.exit() ends a notebook early on purpose
        self._error = (type(error).__name__, self._secrets.text(str(error)), cell)
        described = dict(zip(("type", "message", "cell"), self._error, strict=True))
        # On record at once: should the process be killed later, this was the cause.
        with contextlib.suppress(OSError):
            update_run(self._paths, error=described)

    def _leave(self) -> None:
        """End as the process does: done, unless something raised; an executor has its own word."""
        if self._error is None:
            self.finish()
        else:
            type_name, message, cell = self._error
            self._end(lambda: fail_run(self._paths, type_name, message, cell))

    def _process_ends(self) -> None:
        if self._watch is None:
            # Adopted: the executor sees the end, and knows more about it.
            self._end(lambda: None)
        else:
            self._leave()

    def _end(self, record: Callable[[], object]) -> None:
        # A forked child has inherited this run, and must not end it.
        if os.getpid() != self._pid or not self.alive:
            return
        with self._lock:
            self._ended.set()
            self._close_writer()
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()
        try:
            record()
        except OSError as problem:
            raise WorkFailed(
                f"The end of run {self.id} cannot be recorded",
                seen=f"{self._paths.record} ({problem.strerror})",
                do="Free some space; lab runs will then show it as crashed.",
            ) from problem

    def _beat(self) -> None:
        sampler = resources.Sampler(self._paths)
        while not self._ended.wait(_HEARTBEAT):
            with contextlib.suppress(OSError):
                self._paths.heartbeat.touch()
            if self._watch is not None:  # else the executor does it
                sampler.sample(self._pid)
            if not self._paths.record.exists():
                self._close_writer()  # the next line finds out; checking at each would cost

    def _close_writer(self) -> None:
        with self._lock:
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.close()


_current: LiveRun | None = None
_forking: weakref.WeakSet[LiveRun] = weakref.WeakSet()


def _adopt(
    folder: Path, given: dict[str, Any], name: str | None, tags: Iterable[str], shell: Any
) -> tuple[RunPaths, dict[str, Any]]:
    """Take over the run that an executor created for this process."""
    paths = RunPaths(folder)
    run = Run.read(paths)
    take_over(paths)
    if given:
        update_params(paths, plain(given, "The parameters of a run"))
        hide(paths, given, shell)
    if name is not None:
        update_run(paths, name=name)
    if added := _tags(tags):
        update_run(paths, tags=list(dict.fromkeys([*run.tags, *added])))
    values = run.params | given
    # The file has no secrets; the cell that set them has run already.
    cells = {} if shell is None else shell.user_ns
    return paths, {k: cells.get(k, v) if v == REDACTED else v for k, v in values.items()}


def _tags(tags: Iterable[str]) -> list[str]:
    return [tags] if isinstance(tags, str) else list(tags)


def _checked_step(step: Any) -> int:
    try:
        if not isinstance(step, bool) and (whole := operator.index(step)).bit_length() <= 63:
            return whole
    except TypeError:
        pass
    raise InputError(
        "A step is not a whole number", seen=repr(step), do="Count epochs or batches: step=epoch."
    )


def _not_metrics(metrics: object) -> InputError:
    return InputError(
        "run.log takes a mapping",
        seen=f"{type(metrics).__name__} {metrics!r:.60}",
        do='Write run.log({"val/accuracy": 0.5}, step=epoch).',
    )


def _at_exit() -> None:
    if _current is not None:
        _current._process_ends()


def _in_forked_child() -> None:
    # Another thread of the parent may have held the lock when it forked.
    for run in _forking:
        run._lock = threading.RLock()


atexit.register(_at_exit)
os.register_at_fork(after_in_child=_in_forked_child)
