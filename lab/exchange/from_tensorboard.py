"""Runs read from TensorBoard event files with TensorBoard's own reader."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from lab.errors import InputError
from lab.exchange.extras import need
from lab.exchange.foreign import Foreign, Point, take_in
from lab.exchange.result import Imported
from lab.exchange.to_tensorboard import ABOUT, FENCE
from lab.record.outcome import STATUSES
from lab.workspace import Workspace

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

_FILES = "*events.out.tfevents*"
_ENDED = {1: "done", 2: "failed"}  # STATUS_SUCCESS, STATUS_FAILURE of the page HParams


def read_tensorboard(path: Path, workspace: Workspace) -> Imported:
    """Bring in one run for each folder below `path` with event files in it, as TensorBoard shows.

    `path` may be one event file. A run is `done` unless its files say that it failed, for they
    seldom say how it ended. What has no scalar is left out.
    """
    need("tensorboard", "tensorboard")
    found, notes = [], []
    for name, files in _folders(path).items():
        foreign = _foreign(name, files)
        if foreign.curves or foreign.verbatim:
            found.append(foreign)
        else:
            notes.append(f"{name} has no scalars and was left out.")
    if not found:
        raise InputError("No scalars are there", seen=path, do="Look at the files.")
    return take_in(found, kind="tensorboard", source=str(path), workspace=workspace, notes=notes)


def _folders(path: Path) -> dict[str, list[Path]]:
    """Event files by the name of their run, in the order they were begun."""
    if path.is_file():
        return {path.name: [path]}
    found: dict[str, list[Path]] = defaultdict(list)
    for file in sorted(path.rglob(_FILES)):
        if file.is_file():
            name = file.parent.relative_to(path).as_posix()
            found[path.resolve().name if name == "." else name].append(file)
    return dict(found)


@dataclass
class _Read:
    """What the events of one run have said so far."""

    curves: dict[str, list[Point]] = field(default_factory=lambda: defaultdict(list))
    params: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    status: str = "done"
    times: list[float] = field(default_factory=list)


def _foreign(name: str, files: list[Path]) -> Foreign:
    read = _Read()
    for file in files:
        for event in _events(file):
            for value in event.summary.value:
                _note(read, event, value)
    about: list[Any] = [read.about.get(key) for key in ("run", "params")]
    own = all(isinstance(said, dict) for said in about)
    record, params = about if own else ({}, read.params)
    said = record.get("status")
    return Foreign(
        id=name,
        name=record.get("name") if own else name,
        started=min(read.times, default=None),
        ended=max(read.times, default=None),
        status=said if said in STATUSES and said != "running" else read.status,
        params=params,
        curves=dict(read.curves),
        tags=tuple(record.get("tags") or ()),
        record=record,
        verbatim=own,
    )


def _events(file: Path) -> Iterator[Event]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

        yield from EventFileLoader(str(file)).Load()


def _note(read: _Read, event: Event, value: Summary.Value) -> None:
    plugin = value.metadata.plugin_data.plugin_name
    if plugin == "scalars":
        read.times.append(event.wall_time)
        read.curves[value.tag].append((event.step, event.wall_time, _number(value)))
    elif plugin == "hparams":
        _note_params(read, value)
    elif value.tag == ABOUT:
        read.about = _object(value)


def _number(value: Summary.Value) -> float:
    from tensorboard.util.tensor_util import make_ndarray

    return float(make_ndarray(value.tensor).item())


def _note_params(read: _Read, value: Summary.Value) -> None:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    said = HParamsPluginData.FromString(value.metadata.plugin_data.content)
    if said.HasField("session_end_info"):
        read.status = _ENDED.get(said.session_end_info.status, read.status)
    for name, held in said.session_start_info.hparams.items():
        kind = held.WhichOneof("kind")
        if kind == "number_value":
            # All numbers are 64-bit floats there; whole ones are taken for what they look like.
            number = held.number_value
            read.params[name] = int(number) if number.is_integer() else number
        elif kind in ("string_value", "bool_value"):
            read.params[name] = getattr(held, kind)


def _object(value: Summary.Value) -> dict[str, Any]:
    text = (value.tensor.string_val[0] if value.tensor.string_val else b"").decode(errors="replace")
    try:
        found = orjson.loads(text.removeprefix(FENCE[0]).removesuffix(FENCE[1]))
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
