"""Imports that others make and we do not need, kept from costing what they cost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Let the optional modules `names` look uninstalled to what is imported inside.

    jsonschema, which nbformat imports, takes two seconds longer where rfc3987_syntax happens to be
    installed (JupyterLab brings it): it compiles a grammar for a URI check that no notebook uses.
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
