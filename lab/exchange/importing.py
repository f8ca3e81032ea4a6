"""`lab import`: what a file, a folder or an address holds, and who reads it."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from lab.errors import InputError, nearest
from lab.exchange.result import Imported
from lab.exchange.unpack import unpack
from lab.workspace import Workspace

KINDS = ("zip", "mlflow", "tensorboard", "csv")
_EVENTS = "events.out.tfevents"


def import_runs(
    source: Path | str,
    *,
    kind: str | None = None,
    new_ids: bool = False,
    experiments: Sequence[str] = (),
    metrics: Sequence[str] = (),
    workspace: Workspace | None = None,
) -> Imported:
    """Bring in runs from a zip file of `lab export`, MLflow, TensorBoard event files or a CSV file.

    `kind` (zip, mlflow, tensorboard, csv) is found out where it is not given. `new_ids` lets in a
    run whose id another run has, under a new one (zip). `experiments` are the only ones read
    (mlflow). `metrics` are columns that hold metrics (csv). Nothing is overwritten, and what is
    here already is passed over. Raises InputError where the source cannot be read; then nothing
    has come in.

    lab.import_runs("night.zip")
    lab.import_runs("sqlite:///mlflow.db", experiments=["image"])
    """
    place = workspace or Workspace.find()
    address = str(source)
    if kind is not None and kind not in KINDS:
        raise InputError("Runs cannot be imported from that", seen=kind, do=nearest(kind, KINDS))
    kind = kind or _kind_of(address)
    _refuse_unused(kind, new_ids, experiments, metrics)
    if kind == "mlflow":
        from lab.exchange.from_mlflow import read_mlflow

        return read_mlflow(address, place, experiments)
    path = _existing(Path(address))
    if kind == "zip":
        return unpack(path, place, new_ids=new_ids)
    if kind == "tensorboard":
        from lab.exchange.from_tensorboard import read_tensorboard

        return read_tensorboard(path, place)
    from lab.exchange.from_csv import read_csv

    return read_csv(path, place, metrics)


def _kind_of(address: str) -> str:
    if "://" in address:
        return "mlflow"
    path = _existing(Path(address))
    if path.is_dir():
        if (path / "mlflow.db").is_file() or any(path.glob("*/meta.yaml")):
            return "mlflow"
        if any(path.rglob(f"*{_EVENTS}*")):
            return "tensorboard"
        raise _unknown(address, "It is a folder of neither MLflow nor TensorBoard event files.")
    if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
        return "zip"
    if _EVENTS in path.name:
        return "tensorboard"
    if path.suffix.lower() in (".csv", ".tsv"):
        return "csv"
    with path.open("rb") as file:
        if file.read(16).startswith(b"SQLite format 3"):
            return "mlflow"
    raise _unknown(address, f"Say what it is with --from: {', '.join(KINDS)}.")


def _unknown(address: str, advice: str) -> InputError:
    return InputError("Not clear what this holds", seen=address, do=advice)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError("There is no such file or folder", seen=path, do="Look at its name.")
    return path


def _refuse_unused(
    kind: str, new_ids: bool, experiments: Sequence[str], metrics: Sequence[str]
) -> None:
    for given, option, meant in (
        (new_ids, "--new-ids", "zip"),
        (experiments, "--experiment", "mlflow"),
        (metrics, "--metric", "csv"),
    ):
        if given and kind != meant:
            raise InputError(
                f"{option} is for {meant}", seen=f"the source is {kind}", do="Leave it away."
            )
