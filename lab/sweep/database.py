"""Optuna storages behind a URL or in a file, and the database that several machines share."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError, SweepError
from lab.sweep.quiet import quiet_optuna

if TYPE_CHECKING:
    from optuna.storages import BaseStorage, RDBStorage
    from sqlalchemy import Engine

BEAT = 20  # seconds between two signs of life of a trial in a database
_SILENT = 90  # seconds without one after which its process is taken for gone

_FILES = "Give a journal file, an SQLite file or a URL such as sqlite:///study.db."
_SERVER = "Check that it runs; a password may be in the URL, in PGPASSWORD or in ~/.pgpass."

_passwords: dict[str, str] = {}  # URL without its password -> as it was given to this process


def storage_of(url: str) -> BaseStorage:
    """The Optuna storage of a URL, a journal or an SQLite file that is there; raises SweepError."""
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    with _readable(url):
        if "://" in url:
            path = url.partition(":///")[2].partition("?")[0]
            if url.startswith("sqlite") and not Path(path).is_file():
                raise SweepError("No such file", seen=path, do="Check the URL.")
            from sqlalchemy import NullPool

            # Nobody says when reading ends: no connection is kept open between two questions.
            return RDBStorage(_with_driver(url), engine_kwargs={"poolclass": NullPool})
        if not Path(url).is_file():
            raise SweepError("No such file", seen=url, do="Check the path.")
        with Path(url).open("rb") as file:
            is_sqlite = file.read(16).startswith(b"SQLite format 3")
        if is_sqlite:
            return RDBStorage(f"sqlite:///{Path(url).resolve()}")
        return JournalStorage(JournalFileBackend(url))


def shared(url: str) -> RDBStorage:
    """The PostgreSQL database in which several machines keep one study; raises SweepError.

    A password that the URL has is remembered while this process lives; libpq finds others in
    PGPASSWORD and ~/.pgpass.
    """
    if not url.startswith(("postgresql:", "postgresql+", "postgres:")):
        raise SweepError(
            "Only a PostgreSQL database is shared between machines",
            seen=without_password(url),
            do="Give postgresql://USER@HOST/DATABASE; on one machine no storage is needed.",
        )
    bare = without_password(url)
    if url != bare:
        _passwords[bare] = url
    return _connect(bare)


@cache
def _connect(bare: str) -> RDBStorage:
    """One storage a database, whether or not its password was given each time."""
    from optuna.storages import RDBStorage
    from sqlalchemy import NullPool, create_engine

    url = _passwords.get(bare, bare)
    # Two machines that make the tables of a new database at once would be in each other's way.
    once = create_engine(_with_driver(url), poolclass=NullPool)
    with _readable(url, _SERVER), _engine_locked(once, "optuna"):
        return RDBStorage(
            _with_driver(url),
            engine_kwargs={"pool_pre_ping": True},
            heartbeat_interval=BEAT,
            grace_period=_SILENT,
        )


@contextlib.contextmanager
def database_lock(storage: RDBStorage, name: str) -> Iterator[None]:
    """Hold the lock of the study `name` against all machines of its database."""
    with _engine_locked(storage.engine, f"study {name}"):
        yield


@contextlib.contextmanager
def _engine_locked(engine: Engine, name: str) -> Iterator[None]:
    from sqlalchemy import text

    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(hashtext(:name))"), {"name": name})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), {"name": name})


def without_password(url: str) -> str:
    """postgresql://user:secret@host/db -> postgresql://user@host/db"""
    scheme, mark, rest = url.partition("://")
    owner, at, place = rest.rpartition("@")
    return f"{scheme}{mark}{owner.partition(':')[0]}{at}{place}"


def _with_driver(url: str) -> str:
    """The URL with psycopg 3 named, where it names no driver and the older one is not there."""
    scheme, mark, rest = url.partition("://")
    if scheme not in ("postgres", "postgresql"):
        return url
    old = importlib.util.find_spec("psycopg2") is not None
    return f"postgresql{'' if old else '+psycopg'}{mark}{rest}"


@contextlib.contextmanager
def _readable(url: str, do: str = _FILES) -> Iterator[None]:
    """Optuna kept quiet, and the errors of its storages and their drivers as one message."""
    try:
        with quiet_optuna():
            yield
    except LabError:
        raise
    except ImportError as problem:
        raise SweepError(
            "The driver of this database is not installed",
            seen=getattr(problem, "name", None) or problem,
            do="Install it: for PostgreSQL `pip install 'cvkan-lab[postgres]'`.",
        ) from None
    except Exception as problem:  # each driver has errors of its own
        first = str(problem).strip().splitlines()[0] if str(problem).strip() else problem
        raise SweepError(
            "This is no Optuna storage that can be read",
            seen=f"{without_password(url)} ({first})",
            do=do,
        ) from None
