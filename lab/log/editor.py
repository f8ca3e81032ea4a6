"""Writing an entry in the user's own editor; words that are not written into a log are kept."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError, LogError, WorkFailed


@contextmanager
def edited(text: str) -> Iterator[str]:
    """`text` as the user left it in $VISUAL or $EDITOR, for the block that writes it.

    Raises LogError where nothing is left, the editor fails, or the entry lost its heading, and
    WorkFailed on Ctrl-C. Where the user had changed the text, it is then kept in a file that the
    error names, and so it is where the block raises.
    """
    handle, name = tempfile.mkstemp(prefix="lab-entry-", suffix=".md")
    path = Path(name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    keep = False
    try:
        _run(path)
        yield _read(path)
    except (LabError, KeyboardInterrupt) as error:
        keep = _changed(path, text)
        if isinstance(error, KeyboardInterrupt):
            error = WorkFailed("Interrupted", do="Nothing was written.")
        if not keep:
            raise error from None
        raise type(error)(
            error.what, seen=error.seen, do=f"{error.do} Your text is in {path}.".strip()
        ) from None
    finally:
        if not keep:
            path.unlink(missing_ok=True)


def _read(path: Path) -> str:
    try:
        result = path.read_text(encoding="utf-8").replace("\r\n", "\n").removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise LogError("The entry is not UTF-8", do="Nothing was written.") from None
    if not result.strip():
        raise LogError("The entry is empty", do="Nothing was written.")
    if not result.lstrip().startswith("## "):
        raise LogError(
            "The entry has lost its heading",
            seen=result.strip().split("\n", 1)[0][:60],
            do="Start it with `## DATE TITLE`. Nothing was written.",
        )
    return result


def _changed(path: Path, text: str) -> bool:
    """Whether the file holds words of the user."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    return bool(data.strip()) and data != text.encode()


def _run(path: Path) -> None:
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        ended = subprocess.run([*shlex.split(command), str(path)], check=False).returncode
    except (OSError, ValueError) as error:
        raise LogError(
            "The editor cannot be started",
            seen=f"{command} ({error})",
            do="Set $EDITOR to an editor. Nothing was written.",
        ) from None
    if ended != 0:
        raise LogError(
            f"The editor ended with code {ended}", seen=command, do="Nothing was written."
        )
