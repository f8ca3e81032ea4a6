"""Writing an entry in the user's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from lab.errors import LogError


def edited(text: str) -> str:
    """`text` as the user left it in $VISUAL or $EDITOR.

    Raises LogError where nothing is left, the editor fails, or the entry lost its heading; in the
    last case the file with the user's words is kept and named.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    handle, name = tempfile.mkstemp(prefix="lab-entry-", suffix=".md")
    path = Path(name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    keep = False
    try:
        _run(command, path)
        result = path.read_text(encoding="utf-8").replace("\r\n", "\n").removeprefix("\ufeff")
        if not result.strip():
            raise LogError("The entry is empty", do="Nothing was written.")
        if not result.lstrip().startswith("## "):
            keep = True
            raise LogError(
                "The entry has lost its heading",
                seen=result.strip().split("\n", 1)[0][:60],
                do=f"Start it with `## DATE TITLE`. Nothing was written; your text is in {path}.",
            )
    except UnicodeDecodeError:
        keep = True
        raise LogError(
            "The entry is not UTF-8", do=f"Nothing was written; your text is in {path}."
        ) from None
    finally:
        if not keep:
            path.unlink(missing_ok=True)
    return result


def _run(command: str, path: Path) -> None:
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
