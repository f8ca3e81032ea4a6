"""docs/evidence/BLOCK.json: what one generated block read of its runs, and the numbers it says.

{
"block": "36caf2e4",
"spec": {...},                 the evidence in the block's comment
"numbers": [{"line": 4, "text": "45.6%", "value": 0.4563, "field": "test/accuracy.last",
             "aggregation": "mean over 3 runs", "rounding": "percent, 1 decimal",
             "runs": ["20261121_054239", ...]}, ...],
"runs": ["20261121_054239", ...],
"values": {"record": {...}, "params": {"seed": {"per run": [0, 1, 2]}}, "summary": {...}},
"history": {},                 curves, of runs whose curves were read
"study": {...},                the study and its trials, of a block about one
"text": "...",                 sha256 of the lines of the block, spaces aside
"sha256": "..."                of all bytes above
}

A value that all runs share is written once. The same block gives the same bytes, and the values
alone give the block again, to the letter, where there are no runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from lab.errors import LogError
from lab.log.evidence.drift import normal
from lab.log.evidence.reads import Path as ValuePath
from lab.log.evidence.source import RunSource, StoredRuns
from lab.log.evidence.telling import TaggedBlock
from lab.provenance import Number
from lab.record.files import encode, write_atomic
from lab.record.metrics import restore, rows_of
from lab.record.paths import RunPaths
from lab.record.run import Run
from lab.workspace import Workspace

if TYPE_CHECKING:
    from lab.sweep.study import Study

_PER_RUN = "per run"
_ABSENT = {"absent": True}
_SEAL = b'"sha256": '
Spec = dict[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """One block's numbers and the values behind them."""

    block: str
    spec: Spec
    numbers: tuple[dict[str, Any], ...]
    runs: tuple[str, ...]
    values: dict[str, Any]
    history: dict[str, dict[str, list[Any]]]
    text: str
    study: dict[str, Any] | None = None

    @classmethod
    def of(cls, block: str, spec: Spec, made: TaggedBlock) -> Snapshot:
        """The snapshot of a block just made."""
        reads = made.reads
        runs = tuple(sorted(reads))
        flat = [reads[run].values for run in runs]
        return cls(
            block=block,
            spec={key: value for key, value in spec.items() if key != "block"},
            numbers=tuple(_plain(number, runs) for number in made.numbers),
            runs=runs,
            values=_nested(_columns(flat)),
            history={run: _curves(rows) for run in runs if (rows := reads[run].history)},
            text=text_hash(made.lines),
            study=_plain_study(made.study),
        )

    def encoded(self) -> bytes:
        """The bytes of the file: one line per number and per run, so that changes can be read."""
        parts = [
            f'"block": {_json(self.block)}',
            f'"spec": {_json(self.spec)}',
            f'"numbers": [{_lines(map(_json, self.numbers))}]',
            f'"runs": {_json(self.runs)}',
            '"values": {'
            + _lines(f"{_json(part)}: {_json(inside)}" for part, inside in self.values.items())
            + "}",
            '"history": {'
            + _lines(f"{_json(run)}: {_json(curves)}" for run, curves in self.history.items())
            + "}",
            *([] if self.study is None else [f'"study": {_study_lines(self.study)}']),
            f'"text": {_json(self.text)}',
        ]
        body = ("{\n" + ",\n".join(parts) + ",\n").encode()
        return body + _SEAL + json.dumps(sha256(body).hexdigest()).encode() + b"\n}\n"

    def source(self, workspace: Workspace) -> StoredRuns:
        """The runs of this snapshot, as far as the block read them."""
        made = {
            run: _StoredRun(run, _of_run(self.values, i), self.history.get(run), workspace)
            for i, run in enumerate(self.runs)
        }
        return StoredRuns(workspace, dict(made), self.study)

    def still_said_by(self, source: RunSource) -> bool:
        """Whether the runs of `source` have every value that the block has read."""
        for i, run_id in enumerate(self.runs):
            run, parts = source.run(run_id), _of_run(self.values, i)
            now = {"record": run.record, "params": run.params, "summary": run.summary}
            if not all(_within(parts.get(part) or {}, encode(now[part])) for part in now):
                return False
            curves = self.history.get(run_id)
            if curves is not None and not _still_so(curves, run.history()):
                return False
        if self.study is None:
            return True
        return self.study == _plain_study(source.study(self.spec))


class _StoredRun(Run):
    def __init__(
        self,
        run_id: str,
        parts: dict[str, Any],
        curves: dict[str, list[Any]] | None,
        workspace: Workspace,
    ) -> None:
        super().__init__(
            RunPaths(workspace.runs / run_id),
            parts.get("record") or {},
            parts.get("params") or {},
            restore(parts.get("summary") or {}),
        )
        object.__setattr__(self, "_curves", curves)

    def history(self, *names: str) -> list[dict[str, Any]]:
        curves: dict[str, list[Any]] | None = self._curves  # type: ignore[attr-defined]
        if curves is None:
            raise LogError("The snapshot holds no curves of this run", seen=self.id)
        rows = zip(*curves.values(), strict=True)
        whole = [
            restore({"": {k: v for k, v in zip(curves, row, strict=True) if v is not None}})[""]
            for row in rows
        ]
        return rows_of(whole, names)


def evidence_folder(workspace: Workspace) -> Path:
    """Where the snapshots lie: beside the research log, to be committed with it."""
    return workspace.research_log.parent / "evidence"


def snapshot_path(workspace: Workspace, block: str) -> Path:
    return evidence_folder(workspace) / f"{block}.json"


def read_snapshot(workspace: Workspace, block: str) -> Snapshot | None:
    """The snapshot of a block; None where there is none. LogError where it was changed by hand."""
    if not block.isalnum():
        return None
    path = snapshot_path(workspace, block)
    try:
        data = path.read_bytes()
    except OSError:
        return None
    body, seal, rest = data.rpartition(_SEAL)
    told = rest.partition(b"}")[0].strip().strip(b'"').decode("ascii", "replace")
    if not seal or sha256(body).hexdigest() != told:
        raise LogError(
            "The snapshot was changed by hand, or its file is damaged",
            seen=workspace.relative(path),
            do="`lab log refresh` writes it again from the runs; git has the old one.",
        )
    found = orjson.loads(data)
    return Snapshot(
        block=found["block"],
        spec=found["spec"],
        numbers=tuple(found["numbers"]),
        runs=tuple(found["runs"]),
        values=found["values"],
        history=found["history"],
        text=found["text"],
        study=found.get("study"),
    )


def write_snapshot(workspace: Workspace, snapshot: Snapshot) -> bool:
    """Write the file where its bytes differ; whether they did."""
    path = snapshot_path(workspace, snapshot.block)
    data = snapshot.encoded()
    if path.is_file() and path.read_bytes() == data:
        return False
    write_atomic(path, data, sync=False)  # `lab log refresh` makes it again
    return True


def text_hash(lines: Sequence[str]) -> str:
    """The fingerprint of a block's lines, the same after a formatter has been over them."""
    told = "\n".join(short for line in lines if (short := normal(line)))
    return sha256(told.encode()).hexdigest()[:16]


def _still_so(curves: dict[str, list[Any]], rows: list[dict[str, Any]]) -> bool:
    """Whether a run has these curves, which are all of its own or some."""
    return curves in (_curves(rows), _curves(rows_of(rows, [n for n in curves if n != "step"])))


def _within(part: Any, whole: Any) -> bool:
    """Whether `whole` has all that `part` has."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and _within(value, whole[key]) for key, value in part.items()
        )
    if isinstance(part, list) and part and isinstance(part[0], dict):
        return isinstance(whole, list) and all(
            _within(*pair) for pair in zip(part, whole, strict=False)
        )
    return bool(part == whole)


def _plain(number: Number, runs: tuple[str, ...]) -> dict[str, Any]:
    source = number.source
    return {
        "line": number.line + 1,
        "text": number.text,
        "value": encode(number.value),
        "field": source.field if source else None,
        "aggregation": source.aggregation if source else "count",
        "rounding": number.rounding,
        "runs": "all" if source is None or source.runs == runs else list(source.runs),
    }


def _curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(n for row in rows for n in row if n == "step" or "/" in n)
    return {name: [encode(row.get(name)) for row in rows] for name in names}


def _columns(flat: Sequence[Mapping[ValuePath, Any]]) -> dict[ValuePath, Any]:
    """One value where all runs have the same, else theirs in the order of the runs."""
    paths = list(dict.fromkeys(path for values in flat for path in values))
    whole = [path for path in paths if _is_mixed(path, flat)]
    made: dict[ValuePath, Any] = {}
    for path in paths:
        above = [path[:i] for i in range(1, len(path))]
        if any(one in whole for one in above):
            continue
        found = [_inside(path, values) if path in whole else values.get(path, _ABSENT)
                 for values in flat]  # fmt: skip
        found = [encode(value) for value in found]
        alike = len({_json(value) for value in found}) == 1
        made[path] = found[0] if alike else {_PER_RUN: found}
    return made


def _is_mixed(path: ValuePath, flat: Sequence[Mapping[ValuePath, Any]]) -> bool:
    """Whether some runs have a dictionary here, and others do not."""
    return len({values.get(path) == {} for values in flat}) > 1


def _inside(path: ValuePath, values: Mapping[ValuePath, Any]) -> Any:
    """What one run has at `path`, with all that lies below."""
    if values.get(path, _ABSENT) != {}:
        return values.get(path, _ABSENT)
    below = {p[len(path) :]: v for p, v in values.items() if len(p) > len(path)
             and p[: len(path)] == path}  # fmt: skip
    return _nested(below)


def _nested(flat: Mapping[ValuePath, Any]) -> dict[str, Any]:
    root: dict[Any, Any] = {}
    for path, value in flat.items():
        place = root
        for part in path[:-1]:
            place = place.setdefault(part, {})
        if value != {} or path[-1] not in place:
            place[path[-1]] = {} if value == {} else value
    return {str(part): _listed(inside) for part, inside in root.items()}


def _listed(value: Any) -> Any:
    """Dictionaries by position as the lists that they were."""
    if not isinstance(value, dict) or _PER_RUN in value:
        return value
    if value and all(isinstance(key, int) for key in value):
        return [_listed(value.get(i, {})) for i in range(max(value) + 1)]
    return {key: _listed(inside) for key, inside in value.items()}


def _of_run(value: Any, index: int) -> Any:
    """The values of one run: its own out of every column, without what it lacks."""
    if isinstance(value, list):
        return [own for item in value if (own := _of_run(item, index)) != _ABSENT]
    if not isinstance(value, dict):
        return value
    if _PER_RUN in value:
        return value[_PER_RUN][index]
    own = {key: _of_run(inside, index) for key, inside in value.items()}
    return {key: inside for key, inside in own.items() if inside != _ABSENT}


def _plain_study(study: Study | None) -> dict[str, Any] | None:
    if study is None:
        return None
    from lab.sweep.plain import plain_study

    plain: dict[str, Any] = encode(plain_study(study))
    return plain


def _study_lines(study: dict[str, Any]) -> str:
    """A study in JSON with a line for each parameter and each trial."""
    parts = [
        f"{_json(name)}: [{_lines(map(_json, value))}]"
        if name in ("params", "trials")
        else f"{_json(name)}: {_json(value)}"
        for name, value in study.items()
    ]
    return "{" + _lines(parts) + "}"


def _lines(parts: Iterable[str]) -> str:
    told = ",\n".join(parts)
    return f"\n{told}\n" if told else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
