"""Runs written as TensorBoard event files."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from lab.errors import InputError
from lab.exchange.extras import need
from lab.exchange.result import Exported
from lab.record.files import encode
from lab.record.run import Run

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary

ABOUT = "lab/run"  # the tag of a text that holds run.json and params.json
FENCE = ("```json\n", "\n```")
_LARGEST = 3.4028234663852886e38  # of the 32-bit floats


def write_tensorboard(runs: Sequence[Run], folder: Path) -> Exported:
    """Write each run into a folder of its id under `folder`: scalars, parameters and what it is.

    Values are 32-bit floats there, as TensorBoard's own writers make them. A run whose folder is
    there already is left as it is.
    """
    need("tensorboard", "tensorboard")
    new, there = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for run in runs:
            if (folder / run.id).exists():
                there.append(run.id)
                continue
            # Written beside and renamed: a folder that is there is whole.
            with tempfile.TemporaryDirectory(dir=folder, prefix=".lab-") as beside:
                made = Path(beside) / run.id
                _write(run, made)
                made.rename(folder / run.id)
            new.append(run.id)
    except OSError as error:
        raise InputError(
            "The event files cannot be written",
            seen=f"{folder} ({error.strerror})",
            do="Free some space, or name another folder.",
        ) from None
    return Exported("tensorboard", str(folder), tuple(new), tuple(there))


def _write(run: Run, folder: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    folder.mkdir()
    started = run.started.timestamp() if run.started else 0.0
    writer = EventFileWriter(str(folder))
    try:
        for summary in _about(run, started):
            writer.add_event(Event(wall_time=started, step=0, summary=summary))
        for row in run.history():
            values = [
                Summary.Value(tag=name, simple_value=_single(value))
                for name, value in row.items()
                if "/" in name and isinstance(value, int | float)
            ]
            if values:
                time = float(row.get("time") or started)
                writer.add_event(
                    Event(wall_time=time, step=row["step"], summary=Summary(value=values))
                )
    finally:
        writer.close()


def _single(value: float) -> float:
    """The nearest 32-bit float; protobuf refuses what is larger than those."""
    if math.isfinite(value) and abs(value) > _LARGEST:
        return math.copysign(math.inf, value)
    return float(value)


def _about(run: Run, started: float) -> Iterator[Summary]:
    """Parameters for the page HParams, and what the run is for the page Text."""
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.plugins.text.summary_v2 import text_pb

    yield hparams_pb(_plain(run.params), trial_id=run.id, start_time_secs=started)
    said = orjson.dumps(
        encode({"run": run.record, "params": run.params}), option=orjson.OPT_INDENT_2
    )
    yield text_pb(ABOUT, f"{FENCE[0]}{said.decode()}{FENCE[1]}")


def _plain(params: Mapping[str, Any]) -> dict[str, bool | float | str]:
    return {
        name: value if isinstance(value, bool | int | float | str) else str(value)
        for name, value in params.items()
    }
