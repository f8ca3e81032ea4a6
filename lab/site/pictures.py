"""Images of runs and logs, copied into the site under names made from what they hold."""

from __future__ import annotations

import base64
import struct
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from lab.site import shrink
from lab.site.folder import SiteFolder
from lab.site.markdown import Picture
from lab.site.shrink import shrunk

_LARGE = 20_000_000  # bytes; a larger file is no picture for a page
_KINDS = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"BM": "bmp",
}


class Pictures:
    """Puts each image into the site once, however many pages show it; `whole` ones as they are."""

    def __init__(self, folder: SiteFolder, *, whole: bool = False) -> None:
        self._folder = folder
        self._whole = whole
        self._found: dict[Path, Picture | None] = {}

    def put(self, file: Path, up: str) -> Picture | None:
        """The image for a page that is `up` ("../") from the site's root; None where it is none."""
        if file not in self._found:
            self._found[file] = self._copied(file)
        found = self._found[file]
        if found is None or found.src.startswith("data:"):
            return found
        return Picture(up + found.src, found.width, found.height)

    def _copied(self, file: Path) -> Picture | None:
        try:
            data = file.read_bytes() if file.stat().st_size <= _LARGE else b""
        except OSError:
            return None
        if file.suffix.lower() == ".svg":
            # Opened on its own a drawing can run script; as the source of an image it cannot.
            return Picture(data_address("image/svg+xml", data)) if data else None
        kind = kind_of(data)
        if kind is None:
            return None
        name = f"files/{sha256(data).hexdigest()[:20]}.{kind}"
        if self._whole or kind != "png":
            self._folder.put(name, data)
        else:
            name = self._smaller(name, data)
        return Picture(name, *_size(data))

    def _smaller(self, name: str, data: bytes) -> str:
        """The name of the picture made smaller, which an earlier build may have done."""
        digest = sha256(_how() + data).hexdigest()
        small = name.removesuffix("png") + "webp"
        for known in (small, name):
            if self._folder.keep(known, digest):
                return known
        made = shrunk(data)
        name = name if made is data else small
        self._folder.put_from(name, digest, made)
        return name


@lru_cache(maxsize=1)
def _how() -> bytes:
    """What a smaller picture depends on beside the picture."""
    import PIL

    return PIL.__version__.encode() + Path(shrink.__file__).read_bytes()


def kind_of(data: bytes) -> str | None:
    """The kind of image that bytes are, by how they begin and not by what a name says."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((kind for start, kind in _KINDS.items() if data.startswith(start)), None)


def data_address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _size(data: bytes) -> tuple[int | None, int | None]:
    """Width and height of a PNG in pixels; of other kinds they are not known."""
    if data.startswith(b"\x89PNG") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return int(width), int(height)
    return None, None
