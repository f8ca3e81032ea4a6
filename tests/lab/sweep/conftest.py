"""A cluster for sweeps."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from clusters import DaskCluster


@pytest.fixture(scope="session")
def dask_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the scheduler of a Dask with one worker answers."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("LAB_")]:
            patch.delenv(name)
        cluster = DaskCluster(tmp_path_factory.mktemp("dask"))
        try:
            cluster.add_worker()
            cluster.wait_for_workers(1)
            yield cluster.address
        finally:
            cluster.stop()
