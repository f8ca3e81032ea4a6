"""`lab export`: which runs, and where to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.errors import InputError, nearest
from lab.exchange.pack import pack
from lab.exchange.result import Exported
from lab.record.catalogue import find_run, find_runs
from lab.record.run import Run
from lab.workspace import Workspace

KINDS = ("mlflow", "tensorboard")


def export_runs(
    *run_ids: str,
    file: Path | str | None = None,
    to: str | None = None,
    where: str | None = None,
    workspace: Workspace | None = None,
) -> Exported:
    """Write runs to the new zip `file`, or `to` another tool: "mlflow:URI", "tensorboard:DIR".

    `where` adds the ended runs that match the expression. A URI may be a folder. Nothing is
    overwritten: a run that the target holds already is left as it is. Raises InputError for a run
    that is still running, or a target that cannot be written.

    lab.export("20260120_231502", file="night.zip")
    lab.export(where="suite.name == pilot", to="mlflow:sqlite:///mlflow.db")
    """
    place = workspace or Workspace.find()
    if (file is None) == (to is None):
        raise InputError(
            "Not clear where the runs shall go",
            do="Name a zip file, or another tool with --to mlflow:URI or --to tensorboard:DIR.",
        )
    if file is not None:
        target = _zip_file(Path(file))
        return pack(_chosen(place, run_ids, where), target)
    kind, _, address = str(to).partition(":")
    if kind not in KINDS:
        raise InputError("Runs cannot be exported there", seen=to, do=nearest(kind, KINDS))
    if not address:
        example = "sqlite:///mlflow.db" if kind == "mlflow" else "logs"
        raise InputError("The address is missing", seen=to, do=f"As in --to {kind}:{example}.")
    runs = _chosen(place, run_ids, where)
    if kind == "mlflow":
        from lab.exchange.to_mlflow import write_mlflow

        return write_mlflow(runs, address)
    from lab.exchange.to_tensorboard import write_tensorboard

    return write_tensorboard(runs, Path(address))


def _zip_file(file: Path) -> Path:
    if file.suffix.lower() != ".zip":
        raise InputError(
            "The last word has to be the zip file to write",
            seen=file,
            do="As in: lab export RUN... FILE.zip. For other tools: --to mlflow:URI.",
        )
    return file


def _chosen(workspace: Workspace, run_ids: Sequence[str], where: str | None) -> list[Run]:
    """The runs named and those that match, each once, oldest first."""
    runs = {run.id: run for run in (find_run(workspace, run_id) for run_id in run_ids)}
    if running := [run.id for run in runs.values() if run.status == "running"]:
        raise InputError(
            "A run that is running cannot be exported", seen=", ".join(running), do="Wait for it."
        )
    if where is not None:
        found = find_runs(workspace, where=where)
        runs |= {run.id: run for run in found if run.status != "running"}
    if not runs:
        raise InputError("No runs to export", seen=where, do="`lab runs` lists them.")
    return [runs[run_id] for run_id in sorted(runs)]
