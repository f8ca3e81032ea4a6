"""The folder that a site is written into: only what was put there is ever changed or removed."""

from __future__ import annotations

import contextlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from lab.errors import InputError
from lab.record.files import write_atomic

MARK = ".lab-site.json"
_ABOUT = "Made by `lab site build`, which removes the files listed here when they are out of date."


class SiteFolder:
    """Files written since `opened`; what an earlier build left and this one did not is removed.

    Equal files are not written again, so that their times say when they last changed.
    """

    def __init__(self, root: Path, before: dict[str, str]) -> None:
        self.root = root
        self._before = before
        self._now: dict[str, str] = {}
        self.written = 0

    @classmethod
    def opened(cls, root: Path) -> SiteFolder:
        """The folder `root`, made where it is missing.

        Raises InputError where it holds files that no earlier build put there.
        """
        try:
            if root.exists() and not root.is_dir():
                raise InputError("The site needs a folder", seen=root, do="Name another --out.")
            mark = root / MARK
            if root.exists() and not mark.is_file() and any(root.iterdir()):
                raise InputError(
                    "The folder holds files that are not part of a site",
                    seen=root,
                    do="Nothing was written. Name an empty or new folder with --out.",
                )
            before = _listed(mark)
            root.mkdir(parents=True, exist_ok=True)
            if not mark.exists():
                write_atomic(mark, _marked({}))
        except OSError as error:
            raise InputError(
                "The site cannot be written",
                seen=f"{root} ({error.strerror})",
                do="Mend its permissions, or name another folder with --out.",
            ) from None
        return cls(root, before)

    def put(self, name: str, content: str | bytes) -> None:
        """Write a file; nothing happens where it holds the same already."""
        data = content.encode("utf-8", "replace") if isinstance(content, str) else content
        self._now[name] = sha256(data).hexdigest()
        path = self.root / name
        with contextlib.suppress(OSError):
            if path.stat().st_size == len(data) and path.read_bytes() == data:
                return
        self._write(path, data)

    def keep(self, name: str, digest: str) -> bool:
        """Whether this build or the one before wrote the file from what has this digest."""
        if self._now.get(name) == digest:
            return True
        if self._before.get(name) != digest or not (self.root / name).is_file():
            return False
        self._now[name] = digest
        return True

    def put_from(self, name: str, digest: str, content: str | bytes) -> None:
        """Write a file that was made from what has this digest."""
        self._now[name] = digest
        data = content.encode("utf-8", "replace") if isinstance(content, str) else content
        self._write(self.root / name, data)

    def close(self) -> int:
        """Remove what is out of date and list what is there; how many were removed."""
        stale = [name for name in self._before if name not in self._now]
        removed = sum(self._remove(name) for name in stale)
        write_atomic(self.root / MARK, _marked(self._now))
        return removed

    @property
    def size(self) -> int:
        """Bytes of all files of the site."""
        return sum((self.root / name).stat().st_size for name in self._now)

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.written += 1

    def _remove(self, name: str) -> bool:
        path = self.root / name
        # The list is a file that anybody may have edited: nothing outside the folder is touched.
        inside = path.parent.resolve().is_relative_to(self.root.resolve())
        if not inside or not path.is_file():
            return False
        path.unlink()
        with contextlib.suppress(OSError):
            path.parent.rmdir()  # fails, as it should, where it is not empty
        return True


def _listed(mark: Path) -> dict[str, str]:
    if not mark.is_file():
        return {}
    try:
        files: Any = orjson.loads(mark.read_bytes())["files"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {str(k): str(v) for k, v in files.items()} if isinstance(files, dict) else {}


def _marked(files: dict[str, str]) -> bytes:
    value = {"about": _ABOUT, "files": dict(sorted(files.items()))}
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
