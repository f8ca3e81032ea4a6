"""manifest.json of a zip file of runs: which runs, and size and sha256 of each of their files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from lab.errors import InputError
from lab.exchange.contents import is_portable, is_run_id

NAME = "manifest.json"
FORMAT = "lab-runs"
VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """One file: its size in bytes and its sha256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The files of each run by their names inside its folder."""

    runs: Mapping[str, Mapping[str, Entry]]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for files in self.runs.values() for entry in files.values())

    def members(self) -> list[str]:
        """Names of all files in the zip file."""
        return [member(run, name) for run, files in self.runs.items() for name in files]

    def encode(self) -> bytes:
        runs = {
            run: {name: {"size": e.size, "sha256": e.sha256} for name, e in files.items()}
            for run, files in self.runs.items()
        }
        document = {"format": FORMAT, "version": VERSION, "runs": runs}
        return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def decode(cls, content: bytes) -> Manifest:
        """The manifest in these bytes; InputError where it is none, or names what must not be."""
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise refusal(f"its {NAME} is no JSON ({error})") from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise refusal(f"its {NAME} is not one of `lab export`")
        if document.get("version") != VERSION:
            raise InputError(
                "The zip file is of a version that is not known here",
                seen=document.get("version"),
                do="Import it with the version of lab that wrote it, or a later one.",
            )
        runs = document.get("runs")
        if not isinstance(runs, dict) or not runs:
            raise refusal(f"its {NAME} lists no runs")
        return cls({str(run): _files(str(run), listed) for run, listed in runs.items()})


def member(run: str, name: str) -> str:
    """The name in the zip file of a run's file."""
    return f"runs/{run}/{name}"


def refusal(why: str) -> InputError:
    return InputError(
        "That is not a whole zip file of runs", seen=why, do="Nothing was imported. Export it anew."
    )


def _files(run: str, listed: Any) -> dict[str, Entry]:
    if not is_run_id(run):
        raise refusal(f"{run!r} is no id of a run")
    if not isinstance(listed, dict) or not {"run.json", "params.json"} <= listed.keys():
        raise refusal(f"run {run} has no run.json or params.json")
    return {str(name): _entry(run, str(name), described) for name, described in listed.items()}


def _entry(run: str, name: str, described: Any) -> Entry:
    if not is_portable(name) or name.startswith("."):
        raise refusal(f"run {run} has a file with the name {name!r}")
    size, sha256 = (described.get(k) if isinstance(described, dict) else None for k in _KEYS)
    if type(size) is not int or size < 0 or not _SHA256.fullmatch(str(sha256)):
        raise refusal(f"size or sha256 of {name} of run {run} is missing")
    return Entry(size, str(sha256))


_KEYS = ("size", "sha256")
