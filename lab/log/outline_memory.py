"""Outlines of the parts of logs, kept beside the runs: a long log is parsed where it changed.

A cache, `runs/.index-outlines`: deleted, damaged or not to be written, the parts are parsed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from lab.log.outline import Heading, Outline, Task, parsed_by
from lab.record.files import write_atomic

_FEW = 8  # new parts that are not worth a write
_MOST = 50_000  # parts kept, of all versions of the logs


class Memory:
    """The outlines of parts by what the parts say."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._new: dict[str, list[Any]] = {}

    @cached_property
    def _made_by(self) -> str:
        return _made_by()

    @cached_property
    def _known(self) -> dict[str, list[Any]]:
        # A log that this process has parsed already asks for none.
        return self._read()

    def outline(self, text: str, parse: Callable[[str], Outline]) -> Outline:
        data = text.encode("utf-8", "surrogateescape")
        key = hashlib.blake2b(data, digest_size=16).hexdigest()
        plain = self._known.get(key)
        if plain is None:
            outline = parse(text)
            self._new[key] = _plain(outline)
            return outline
        return _outline(plain)

    def save(self) -> None:
        if len(self._new) < _FEW or not self._path.parent.is_dir():
            return
        kept = self._known if len(self._known) + len(self._new) <= _MOST else {}
        with contextlib.suppress(OSError):
            content = orjson.dumps({"made_by": self._made_by, "parts": kept | self._new})
            write_atomic(self._path, b"%08x\n%s" % (zlib.crc32(content), content), sync=False)

    def _read(self) -> dict[str, list[Any]]:
        with contextlib.suppress(OSError, ValueError, KeyError):
            checksum, _, content = self._path.read_bytes().partition(b"\n")
            if int(checksum, 16) == zlib.crc32(content):
                found = orjson.loads(content)
                if found["made_by"] == self._made_by:
                    parts: dict[str, list[Any]] = found["parts"]
                    return parts
        return {}


@contextlib.contextmanager
def remembering(runs: Path) -> Iterator[None]:
    """Parse logs with the outlines that are kept in this runs folder."""
    memory = Memory(runs / ".index-outlines")
    token = parsed_by.set(memory.outline)
    try:
        yield
    finally:
        parsed_by.reset(token)
    memory.save()


def _made_by() -> str:
    """What an outline depends on beside its text: the code that makes it."""
    own = importlib.util.find_spec("lab.log.outline")
    other = importlib.util.find_spec("markdown_it")
    places = [Path(spec.origin) for spec in (own, other) if spec and spec.origin]
    return " ".join(f"{place.stat().st_mtime_ns}:{place.stat().st_size}" for place in places)


def _plain(outline: Outline) -> list[Any]:
    return [
        [[one.level, one.title, one.line] for one in outline.headings],
        [[one.text, one.done, one.line, one.column] for one in outline.tasks],
        sorted(outline.rules),
        sorted(outline.code),
        sorted(outline.html),
        outline.open,
    ]


def _outline(plain: list[Any]) -> Outline:
    headings, tasks, rules, code, html, is_open = plain
    return Outline(
        tuple(Heading(*one) for one in headings),
        tuple(Task(*one) for one in tasks),
        frozenset(rules),
        frozenset(code),
        frozenset(html),
        is_open,
    )
