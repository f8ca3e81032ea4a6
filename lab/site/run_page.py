"""What the page of a run says, as plain values."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from lab import numbers
from lab.diagnosis import Diagnosis, DiagnosisFinding, diagnose
from lab.duration import show_duration
from lab.numbers import size_text
from lab.record.files import RecordWarning
from lab.record.metrics import is_bookkeeping
from lab.record.resources import used_text
from lab.record.run import Run
from lab.site.atlas import Atlas, Note
from lab.site.charts import Chart, charts_of, svg
from lab.site.code import shortened
from lab.site.markdown import Picture
from lab.site.pictures import Pictures
from lab.site.rows import Row, shown, value_text

_MOST_CHARTS = 6  # shown at once; the others on demand


@dataclass(frozen=True)
class MetricRow:
    """One metric: its best and last value as read, and in full."""

    name: str
    best: str
    best_exact: str
    at: str
    last: str
    last_exact: str
    goal: str
    headline: bool


@dataclass(frozen=True)
class Figure:
    """An image that the run saved."""

    name: str
    picture: Picture


@dataclass(frozen=True)
class RunPage:
    """Everything on the page of one run."""

    run: Run
    row: Row
    facts: tuple[tuple[str, str], ...]
    error: str
    findings: tuple[DiagnosisFinding, ...]
    charts: tuple[tuple[Chart, Markup], ...]
    more_charts: tuple[tuple[Chart, Markup], ...]
    metrics: tuple[MetricRow, ...]
    params: tuple[tuple[str, str], ...]
    notes: tuple[tuple[str, str], ...]
    figures: tuple[Figure, ...]
    files: tuple[tuple[str, str], ...]
    data: tuple[tuple[str, str], ...]
    packages: str
    diff: str
    cited: tuple[Note, ...]
    siblings: tuple[Row, ...]


def run_page(run: Run, atlas: Atlas, pictures: Pictures, siblings: Sequence[Row]) -> RunPage:
    """The page of `run`; `siblings` are the other runs of its suite and arm."""
    diagnosis = _diagnosed(run)
    curves = [curve for curve in diagnosis.curves if curve.metric not in run.told_twice]
    drawn = [(c, svg(c)) for c in charts_of(curves, diagnosis.step_word)]
    drawn = [(chart, picture) for chart, picture in drawn if picture]
    return RunPage(
        run=run,
        row=atlas.rows[run.id],
        facts=tuple(_facts(run, atlas)),
        error=_error(run),
        findings=tuple(diagnosis.findings),
        charts=tuple(drawn[:_MOST_CHARTS]),
        more_charts=tuple(drawn[_MOST_CHARTS:]),
        metrics=tuple(_metric(run, name) for name in run.metrics if name not in run.told_twice),
        params=tuple((name, value_text(value)) for name, value in run.params.items()),
        notes=tuple((name, value_text(value)) for name, value in run.notes.items()),
        figures=tuple(_figures(run, pictures)),
        files=tuple(_files(run)),
        data=tuple(_data(run)),
        packages=_read(run.path.packages),
        diff=_read(run.path.diff),
        cited=atlas.cited.get(run.id, ()),
        siblings=tuple(siblings),
    )


def _diagnosed(run: Run) -> Diagnosis:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordWarning)  # torn lines were told when runs were listed
        return diagnose(run)


def _facts(run: Run, atlas: Atlas) -> Iterator[tuple[str, str]]:
    record = run.record
    yield "Started", f"{run.started:%Y-%m-%d %H:%M:%S} UTC" if run.started else ""
    yield "Took", "" if run.status == "running" else show_duration(run.seconds)
    yield "Notebook", str(run.notebook or "")
    yield "Device", str(record.get("device") or "")
    yield "Used", used_text(record)
    yield "Host", str(record.get("host") or "")
    yield "Python", str(record.get("python") or "")
    git = record.get("git")
    if isinstance(git, dict) and git.get("sha"):
        dirty = ", with changes" if git.get("dirty") else ""
        yield "Commit", f"{str(git['sha'])[:10]} on {git.get('branch')}{dirty}"
    yield "Source", str(record.get("code") or "")[:12]
    yield "Slurm job", str(record.get("slurm_job_id") or "")
    yield "Tags", ", ".join(run.tags)
    yield "Folder", atlas.workspace.relative(run.path.root)


def _error(run: Run) -> str:
    error = run.error
    if not isinstance(error, dict):
        return ""
    cell = f" in cell {error['cell']}" if error.get("cell") is not None else ""
    return shortened(f"{error.get('type')}{cell}: {error.get('message') or ''}".strip(), 4000)


def _metric(run: Run, name: str) -> MetricRow:
    entry = run.metrics[name]
    best, last = (_number(entry.get(which)) for which in ("best", "last"))
    step = entry.get("best_step")
    logged = is_bookkeeping(name)
    return MetricRow(
        name=name,
        best="" if logged else shown(name, best),
        best_exact="" if logged or best is None else repr(best),
        at="" if logged else numbers.MISSING if step is None else str(step),
        last=shown(name, last),
        last_exact="" if last is None else repr(last),
        goal="" if logged else str(entry.get("goal") or ""),
        headline=name == run.headline,
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _figures(run: Run, pictures: Pictures) -> Iterator[Figure]:
    for folder in (run.path.figures, run.path.artifacts):
        for file in _walk(folder):
            if picture := pictures.put(file, "../"):
                yield Figure(file.relative_to(folder).with_suffix("").as_posix(), picture)


def _files(run: Run) -> Iterator[tuple[str, str]]:
    """Names and sizes of what stays in the run folder."""
    for folder in (run.path.checkpoints, run.path.artifacts):
        for file in _walk(folder):
            yield file.relative_to(run.path.root).as_posix(), size_text(file.stat().st_size)


def _walk(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def _data(run: Run) -> Iterator[tuple[str, str]]:
    for source in run.record.get("data") or ():
        if isinstance(source, dict):
            yield str(source.get("name")), str(source.get("sha256") or "")[:16]


def _read(path: Path) -> str:
    try:
        return shortened(path.read_text(encoding="utf-8", errors="replace"), 100_000)
    except OSError:
        return ""
