"""Zip files that would fill a disk: told by what they claim, before anything is unpacked.

A zip file that swells a lot has to be tiny for what it holds (a "zip bomb"), or to use the same
bytes several times (Fifield, "A better zip bomb", 2019).
"""

from __future__ import annotations

import zipfile
from pathlib import Path

_HARMLESS = 64 << 20  # bytes that any zip file may hold, however well they are packed
_RATIO = 150  # logs and metrics pack to a tenth or a fiftieth


def swells(file: Path) -> bool:
    """Whether unpacking `file` would give much more than real runs pack into so few bytes."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    size = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    actual = file.stat().st_size
    return packed > actual or (size > _HARMLESS and size > _RATIO * actual)
