"""MLflow's own client, opened for an address as people write it, and quiet."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import InputError
from lab.exchange.extras import need

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
# An infinite value is kept as the largest float by MLflow's databases.
LARGEST = 1.7976931348623157e308
ID_TAG = "lab.id"
RECORD_TAG = "lab.run"
NOTES_TAG = "lab.notes"
PARAMS_TAG = "lab.params"
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
_LOGGERS = ("mlflow", "alembic")


@contextlib.contextmanager
def opened(address: str, *, create: bool = False) -> Iterator[MlflowClient]:
    """A client for a tracking address, a database file, or a folder that holds either kind.

    sqlite:///mlflow.db      # and postgresql://, http://, whatever MLflow knows
    mlflow.db                # the same database
    results                  # results/mlflow.db, or the files of MLflow's old file store

    With `create` a database or folder that is not there is made. What MLflow raises becomes an
    InputError.
    """
    need("mlflow", "mlflow")
    uri = tracking_uri(address, create=create)
    with _quiet(file_store=not re.match(r"\w[\w+]*://", uri)):
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield MlflowClient(tracking_uri=uri)
        except (MlflowException, SQLAlchemyError) as error:
            raise InputError(
                "MLflow refused",
                seen=f"{shown(address)}: {str(error).strip().splitlines()[0]:.200}",
                do="Look at the address, and at the version of what is there.",
            ) from None


def tracking_uri(address: str, *, create: bool) -> str:
    """The address as MLflow takes it; raises InputError for a file or folder that is not there."""
    if address.startswith("sqlite:///"):
        _existing(Path(address.removeprefix("sqlite:///")), create)
        return address
    if "://" in address and not address.startswith("file://"):
        return address
    path = Path(address.removeprefix("file://")).absolute()
    if path.is_file() or (path.suffix in (".db", ".sqlite") and not path.is_dir()):
        _existing(path, create)
        return f"sqlite:///{path}"
    if not (path / DATABASE).is_file() and any(path.glob("*/meta.yaml")):
        return str(path)  # MLflow's old file store
    if create:
        path.mkdir(parents=True, exist_ok=True)
    _existing(path / DATABASE, create)
    return f"sqlite:///{path / DATABASE}"


def artifacts_beside(uri: str) -> str | None:
    """Where the files of new experiments go: beside the database, when it is a file."""
    if not uri.startswith("sqlite:///"):
        return None
    return (Path(uri.removeprefix("sqlite:///")).absolute().parent / ARTIFACTS).as_uri()


def shown(address: str) -> str:
    """The address without a password."""
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:[redacted]@", address)


def _existing(path: Path, create: bool) -> None:
    if not path.exists() and not create:
        raise InputError("There is no MLflow data there", seen=path, do="Look at the address.")
    if create and not path.parent.is_dir():
        raise InputError("There is no such folder", seen=path.parent, do="Make it first.")


@contextlib.contextmanager
def _quiet(*, file_store: bool) -> Iterator[None]:
    """MLflow without its advice, its reports home and its refusal to read its older files."""
    wanted = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    # By itself it would try for four minutes to reach a server that is not there.
    wanted |= {name: value for name, value in _PATIENCE.items() if name not in os.environ}
    if file_store:
        wanted["MLFLOW_ALLOW_FILE_STORE"] = "true"
    before = {name: os.environ.get(name) for name in wanted}
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    os.environ.update(wanted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow  # its import sets the levels, so it comes before ours

        assert mlflow.__version__
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
