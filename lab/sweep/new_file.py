"""Files that a command makes and a person may have changed since."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.errors import InputError


def write_new(texts: Mapping[Path, str]) -> list[Path]:
    """Write all these files, or none: raises InputError where one is there with another text."""
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise InputError(
                "There is another file of that name",
                seen=path,
                do="Rename it if it is to stay, or say where else to write.",
            )
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)
