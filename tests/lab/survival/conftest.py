"""A scene for every test; whatever a test leaves behind goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aftermath import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "workspace with spaces")
    yield made
    made.end()
