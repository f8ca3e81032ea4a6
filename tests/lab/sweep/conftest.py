"""A cluster for sweeps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clusters import dask_cluster


@pytest.fixture(scope="session")
def dask_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the scheduler of a Dask with one worker answers."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), workers=1) as cluster:
        yield cluster.address
