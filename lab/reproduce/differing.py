"""In what two runs differ: parameters, code, packages, data, machine, metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.record.catalogue import find_run
from lab.record.files import read_json
from lab.record.run import Run
from lab.reproduce.change import Change
from lab.reproduce.git import FileChange, GitFailed, opened_trees
from lab.reproduce.packages import package_changes, recorded_packages
from lab.workspace import Workspace

_MACHINE = ("host", "device", "python")
_ABSENT = object()


@dataclass(frozen=True)
class CodeDiff:
    """How the source differs; `same` is None where that was not recorded.

    `files` are those of the workspace's code and the notebook, from both commits with their
    patches; `unknown` says why they could not be compared. `cells` are (number, what) of the
    executed notebooks' cells.
    """

    same: bool | None
    commits: tuple[str, str]
    files: tuple[FileChange, ...]
    unknown: str | None
    cells: tuple[str, ...]
    patch: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class MetricDiff:
    """A metric's value that stands for each run: the last of a test metric, else the best."""

    name: str
    a: float | None
    b: float | None

    @property
    def same(self) -> bool:
        return repr(self.a) == repr(self.b)  # NaN is as good as NaN

    @property
    def difference(self) -> float | None:
        """b - a."""
        return None if self.a is None or self.b is None else self.b - self.a

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"difference": self.difference, "same": self.same}


@dataclass(frozen=True)
class RunDiff:
    """Everything in which run `b` differs from run `a`; `metrics` holds the equal ones too."""

    a: Run
    b: Run
    parameters: tuple[Change, ...]
    code: CodeDiff
    packages: tuple[Change, ...]
    packages_known: bool
    data: tuple[Change, ...]
    machine: tuple[Change, ...]
    metrics: tuple[MetricDiff, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "a": self.a.id,
            "b": self.b.id,
            "parameters": [change.as_dict() for change in self.parameters],
            "code": self.code.as_dict(),
            "packages": [change.as_dict() for change in self.packages],
            "packages_known": self.packages_known,
            "data": [change.as_dict() for change in self.data],
            "machine": [change.as_dict() for change in self.machine],
            "metrics": [metric.as_dict() for metric in self.metrics],
        }


def diff(a: str, b: str, *, workspace: Workspace | None = None) -> RunDiff:
    """In what run `b` differs from run `a`, as `lab diff` shows it. Raises RunNotFound."""
    place = workspace or Workspace.find()
    first, second = find_run(place, a), find_run(place, b)
    packages = [recorded_packages(run.path.packages) for run in (first, second)]
    return RunDiff(
        first,
        second,
        tuple(changes(first.params, second.params)),
        _code(first, second, place),
        tuple(package_changes(*packages)),
        None not in packages,
        tuple(changes(_data(first), _data(second))),
        tuple(changes(_machine(first), _machine(second))),
        tuple(_metrics(first, second)),
    )


def changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Change]:
    """The names whose values differ, in the order of `a`, then of `b`."""
    for name in dict.fromkeys([*a, *b]):
        values = a.get(name, _ABSENT), b.get(name, _ABSENT)
        if values[0] != values[1] or type(values[0]) is not type(values[1]):
            yield Change(name, *(None if value is _ABSENT else value for value in values))


def standing(run: Run, metric: str) -> float | None:
    """The value of a metric that stands for the run."""
    return run.last(metric) if metric.startswith("test/") else run.best(metric)


def _data(run: Run) -> dict[str, str]:
    sources = run.record.get("data") or []
    return {str(s.get("name", "?")): str(s.get("sha256")) for s in sources}


def _machine(run: Run) -> dict[str, Any]:
    """What is known of where it ran; what was not recorded then is left out."""
    known = {key: run.record.get(key) for key in _MACHINE} | (run.record.get("machine") or {})
    return {key: value for key, value in known.items() if value is not None}


def _metrics(a: Run, b: Run) -> Iterator[MetricDiff]:
    for name in dict.fromkeys([*a.metrics, *b.metrics]):
        yield MetricDiff(name, standing(a, name), standing(b, name))


def _code(a: Run, b: Run, workspace: Workspace) -> CodeDiff:
    keys = ("code", "notebook_sha256", "notebook")
    known = [[run.record.get(key) for key in keys] for run in (a, b)]
    same = None if any(None in state[:1] for state in known) else known[0] == known[1]
    commits = (_commit(a), _commit(b))
    cells = () if known[0][1:] == known[1][1:] else tuple(_cells(a, b))
    if same:
        return CodeDiff(same, commits, (), None, cells, "")
    files, patch, unknown = _files(a, b, workspace)
    return CodeDiff(same, commits, files, unknown, cells, patch)


def _files(a: Run, b: Run, workspace: Workspace) -> tuple[tuple[FileChange, ...], str, str | None]:
    """The files that differ, the same as a patch, and why that is not known."""
    with opened_trees(workspace.root) as trees:
        if trees is None:
            return (), "", "this workspace is in no git repository"
        made: dict[str, str] = {}
        for run in (a, b):
            try:
                made[run.id] = trees.of(run)
            except GitFailed as error:
                return (), "", f"{run.id}: {error}"
        specs = trees.specs(workspace.code, *{a.notebook, b.notebook})
        ends = made[a.id], made[b.id]
        return tuple(trees.changes(ends, specs)), trees.patch(ends, specs), None


def _commit(run: Run) -> str:
    """ "1a2b3c4d5e with changes", or "not recorded"."""
    state = run.record.get("git") or {}
    dirty = " with changes" if state.get("dirty") else ""
    return f"{state['sha'][:10]}{dirty}" if state.get("sha") else "not recorded"


def _cells(a: Run, b: Run) -> Iterator[str]:
    """Code cells of the executed notebooks that differ, in words."""
    import difflib

    first, second = _sources(a), _sources(b)
    if not first or not second:
        return
    matcher = difflib.SequenceMatcher(None, first, second, autojunk=False)
    for what, i, j, k, m in matcher.get_opcodes():
        if what == "replace":
            yield f"{_numbers(i, j)} changed (now {_numbers(k, m)})"
        elif what == "delete":
            yield f"{_numbers(i, j)} gone"
        elif what == "insert":
            yield f"{_numbers(k, m)} new"


def _numbers(start: int, end: int) -> str:
    return f"cell {start + 1}" if end - start == 1 else f"cells {start + 1} to {end}"


def _sources(run: Run) -> Sequence[str]:
    """Sources of the code cells but that of the injected values."""
    try:
        cells = read_json(run.path.notebook)["cells"]
        return [
            "".join(cell["source"])
            for cell in cells
            if cell["cell_type"] == "code"
            and "injected-parameters" not in (cell.get("metadata") or {}).get("tags", ())
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
