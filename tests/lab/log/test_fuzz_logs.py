"""Logs made of the researcher's own, cut up, mixed and broken: no crash, no lost byte."""

from __future__ import annotations

import os
import time

import pytest
from fuzz_logs import fuzz


@pytest.mark.slow
def test_no_log_loses_a_byte(tmp_path: object) -> None:
    seconds = float(os.environ.get("FUZZ_SECONDS", "60"))
    counts = fuzz(seconds, seed=int(time.time()))
    assert counts["documents"] > 0
    assert [name for name in counts if name.startswith("finding")] == []
