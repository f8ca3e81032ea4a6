"""A PNG that says which values it was drawn of, and whether its pixels are as they were drawn.

The seal is a text chunk (PNG specification, section 11.3.3.2), which no viewer shows. It is read
without decoding the picture, and another version of matplotlib may draw other pixels under it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from hashlib import sha256

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEY = b"lab\0"
_PIXELS = (b"IHDR", b"PLTE", b"IDAT")


def sealed(png: bytes, values: str) -> bytes:
    """The picture with a seal: drawn of `values`, with these pixels."""
    text = _KEY + f"{values} {_pixels(png)}".encode()
    crc = zlib.crc32(b"tEXt" + text)
    chunk = struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", crc)
    end = png.rindex(b"IEND") - 4
    return png[:end] + chunk + png[end:]


def drawn_of(png: bytes) -> str | None:
    """The values that a sealed picture was drawn of; None where it has no seal or was changed."""
    for kind, content in _chunks(png):
        if kind == b"tEXt" and content.startswith(_KEY):
            values, _, pixels = content[len(_KEY) :].decode("ascii", "replace").partition(" ")
            return values if pixels == _pixels(png) else None
    return None


def _pixels(png: bytes) -> str:
    parts = (content for kind, content in _chunks(png) if kind in _PIXELS)
    return sha256(b"".join(parts)).hexdigest()[:16]


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each chunk, as far as the file is whole."""
    at = len(_SIGNATURE) if png.startswith(_SIGNATURE) else len(png)
    while at + 12 <= len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += 12 + size
