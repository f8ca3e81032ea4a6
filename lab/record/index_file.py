"""One file of the index: the documents of many runs, beside what tells that they are current.

Written once and never changed, so that no reader needs a lock: who has something to add writes
another file and renames it. Rows stand in blocks, and in a block each kind of document by itself,
so that a look at one kind reads nothing of the others: a block at a time by who goes through the
rows, a document by who picks. All that is read is checked by CRC-32, and read by `pread`: a map of
a file that another machine replaces, or somebody cuts, kills the process.

    block ... block | names | ends and CRCs of documents | stamps of files | head (JSON) | trailer
"""

from __future__ import annotations

import os
import struct
import sys
import weakref
import zlib
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

DOCUMENTS = ("run.json", "params.json", "summary.json")
FILES = (*DOCUMENTS, "metrics.jsonl")
STAMP = 3 * len(FILES)  # numbers a row: modification time in ns, size and inode of each file

_BLOCK = 256  # rows
_MAGIC = b"lab-ix02"
_TRAILER = struct.Struct("=QQI8s")  # place of the names, place of the head, CRC of both, magic
_KINDS = len(DOCUMENTS)

Row = tuple[str, tuple[bytes, ...], Sequence[int]]


class Writer:
    """Writes a file of the index row by row, holding one block in memory."""

    def __init__(self, descriptor: int) -> None:
        """Write to an open, empty file, which stays the caller's to close."""
        self._descriptor = descriptor
        self._place = 0
        self._names: list[str] = []
        self._ends = array("I")
        self._checks = array("I")
        self._stamps = array("q")
        self._parts: list[list[bytes]] = [[] for _ in DOCUMENTS]
        self._sizes = [0] * _KINDS
        self._blocks: list[list[tuple[int, int]]] = []  # place and length of each part

    def add(self, name: str, documents: Sequence[bytes], stamp: Sequence[int]) -> None:
        for kind, document in enumerate(documents):
            self._parts[kind].append(document)
            self._sizes[kind] += len(document)
            self._ends.append(self._sizes[kind])
            self._checks.append(zlib.crc32(document))
        self._stamps.extend(stamp)
        self._names.append(name)
        if len(self._parts[0]) == _BLOCK:
            self._end_block()

    def finish(self) -> None:
        """Write what is left, and the tables."""
        self._end_block()
        start = self._place
        names = "\n".join(self._names).encode()
        head = orjson.dumps(
            {
                "rows": len(self._names),
                "names": len(names),
                "blocks": self._blocks,
                "order": sys.byteorder,
            }
        )
        columns = (self._ends, self._checks, self._stamps)
        tables = names + b"".join(column.tobytes() for column in columns)
        checksum = zlib.crc32(head, zlib.crc32(tables))
        trailer = _TRAILER.pack(start, start + len(tables), checksum, _MAGIC)
        self._write(tables + head + trailer)

    def _end_block(self) -> None:
        if not self._parts[0]:
            return
        places = []
        for kind, parts in enumerate(self._parts):
            content = b"".join(parts)
            places.append((self._place, len(content)))
            self._write(content)
            self._parts[kind], self._sizes[kind] = [], 0
        self._blocks.append(places)

    def _write(self, content: bytes) -> None:
        self._place += len(content)
        left = memoryview(content)
        while left:
            left = left[os.write(self._descriptor, left) :]


class Segment:
    """A file of the index, read as far as it is asked for; `rows` are the places of names in it."""

    def __init__(self, descriptor: int) -> None:
        """Take over an open file; raises OSError or ValueError where it is no whole index."""
        self._descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)
        size = os.fstat(descriptor).st_size
        if size < _TRAILER.size:
            raise ValueError("too short")
        start, at, checksum, magic = _TRAILER.unpack(
            self._read(_TRAILER.size, size - _TRAILER.size)
        )
        if magic != _MAGIC or not start <= at <= size:
            raise ValueError("not an index")
        tables = self._read(size - _TRAILER.size - start, start)
        if zlib.crc32(tables) != checksum:
            raise ValueError("damaged")
        head = orjson.loads(tables[at - start :])
        if head["order"] != sys.byteorder:
            raise ValueError("written by another kind of machine")
        rows, names = head["rows"], head["names"]
        known = tables[:names].decode().split("\n") if names else []
        self.rows = {name: row for row, name in enumerate(known)}
        self.damaged = False
        small = 4 * _KINDS * rows
        self._ends = array("I", tables[names : names + small])
        self._checks = array("I", tables[names + small : names + 2 * small])
        start = names + 2 * small
        self.stamps = array("q", tables[start : start + 8 * STAMP * rows])
        self._blocks: list[list[tuple[int, int]]] = head["blocks"]
        self._last: list[tuple[int, bytes]] = [(-1, b"")] * _KINDS  # blocks that were read
        self._row = [-2] * _KINDS  # the row that was asked for last
        self.columns: dict[Any, Any] = {}  # what was worked out of all rows, by its readers

    @classmethod
    def open(cls, path: Path) -> Segment | None:
        """The index in a file; None where there is none, or it is damaged."""
        try:
            return cls(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def identity(self) -> tuple[int, int, int]:
        """What tells this file from one that took its name since."""
        return identity_of(os.fstat(self._descriptor))

    def document(self, row: int, kind: int) -> bytes | None:
        """One document as JSON; None where it is damaged."""
        at = row * _KINDS + kind
        block, place = divmod(row, _BLOCK)
        start, end = (self._ends[at - _KINDS] if place else 0), self._ends[at]
        before, self._row[kind] = self._row[kind], row
        number, content = self._last[kind]
        try:
            if number == block:
                found = content[start:end]
            elif abs(row - before) == 1:
                content = self._read(self._blocks[block][kind][1], self._blocks[block][kind][0])
                self._last[kind] = (block, content)
                found = content[start:end]
            else:
                found = self._read(end - start, self._blocks[block][kind][0] + start)
        except OSError:
            found = b""
        if zlib.crc32(found) == self._checks[at]:
            return found
        self.damaged = True
        return None

    def documents(self, kind: int) -> Iterator[bytes | None]:
        """The documents of a kind row by row, as JSON; None for one that is damaged."""
        rows = len(self.rows)
        ends, checks = self._ends[kind::_KINDS], self._checks[kind::_KINDS]
        for number, places in enumerate(self._blocks):
            place, length = places[kind]
            try:
                content = self._read(length, place)
            except OSError:
                content = b""
            start = 0
            for row in range(number * _BLOCK, min((number + 1) * _BLOCK, rows)):
                document, start = content[start : ends[row]], ends[row]
                if zlib.crc32(document) == checks[row]:
                    yield document
                else:
                    self.damaged = True
                    yield None

    def rows_without(self, kind: int, texts: Sequence[bytes]) -> set[int]:
        """The rows whose document of this kind is whole, and lacks one of these texts."""
        return {
            row
            for row, document in enumerate(self.documents(kind))
            if document is not None and not all(text in document for text in texts)
        }

    def stamp(self, row: int) -> Sequence[int]:
        return self.stamps[row * STAMP : (row + 1) * STAMP]

    def all_rows(self) -> Iterator[Row]:
        """Every row that is not damaged, as `Writer.add` takes it."""
        for name, row in self.rows.items():
            documents = tuple(self.document(row, kind) for kind in range(_KINDS))
            if None not in documents:
                yield name, documents, self.stamp(row)  # type: ignore[misc]

    def _read(self, length: int, place: int) -> bytes:
        parts = []
        while length > 0 and (part := os.pread(self._descriptor, length, place)):
            parts.append(part)
            length, place = length - len(part), place + len(part)
        return b"".join(parts)


def identity_of(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_mtime_ns, found.st_size
