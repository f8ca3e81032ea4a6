"""Where pages lie within a site, as names that every file system and browser takes."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from hashlib import sha256

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


def slug(text: str, *, limit: int = 60) -> str:
    """`text` in lower-case letters, digits and dashes.

    slug("d_complex: 256 better (3 seeds)")  # "d-complex-256-better-3-seeds"
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return words[:limit].rstrip("-") or "untitled"


def file_name(name: str) -> str:
    """A file name for `name`: itself where that is safe, else a slug of it with a digest."""
    if _PLAIN.fullmatch(name):
        return name
    return f"{slug(name)}-{sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


class Names:
    """Hands out names, each once: a second "a" is "a-2"."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def take(self, wanted: str) -> str:
        self._counts[wanted] += 1
        if self._counts[wanted] == 1:
            return wanted
        return self.take(f"{wanted}-{self._counts[wanted]}")
